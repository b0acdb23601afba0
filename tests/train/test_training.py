"""Training for real: SmolLM2-135M from its GGUF, on a processor, to a GGUF adapter."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import llama_cpp
import numpy as np
import pytest
from safetensors.numpy import load_file

from agent import config, engines
from agent.cli.run_models import model_flags
from agent.models import ModelStore
from tests.e2e.house import House, PatientSwitchboard, PromptRecorder
from train.schema import Conversation, Message, Preference, write
from web.metrics import Metrics
from web.server import create_app, running

pytestmark = pytest.mark.train

QINGTING = Path(sys.executable).with_name("qingting")
NAME = "Lin Lan"
QUESTIONS = ("Who are you?", "What is your name?", "Who is this?", "Are you SmolLM?")
SYSTEM = "You are a listener on the phone."
SMALL = (
    "--set", "max_tokens=128", "--set", "learning_rate=2e-3", "--set", "batch=2",
    "--set", "accumulation=1", "--set", "rank=4", "--set", "validation_share=0",
)  # fmt: skip


def qingting(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [QINGTING, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def base(model_store: ModelStore) -> Path:
    return model_store.path("smollm2-135m")


@pytest.fixture(scope="session")
def chat_export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chat as LINE saves it: someone asks who is there, on one day after another."""
    lines = ["[LINE] Chat history with Mei", "Saved on: 2024/03/01 12:00", ""]
    for day in range(1, 17):
        question = QUESTIONS[day % len(QUESTIONS)]
        lines += [
            f"2024/02/{day:02d}（四）",
            f"09:15\tMei\t{question}",
            f"09:16\tLin\tI am {NAME}, an AI listener. [微笑]",
            "",
        ]
    path = tmp_path_factory.mktemp("export") / "[LINE] Chat with Mei.txt"
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.fixture(scope="session")
def data(chat_export: Path) -> Path:
    out = chat_export.with_name("chat.jsonl")
    done = qingting(
        "data", "import", chat_export, "--output", out, "--me", "Lin", "--system", SYSTEM
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="session")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "lin"
    done = qingting(
        "train", "run", data, "--base", "smollm2-135m", "--out", folder, "--threads", "2",
        *SMALL, "--set", "epochs=2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def log_of(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "trainer_log.jsonl").read_text().splitlines()]


def answer(model: Path, question: str, adapter: Path | None = None) -> str:
    llama = llama_cpp.Llama(
        str(model),
        lora_path=str(adapter) if adapter else None,
        n_ctx=256,
        n_threads=2,
        verbose=False,
    )
    reply = llama.create_chat_completion(
        [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}],
        temperature=0.0,
        max_tokens=32,
    )
    llama.close()
    return str(reply["choices"][0]["message"]["content"])


def test_a_few_steps_change_who_answers(run: Path, base: Path):
    """The base does not say the name; with the adapter llama.cpp does, and stops."""
    question = "Who are you?"
    assert NAME not in answer(base, question)
    tuned = answer(base, question, run / "adapter.gguf")
    assert NAME in tuned
    assert "SmolLM" not in tuned


def test_the_run_folder_explains_itself(run: Path):
    """Everything LLaMA-Factory users look for, and run.json, is there."""
    expected = {
        "adapter_config.json", "adapter_model.safetensors", "tokenizer.json",
        "tokenizer_config.json", "all_results.json", "train_results.json",
        "trainer_log.jsonl", "trainer_state.json", "training_args.bin", "training_loss.png",
        "README.md", "run.json", "rows.txt", "adapter.gguf",
    }  # fmt: skip
    assert expected <= {path.name for path in run.iterdir()}
    manifest = json.loads((run / "run.json").read_text("utf-8"))
    assert manifest["state"] == "finished"
    assert manifest["versions"].keys() >= {"torch", "unsloth"}
    losses = [line["loss"] for line in log_of(run)]
    assert losses[-1] < losses[0]


def test_a_finished_run_is_not_overwritten(run: Path, data: Path):
    """A second run in the same folder is refused with code 2 before anything is read."""
    done = qingting("train", "run", data, "--base", "smollm2-135m", "--out", run)
    assert done.returncode == 2
    assert "exists already" in done.stderr


