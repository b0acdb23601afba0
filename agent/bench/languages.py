"""How often the language of a passage is heard: `python -m agent.bench.languages`, in two minutes.

Every passage of the measuring calls of `agent.turn_ends` is said by itself, as a turn that goes
on after a pause begins, and its language is detected: without knowing any, with the caller's own
expected, and, as after a change, with the other one.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from agent.bench.endpointing.speech import faded, flow, in_a_room, without_trailing_silence
from agent.config import Settings
from agent.engines import load_recogniser, load_speaker
from agent.turn_ends.spoken import SILENCE_SECS, Manner, flow_of
from agent.turn_ends.turns import MEASURE, calls_in
from pipeline.audio import INPUT_RATE_HZ, FloatArray
from pipeline.stt.whisper import LANGUAGES
from pipeline.text import Language
from pipeline.tts.base import Voice

PASSAGES = 170  # of each language
LENGTHS_SECS = ((0.0, 0.8), (0.8, 1.5), (1.5, 60.0))
OTHER: dict[Language, Language] = {"zh": "en", "en": "zh"}


def passages(language: Language, voice: Voice) -> Iterator[FloatArray]:
    """The first `PASSAGES` of the calls in `language`: float32, mono, 16 kHz, [-1, 1]."""
    left = PASSAGES
    for call in calls_in(MEASURE):
        if (call["locale"] == "en") != (language == "en"):
            continue
        for turn in call["turns"]:
            manner = Manner.of(turn["say"])
            speech, ends = flow(*flow_of(turn["say"], language), voice, manner.style)
            for begin, end in pairwise((0, *ends)):
                said = without_trailing_silence(speech[begin:end])
                said = faded(without_trailing_silence(said[::-1])[::-1], voice.sample_rate_hz)
                if not left:
                    return
                left -= 1
                yield in_a_room(
                    said, voice.sample_rate_hz, SILENCE_SECS, manner.room_dbfs, manner.seed
                )


async def main() -> None:
    """Print the share of passages whose language is heard, by their length."""
    settings = Settings()
    voice, recogniser = load_speaker(settings), load_recogniser(settings)
    try:
        for language in LANGUAGES:
            heard: dict[tuple[float, float], list[list[bool]]] = defaultdict(list)
            for audio in passages(language, voice):
                secs = len(audio) / INPUT_RATE_HZ - SILENCE_SECS
                span = next(span for span in LENGTHS_SECS if secs < span[1])
                found = [
                    (await recogniser.decode(audio, expected=expected)).language == language
                    for expected in (None, language, OTHER[language])
                ]
                heard[span].append(found)
            for (low, high), rows in sorted(heard.items()):
                print(f"{language} {low:g} to {high:g} s, {len(rows)}:", _shares(rows))
            print(f"{language}, all:", _shares([row for rows in heard.values() for row in rows]))
    finally:
        await recogniser.close()


def _shares(rows: list[list[bool]]) -> str:
    names = ("none expected", "its own expected", "the other expected")
    return ", ".join(
        f"{name} {sum(column) / len(rows):.1%}"
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    )


if __name__ == "__main__":
    asyncio.run(main())
