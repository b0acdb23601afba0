"""The files of Kokoro-82M (Apache-2.0): a network, its alphabet, its speakers.

    kokoro-v1.0.onnx   or  model.onnx       one network; fp16 and int8 exports likewise
    voices-v1.0.bin    or  voices/NAME.bin  what each speaker sounds like
    config.json                             tokens of the symbols; v1.1-zh needs it

The left names are those of kokoro-onnx's releases, the right ones of ONNX exports on hubs.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.lib.npyio import NpzFile

from pipeline.audio import FloatArray
from pipeline.errors import ModelCorruptError, ModelMissingError

STYLE_SIZE = 256
_METADATA = "kokoro_config"  # where kokoro-onnx's exports carry config.json
_NEEDS_ZHUYIN = re.compile(r"z[fm]_\d{3}$")  # the speakers of v1.1-zh: zf_001
_DTYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}


@dataclass(frozen=True, slots=True)
class KokoroFiles:
    """Where the parts are.

    Attributes:
        network: The `.onnx` file.
        speakers: A NumPy archive with all speakers, or a file for each.
        config: `config.json`, if there is one.
    """

    network: Path
    speakers: tuple[Path, ...]
    config: Path | None

    @classmethod
    def find(cls, place: Path) -> KokoroFiles:
        """The parts in a folder, or beside the network's file.

        Raises:
            ModelMissingError: There is no network, more than one, or no speaker.
        """
        folder = _folder(place)
        networks = [place] if place.is_file() else sorted(folder.glob("*.onnx"))
        if not networks:
            raise ModelMissingError(
                f"Kokoro is not in {folder}: put kokoro-v1.0.onnx and voices-v1.0.bin there"
            )
        if len(networks) > 1:
            raise ModelMissingError(
                f"{folder} holds {len(networks)} networks; keep one, or name its .onnx file"
            )
        speakers = _speaker_files(folder)
        if not speakers:
            raise ModelMissingError(
                f"{folder} has no speakers of Kokoro: put voices-v1.0.bin there"
            )
        config = folder / "config.json"
        return cls(networks[0], speakers, config if config.is_file() else None)


def holds_kokoro(place: Path) -> bool:
    """Whether a folder, or a network's folder, has speakers of Kokoro in it."""
    return bool(_speaker_files(_folder(place)))


def speaker_names(files: KokoroFiles) -> list[str]:
    """Such as af_heart (American, female) or zm_yunxi (Mandarin, male), sorted.

    Raises:
        ModelCorruptError: The archive cannot be read.
    """
    if _is_archive(files.speakers):
        with _archive(files.speakers[0]) as archive:
            return sorted(archive.files)
    return sorted(path.stem for path in files.speakers)


def load_speaker(files: KokoroFiles, name: str) -> FloatArray:
    """The styles of one speaker.

    Returns:
        float32, shape (n, 256): row i is for texts of i + 1 symbols.

    Raises:
        ModelCorruptError: There are none of that shape.
    """
    try:
        if _is_archive(files.speakers):
            with _archive(files.speakers[0]) as archive:
                styles = np.asarray(archive[name], np.float32)
        else:
            (path,) = (path for path in files.speakers if path.stem == name)
            styles = np.fromfile(path, np.float32).reshape(-1, STYLE_SIZE)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ModelCorruptError(f"The speaker {name} of Kokoro is damaged") from error
    if not styles.size or styles.shape[-1] != STYLE_SIZE or not np.isfinite(styles).all():
        raise ModelCorruptError(f"The speaker {name} of Kokoro is damaged")
    rows: FloatArray = styles.reshape(-1, STYLE_SIZE)
    return rows


