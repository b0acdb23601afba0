"""The measuring calls as they are heard: `python -m agent.turn_ends.spoken`, in five minutes.

    caller's turn ─▶ voice ─▶ cut at its pauses ─▶ silence between, a room around ─▶ recogniser

What is written for a call has none of a recogniser's slips, and the judge of a call gets little
else. `measure.heard.jsonl` keeps for each call of `measure.jsonl` what was recognised of its turns,
up to each pause and whole; the sound is not kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from agent.bench.endpointing.speech import (
    PITCHES,
    RATES,
    faded,
    flow,
    in_a_room,
    without_trailing_silence,
)
from agent.config import Settings
from agent.turn_ends.turns import MEASURE, calls_in, heard_path, parts_of
from pipeline.audio import FloatArray
from pipeline.stt.base import Recogniser
from pipeline.stt.script import ScriptNormaliser
from pipeline.text import Language
from pipeline.tts.base import SpeechStyle, Voice

PAUSES_SECS = (0.4, 0.6, 0.8, 1.1)
SILENCE_SECS = 0.15  # behind the words, when a turn's end is asked about
ROOMS_DBFS = (-60.0, -60.0, -48.0, -40.0)  # two quiet ones, a fan, a street
_MARKS = {"zh": "，", "en": ", "}
_ENDING = "，。、；：,.;: "  # a question keeps its mark, and its melody


@dataclass(frozen=True, slots=True)
class Manner:
    """How one turn is said: drawn by its words, so the same in every run.

    Attributes:
        style: Rate and pitch.
        room_dbfs: Level of the noise around.
        pauses_secs: Length of each of its pauses.
        seed: Of the noise.
    """

    style: SpeechStyle
    room_dbfs: float
    pauses_secs: tuple[float, ...]
    seed: int

    @classmethod
    def of(cls, say: str) -> Manner:
        """The manner of a turn as it is written in a file of calls."""
        chance = hashlib.sha256(f"spoken {say}".encode()).digest()
        return cls(
            SpeechStyle(RATES[chance[0] % len(RATES)], PITCHES[chance[1] % len(PITCHES)]),
            ROOMS_DBFS[chance[2] % len(ROOMS_DBFS)],
            tuple(PAUSES_SECS[one % len(PAUSES_SECS)] for one in chance[8:]),
            int.from_bytes(chance[3:7]),
        )


def beginnings(say: str, language: Language, voice: Voice) -> Iterator[FloatArray]:
    """The sound of a turn up to each of its pauses, then of all of it.

    The turn is said in one flow and cut, so that a part's melody still promises more.

    Args:
        say: As in a file of calls, pauses marked.
        language: Of the call.
        voice: Speaks it.

    Yields:
        float32, shape (n_samples,), range [-1, 1], mono, 16 kHz, ended by `SILENCE_SECS`.

    Raises:
        SynthesisError: The voice failed.
    """
    manner = Manner.of(say)
    speech, ends = flow(*flow_of(say, language), voice, manner.style)
    rate_hz = voice.sample_rate_hz
    said: list[FloatArray] = []
    for at, (begin, end) in enumerate(pairwise((0, *ends))):
        part = without_trailing_silence(speech[begin:end])
        # What the voice itself pauses at a comma is no part of the pause.
        said.append(faded(without_trailing_silence(part[::-1])[::-1], rate_hz))
        heard = np.concatenate(said)
        yield in_a_room(heard, rate_hz, SILENCE_SECS, manner.room_dbfs, manner.seed)
        said.append(np.zeros(round(manner.pauses_secs[at] * rate_hz), np.float32))


def flow_of(say: str, language: Language) -> tuple[str, tuple[int, ...]]:
    """What the voice is given for a turn, and after how many characters its parts end."""
    text, ends = "", list[int]()
    for part in parts_of(say):
        text = text.rstrip(_ENDING)  # a full stop would sound like the end
        latin = language == "en" or text[-1:].isascii() or part[:1].isascii()
        text += (_MARKS["en" if latin else "zh"] if text else "") + part
        ends.append(len(text.rstrip(_ENDING)))
    return text, tuple(ends)


async def hear(file: Path, voice: Voice, recogniser: Recogniser) -> None:
    """Speak and recognise one file of calls, and keep what was heard.

    Raises:
        VoiceError: An engine failed.
        ConfigError: This is no checkout.
    """
    traditional = ScriptNormaliser("traditional")
    rows: list[str] = []
    for call in calls_in(file):
        language: Language = "en" if call["locale"] == "en" else "zh"
        row: list[list[str]] = []
        for turn in call["turns"]:
            heard: list[str] = []
            for audio in beginnings(turn["say"], language, voice):
                found = await recogniser.decode(audio, language=language)
                text = traditional(found.text) if call["locale"] == "zh-Hant" else found.text
                heard.append(text)
            row.append(heard)
        rows.append(json.dumps(row, ensure_ascii=False))
    heard_path(file).write_text("\n".join(rows) + "\n", "utf-8")


async def main() -> None:
    """Hear the measuring calls."""
    from agent.engines import load_recogniser, load_speaker

    settings = Settings()
    voice, recogniser = load_speaker(settings), load_recogniser(settings)
    try:
        await hear(MEASURE, voice, recogniser)
    finally:
        await recogniser.close()


if __name__ == "__main__":
    asyncio.run(main())
