"""The crisis protocol of one call: what is said, asked and reported, and for how long.

    none ──▶ concern ──▶ elevated ──▶ imminent        never back
              a question     questions, then lines that stay with the caller

A faint sign is asked about softly, and directly after a yes. Who does not know, or would rather
not say, whether they think of suicide has not said no: they are given a number and asked once
more. Who was asked is asked again about something else, or some turns later: a no is no answer to
what they say then. What was cut before its question sounded is said again first, and a silence
takes no question back.

After the Columbia protocol's order (wish, method, intent), in words of our own. From
elevated on, every reply of the call is scripted: the language model is not asked, so
neither it nor the caller can talk the protocol away. Pure; a speculative draft is
answered without leaving a trace, and only `taken` moves on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from agent.config import Locale, Region
from agent.safety.answer_judge import Question
from agent.safety.answers import meaning_of
from agent.safety.detector import Assessment, assess, assess_together
from agent.safety.fold import fold
from agent.safety.hotlines import Hotline, Service, lines_for, spelled
from agent.safety.leave_taking import leniently, takes_leave
from agent.safety.means_at_hand import means_at_hand
from agent.safety.script import script
from agent.safety.tiers import Category, Tier, rank
from agent.safety.yes_or_no import Meaning, yes_or_no
from pipeline.events import CrisisNoted, HelpLine
from pipeline.text import count_units, language_of
from pipeline.turn.lexicon import discloses_feeling

Step: TypeAlias = Literal[
    "none",
    "sounded",
    "opened",
    "unanswered",
    "eluded",
    "left_open",
    "intent",
    "held",
    "company",
    "staying",
]

# Shares of the usual rate. Numbers and questions must be understood by somebody in panic: at
# 0.8 Mandarin comes at about four syllables a second instead of five.
CRISIS_RATE = 0.8
DISTRESS_RATE = 0.92

# Turns after a question before a concern of the same kind is asked about once more: an answer
# often goes on for some turns, in words as heavy as those before it.
ASK_AGAIN_TURNS = 6
# Before so many, the last turn is what the question was about, or its answer.
_HEARD_TOGETHER_TURNS = 2
_FEWEST_UNITS = 3  # an "ok" or a 嗯 is no change of language
# What a direct question left behind.
_DIRECT: tuple[Step, ...] = ("opened", "unanswered", "intent", "held", "company")
_ASKED_FURTHER = frozenset[Category](("suicide", "self_harm"))
# A minor is asked for somebody to be with them, and a yes to that is no danger.
_QUESTIONS: Mapping[Category, Question] = {
    "suicide": "suicide",
    "self_harm": "self_harm",
    "harm_to_others": "harm_to_others",
    "abuse": "abuse",
    "medical": "medical",
}
_CALL_POLICE = frozenset[Category](("harm_to_others", "abuse", "minor"))
_SENTENCE_END = re.compile(r"[。！？!?]|\.(?=\s|$)")


@dataclass(frozen=True, slots=True)
class State:
    """Where the protocol stands.

    Attributes:
        tier: The gravest so far.
        category: Of the gravest sign.
        step: What was said last; "sounded" is the soft question, "unanswered" the one after a
            direct question that was not answered, "eluded" nothing, to who told something else
            then, "left_open" what follows if it is not answered again,
            "held" what is said to who does not answer whether they mean to act.
        stayed: How many staying lines were said.
        farewells: How often the caller took leave of a direct question, or of the script.
        number_given: A helpline was named.
        asked: What concerns were asked about, until one is again.
        turns: Since the last of these questions.
        found: Rules that brought the protocol where it is, for one more of them is a new sign.
        owed: Words that were cut before their question sounded.
        waiting: Another sign of the same tier, told while this one is asked about.
    """

    tier: Tier = "none"
    category: Category | None = None
    step: Step = "none"
    stayed: int = 0
    farewells: int = 0
    number_given: bool = False
    asked: frozenset[Category] = frozenset()
    turns: int = 0
    found: frozenset[str] = frozenset()
    owed: str | None = None
    waiting: Assessment | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """What a turn leads to: the words, if any, and the state after them."""

    say: str | None
    state: State


class CrisisProtocol:
    """Fulfils `pipeline.guard.Guardian` for one call.

    Args:
        locale: Language and script of what is said, until the caller speaks the other language.
        region: Whose numbers are given.
        notified: A person is told of every rise of the tier; said to the caller once.
        contact: Number of a person on duty as it is written, spoken and shown after the
            hotlines; None has none.
    """

    def __init__(
        self,
        locale: Locale,
        region: Region,
        *,
        notified: bool = False,
        contact: str | None = None,
    ) -> None:
        self.state = State()
        self._said: str | None = None
        self._turn_before = ""
        self._locale: Locale = locale
        self._mandarin: Locale = locale if locale != "en" else _mandarin_of(region)
        self._region: Region = region
        self._notified = notified
        self._contact = contact

    @property
    def in_force(self) -> bool:
        """Whether every reply is scripted from here on."""
        return rank(self.state.tier) >= rank("elevated")

    def holds(self, text: str) -> bool:
        """Whether words under way are graver than all before, and grave enough to stop for."""
        tier = self._assess(text).tier
        return rank(tier) >= rank("elevated") and rank(tier) > rank(self.state.tier)

    def answer(self, text: str) -> str | None:
        """The scripted answer to a turn, or None."""
        return self._move(text).say

    def hushes(self, text: str, *, asks: bool = False) -> bool:
        """Whether a turn is asked about directly, or answers such a question itself.

        A faint sign may well be none; a 嗯 before the soft question is no more than listening. A
        sound of thinking about what the caller `asks` is more.
        """
        if self.in_force or self.state.step in _DIRECT:
            return True
        move = self._move(text)
        return move.state.step in _DIRECT or (asks and move.say is not None)

    def rate(self, text: str) -> float:
        """Scripted answers are spoken slowly, and what answers distress a little slower."""
        if rank(self._move(text).state.tier) >= rank("elevated"):
            return CRISIS_RATE
        asked = self._move(text).say is not None
        return DISTRESS_RATE if asked or discloses_feeling(text) else 1.0

    def taken(self, text: str) -> CrisisNoted | None:
        """Move on; returns a notice when the tier, the category or an imminent sign is new."""
        before, move = self.state, self._move(text)
        self.state = move.state
        # A line that only answers a silence may be lost; what is owed may not.
        self._said = move.say if text.strip() or before.owed is not None else None
        self._locale = self._locale_of(text)
        self._turn_before = text
        opened_anew = self.state.tier == "imminent" and self.state.found != before.found
        same = (self.state.tier, self.state.category) == (before.tier, before.category)
        if same and not opened_anew:
            return None
        assert self.state.category is not None
        return CrisisNoted(self.state.tier, self.state.category, self._shown(), text)

    def heard(self, text: str) -> None:
        """What was heard of the last answer; it comes again where its question was not.

        May be told twice, since a client may report late: the later holds.
        """
        if self._said is None or self.state.step in ("none", "staying"):
            return
        ends = [found.end() for found in _SENTENCE_END.finditer(self._said)]
        question_from = ends[-2] if len(ends) > 1 else 0
        unheard = len(text.strip()) <= question_from
        self.state = replace(self.state, owed=self._said if unheard else None)

    def _locale_of(self, text: str) -> Locale:
        """In what a turn is answered: its own language; a mere ok changes nothing."""
        if count_units(text) < _FEWEST_UNITS:
            return self._locale
        return "en" if language_of(text) == "en" else self._mandarin

    # -- moves ------------------------------------------------------------------------

    def _move(self, text: str) -> Move:
        """What a turn with `text` leads to; changes nothing."""
        locale = self._locale_of(text)
        state, found = self.state, self._found(text)
        if rank(found.tier) > rank(state.tier):
            return self._open(found, locale)
        if self.in_force and self._is_new(found):
            if not self._is_asking():
                return self._open(found, locale)
            state = replace(state, waiting=found)
        if state.owed is not None:
            return Move(state.owed, replace(state, owed=None))
        if not text.strip():
            # Nobody spoke: in force, silence is answered by a line that stays; the question stands.
            stay = self._stay(locale) if self.in_force else Move(None, state)
            return replace(stay, state=replace(stay.state, step=state.step))
        asked_directly = self._is_left_with_a_question()
        may_ask = (state.number_given or asked_directly) and not self.in_force
        if may_ask and self._asks_number(text, locale):
            return Move(self._number_again(state, locale), replace(state, number_given=True))
        if (self.in_force or asked_directly) and takes_leave(text):
            return self._see_off(state, locale)
        meant = self._meant(found, text)
        if state.tier == "concern":
            return self._after_concern(found, meant, locale)
        return self._next(state, text, meant, locale) if self.in_force else Move(None, state)

    def _is_new(self, found: Assessment) -> bool:
        """Whether it is as grave as all before, and something else: an act after a plan, say."""
        state = self.state
        if found.tier != state.tier or _rules(found) <= state.found:
            return False
        return found.tier == "imminent" or found.category != state.category

    def _is_left_with_a_question(self) -> bool:
        """Whether a direct question about suicide or self-harm was not answered by a no."""
        state = self.state
        return state.category in _ASKED_FURTHER and state.step in (
            "opened",
            "unanswered",
            "eluded",
            "left_open",
        )

    def _meant(self, found: Assessment, text: str) -> Meaning | None:
        """What a turn means as an answer; None if it is none, or nothing was asked about danger."""
        question, state = self._question(), self.state
        if question is None:  # a plain no may follow a story
            return yes_or_no(text) if state.step in ("sounded", "eluded") else None
        # Who tells of another danger than their own hand has not answered unless they say yes.
        elsewhere = found.tier == "concern" and found.category not in state.asked | _ASKED_FURTHER
        if elsewhere and state.category in _ASKED_FURTHER:
            return yes_or_no(text)
        return meaning_of(question, text)

    def _question(self) -> Question | None:
        """What the next turn may be the answer to, of what is asked about danger."""
        state = self.state
        if state.step == "intent":
            return "intent"
        directly = state.tier == "concern" and state.step in ("opened", "unanswered")
        if state.category is None or not (directly or state.step == "sounded"):
            return None
        # Softly, too, each danger is asked about in words of its own.
        of_life = state.step == "sounded" and state.category == "suicide"
        return "softly" if of_life else _QUESTIONS.get(state.category)

    def _is_asking(self) -> bool:
        """Whether the questions about an elevated sign are under way; another one waits."""
        return self.state.tier == "elevated" and self.state.step in ("opened", "intent", "held")

    def _after_concern(self, found: Assessment, meant: Meaning | None, locale: Locale) -> Move:
        """A turn that is no graver than the concern there was."""
        state, category = self.state, self.state.category
        assert category is not None
        # A sign is worth more than a first word: "(no,) I can't go on".
        signed = found.category == category and (meant is None or not found.faint)
        unsure = meant == "unsure" and category in _ASKED_FURTHER
        thought_of = meant in ("yes", "thoughts")
        if state.step == "sounded" and (thought_of or signed or unsure):
            return self._open(Assessment("concern", category, found.signs), locale)
        was_asked = state.step in ("opened", "unanswered")
        if was_asked and thought_of:
            return self._open(Assessment("elevated", category, found.signs), locale)
        if was_asked and category in _ASKED_FURTHER and meant in ("unsure", "refused"):
            return self._unanswered(state, locale)
        if found.tier == "concern":
            if found.category not in state.asked:
                return self._open(found, locale)
            if state.turns >= ASK_AGAIN_TURNS:
                return self._open(found, locale, first=script(locale).ask.again)
        # A story is no answer: whoever says goodbye after it has not said no.
        eluded = meant is None and self._is_left_with_a_question() and state.step != "left_open"
        step: Step = "eluded" if eluded and state.turns < ASK_AGAIN_TURNS else "staying"
        return Move(None, replace(state, step=step, turns=state.turns + 1))

    def _unanswered(self, state: State, locale: Locale) -> Move:
        """A direct question that got neither yes nor no, the first time or the second."""
        ask, category = script(locale).ask, state.category
        assert category is not None
        again = state.step == "opened"
        words = self._filled(ask.unanswered if again else ask.left_open, category, locale)
        step: Step = "unanswered" if again else "left_open"
        return Move(words, replace(state, step=step, turns=state.turns + 1, number_given=True))

    def _found(self, text: str) -> Assessment:
        """What a turn is a sign of; if of nothing, with the last turn, unless that was asked about.

        Together with the answer it would count again.
        """
        found, state = self._assess(text), self.state
        asked_about = state.tier != "none" and state.turns < _HEARD_TOGETHER_TURNS
        if found.tier != "none" or asked_about or not self._turn_before.strip():
            return found
        return leniently(assess_together(self._turn_before, text), text, alone=False)

    def _assess(self, text: str) -> Assessment:
        """Who was not asked about anything yet may say goodbye."""
        found = assess(text)
        return found if self.state.asked else leniently(found, text)

    def _open(self, found: Assessment, locale: Locale, first: str | None = None) -> Move:
        """The answer to a new sign, after the words `first`."""
        assert found.category is not None
        words_for = script(locale)
        openings = words_for.open[found.category]
        step: Step = "sounded" if found.faint else "opened"
        opening = openings.softly if found.faint else getattr(openings, found.tier)
        words = [self._filled(opening, found.category, locale)]
        if first is not None:
            words.insert(0, first)
        if found.tier == "imminent":
            if self._notified:
                words.insert(0, words_for.stay.person)
            if self._contact is not None:
                words.append(self._filled(words_for.stay.contact, found.category, locale))
        asked = {found.category} if first is not None else self.state.asked | {found.category}
        state = State(
            found.tier,
            found.category,
            step,
            stayed=self.state.stayed,
            farewells=self.state.farewells,
            asked=frozenset(asked),
            found=self.state.found | _rules(found),
        )
        return Move(_joined(words, locale), state)

    def _next(self, state: State, text: str, meant: Meaning | None, locale: Locale) -> Move:
        """The step after the last one, from elevated on."""
        ask = script(locale).ask
        assert state.category is not None
        asks_further = state.tier == "elevated" and state.category in _ASKED_FURTHER
        asks_number = self._asks_number(text, locale)
        said_yes = meant == "yes" and (not asks_number or yes_or_no(text) == "yes")
        if state.step == "intent" and said_yes:
            return self._open(Assessment("imminent", state.category, ()), locale)
        if asks_number:
            return Move(self._number_again(state, locale), state)
        if state.step == "opened" and asks_further:
            return Move(ask.intent, replace(state, step="intent"))
        if state.step == "intent" and means_at_hand(text):
            return self._open(Assessment("imminent", state.category, ()), locale)
        if state.step == "intent" and meant in ("unsure", "refused", None):
            return Move(self._filled(ask.held, state.category, locale), replace(state, step="held"))
        if state.step in ("opened", "intent", "held") and state.waiting is not None:
            return self._open(state.waiting, locale)
        if state.step in ("opened", "intent", "held"):
            return Move(ask.company, replace(state, step="company"))
        return self._stay(locale)

    def _see_off(self, state: State, locale: Locale) -> Move:
        """Nobody is held: a number and a question to take along, the next time the number alone.

        Whoever goes on talking is asked what was not asked yet. In imminent danger it is the
        number of who can come, every time.
        """
        stay, category = script(locale).stay, state.category
        assert category is not None
        lines = (stay.leaving,) if state.tier == "imminent" else stay.farewell
        words = self._filled(lines[min(state.farewells, len(lines) - 1)], category, locale)
        # A yes is the answer to this question now, so the one about intent is put again.
        step: Step = "opened" if state.step == "intent" else state.step
        if not self.in_force:
            step = "left_open"
        farewells = state.farewells + 1
        return Move(words, replace(state, step=step, farewells=farewells, number_given=True))

    def _asks_number(self, text: str, locale: Locale) -> bool:
        return re.search(script(locale).stay.asks_number, fold(text)) is not None

    def _number_again(self, state: State, locale: Locale) -> str:
        """Who to call, and the question that is still open."""
        words, category = script(locale), state.category
        assert category is not None
        open_questions = {"intent": words.ask.intent, "company": words.ask.company}
        question = open_questions.get(state.step)
        if state.step == "unanswered":
            return self._filled(words.ask.unanswered, category, locale)
        said = [self._filled(words.stay.number, category, locale)]
        return _joined([*said, question] if question is not None else said, locale)

    def _stay(self, locale: Locale) -> Move:
        stay = script(locale).stay
        lines = stay.imminent if self.state.tier == "imminent" else stay.lines
        assert self.state.category is not None
        line = self._filled(lines[self.state.stayed % len(lines)], self.state.category, locale)
        return Move(line, replace(self.state, step="staying", stayed=self.state.stayed + 1))

    # -- numbers ----------------------------------------------------------------------

    def _filled(self, line: str, category: Category, locale: Locale) -> str:
        return line.format(
            hotline=self._first(category).spoken(locale, named=True),
            police=self._first("police").spoken(locale, named=False),
            ambulance=self._first("ambulance").spoken(locale, named=False),
            emergency=self._first("police" if category in _CALL_POLICE else "ambulance").spoken(
                locale, named=False
            ),
            number=spelled(self._contact or "", locale),
        )

    def _first(self, service: Service) -> Hotline:
        """The region's number for a purpose; where it has none of its own, the general one."""
        for purpose in (service, "suicide", "ambulance"):
            found = lines_for(self._region, purpose)
            if found:
                return found[0]
        raise AssertionError(f"no number for {self._region}")  # a test holds the file complete

    def _shown(self) -> tuple[HelpLine, ...]:
        """What the page shows; in imminent danger emergency numbers first, who is on duty last."""
        assert self.state.category is not None
        services: list[Service] = [self.state.category]
        on_duty: list[HelpLine] = []
        if self.state.tier == "imminent":
            services = ["ambulance", "police", self.state.category]
            if self._contact is not None:
                on_duty.append(HelpLine(script(self._locale).stay.duty, self._contact, ""))
        found = [line for service in services for line in lines_for(self._region, service)]
        by_number = {line.number: line for line in found or [self._first(self.state.category)]}
        offered = [
            HelpLine(line.name[self._locale], line.number, line.hours)
            for line in by_number.values()
        ]
        return (*offered, *on_duty)


def _rules(found: Assessment) -> frozenset[str]:
    """What holds in the gravest tier of what was found: rules, and opinions by what they are of."""
    return frozenset(
        f"{sign.rule_id} {sign.category}" for sign in found.signs if sign.tier == found.tier
    )


def _mandarin_of(region: Region) -> Locale:
    """The script in which Mandarin is answered where the persona speaks English."""
    return "zh-Hant" if region in ("TW", "HK") else "zh-Hans"


def _joined(lines: list[str], locale: Locale) -> str:
    return (" " if locale == "en" else "").join(lines)
