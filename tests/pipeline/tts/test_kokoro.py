"""Kokoro: tiny networks with the inputs of both exports, real phonemes, every fault of a file."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.errors import ConfigError, ModelCorruptError, ModelMissingError, SynthesisError
from pipeline.tts.base import SpeechStyle, Voice
from pipeline.tts.fallback import FallbackVoice
from pipeline.tts.kokoro import KokoroVoice
from pipeline.tts.kokoro_files import KokoroFiles, load_speaker, speaker_names
from tests.pipeline.tts.conformance import Conformance
from tests.pipeline.tts.speech import check_contract, marks, say, sound
from tests.pipeline.tts.tiny_kokoro import SAMPLES_PER_TOKEN, write_v1_0, write_v1_1


@pytest.fixture(scope="module")
def v1_0(tmp_path_factory: pytest.TempPathFactory) -> KokoroVoice:
    return KokoroVoice(write_v1_0(tmp_path_factory.mktemp("kokoro")))


@pytest.fixture(scope="module")
def v1_1(tmp_path_factory: pytest.TempPathFactory) -> KokoroVoice:
    return KokoroVoice(write_v1_1(tmp_path_factory.mktemp("kokoro-zh")))


class TestTinyKokoro(Conformance):
    @pytest.fixture
    def voice(self, v1_0: KokoroVoice) -> Voice:
        return v1_0


class TestTinyKokoroZh(Conformance):
    @pytest.fixture
    def voice(self, v1_1: KokoroVoice) -> Voice:
        return v1_1

    def test_rate_and_volume_are_obeyed(self, voice: Voice) -> None:
        """Volume is; its export takes whole speeds only, so every rate sounds as 1.0."""
        plain = sound(say(voice, "你好，很高兴见到你。"))
        slow = sound(say(voice, "你好，很高兴见到你。", SpeechStyle(rate=0.5)))
        soft = sound(say(voice, "你好，很高兴见到你。", SpeechStyle(volume=0.5)))
        assert len(slow) == len(plain)
        assert np.abs(soft).max() == pytest.approx(np.abs(plain).max() / 2, rel=0.01)


def test_one_token_for_each_symbol_and_one_at_both_ends(v1_0: KokoroVoice):
    """həlˈO. is what misaki makes of Hello., seven symbols with its stop."""
    assert len(sound(say(v1_0, "Hello."))) == (len("həlˈO.") + 2) * SAMPLES_PER_TOKEN


def test_durations_place_the_marks(v1_1: KokoroVoice):
    """The first token is three long: the first character is heard later than its share."""
    found = marks(say(v1_1, "你好"))
    length = found[-1].samples
    tokens_of_ni = 3 + len("ㄋㄧ2")
    assert found[0].chars == 1
    assert found[0].samples == pytest.approx(
        length * tokens_of_ni / (3 + len("ㄋㄧ2ㄏㄠ3") + 1), abs=1
    )


def test_passages_join(v1_0: KokoroVoice):
    """A long text takes several passes; its marks go on where the last one's sound ended."""
    text = "I hear you, and I am here. " * 8
    chunks = say(v1_0, text)
    check_contract(chunks, text)
    assert len(marks(chunks)) > 8 * 6


def test_a_word_longer_than_a_pass(v1_0: KokoroVoice):
    """It is cut: the real network takes 510 tokens and no more."""
    text = "a" * 3_000
    check_contract(say(v1_0, text), text)


def test_the_styles_of_a_length(tmp_path: Path):
    """Row i is for i + 1 symbols; a longer passage takes the last."""
    files = KokoroFiles.find(write_v1_0(tmp_path))
    assert load_speaker(files, "af_heart").shape == (510, 256)


def test_who_speaks(tmp_path: Path):
    """The usual speaker of each language, the first of its letter, or the one that is named."""
    folder = write_v1_0(tmp_path, ["zm_b", "zf_a", "bf_emma", "jf_alpha"])
    assert KokoroVoice(folder).languages == {"zh", "en"}
    assert speaker_names(KokoroFiles.find(folder)) == ["bf_emma", "jf_alpha", "zf_a", "zm_b"]
    assert KokoroVoice(folder, mandarin="jf_alpha").languages == {"zh", "en"}
    with pytest.raises(ConfigError, match=r"no speaker nobody; it has bf_emma, jf_alpha"):
        KokoroVoice(folder, english="nobody")


def test_one_language_alone(tmp_path: Path):
    """Without a Mandarin speaker it speaks English, and says Mandarin words all the same."""
    voice = KokoroVoice(write_v1_0(tmp_path, ["af_heart"]))
    assert voice.languages == {"en"}
    assert len(sound(say(voice, "没关系"))) > OUTPUT_RATE_HZ / 2


