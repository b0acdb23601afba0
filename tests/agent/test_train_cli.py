"""`qingting train`, `export` and `--model RUN` where nothing is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.cli.run_models import model_flags
from pipeline.errors import ConfigError, ModelMissingError
from tests.train.tiny import CHATML, tokenizer
from train import schema
from train.presets import PRESETS
from train.run_folder import Manifest, RunFolder
from train.sft import unchanged_rows
from train.start import RunRequest, create, prepare


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A model folder without weights: enough to plan by."""
    folder = tmp_path / "tiny-base"
    folder.mkdir()
    tokenizer().save(str(folder / "tokenizer.json"))
    settings = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "chat_template": CHATML}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = {
        "model_type": "llama",
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "vocab_size": 259,
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "chat.jsonl"
    schema.write(path, [_conversation(f"question {number}", "answer") for number in range(20)])
    return path


def _conversation(question: str, reply: str) -> schema.Conversation:
    messages = (
        schema.Message(role="user", content=question),
        schema.Message(role="assistant", content=reply),
    )
    return schema.Conversation(
        id=schema.conversation_id(messages), source="test", messages=messages
    )


def invoke(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)


def test_a_plan_tells_time_memory_faults_and_other_tools(data: Path, base: Path):
    """It needs no torch and writes nothing."""
    result = invoke("train", "plan", data, "--base", base, "--price", "2", "--preset", "monkey")
    assert result.exit_code == 0, result.output
    for word in ("memory", "time", "cost", "by heart", "no system prompt", "llamafactory-cli",
                 "mlx_lm.lora"):  # fmt: skip
        assert word in result.output.replace("\n", " "), word


def test_brackets_in_a_name_or_a_prompt_are_shown(data: Path, base: Path):
    """They are no markup of ours."""
    base = base.rename(base.with_name("[tiny]"))
    plan = invoke("train", "plan", data, "--base", base, "--set", "system=[warm] voice").output
    assert "[warm] voice" in plan
    assert "/[tiny]" in plan.replace("\n", "")


def test_a_split_is_measured_by_its_own_validation_set(data: Path, base: Path):
    """Where `data split` wrote it, unless another is named; an empty one measures nothing."""
    train, valid = data.rename(data.with_name("train.jsonl")), data.with_name("valid.jsonl")
    schema.write(valid, [_conversation(f"held out {number}", "answer") for number in range(7)])
    plan = invoke("train", "plan", train, "--base", base).output
    assert "20 to train on, 7 to measure by (valid.jsonl)" in plan
    assert "--dataset train " in plan
    assert "--eval_dataset valid" in plan
    valid.write_text("")
    assert "(valid.jsonl)" not in invoke("train", "plan", train, "--base", base).output


def test_a_plan_that_cannot_be_carried_out_ends_with_code_2(data: Path, base: Path):
    """QLoRA without a card, and a recipe that does not exist."""
    settings = ("--base", base, "--preset", "nobody")
    assert invoke("train", "plan", data, *settings).exit_code == 2


def test_a_run_goes_on_from_what_is_there(data: Path, base: Path, tmp_path: Path):
    """A finished run, a GGUF, or a persona that is tuned for the base; all else is refused."""
    for given in ("nobody", "listener", tmp_path / "nothing"):
        refused = invoke("train", "plan", data, "--base", base, "--from", given)
        assert refused.exit_code == 2
        assert f"--from {given}: no run, no file" in refused.stderr
    file = tmp_path / "notes.gguf"
    file.write_text("words")
    refused = invoke("train", "plan", data, "--base", base, "--from", file)
    assert "is no GGUF file" in refused.stderr


def test_a_persona_is_named_and_its_adapter_found(data: Path, tmp_path: Path):
    """As `--from listener` with the model that it is tuned for."""
    own = tmp_path / "kind/smollm2-135m.gguf"
    own.parent.mkdir()
    own.write_text("words")
    settings = ("--set", f"persona.directory={tmp_path}", "--set", "privacy.offline=true")
    arguments = ("train", "plan", data, "--base", "smollm2-135m", "--from")
    assert "no run, no file" not in invoke(*settings, *arguments, "kind").stderr
    assert "no run, no file" in invoke(*settings, *arguments, "other").stderr


def test_personal_data_is_not_trained_on_by_accident(tmp_path: Path, base: Path):
    """The message names the kind, never the number; --force goes on and keeps the warning."""
    path = tmp_path / "private.jsonl"
    phone = "13812345678"
    rows = [_conversation(f"在嗎{number}", f"打我電話{phone}") for number in range(20)]
    schema.write(path, rows)
    refused = invoke("train", "plan", path, "--base", base)
    assert refused.exit_code == 2
    assert phone not in refused.output
    forced = invoke("train", "plan", path, "--base", base, "--force")
    assert forced.exit_code == 0
    assert "personal data remains" in forced.output.replace("\n", " ")


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the hub's library keeps what it fetched; empty, and the hub is not to be asked."""
    from huggingface_hub import HfApi, constants

    def asked(*_: object, **__: object) -> None:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(HfApi, "repo_info", asked)
    return tmp_path / "hub"


OFFLINE = ("--set", "privacy.offline=true", "train")


def test_offline_no_base_is_fetched(data: Path, hub_cache: Path, tmp_path: Path):
    """One sentence and code 2, for a plan as for an adapter from elsewhere."""
    for command in (("plan", data), ("adopt", tmp_path, "--out", tmp_path / "adopted")):
        refused = invoke(*OFFLINE, *command, "--base", "owner/tiny-0.5B")
        assert refused.exit_code == 2
        assert refused.stderr.startswith(
            "qingting: owner/tiny-0.5B is not here and privacy.offline"
        )
        assert refused.stderr.count("\n") == 1


def test_offline_a_base_that_is_here_is_trained_from(data: Path, base: Path, hub_cache: Path):
    """What an earlier fetch left is nobody's download."""
    stored = hub_cache / "models--owner--tiny-0.5B"
    (stored / "refs").mkdir(parents=True)
    (stored / "refs" / "main").write_text("0" * 40)
    (stored / "snapshots").mkdir()
    base.rename(stored / "snapshots" / ("0" * 40))
    planned = invoke(*OFFLINE, "plan", data, "--base", "owner/tiny-0.5B")
    assert planned.exit_code == 0, planned.output
    assert "owner/tiny-0.5B" in planned.output


def test_training_does_not_touch_what_is_there(data: Path, base: Path, tmp_path: Path):
    """A folder with something in it is refused before anything else."""
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "file").write_text("mine")
    result = invoke("train", "run", data, "--base", base, "--out", taken)
    assert result.exit_code == 2
    assert (taken / "file").read_text() == "mine"


