"""ChatTTS's own classes, loaded and stepped."""

from __future__ import annotations

import logging
import shutil
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pipeline.errors import ConfigError, ModelCorruptError
from pipeline.tts.base import SpeechStyle
from pipeline.tts.chattts.controls import Manner
from pipeline.tts.chattts.joins import REACH_TOKENS, TOKEN_SAMPLES, audio_samples
from pipeline.tts.chattts.prompt import CodePrompt, code_prompt

if TYPE_CHECKING:
    import torch

    from pipeline.tts.chattts.model import ChatTtsModel

pytestmark = pytest.mark.chattts

TEXT = "我最近工作压力很大，晚上总是睡不好。"


def hidden_states(model: ChatTtsModel, tokens: int, seed: int = 0) -> list[torch.Tensor]:
    """What the first so many steps give, copied."""
    from agent.voices.chattts_random import small_config
    from pipeline.tts.chattts.speaker_code import draw_speaker

    speaker = draw_speaker(7, small_config())
    steps = model.generate(prompt(), speaker, seed=seed, max_tokens=tokens)
    return [hidden.clone() for hidden in steps]


def prompt() -> CodePrompt:
    made = code_prompt(TEXT, Manner(), SpeechStyle())
    assert made is not None
    return made


def test_every_step_adds_one_token_and_changes_none(model: ChatTtsModel):
    """So a window can be decoded while the text is being generated."""
    import torch

    states = hidden_states(model, 20)
    assert [len(state) for state in states] == list(range(1, len(states) + 1))
    for before, after in pairwise(states):
        assert torch.equal(before, after[:-1])


def test_the_seed_decides_the_draws_and_torchs_own_state_is_untouched(model: ChatTtsModel):
    """Another seed, another reading."""
    import torch

    state = torch.get_rng_state()
    first = hidden_states(model, 12)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(hidden_states(model, 12)[-1], first[-1])
    other = hidden_states(model, 12, seed=1)[-1]
    assert len(other) != len(first[-1]) or not torch.equal(other, first[-1])


def test_the_networks_reach_as_far_as_the_joins_reckon(model: ChatTtsModel):
    """A changed token changes samples up to that far away, and none beyond."""
    import torch

    from agent.voices.chattts_random import small_config

    tokens, changed = 160, 80
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(tokens, small_config().gpt.hidden_size, generator=generator)
    other = hidden.clone()
    other[changed] += 5.0
    audio, altered = model.decode(hidden), model.decode(other)
    assert len(audio) == audio_samples(tokens)
    touched = np.flatnonzero(np.abs(audio - altered) > 1e-6 * np.abs(audio).max())
    first, last = touched[0] / TOKEN_SAMPLES, touched[-1] / TOKEN_SAMPLES
    assert changed - REACH_TOKENS <= first < changed - REACH_TOKENS / 4
    assert changed + REACH_TOKENS / 4 < last <= changed + 1 + REACH_TOKENS


def test_weights_that_chattts_does_not_list_are_refused(assets: tuple[Path, dict[str, str]]):
    """Against its own list random weights are damaged files."""
    from agent.voices.chattts_random import small_config
    from pipeline.tts.chattts.model import ChatTtsModel

    with pytest.raises(ModelCorruptError, match="damaged"):
        ChatTtsModel(assets[0], device="cpu", config=small_config())


def test_weights_of_another_size_are_refused(assets: tuple[Path, dict[str, str]]):
    """With a sentence instead of a list of tensors."""
    from pipeline.tts.chattts.model import ChatTtsModel

    folder, hashes = assets
    with pytest.raises(ModelCorruptError, match="cannot load"):
        ChatTtsModel(folder, device="cpu", hashes=hashes)


def test_a_file_changed_after_it_was_listed_is_refused(
    assets: tuple[Path, dict[str, str]], tmp_path: Path
):
    """Before anything is loaded."""
    from agent.voices.chattts_random import small_config
    from pipeline.tts.chattts.model import ChatTtsModel

    folder, hashes = assets
    shutil.copytree(folder, tmp_path / "copy")
    with (tmp_path / "copy/asset/gpt/config.json").open("a") as file:
        file.write(" ")
    with pytest.raises(ModelCorruptError, match=r"config\.json"):
        ChatTtsModel(tmp_path / "copy", device="cpu", config=small_config(), hashes=hashes)


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_a_device_that_is_not_there_is_refused(assets: tuple[Path, dict[str, str]], device: str):
    """Before the weights are loaded."""
    from agent.voices.chattts_random import small_config
    from pipeline.tts.chattts.model import ChatTtsModel

    folder, hashes = assets
    with pytest.raises(ConfigError):
        ChatTtsModel(folder, device=device, config=small_config(), hashes=hashes)


def test_no_text_reaches_the_log(model: ChatTtsModel, caplog: pytest.LogCaptureFixture):
    """ChatTTS by itself logs what it is given to say."""
    caplog.set_level(logging.DEBUG)
    hidden_states(model, 4)
    assert not any(character in caplog.text for character in "压力睡")