def test_speakers_of_other_languages_have_to_be_named(tmp_path: Path):
    """A Japanese one is not taken for Mandarin."""
    folder = write_v1_0(tmp_path, ["jf_alpha"])
    with pytest.raises(ConfigError, match=r"jf_alpha in voice\.kokoro"):
        KokoroVoice(folder)
    assert KokoroVoice(folder, english="jf_alpha").languages == {"en"}


def test_a_folder_or_the_network_names_the_voice(tmp_path: Path):
    """With two networks in the folder only the second way is clear."""
    folder = write_v1_0(tmp_path)
    (folder / "other.onnx").write_bytes((folder / "kokoro.onnx").read_bytes())
    with pytest.raises(ModelMissingError, match="2 networks"):
        KokoroVoice(folder)
    assert KokoroVoice(folder / "kokoro.onnx").name == "kokoro"


def test_missing_files(tmp_path: Path):
    """The sentence says what to put where."""
    with pytest.raises(ModelMissingError, match=r"kokoro-v1\.0\.onnx and voices-v1\.0\.bin"):
        KokoroVoice(tmp_path)
    (write_v1_0(tmp_path) / "voices-v1.0.bin").unlink()
    with pytest.raises(ModelMissingError, match="no speakers"):
        KokoroVoice(tmp_path)


def test_v1_1_needs_its_alphabet(tmp_path: Path):
    """Without config.json it would be given symbols it never learned."""
    (write_v1_1(tmp_path) / "config.json").unlink()
    with pytest.raises(ModelMissingError, match=r"config\.json"):
        KokoroVoice(tmp_path)


@pytest.mark.parametrize("damage", ["{", "3", '{"vocab": 3}', '{"vocab": {"a": "b"}}'])
def test_a_damaged_alphabet(tmp_path: Path, damage: str):
    """Not JSON, or not a table of tokens."""
    (write_v1_1(tmp_path) / "config.json").write_text(damage)
    with pytest.raises(ModelCorruptError, match="symbols"):
        KokoroVoice(tmp_path)


def test_a_config_without_symbols_leaves_the_usual_ones(tmp_path: Path):
    """As exports on hubs have it."""
    folder = write_v1_0(tmp_path)
    (folder / "config.json").write_text(json.dumps({"model_type": "style_text_to_speech_2"}))
    assert len(sound(say(KokoroVoice(folder), "Hello."))) == 8 * SAMPLES_PER_TOKEN


def test_damaged_files(tmp_path: Path):
    """Each is told apart from a missing one."""
    folder = write_v1_0(tmp_path)
    archive, network = folder / "voices-v1.0.bin", folder / "kokoro.onnx"
    kept = archive.read_bytes()
    archive.write_bytes(kept[: len(kept) // 2])
    with pytest.raises(ModelCorruptError, match="archive"):
        KokoroVoice(folder)
    for odd in (np.zeros((510, 1, 128)), np.full((510, 1, 256), np.nan), np.zeros((0, 1, 256))):
        with archive.open("wb") as file:
            np.savez(file, af_heart=odd.astype(np.float32))
        with pytest.raises(ModelCorruptError, match="af_heart"):
            KokoroVoice(folder)
    with archive.open("wb") as file:
        np.save(file, np.zeros(256, np.float32))
    with pytest.raises(ModelCorruptError, match="archive"):
        KokoroVoice(folder)
    archive.write_bytes(kept)
    network.write_bytes(b"no network")
    with pytest.raises(ModelCorruptError, match="no network"):
        KokoroVoice(folder)


def test_another_network_is_refused(tmp_path: Path):
    """Piper's, for one, has other inputs."""
    from tests.pipeline.tts.test_piper import tiny_voice

    folder = write_v1_0(tmp_path)
    (folder / "kokoro.onnx").unlink()
    tiny_voice(folder)
    with pytest.raises(ModelCorruptError, match="no network of Kokoro"):
        KokoroVoice(folder)


def test_a_failure_is_a_synthesis_error_and_the_next_voice_speaks(
    tmp_path: Path, v1_1: KokoroVoice, monkeypatch: pytest.MonkeyPatch
):
    """The error names the voice, and a chain goes on with another."""
    broken = KokoroVoice(write_v1_0(tmp_path))

    def fails(*_: object) -> None:  # a real graph fails when memory runs out
        raise RuntimeError

    monkeypatch.setattr(broken._network, "run", fails)
    with pytest.raises(SynthesisError, match="kokoro"):
        say(broken, "你好。")
    chunks = say(FallbackVoice([broken, v1_1]), "你好。")
    check_contract(chunks, "你好。")
    assert len(sound(chunks)) > 0


def test_the_text_is_not_logged(v1_0: KokoroVoice, caplog: pytest.LogCaptureFixture):
    """kokoro-onnx writes text and phonemes into its log; this does not use it."""
    with caplog.at_level(logging.DEBUG):
        say(v1_0, "my secret word")
    assert "secret" not in caplog.text
