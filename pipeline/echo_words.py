"""Which of the words in the microphone are the bot's own, come back through the room.

    bot, the reply before   …最近怎么样？
    bot, this reply         我们先做一个放松的 | 练习。请你找一个…
                            ──── heard ──────▶ | upcoming: reports lag behind the loudspeaker
    microphone              我们 我们先做一个 等一下
                            ──── echo ─────── ─ the caller's

Words are compared by sound and in text units. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise, product

from pipeline.text import common_prefix_length, units

PAST_UNITS = 40  # about 8 s of speech: what a hypothesis may reach back to
AHEAD_UNITS = 12  # played between the last report and now
# One or two units from where the bot fell silent are its echo: the last it was heard to say,
# and those it had begun when it was cut.
TAIL_UNITS = 3
CUT_UNITS = 2
RUN_UNITS = 3  # two units in a row coincide by chance: 觉得, 这样, "I am"
PAIR_UNITS = 2  # but not just behind three others, at the same place
MISHEARD_UNITS = 2
_GAPS = sorted(product(range(MISHEARD_UNITS + 1), repeat=2), key=sum)[1:]


@dataclass
class BotWords:
    """What the bot says, as far as the microphone may hear it."""

    _heard: str = ""
    _upcoming: str = ""
    _before: str = ""  # of the reply before, for a sound that began over it

    def note(self, heard: str, upcoming: str) -> None:
        """What has been heard of a reply from its beginning, and what is about to be."""
        if not _begin_alike(self._heard + self._upcoming, heard + upcoming):
            self._before = self._heard + _first_units(self._upcoming, CUT_UNITS)
        self._heard, self._upcoming = heard, upcoming

    def forget_reply_before(self) -> None:
        """A new sound begins: it can be an echo of the present reply only."""
        self._before = ""

    def in_the_room(self) -> str:
        """What can come back now: `PAST_UNITS` and `AHEAD_UNITS` around the loudspeaker."""
        past = _last_units(f"{self._before}\n{self._heard}", PAST_UNITS)
        return f"{past}\n{_first_units(self._upcoming, AHEAD_UNITS)}"

    def ends_with(self, text: str, sound_of: Callable[[str], str]) -> bool:
        """Whether a word or two, the last perhaps cut short, are where the bot fell silent.

        Of a reply that was said to its end only the end is: 好 answers 好吗.
        """
        was_cut = bool(self._upcoming.strip())
        tail = f"{_last_units(self._heard, TAIL_UNITS)}\n{_first_units(self._upcoming, CUT_UNITS)}"
        said, heard = _sounds(tail, sound_of), _sounds(text, sound_of)
        if not 0 < len(heard) < RUN_UNITS:
            return False
        ends = range(len(heard), len(said) + 1) if was_cut else (len(said),)
        return any(_heard_as(said[max(0, end - len(heard)) : end], heard) for end in ends)


def without_echo(text: str, bot_text: str, sound_of: Callable[[str], str] = str.casefold) -> str:
    """What is left of a transcript when the bot's own words are taken out.

    A run of at least three units that the bot also says is its echo, as long as such runs
    make up half of the text or more; one or two units between two runs are echo heard
    wrongly. Runs of two are echo if the text consists of nothing else: that is how it hears
    itself stutter. A text of two units is echo when the bot says it as it stands; a single
    unit never is, since the bot says 不 and 是 all the time.

    Args:
        text: What the recogniser heard.
        bot_text: What the bot said in the last seconds and is about to say.
        sound_of: The sound of one unit; written forms by default.

    Returns:
        `text` itself if there is no echo in it, "" if there is nothing else, and
        otherwise the units that are left, separated by spaces.
    """
    heard = [unit.text for unit in units(text)]
    sounds, said = _sounds(text, sound_of), _sounds(bot_text, sound_of)
    if len(sounds) >= RUN_UNITS and _consists_of_pairs(sounds, said):
        return ""
    shortest = min(RUN_UNITS, len(sounds))
    matcher = SequenceMatcher(None, sounds, said, autojunk=False)
    runs = [run for run in matcher.get_matching_blocks() if run.size >= shortest]
    if len(sounds) < 2 or 2 * sum(run.size for run in runs) < len(sounds):
        return text
    gaps, position = [], 0
    for run in runs:
        gaps.append(heard[position : run.a])
        position = run.a + run.size
    between = [gap for gap in gaps[1:] if len(gap) >= RUN_UNITS]
    return " ".join(unit for gap in [gaps[0], *between, heard[position:]] for unit in gap)


def after_echo(text: str, bot_text: str, sound_of: Callable[[str], str] = str.casefold) -> str:
    """What the caller says, in an utterance that began as the bot's echo.

    The echo is a run from its first unit on that the bot also says, in at least three
    units; up to two units that were heard wrongly or not at all may stand before each part
    of it. Only where it is known that the bot was heard first is such a run no quotation.

    Args:
        text: What the recogniser heard of the utterance.
        bot_text: What the bot said in the last seconds and was about to say.
        sound_of: The sound of one unit; written forms by default.

    Returns:
        The end of `text` from the first unit after the echo on; all of it without one.
    """
    heard = units(text)
    length = _leading_run([sound_of(unit.text) for unit in heard], _sounds(bot_text, sound_of))
    if length == 0:
        return text
    return text[heard[length].start :] if length < len(heard) else ""


def _leading_run(heard: Sequence[str], said: Sequence[str]) -> int:
    """Units that `heard` has in common with some place of `said`, from its first on."""
    most, length = RUN_UNITS - 1, 0
    for first in range(MISHEARD_UNITS + 1):
        for place in range(len(said)):
            known, end = _followed(heard, said, first, place)
            if known > most:
                most, length = known, end
    return length


def _followed(heard: Sequence[str], said: Sequence[str], at: int, place: int) -> tuple[int, int]:
    """How far `heard` from `at` on follows `said` from `place` on, over short gaps.

    Returns:
        Units that are the same, and where in `heard` the last of them ends.
    """
    known = 0
    while True:
        run = common_prefix_length(heard[at:], said[place:])
        if run < PAIR_UNITS:
            return known, at
        known, at, place = known + run, at + run, place + run
        for extra, missed in _GAPS:
            rest = common_prefix_length(heard[at + extra :], said[place + missed :])
            if rest >= PAIR_UNITS:
                at, place = at + extra, place + missed
                break
        else:
            return known, at


def _consists_of_pairs(heard: Sequence[str], said: Sequence[str]) -> bool:
    """Whether every unit of `heard` has a neighbour beside it that it has in `said`, too."""
    pairs = set(pairwise(said))
    known = [pair in pairs for pair in pairwise(heard)]
    return all(map(max, [False, *known], [*known, False]))


def _heard_as(said: Sequence[str], heard: Sequence[str]) -> bool:
    """Whether two runs of sounds are the same, but for the end of the last, which was cut."""
    alike = len(said) == len(heard) and said[:-1] == heard[:-1]
    return alike and said[-1].startswith(heard[-1])


def _begin_alike(one: str, other: str) -> bool:
    """Whether one text is the other, or its beginning."""
    return one.startswith(other) or other.startswith(one)


def _sounds(text: str, sound_of: Callable[[str], str]) -> list[str]:
    return [sound_of(unit.text) for unit in units(text)]


def _last_units(text: str, count: int) -> str:
    found = units(text)[-count:]
    return text[found[0].start :] if found else text


def _first_units(text: str, count: int) -> str:
    found = units(text)[:count]
    return text[: found[-1].end] if found else ""
