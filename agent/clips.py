"""Audio files, read into the form the pipeline works on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import numpy as np
import soundfile
import soxr

from pipeline.audio import FloatArray, Int16Array
from pipeline.errors import AudioFormatError

_SUBTYPE = "PCM_16"


def read_clip(path: Path, rate_hz: int) -> FloatArray:
    """An audio file as float32, shape (n_samples,), range [-1, 1], mono, at `rate_hz`.

    Raises:
        AudioFormatError: Not there, no audio file, or empty.
    """
    if not path.is_file():
        raise AudioFormatError(f"there is no file {path}")
    try:
        audio, file_rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise AudioFormatError(f"{path} is not an audio file that can be read") from error
    if not len(audio):
        raise AudioFormatError(f"{path} holds no audio")
    mono = audio.mean(axis=1, dtype=np.float32)
    return cast("FloatArray", soxr.resample(mono, file_rate_hz, rate_hz))


def check_place(path: Path) -> None:
    """See, before a long piece of work, whether `write_clip` will take its result.

    Raises:
        AudioFormatError: The folder is not there or not ours to write to, or the suffix is no
            audio format.
    """
    if not soundfile.check_format(path.suffix.removeprefix("."), _SUBTYPE):
        raise AudioFormatError(f"{path} cannot be written as audio: give it the suffix .wav")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise AudioFormatError(f"{path} cannot be written: no file can be made there")


def write_clip(path: Path, samples: Int16Array, rate_hz: int) -> None:
    """Write int16 samples, shape (n_samples,) or (n_samples, channels); the suffix says how.

    Raises:
        AudioFormatError: The folder does not take it, or the suffix is no audio format.
    """
    try:
        soundfile.write(path, samples, rate_hz, subtype=_SUBTYPE)
    except (soundfile.LibsndfileError, TypeError, ValueError, OSError) as error:
        raise AudioFormatError(f"{path} cannot be written as audio") from error
