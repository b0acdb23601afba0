"""The same run with other tools, and their settings as ours."""

from __future__ import annotations

import shlex

import pytest

from pipeline.errors import ConfigError
from train.elsewhere import (
    from_llama_factory,
    llama_factory_command,
    llama_factory_template,
    mlx_commands,
)
from train.presets import PRESETS, recipe
from train.sft import steps_of

# The command of the second seed.
CHATMAN = """python src/train.py \\
--model_name_or_path ../ChatMan/Qwen/Qwen2-1.5B-Instruct/ --use_fast_tokenizer True \\
--dataset manman --finetuning_type lora --flash_attn fa2 --stage sft --do_train True \\
--template qwen --lora_rank 8 --lora_alpha 16 --lora_dropout 0.5 --lora_target all \\
--cutoff_len 2048 --output_dir ckpts --overwrite_output_dir True \\
--per_device_train_batch_size 2 --gradient_accumulation_steps 1 --save_steps 5000 \\
--save_total_limit 3 --num_train_epochs 300 --bf16 --learning_rate 1e-3 --plot_loss True"""


def test_the_seeds_command_is_the_preset():
    """Its flags, read as changes, give the values of `chatman`."""
    made = recipe("qingting-cpu", from_llama_factory(CHATMAN))
    for field in ("rank", "alpha", "dropout", "max_tokens", "batch", "accumulation", "epochs",
                  "learning_rate", "save_steps", "method", "stage"):  # fmt: skip
        assert getattr(made, field) == getattr(PRESETS["chatman"], field), field


def test_a_yaml_file_is_read(tmp_path):
    """Bits mean QLoRA, and the learned part follows train_on_prompt."""
    path = tmp_path / "train.yaml"
    path.write_text("stage: sft\nquantization_bit: 4\nlora_rank: 4\ntrain_on_prompt: true\n")
    changes = from_llama_factory(str(path))
    assert (changes["method"], changes["rank"], changes["alpha"]) == ("qlora", 4, 8)
    assert changes["learn"] == "everything"


@pytest.mark.parametrize(
    "line", ["--use_galore true", "--pissa_init true", "--finetuning_type freeze"]
)
def test_what_is_not_here_is_named(line):
    """Nothing is passed over in silence."""
    with pytest.raises(ConfigError, match="not available"):
        recipe("qingting-cpu", from_llama_factory(line))


def test_our_command_reads_back_as_the_same_recipe():
    """What is printed for LLaMA-Factory means what the recipe means."""
    before = PRESETS["monkey"]
    command = llama_factory_command(before, "base", "qwen", "set", 100)
    after = recipe("qingting-cpu", from_llama_factory(command))
    for field in ("rank", "alpha", "dropout", "max_tokens", "batch", "accumulation", "epochs",
                  "learning_rate", "schedule", "weight_decay", "seed"):  # fmt: skip
        assert getattr(after, field) == getattr(before, field), field


def test_a_validation_set_takes_the_place_of_a_share():
    """LLaMA-Factory refuses `eval_dataset` beside `val_size`."""
    words = shlex.split(
        llama_factory_command(PRESETS["qingting-cpu"], "b", "qwen", "a", 100, "valid")
    )
    assert words[words.index("--eval_dataset") + 1] == "valid"
    assert "--val_size" not in words


def test_its_max_steps_overrides_the_epochs():
    """As many steps are taken of however few examples; -1, its default, is none."""
    made = recipe("qingting-cpu", from_llama_factory("--max_steps 60 --num_train_epochs 1"))
    assert [steps_of(made, examples) for examples in (1, 8, 10_000)] == [60, 60, 60]
    made = recipe("qingting-cpu", from_llama_factory("--max_steps -1 --num_train_epochs 2"))
    assert (made.epochs, made.max_steps) == (2, None)


def test_null_is_as_good_as_not_named(tmp_path):
    """LLaMA-Factory's own example files name options so."""
    path = tmp_path / "run.yaml"
    path.write_text("stage: sft\nmax_steps: null\nlora_rank: null\nval_size: null\n")
    made = recipe("qingting-cpu", from_llama_factory(str(path)))
    assert (made.max_steps, made.rank, made.validation_share) == (None, 8, 0.0)


def test_ours_never_prolongs_a_run_elsewhere():
    """It is written as the steps of the plan, and not at all unless it was set."""
    short = recipe("qingting-cpu", {"max_steps": 1000, "epochs": 1})
    words = shlex.split(llama_factory_command(short, "base", "qwen", "set", 25))
    assert words[words.index("--max_steps") + 1] == "25"
    assert "--max_steps" not in llama_factory_command(PRESETS["monkey"], "b", "qwen", "set", 25)
    words = shlex.split(mlx_commands(short, "base", "data", rows=40)[0])
    assert words[words.index("--iters") + 1] == "40"


def test_mlx_gets_its_current_flags():
    """Rank and scale go through a file, layers are called num-layers, steps are counted."""
    train, fuse = mlx_commands(PRESETS["bilibot"], "models/base", "data", rows=1000)
    words = shlex.split(train)
    assert words[words.index("--iters") + 1] == "1000"
    assert "--num-layers" in words
    assert '"scale": 20.0' in train
    assert fuse.startswith("mlx_lm.fuse --model models/base")


def test_mlx_has_no_preferences():
    """The sentence says so."""
    with pytest.raises(ConfigError, match="stage=dpo"):
        mlx_commands(recipe("qingting-cpu", {"stage": "dpo", "packing": False}), "b", "d", 1)


@pytest.mark.parametrize(
    ("kind", "source", "name"),
    [
        ("qwen2", "<|im_start|>", "qwen"),
        ("llama", "<|im_start|>", "chatml"),
        ("llama", "x", "llama3"),
        ("llama", "[INST] <<SYS>>", "llama2"),
        ("gemma2", "<start_of_turn>", "gemma2"),
    ],
)
def test_templates_have_llama_factorys_names(kind, source, name):
    """ChatML is known by its markers, others by the family."""
    assert llama_factory_template(kind, source) == name


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--lora_rank", "lora_rank=true is no number"),
        ("--lora_rank 8 --val_size much", "val_size=much is no number"),
        ('--lora_rank "8', "cannot be read"),
        ("lora_rank 8", "neither a YAML file nor a command line"),
    ],
)
def test_a_line_that_cannot_be_read_is_one_sentence(line, sentence):
    """What is wrong with it is said, and nothing is guessed."""
    with pytest.raises(ConfigError, match=sentence):
        from_llama_factory(line)


def test_numbers_are_written_as_its_parser_takes_them():
    """LLaMA-Factory's alpha is an integer; argparse refuses 16.0 for it."""
    words = shlex.split(llama_factory_command(PRESETS["qingting-cpu"], "base", "qwen", "set", 100))
    assert words[words.index("--lora_alpha") + 1] == "16"
    assert words[words.index("--learning_rate") + 1] == "0.0002"


def test_llama_factory_has_no_middle_way():
    """Replies or everything; what lies between is refused rather than changed."""
    with pytest.raises(ConfigError, match="learn=dialogue"):
        llama_factory_command(
            recipe("qingting-cpu", {"learn": "dialogue"}), "b", "qwen", "set", 100
        )


def test_qwen3_is_told_not_to_think():
    """As the call renders its template."""
    assert "--enable_thinking False" in llama_factory_command(
        PRESETS["monkey"], "base", "qwen3", "set", 100
    )