def _run(tmp_path: Path, gguf: Path | None) -> RunFolder:
    folder = RunFolder.create(tmp_path / "run")
    folder.save(
        Manifest(
            created="2026-11-21",
            base="base",
            base_gguf=str(gguf) if gguf else None,
            base_folder=str(tmp_path),
            recipe=PRESETS["qingting-cpu"],
            preset="qingting-cpu",
            template_sha256="",
            data=(),
            rows_sha256="",
            rows={},
            versions={},
            machine="",
        )
    )
    return folder


def test_a_run_stands_for_its_base_and_adapter(tmp_path: Path):
    """`--model RUN` sets both settings."""
    gguf = tmp_path / "base.gguf"
    gguf.touch()
    folder = _run(tmp_path, gguf)
    folder.adapter_gguf.touch()
    assert model_flags(str(folder.path)) == {
        "models.llm": str(gguf),
        "models.llm_adapter": str(folder.adapter_gguf),
    }


def test_a_merged_run_stands_for_its_model(tmp_path: Path):
    """Without an adapter the exported GGUF is called."""
    folder = _run(tmp_path, None)
    with pytest.raises(ModelMissingError, match="qingting export"):
        model_flags(str(folder.path))
    folder.export.mkdir()
    (folder.export / "model-q8_0.gguf").touch()
    assert model_flags(str(folder.path)) == {"models.llm": str(folder.export / "model-q8_0.gguf")}


def test_a_run_whose_base_has_gone_is_not_called(tmp_path: Path):
    """The message says which file is missed."""
    folder = _run(tmp_path, tmp_path / "gone.gguf")
    folder.adapter_gguf.touch()
    with pytest.raises(ModelMissingError, match=r"gone\.gguf"):
        model_flags(str(folder.path))


def test_anything_else_is_a_models_name():
    """As before."""
    assert model_flags("qwen2.5-coder-1.5b") == {"models.llm": "qwen2.5-coder-1.5b"}
    assert model_flags(None) == {}


def test_a_run_whose_rows_were_touched_is_not_gone_on_with(data: Path, base: Path, tmp_path: Path):
    """Half a run on other rows would be a run on neither."""
    request = RunRequest((data,), None, str(base), "qingting-cpu", {})
    folder = create(tmp_path / "made", prepare(request))
    training, validation = unchanged_rows(folder)
    assert len(training) + len(validation) == 20
    path = folder.data / "training.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(ConfigError, match="changed"):
        unchanged_rows(folder)


def test_a_resumed_run_must_exist(tmp_path: Path):
    """The sentence names the missing file."""
    with pytest.raises(ConfigError):
        RunFolder.open(tmp_path)
    assert invoke("train", "resume", tmp_path).exit_code == 2
    assert invoke("export", tmp_path).exit_code == 2
    assert invoke("eval", tmp_path).exit_code == 2
