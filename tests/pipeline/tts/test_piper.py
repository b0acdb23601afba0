"""Piper voices: a tiny network of the real layout, and the real voice where it is here."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from agent.models import ModelStore
from pipeline.errors import ConfigError, ModelCorruptError, ModelMissingError
from pipeline.tts.base import Voice
from pipeline.tts.piper import PiperVoice
from tests.pipeline.tts.conformance import Conformance
from tests.pipeline.tts.speech import marks, say, sound

SAMPLES_PER_ID = 512  # of the tiny network: two hops
RATE_HZ = 16_000
SYMBOLS = [*"_^$ !'(),-.:;?", *"abcdefhijklmnopqrstuvwxyzæçðøħŋœɐɑɒɔɕɖəɚɛɜɡɪɫɬɯɲɹɾʁʃʊʌʒʔʲˈˌːθβ̩"]


def tiny_voice(folder: Path, espeak_voice: str = "en-us") -> Path:
    """A voice with Piper's inputs and outputs, whose network is noise of the right length."""
    config = {
        "audio": {"sample_rate": RATE_HZ},
        "espeak": {"voice": espeak_voice},
        "phoneme_type": "espeak",
        "num_symbols": 256,
        "num_speakers": 1,
        "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8},
        "phoneme_id_map": {symbol: [index] for index, symbol in enumerate(SYMBOLS)},
    }
    file = folder / "tiny.onnx"
    file.with_name("tiny.onnx.json").write_text(json.dumps(config), encoding="utf-8")
    onnx.save(_noise_as_long_as_the_phonemes(), file)
    return file


def _noise_as_long_as_the_phonemes() -> onnx.ModelProto:
    """output[1, 1, 1, input_lengths * 512 * length_scale], as VITS would at a steady pace."""
    constants = {
        "one": np.array([1], np.int64),
        "front": np.array([1, 1, 1], np.int64),
        "hop": np.array([float(SAMPLES_PER_ID)], np.float32),
        "low": np.array([-0.3], np.float32),
        "high": np.array([0.3], np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["scales", "one"], ["length_scale"]),
        helper.make_node("Cast", ["input_lengths"], ["n_ids"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["n_ids", "hop"], ["usual"]),
        helper.make_node("Mul", ["usual", "length_scale"], ["wanted"]),
        helper.make_node("Cast", ["wanted"], ["n_samples"], to=TensorProto.INT64),
        helper.make_node("Concat", ["front", "n_samples"], ["shape"], axis=0),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("RandomUniformLike", ["zeros"], ["noise"], low=-0.3, high=0.3, dtype=1),
        helper.make_node("Add", ["noise", "zeros"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, [1, "phonemes"]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, 1, "time"])],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> PiperVoice:
    return PiperVoice(tiny_voice(tmp_path_factory.mktemp("piper")))


@pytest.fixture(scope="module")
def joe(model_store: ModelStore) -> PiperVoice:
    return PiperVoice(model_store.path("piper-joe"))


class TestTinyPiper(Conformance):
    speaks = ("en",)
    obeys_volume = False  # noise has no steady peak

    @pytest.fixture
    def voice(self, tiny: PiperVoice) -> Voice:
        return tiny


@pytest.mark.models
@pytest.mark.slow
class TestJoe(Conformance):
    """`qingting models pull piper-joe` fetches it."""

    speaks = ("en",)
    obeys_volume = False  # it never says a text twice in the same way

    @pytest.fixture
    def voice(self, joe: PiperVoice) -> Voice:
        return joe


def test_a_folder_or_a_file_names_the_voice(tmp_path: Path):
    """Its name is the file's, its language espeak's."""
    file = tiny_voice(tmp_path)
    for place in (file, tmp_path):
        voice = PiperVoice(place)
        assert (voice.name, voice.languages) == ("tiny", {"en"})


def test_a_mandarin_voice(tmp_path: Path):
    """Such as zh_CN-huayan, which espeak-ng reads for."""
    voice = PiperVoice(tiny_voice(tmp_path, "cmn"))
    assert voice.languages == {"zh"}
    assert len(sound(say(voice, "我听到你说的话。"))) > 0


def test_pinyin_voices_are_refused(tmp_path: Path):
    """They would fetch a model of their own while a caller waits."""
    file = tiny_voice(tmp_path, "cmn")
    settings = file.with_name("tiny.onnx.json")
    described = json.loads(settings.read_text(encoding="utf-8"))
    settings.write_text(json.dumps({**described, "phoneme_type": "pinyin"}), encoding="utf-8")
    with pytest.raises(ConfigError, match="pinyin"):
        PiperVoice(file)


def test_an_english_voice_does_not_name_chinese_letters(tiny: PiperVoice):
    """espeak would say `Chinese letter` for each."""
    assert len(sound(say(tiny, "没关系"))) == 0
    mixed, plain = (len(sound(say(tiny, text))) for text in ("well 没关系", "well"))
    assert mixed == pytest.approx(plain, abs=3 * SAMPLES_PER_ID * 24_000 / RATE_HZ)


def test_brackets_are_no_raw_phonemes(tiny: PiperVoice):
    """What a model writes is text, whatever Piper makes of its marks."""
    assert len(sound(say(tiny, "[[hello there my friend how are you today]]"))) > 0


def test_sentences_come_one_by_one(tiny: PiperVoice):
    """The first can be heard while the second is computed; marks are spread over both."""
    first, second = "I hear you.", " Tell me more, if you like."
    ends = [mark.chars for mark in marks(say(tiny, first + second))]
    # How many there are is a matter of the lengths, which the voice draws by lot.
    assert sum(end <= len(first) for end in ends) >= 2
    assert sum(len(first) < end < len(first + second) for end in ends) >= 1


def test_the_text_is_not_logged(tiny: PiperVoice, caplog: pytest.LogCaptureFixture):
    """Piper's own way of speaking writes it into its log."""
    with caplog.at_level(logging.DEBUG):
        say(tiny, "my secret word")
    assert "secret" not in caplog.text


def test_other_languages_are_refused(tmp_path: Path):
    """The pipeline has none for it to speak."""
    with pytest.raises(ConfigError, match="neither Mandarin nor English"):
        PiperVoice(tiny_voice(tmp_path, "de"))


def test_missing_and_broken_files(tmp_path: Path):
    """Each with its own error."""
    with pytest.raises(ModelMissingError):
        PiperVoice(tmp_path)
    file = tiny_voice(tmp_path)
    settings = file.with_name("tiny.onnx.json")
    kept = settings.read_text(encoding="utf-8")
    for broken in ("{", "{}"):
        settings.write_text(broken, encoding="utf-8")
        with pytest.raises(ModelCorruptError):
            PiperVoice(file)
    settings.write_text(kept, encoding="utf-8")
    file.write_bytes(b"no network")
    with pytest.raises(ModelCorruptError):
        PiperVoice(file)
    settings.unlink()
    with pytest.raises(ModelMissingError):
        PiperVoice(file)
