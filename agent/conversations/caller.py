"""A simulated caller: what they say next depends on what they were asked. Pure.

the listener's reply ─▶ a probe is due?        ─▶ say it
                        asked for a fact?      ─▶ tell it, decline it, or not know it
                        the same reply again?  ─▶ say so
                        anything else          ─▶ go on with the story, then say goodbye
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agent.config import Locale
from agent.conversations.lint import sentences
from agent.conversations.script import CallerScript, Phrases, Probe, Topic, topic_of
from pipeline.text import same_words

LineKind: TypeAlias = Literal[
    "opening", "story", "fact", "declined", "unknown", "told", "repeated", "listening", "probe",
    "after probe", "goodbye",
]  # fmt: skip

# A caller points out that the listener repeats itself so often, and then lets it pass.
_COMPLAINTS = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One turn of the caller.

    Attributes:
        text: What is said; empty for a silence.
        kind: Why it is said.
        topic: The fact that it tells, declines or does not know.
        probe: What it probes.
    """

    text: str
    kind: LineKind
    topic: Topic | None = None
    probe: Probe | None = None

    @property
    def cuts_in_secs(self) -> float | None:
        """When it begins over the reply before; None waits."""
        return self.probe.cuts_in_secs if self.probe else None


class SimulatedCaller:
    """Plays one script in one call.

    Args:
        script: Who calls.
        phrases: What people of the locale say in passing.
        locale: Language and script of both.
    """

    def __init__(self, script: CallerScript, phrases: Phrases, locale: Locale) -> None:
        self.script = script
        self._phrases = phrases
        self._language: Literal["zh", "en"] = "en" if locale == "en" else "zh"
        self._passing: dict[str, Iterator[str]] = {
            kind: itertools.cycle(lines) for kind, lines in phrases.model_dump().items()
        }
        self._story = deque(script.story)
        self._probes = {probe.turn: probe for probe in script.probes}
        self._then: deque[str] = deque()
        self._told: set[Topic] = set()
        self._dwelt_on: set[Topic] = set()  # not known, or told again: said once
        self._heard: list[str] = []
        self._turns = 0
        self._complaints = 0
        self._gone = False

    @property
    def next_cuts_in_secs(self) -> float | None:
        """When the next line begins over the reply to come; None waits for its end."""
        probe = self._probes.get(self._turns + 1)
        return None if probe is None or self._gone else probe.cuts_in_secs

    def next(self, reply: str) -> Line | None:
        """What is said in answer to `reply`; None once they have hung up.

        Args:
            reply: What the caller heard last, the greeting at first; may be empty.
        """
        if self._gone:
            return None
        self._turns += 1
        line = self._line(reply)
        if reply:
            self._heard.append(reply)
        self._gone = line.kind == "goodbye"
        return line

    def _line(self, reply: str) -> Line:
        if self._turns == 1:
            return Line(self.script.opening, "opening")
        if (probe := self._probes.get(self._turns)) is not None:
            self._then.extend(probe.then)
            return Line(probe.say, "probe", probe=probe)
        if self._then:
            return Line(self._then.popleft(), "after probe")
        if self._turns >= self.script.max_turns:
            return Line(self.script.goodbye, "goodbye")
        if self._complaints < _COMPLAINTS and self._heard_before(reply):
            self._complaints += 1
            return Line(self._say("repeated"), "repeated")
        topic = topic_of(reply, self._language)
        if topic is not None and (answer := self._answer(topic)) is not None:
            return answer
        if self._story:
            return Line(self._story.popleft(), "story")
        if any(turn > self._turns for turn in self._probes):
            return Line(self._say("listening"), "listening")
        return Line(self.script.goodbye, "goodbye")

    def _heard_before(self, reply: str) -> bool:
        """Whether the last thing said was said before, word for word."""
        last = sentences(reply)[-1:]
        return any(
            same_words(last[0], said) for one in self._heard for said in sentences(one) if last
        )

    def _answer(self, topic: Topic) -> Line | None:
        """The answer to a question; None where they rather go on with what they want to tell."""
        fact = self.script.facts.get(topic)
        if topic in self.script.declines:
            return Line(self._say("declined"), "declined", topic)
        if fact is not None and topic not in self._told:
            self._told.add(topic)
            return Line(fact, "fact", topic)
        if topic in self._dwelt_on:
            return None
        self._dwelt_on.add(topic)
        if fact is None:
            return Line(self._say("unknown"), "unknown", topic)
        return Line(self._say("told").format(fact=fact), "told", topic)

    def _say(self, kind: str) -> str:
        return next(self._passing[kind])