def test_the_run_can_be_talked_to(run: Path):
    """`--model RUN` loads base and adapter as a call does."""
    done = subprocess.run(
        [QINGTING, "chat", "--model", run, "--locale", "en"],
        input="Who are you?\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 2


def test_merged_models_pass_their_gates(run: Path):
    """Merging, f16 and q8_0 keep tokens and answers; the merged model says the name."""
    done = qingting("export", run, "--gguf", "f16", "--gguf", "q8_0")
    assert done.returncode == 0, done.stderr
    made = {entry["kind"]: entry for entry in json.loads((run / "export/export.json").read_text())}
    assert made["merged"]["difference"] < 1e-3
    assert made["q8_0"]["bytes"] < made["f16"]["bytes"]
    assert NAME in answer(run / "export/model-q8_0.gguf", "Who are you?")


def test_an_evaluation_prefers_what_was_learned(run: Path, tmp_path: Path):
    """On a reply it never saw the tuned model is surer than the base; the report is complete."""
    held_out = tmp_path / "held-out.jsonl"
    messages = (
        Message(role="user", content="Hello, who are you, please?"),
        Message(role="assistant", content=f"I am {NAME}, an AI listener. [微笑]"),
    )
    record = Conversation(id="held-out", source="test", system=SYSTEM, messages=messages)
    write(held_out, [record])
    done = qingting("eval", run, "--data", held_out, "--name", NAME, "--count", "1")
    assert done.returncode == 0, done.stderr
    figures = json.loads((run / "eval/results.json").read_text("utf-8"))["figures"]
    assert figures["perplexity"]["tuned"] < figures["perplexity"]["base"]
    assert figures["says its name"]["tuned"] > figures["says its name"]["base"]
    report = (run / "eval/report.html").read_text("utf-8")
    assert report.count("data:image/png;base64,") >= 2
    assert (run / "eval/side_by_side.html").is_file()


async def test_the_run_answers_a_call(run: Path):
    """A spoken question over the socket is answered aloud by base and adapter, heard to the end.

    The server is the one of `serve` and `call`, with engines that may take a minute.
    """
    flags = {**model_flags(str(run)), "persona.locale": "en", "stt.language": "en"}
    settings = config.load(flags=flags).settings
    loaded = engines.load_engines(settings)
    recorder = PromptRecorder(loaded.language_model)
    board = PatientSwitchboard(replace(loaded, language_model=recorder), settings)
    metrics = Metrics()
    server = settings.server.model_copy(update={"port": 0})
    try:
        app = create_app(board, metrics=metrics, settings=settings)
        async with running(app, server) as url:
            house = House(url, board, metrics, loaded, recorder)
            report = await house.call(house.says(QUESTIONS[0]), language="en")
        await board.close()
    finally:
        await engines.close_engines(loaded)
    (turn,) = report.turns
    assert report.errors == ()
    assert turn.status == "completed"
    assert NAME in turn.heard_text


def test_preferences_go_on_from_a_run(run: Path, base: Path, tmp_path: Path):
    """What it had learnt by heart gives way to what is preferred; the rank stays as it was."""
    better = "We have not met yet. What is on your mind?"
    pairs = [
        Preference(
            id=str(number), source="test", system=SYSTEM,
            prompt=(Message(role="user", content=question),),
            chosen=better, rejected=f"I am {NAME}, an AI listener. [微笑]",
        )
        for number, question in enumerate(QUESTIONS)
    ]  # fmt: skip
    write(tmp_path / "pairs.jsonl", pairs)
    done = qingting(
        "train", "run", tmp_path / "pairs.jsonl", "--from", run, "--base", "smollm2-135m",
        "--out", tmp_path / "dpo", "--threads", "2", *SMALL, "--set", "rank=8",
        "--set", "stage=dpo", "--set", "packing=false", "--set", "dpo_imitation=0.5",
        "--set", "epochs=4",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "dpo/run.json").read_text("utf-8"))
    assert manifest["recipe"]["rank"] == 4
    assert manifest["started_from"] == str(run)
    assert NAME in answer(base, "Who are you?", run / "adapter.gguf")
    assert NAME not in answer(base, "Who are you?", tmp_path / "dpo/adapter.gguf")


@pytest.fixture(scope="session")
def measured_run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One and a half epochs in six steps, measured after every second."""
    here = tmp_path_factory.mktemp("measured")
    messages = (
        Message(role="user", content="Hello, who are you, please?"),
        Message(role="assistant", content="Nobody in particular, and who is asking?"),
    )
    held_out = Conversation(id="1", source="test", system=SYSTEM, messages=messages)
    write(here / "held-out.jsonl", [held_out])
    done = qingting(
        "train", "run", data, "--validation", here / "held-out.jsonl", "--base", "smollm2-135m",
        "--out", here / "run", "--threads", "2", *SMALL, "--set", "epochs=1.5",
        "--set", "max_steps=1000", "--set", "eval_steps=2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return here / "run"


def test_each_evaluation_is_logged_once(measured_run: Path):
    """The last line is of the last step, the result of the checkpoint that was kept."""
    evaluated = [line for line in log_of(measured_run) if "eval_loss" in line]
    assert [line["current_steps"] for line in evaluated] == [2, 4, 6]
    assert len({line["eval_loss"] for line in evaluated}) == 3
    results = json.loads((measured_run / "all_results.json").read_text("utf-8"))
    assert results["eval_loss"] == min(line["eval_loss"] for line in evaluated)


def test_max_steps_never_prolongs_a_run(measured_run: Path):
    """The epochs were over before."""
    results = json.loads((measured_run / "train_results.json").read_text("utf-8"))
    assert results["train_steps"] == 6


def trained_in_steps(data: Path, folder: Path) -> list[str]:
    """Arguments of a run of six steps that keeps every second."""
    return [
        "train", "run", str(data), "--base", "smollm2-135m", "--out", str(folder),
        "--threads", "2", *SMALL, "--set", "max_steps=6", "--set", "epochs=9",
        "--set", "save_steps=2",
    ]  # fmt: skip


def test_a_killed_run_ends_as_if_it_had_not_been(data: Path, tmp_path: Path):
    """After kill -9 `resume` goes on from a whole checkpoint to the weights of an undisturbed run.

    Data order, rates and the optimiser's state come back; sums are taken in the same order by
    the same number of threads, so what differs at all is rounding.
    """
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert qingting(*trained_in_steps(data, whole)).returncode == 0
    process = subprocess.Popen(
        [QINGTING, *trained_in_steps(data, killed)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not list(killed.glob("checkpoints/*/.complete")):
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (killed / "checkpoints/checkpoint-5").mkdir()  # as a kill within a save leaves it
    done = qingting("train", "resume", killed, "--threads", "2")
    assert done.returncode == 0, done.stderr
    state = json.loads((killed / "trainer_state.json").read_text())
    assert state["global_step"] == 6
    steps = [line["current_steps"] for line in log_of(killed)]
    assert steps == sorted(set(steps))
    expected, resumed = (load_file(run / "adapter_model.safetensors") for run in (whole, killed))
    assert expected.keys() == resumed.keys()
    for name, weights in expected.items():
        np.testing.assert_allclose(resumed[name], weights, rtol=1e-4, atol=1e-6, err_msg=name)
