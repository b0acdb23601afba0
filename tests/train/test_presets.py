"""The presets say what their originals said, and changes to them are checked."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigError
from train.presets import PRESETS, UNAVAILABLE, recipe


def test_the_presets_are_those_of_the_systems_replaced():
    """Each by its name."""
    assert set(PRESETS) >= {
        "chatman", "monkey", "llama-chinese", "bilibot", "weclone", "unsloth", "qingting-cpu",
    }  # fmt: skip


def test_monkey_is_the_peft_recipe():
    """r 8, alpha 32, dropout .1, batch 4 x 4, 10 epochs, 1e-4, 384 tokens."""
    made = PRESETS["monkey"]
    assert (made.rank, made.alpha, made.dropout, made.max_tokens) == (8, 32, 0.1, 384)
    assert (made.batch, made.accumulation, made.epochs, made.learning_rate) == (4, 4, 10, 1e-4)
    assert len(made.targets) == 7


def test_chatman_is_the_llama_factory_command():
    """lora_rank 8, lora_alpha 16, lora_dropout .5, 300 epochs, 1e-3, batch 2."""
    made = PRESETS["chatman"]
    assert (made.rank, made.alpha, made.dropout) == (8, 16, 0.5)
    assert (made.epochs, made.learning_rate, made.batch, made.max_tokens) == (300, 1e-3, 2, 2048)


def test_bilibot_scales_as_mlx_does():
    """mlx multiplies by 20 whatever the rank; PEFT by alpha over rank."""
    assert PRESETS["bilibot"].lora_scale == 20


def test_changes_are_read_as_the_field_wants_them():
    """Texts of the command line become numbers, lists and nothing."""
    made = recipe("monkey", {"rank": "4", "targets": "q_proj, v_proj", "save_steps": "none"})
    assert (made.rank, made.targets, made.save_steps) == (4, ("q_proj", "v_proj"), None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rank": "0"}, "rank"),
        ({"lr": "1"}, "there is no such field"),
        ({"method": "full", "dora": "true"}, "dora"),
        ({"stage": "dpo", "packing": "true"}, "packing"),
        *(({"method": name}, "not available") for name in UNAVAILABLE),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(changes, reason):
    """The sentence names the field, or what to take instead."""
    with pytest.raises(ConfigError, match=reason):
        recipe("qingting-cpu", changes)


def test_an_unknown_preset_is_refused():
    """The message lists those there are."""
    with pytest.raises(ConfigError, match="chatman"):
        recipe("nobody")
