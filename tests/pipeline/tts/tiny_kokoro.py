"""Kokoro's files with a network of one tone: the inputs and outputs of both exports, no weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

SAMPLES_PER_TOKEN = 1_800  # 75 ms, about the real one's pace
# Of v1.1-zh's symbols those that v1.0 has not, at tokens that v1.0 leaves free.
ZHUYIN = (
    "ㄅㄆㄇㄈㄉㄊㄋㄌㄍㄎㄏㄐㄑㄒㄓㄔㄕㄖㄗㄘㄙㄚㄛㄜㄝㄞㄟㄠㄡㄢㄣㄤㄥㄦㄧㄨㄩ"
    "ㄭ十月压言阳要阴应用又中穵外万王为文瓮我元云/12345R"
)


def usual_vocabulary() -> dict[str, int]:
    """v1.0's, as hibari carries it."""
    text = resources.files("hibari").joinpath("assets/vocab.json").read_text(encoding="utf-8")
    vocabulary: dict[str, int] = json.loads(text)
    return vocabulary


def zhuyin_vocabulary() -> dict[str, int]:
    """v1.1-zh's symbols."""
    return {**usual_vocabulary(), **{symbol: 200 + at for at, symbol in enumerate(ZHUYIN)}}


def write_v1_0(folder: Path, speakers: Sequence[str] = ("af_heart", "bm_lewis", "zf_xiaoxiao")):
    """kokoro-v1.0.onnx and voices-v1.0.bin: tokens, style, speed float32 to audio."""
    onnx.save(_network("tokens", TensorProto.FLOAT, told_durations=False), folder / "kokoro.onnx")
    with (folder / "voices-v1.0.bin").open("wb") as file:
        np.savez(file, **{name: _styles(number) for number, name in enumerate(speakers)})
    return folder


def write_v1_1(folder: Path, speakers: Sequence[str] = ("af_maple", "zf_001", "zm_009")):
    """input_ids, style, speed int32 to waveform and duration; a file for each speaker."""
    onnx.save(_network("input_ids", TensorProto.INT32, told_durations=True), folder / "model.onnx")
    (folder / "config.json").write_text(json.dumps({"vocab": zhuyin_vocabulary()}), "utf-8")
    (folder / "voices").mkdir()
    for number, name in enumerate(speakers):
        _styles(number).tofile(folder / "voices" / f"{name}.bin")
    return folder


def _styles(number: int) -> np.ndarray:
    return np.random.default_rng(number).normal(size=(510, 1, 256)).astype(np.float32)


def _network(tokens: str, speed: int, *, told_durations: bool) -> onnx.ModelProto:
    """A tone, `SAMPLES_PER_TOKEN` for each token over the speed.

    The style must have its shape, or the graph fails as the real one would. Durations are 1
    for every token but the first, which takes 3: sound does not follow them.
    """
    out, shape = ("waveform", [1, "samples"]) if told_durations else ("audio", ["samples"])
    lengths = [1, -1] if told_durations else [-1]
    constants = {
        "axis": np.array([1], np.int64),
        "pace": np.array([float(SAMPLES_PER_TOKEN)], np.float32),
        "step": np.array(2 * np.pi * 200 / 24_000, np.float32),
        "none": np.array(0.0, np.float32),
        "once": np.array(1.0, np.float32),
        "level": np.array(0.3, np.float32),
        "lengths": np.array(lengths, np.int64),
        "first": np.array([[0]], np.int64),
        "three": np.array([3], np.int64),
        "expected": np.array([1, 256], np.int64),
        "scalar": np.array([], np.int64),
    }
    nodes = [
        helper.make_node("Reshape", ["style", "expected"], ["style_seen"]),
        helper.make_node("ReduceMean", ["style_seen"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "none"], ["zero"]),
        helper.make_node("Shape", [tokens], ["shape"]),
        helper.make_node("Gather", ["shape", "axis"], ["n"]),
        helper.make_node("Cast", ["n"], ["n_float"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["speed"], ["speed_float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["n_float", "pace"], ["usual"]),
        helper.make_node("Div", ["usual", "speed_float"], ["wanted"]),
        helper.make_node("Reshape", ["wanted", "scalar"], ["n_samples"]),
        helper.make_node("Range", ["none", "n_samples", "once"], ["at"]),
        helper.make_node("Mul", ["at", "step"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["tone"]),
        helper.make_node("Mul", ["tone", "level"], ["soft"]),
        helper.make_node("Add", ["soft", "zero"], ["sound"]),
        helper.make_node("Reshape", ["sound", "lengths"], [out]),
    ]
    outputs = [helper.make_tensor_value_info(out, TensorProto.FLOAT, shape)]
    if told_durations:
        nodes += [
            helper.make_node(
                "ConstantOfShape", ["n"], ["ones"], value=helper.make_tensor("v", 7, [1], [1])
            ),
            helper.make_node("ScatterND", ["ones", "first", "three"], ["duration"]),
        ]
        outputs.append(helper.make_tensor_value_info("duration", TensorProto.INT64, ["n"]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info(tokens, TensorProto.INT64, [1, "n"]),
            helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 256]),
            helper.make_tensor_value_info("speed", speed, [1]),
        ],
        outputs,
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