class KokoroNetwork:
    """One export of the network, whatever it calls its inputs. Threads may share it.

    Args:
        files: Which.
        threads: Compute threads.
        speakers: Names of the speakers it will be used with.

    Attributes:
        vocabulary: Token of each symbol.
        obeys_rate: Whether it takes fractions of speed; v1.1-zh's export takes whole numbers.

    Raises:
        ModelMissingError: The alphabet of v1.1-zh is not there.
        ModelCorruptError: The file is no network of Kokoro.
    """

    def __init__(self, files: KokoroFiles, threads: int, speakers: Sequence[str]) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = 3  # errors; its warnings are about constant folding
        try:
            self._session = ort.InferenceSession(
                str(files.network), options, ["CPUExecutionProvider"]
            )
            types = {one.name: one.type for one in self._session.get_inputs()}
            self._tokens = "input_ids" if "input_ids" in types else "tokens"
            self._types = {name: _DTYPES[types[name]] for name in (self._tokens, "style", "speed")}
            outputs = [one.name for one in self._session.get_outputs()]
        except Exception as error:  # onnxruntime's errors share no public base class
            raise ModelCorruptError(f"{files.network.name} is no network of Kokoro") from error
        self._sound = outputs[0]
        self._durations = "duration" if "duration" in outputs else None
        self.obeys_rate = issubclass(self._types["speed"], np.floating)
        self.vocabulary = _vocabulary(files.config, self._session)
        if "ㄅ" not in self.vocabulary and any(map(_NEEDS_ZHUYIN.match, speakers)):
            raise ModelMissingError(
                f"Kokoro v1.1-zh needs its config.json beside {files.network.name}"
            )

    def run(
        self, tokens: Sequence[int], style: FloatArray, rate: float
    ) -> tuple[FloatArray, FloatArray | None]:
        """Speak `tokens`, with a silent one at both ends.

        Returns:
            Sound, float32, shape (n_samples,), mono, 24 kHz; and, where the export tells,
            the duration of each token in units of its own.

        Raises:
            RuntimeError: As ONNX Runtime does.
        """
        inputs = {
            self._tokens: np.array([tokens], self._types[self._tokens]),
            "style": style.reshape(1, STYLE_SIZE).astype(self._types["style"]),
            "speed": np.array([rate if self.obeys_rate else 1], self._types["speed"]),
        }
        wanted = [self._sound, *([self._durations] if self._durations else [])]
        sound, *durations = self._session.run(wanted, inputs)
        return (
            np.asarray(sound, np.float32).reshape(-1),
            np.asarray(durations[0], np.float32).reshape(-1) if durations else None,
        )


def _folder(place: Path) -> Path:
    return place.parent if place.suffix == ".onnx" else place


def _speaker_files(folder: Path) -> tuple[Path, ...]:
    archives = [path for ending in ("bin", "npz") for path in folder.glob(f"voices*.{ending}")]
    return tuple(archives[:1] or sorted((folder / "voices").glob("*.bin")))


def _is_archive(speakers: Sequence[Path]) -> bool:
    return len(speakers) == 1 and speakers[0].name.startswith("voices")


@contextmanager
def _archive(path: Path) -> Iterator[NpzFile]:
    with ExitStack() as opened:
        try:
            # np.load leaves a file open that it cannot read.
            archive = np.load(opened.enter_context(path.open("rb")), allow_pickle=False)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ModelCorruptError(f"{path.name} is no archive of Kokoro's speakers") from error
        if not isinstance(archive, NpzFile):
            raise ModelCorruptError(f"{path.name} is no archive of Kokoro's speakers")
        yield archive


def _vocabulary(config: Path | None, session: ort.InferenceSession) -> dict[str, int]:
    """From config.json, from the network itself, else v1.0's, which hibari has too."""
    written = session.get_modelmeta().custom_metadata_map.get(_METADATA, "{}")
    try:
        texts = [config.read_text(encoding="utf-8")] if config else []
        for text in (*texts, written):
            described = json.loads(text)
            if "vocab" in described:
                return {str(symbol): int(token) for symbol, token in described["vocab"].items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelCorruptError("Kokoro's config.json does not name its symbols") from error
    usual = resources.files("hibari").joinpath("assets/vocab.json").read_text(encoding="utf-8")
    vocabulary: dict[str, int] = json.loads(usual)
    return vocabulary
