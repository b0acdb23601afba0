"""Uploaded speech as text, with times where subtitles are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agent.pieces import pieces
from pipeline.audio import INPUT_RATE_HZ, FloatArray
from pipeline.stt.base import Hypothesis, Recogniser
from pipeline.text import Language, join, units
from web.openai_api.schema import TranscriptFormat

_SENTENCE_END = frozenset("。！？.!?；;")
_CLAUSE_END = _SENTENCE_END | frozenset("，,、：:")
_LONG_LINE_UNITS = 18  # a subtitle line of Chinese; it then ends at the next comma
_NAMES: dict[Language, str] = {"zh": "chinese", "en": "english"}


@dataclass(frozen=True, slots=True)
class Segment:
    """A line of subtitles, in seconds of the file."""

    start_secs: float
    end_secs: float
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """All that was heard in a file."""

    text: str
    language: Language
    duration_secs: float
    segments: tuple[Segment, ...]


async def transcribe(
    recogniser: Recogniser,
    audio: FloatArray,
    *,
    language: Language | None,
    prompt: str,
    timed: bool,
) -> Transcript:
    """Write down a file; calls' own final decodes come first.

    Args:
        recogniser: Shared with the calls.
        audio: float32, shape (n_samples,), mono, 16 kHz, any length.
        language: Spoken, None to detect it.
        prompt: Words that may come in it.
        timed: Whether segments are wanted.

    Raises:
        RecognitionError: The model failed.
        OverloadedError: Too many wait.

    Cancelling stops before the next piece of at most twelve seconds.
    """
    text, start_secs, found = "", 0.0, language
    segments: list[Segment] = []
    for piece in pieces(audio):
        heard = await recogniser.decode(
            piece, language=language, prompt=text[-200:] or prompt, timed=timed, priority="partial"
        )
        end_secs = start_secs + len(piece) / INPUT_RATE_HZ
        if heard.text:
            text = join(text, heard.text)
            found = found or heard.language
            segments += lines(heard, start_secs, end_secs) if timed else ()
        start_secs = end_secs
    return Transcript(text, found or "zh", start_secs, tuple(segments))


def lines(heard: Hypothesis, start_secs: float, end_secs: float) -> Iterator[Segment]:
    """Cut one piece's text into lines at sentence ends, or at commas once they are long."""
    text, marks = heard.text, heard.unit_ends_secs
    found = units(text)
    if len(marks) != len(found) or not found:
        yield Segment(start_secs, end_secs, text)
        return
    first, at_secs = 0, start_secs
    for number, unit in enumerate(found):
        last = number + 1 == len(found)
        after = text[unit.end :] if last else text[unit.end : found[number + 1].start]
        ends = _CLAUSE_END if number - first >= _LONG_LINE_UNITS else _SENTENCE_END
        if not last and not ends.intersection(after):
            continue
        until_secs = min(end_secs, max(at_secs, start_secs + marks[number]))
        begins = found[first].start if first else 0
        yield Segment(at_secs, until_secs, text[begins : unit.end + len(after)].strip())
        first, at_secs = number + 1, until_secs


def rendered(transcript: Transcript, form: TranscriptFormat) -> str | dict[str, Any]:
    """The answer's body: text, or an object for JSON."""
    match form:
        case "text":
            return transcript.text + "\n"
        case "srt":
            return _subtitles(transcript.segments, ",", "")
        case "vtt":
            return _subtitles(transcript.segments, ".", "WEBVTT\n\n")
        case "verbose_json":
            return {
                "task": "transcribe",
                "language": _NAMES[transcript.language],
                "duration": round(transcript.duration_secs, 3),
                "text": transcript.text,
                "segments": [
                    {
                        "id": number,
                        "start": round(segment.start_secs, 3),
                        "end": round(segment.end_secs, 3),
                        "text": segment.text,
                    }
                    for number, segment in enumerate(transcript.segments)
                ],
            }
        case "json":
            seconds = round(transcript.duration_secs, 3)
            return {"text": transcript.text, "usage": {"type": "duration", "seconds": seconds}}


def _subtitles(segments: Sequence[Segment], comma: str, head: str) -> str:
    numbered = head == ""
    blocks = [
        (f"{number}\n" if numbered else "")
        + f"{_stamp(segment.start_secs, comma)} --> {_stamp(segment.end_secs, comma)}\n"
        + f"{segment.text}\n"
        for number, segment in enumerate(segments, start=1)
    ]
    return head + "\n".join(blocks)


def _stamp(secs: float, comma: str) -> str:
    whole_ms = round(secs * 1000)
    minutes, rest_ms = divmod(whole_ms, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest_ms // 1000:02}{comma}{rest_ms % 1000:03}"
