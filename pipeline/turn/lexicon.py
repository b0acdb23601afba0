"""What the caller's words say about the turn: small predicates over tables of phrases.

All of them compare in text units after folding: width, case, Traditional characters,
apostrophes, hyphens, stretched sounds (yeahhh) and the recogniser's usual slips (恩 for
嗯) make no difference, nor does punctuation. They are pure and never raise; an empty
text is never anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, TypeAlias

from opencc import OpenCC

from pipeline.text import keys
from pipeline.turn import phrases

Folded: TypeAlias = tuple[str, ...]
Ending: TypeAlias = Literal["open", "leading", "question", "answer", "plain"]
Mark: TypeAlias = Literal["none", "pause", "stop", "question"]

LONGEST_BACKCHANNEL_UNITS = 8  # 嗯嗯嗯嗯原来如此; whoever says more is taking the turn
QUESTION_SPAN_UNITS = 14  # a question word further back belongs to an earlier thought

_TO_SIMPLIFIED = OpenCC("t2s")
_STRETCH = re.compile(r"([a-z])\1{2,}")
_SENTENCE_END = re.compile(r"[。！？!?…\n]|\.(?=\s|$)")
_CLAUSE_END = re.compile(r"[，、；：,;:]")
_CLOSING = " \"'”’」』）)"  # may stand after the last mark
_TRAILING_OFF = re.compile(r"(?:…|\.\.+|—|--)\s*$")

_AUXILIARY = (
    "am|is|are|was|were|do|does|did|have|has|had|can|could|will|would|shall|should|may|might|must"
    "|isnt|arent|wasnt|werent|dont|doesnt|didnt|havent|hasnt|cant|couldnt|wont|wouldnt|shouldnt"
)
_SUBJECT = (
    "i|you|he|she|it|we|they|this|that|there|these|those|my|your|his|her|our|their|the|any"
    "|anyone|anybody|someone|people|everyone"
)
_ENGLISH_QUESTION = re.compile(
    rf"^(?:{_AUXILIARY})(?: not)? (?:{_SUBJECT})\b"
    rf"|^(?:what|who|whom|where|when|why|how|which)(?: (?!{_SUBJECT})\w+){{0,2}} (?:{_AUXILIARY})\b"
    r"|^(?:what|how) about\b|^how come\b|^why not\b|^(?:what|why|how|where|who|when)s?$"
    rf"|\b(?:{_AUXILIARY}) (?:i|you|he|she|it|we|they)$"
    r"|\b(?:right|you think|what should i do|what do i do)$"
)
_ENGLISH_COUNSEL_QUESTION = re.compile(
    r"^what (?:should|shall|can|could|do|would) (?:i|we|you)"
    r" (?:do|say|tell|try|suggest|recommend|advise)\b|^what (?:do|would) you think$"
    # How a life should go on is asked of nobody.
    r"|^how (?:do|should|shall|can) (?:i|we) (?:\w+ )?"
    r"(?:tell|say|ask|talk|explain|answer|help|make (?!it stop)|deal|handle|start|find|get (?!out)|"
    r"support|bring|set|stop (?!it\b|this\b|being\b|hurting\b))"
)
_ENGLISH_TAG = re.compile(rf"\b(?:right|(?:{_AUXILIARY}) (?:i|you|he|she|it|we|they))$")
_ENGLISH_LEADING = re.compile(
    r"^(?:(?:and|so|but|well|um|uh|like) )*"
    r"(?:if|when|whenever|after|before|since|because|although|though|while|until|unless|once|as"
    r"|even (?:if|though|when)|ever since|by the time|right (?:when|before|after)|suppose"
    r"|(?:every|each|next|last|any) ?time|the (?:first|last|next|only) time"
    r"|the (?:moment|minute|second|day|night|week|morning|afternoon|evening|year|summer|winter)"
    r"|instead of|rather than|compared to|apart from|except for|of all|for someone|for somebody"
    r"|with|without|in|on|at|during|until|having|being)\b"
)
_INNER_QUESTION = rf"(?:{_AUXILIARY}) (?:i|you|he|she|it|we|they|that|there|anyone|anybody|someone)"
_ENGLISH_INNER_QUESTION = re.compile(rf"\b{_INNER_QUESTION}\b")
# What follows a leading clause of two words or more: the subject of a main clause, or a
# question. "you" and "it" may be objects in the leading clause and tell nothing.
_ENGLISH_MAIN = re.compile(
    r"^(?: \S+){2,}? (?:(?:i|he|she|we|they|that|there|nobody|everyone|everything|what)"
    rf"(?:m|s|d|ve|re|ll)?|its|{_INNER_QUESTION})\b"
)


@lru_cache(maxsize=16)  # every predicate asks about the same few texts, window after window
def fold(text: str) -> Folded:
    """The units of `text` in the form in which the tables hold them."""
    plain = _TO_SIMPLIFIED.convert(text).replace("’", "").replace("'", "").replace("-", " ")
    folded = (_STRETCH.sub(r"\1", unit) for unit in keys(plain))
    return tuple(phrases.SLIPS.get(unit, unit) for unit in folded)


class _Phrases:
    """A set of phrases, looked up by where they stand in a sequence of units."""

    def __init__(self, *tables: str) -> None:
        entries = (fold(entry) for table in tables for entry in re.split(r"[,\n]", table))
        self._entries = frozenset(entry for entry in entries if entry)
        self._longest = max(map(len, self._entries))

    def __contains__(self, words: Folded) -> bool:
        return words in self._entries

    def prefix(self, words: Folded) -> int:
        """Length of the longest phrase that `words` begins with, 0 for none."""
        lengths = range(min(self._longest, len(words)), 0, -1)
        return next((length for length in lengths if words[:length] in self._entries), 0)

    def begins(self, words: Folded) -> bool:
        """Whether a longer phrase begins with all of `words`."""
        return any(len(e) > len(words) and e[: len(words)] == words for e in self._entries)

    def suffix(self, words: Folded) -> int:
        """Length of the longest phrase that `words` ends with, 0 for none."""
        lengths = range(min(self._longest, len(words)), 0, -1)
        return next((length for length in lengths if words[-length:] in self._entries), 0)

    def find(self, words: Folded) -> list[int]:
        """Where phrases begin in `words`."""
        return [start for start in range(len(words)) if self.prefix(words[start:])]

    def covers(self, words: Folded) -> bool:
        """Whether `words` is one or more phrases and nothing else."""
        reached = {0}
        for start in range(len(words)):
            if start in reached:
                ends = range(start + 1, min(start + self._longest, len(words)) + 1)
                reached.update(end for end in ends if words[start:end] in self._entries)
        return bool(words) and len(words) in reached

    def strip_prefixes(self, words: Folded) -> Folded:
        """`words` without the phrases it begins with."""
        while length := self.prefix(words):
            words = words[length:]
        return words

    def strip_suffixes(self, words: Folded) -> Folded:
        """`words` without the phrases it ends with."""
        while length := self.suffix(words):
            words = words[:-length]
        return words


_PARTICLES = _Phrases(phrases.PARTICLES)
_HESITATIONS = _Phrases(phrases.HESITATIONS)
_FILLERS = _Phrases(phrases.HESITATIONS, phrases.HUMS)
_ASIDES = _Phrases(phrases.ASIDES)
_WANT_A_WORD = _Phrases(phrases.WANT_A_WORD)
_BACKCHANNELS = _Phrases(phrases.BACKCHANNELS)
_ROUNDING_OFF = _Phrases(phrases.ROUNDING_OFF)
_COMMANDS = _Phrases(phrases.COMMANDS)
_LEAD_INS = _Phrases(phrases.LEAD_INS)
_CONTINUATIONS = _Phrases(phrases.CONTINUATIONS)
_COMPLETIONS = _Phrases(phrases.COMPLETIONS)
_ANSWERS = _Phrases(phrases.ANSWERS, phrases.BACKCHANNELS)
_LEADING_STARTS = _Phrases(phrases.LEADING_STARTS)
_LEADING_TAILS = _Phrases(phrases.LEADING_TAILS)
_MAIN_CLAUSE_MARKS = _Phrases(phrases.MAIN_CLAUSE_MARKS)
_QUESTION_PARTICLES = _Phrases(phrases.QUESTION_PARTICLES)
_QUESTION_WORDS = _Phrases(phrases.QUESTION_WORDS)
_QUESTION_BLOCKERS = _Phrases(phrases.QUESTION_BLOCKERS)
_COUNSEL_QUESTIONS = _Phrases(phrases.COUNSEL_QUESTIONS)
_NO_COUNSEL = _Phrases(phrases.QUESTION_BLOCKERS, phrases.REPORTED_QUESTIONS, phrases.POLAR_WORDS)
_POLAR_ENDINGS = _Phrases(phrases.POLAR_ENDINGS)
_TIME_REQUESTS = _Phrases(phrases.TIME_REQUESTS)
_TIME_REQUEST_TAILS = _Phrases(phrases.TIME_REQUEST_TAILS, phrases.PARTICLES)
_FEELINGS = _Phrases(phrases.FEELINGS)
_NEGATIONS = _Phrases(phrases.NEGATIONS)
_CONTINUE_REQUESTS = _Phrases(phrases.CONTINUE_REQUESTS)


def is_backchannel(text: str) -> bool:
    """Whether all that was said is 嗯, 对对对, 原来如此, mm-hm, yeah right or the like."""
    words = fold(text)
    return len(words) <= LONGEST_BACKCHANNEL_UNITS and _BACKCHANNELS.covers(words)


def begins_backchannel(text: str) -> bool:
    """Whether more words could still make it a backchannel: 原来 of 原来如此, "I" of "I see"."""
    words = fold(text)
    return any(_BACKCHANNELS.begins(words[start:]) for start in _covered_starts(words))


def _covered_starts(words: Folded) -> Iterator[int]:
    """Where the last phrase may begin: at 0, and behind each run of whole backchannels."""
    return (
        start for start in range(len(words)) if not start or _BACKCHANNELS.covers(words[:start])
    )


def rounds_off(text: str) -> bool:
    """Whether all that was said is 就是这样, or a 对 before it: what went before was all of it."""
    words = fold(text)
    return any(words[start:] in _ROUNDING_OFF for start in _covered_starts(words))


def is_hesitation(text: str) -> bool:
    """Whether nothing was said but 呃, 那个, um: the speaker is still looking for words."""
    return _HESITATIONS.covers(fold(text))


def is_command(text: str) -> bool:
    """Whether the utterance asks the bot to stop, or begins to contradict it.

    等一下, 不是, wait and the like may be followed by anything; a command of a single
    Chinese character (停, 不) counts only when nothing else is said.
    """
    words = fold(text)
    if _BACKCHANNELS.covers(words):
        return False
    return any(_begins_with_command(start) for start in _without_lead_ins(words))


def _without_lead_ins(words: Folded) -> Iterator[Folded]:
    """`words`, and what is left of them as one lead-in after another is taken off."""
    yield words
    while length := _LEAD_INS.prefix(words):
        words = words[length:]
        yield words


def _begins_with_command(words: Folded) -> bool:
    if _COMMANDS.covers(_PARTICLES.strip_suffixes(words)):
        return True
    length = _COMMANDS.prefix(words)
    return length > 1 or (length == 1 and words[0].isascii())


def trailing_incomplete(text: str) -> bool:
    """Whether the words so far ask for more: a conjunction, 我觉得…, a filler, "because".

    A lone 嗯 or "mm" is an answer and complete; a lone 呃 or "um" is not.
    """
    words = fold(text)
    if not words:
        return False
    if _TRAILING_OFF.search(text) or _HESITATIONS.covers(words):
        return True
    rest = _FILLERS.strip_suffixes(words)
    if not rest:
        return False
    if len(rest) < len(words):
        return not _BACKCHANNELS.covers(words)
    return _CONTINUATIONS.suffix(words) > 0 and not _is_completion(words)


def _is_completion(words: Folded) -> bool:
    """Whether the continuation at the end is part of a longer, complete ending."""
    return _COMPLETIONS.suffix(words) > _CONTINUATIONS.suffix(words)


def leads_up(text: str) -> bool:
    """Whether the last sentence only sets a scene: 如果他不回来, when I got home last night."""
    sentence = _last(_SENTENCE_END, text)
    words = _LEAD_INS.strip_prefixes(sentence)
    if _LEADING_TAILS.suffix(words):
        return True
    begun = _LEADING_STARTS.prefix(words)
    if begun:
        return not _MAIN_CLAUSE_MARKS.find(words[begun + 1 :])
    english = " ".join(sentence)
    lead = _ENGLISH_LEADING.search(english)
    return lead is not None and not _ENGLISH_MAIN.search(english[lead.end() :])


def _last(separator: re.Pattern[str], text: str) -> Folded:
    """The last part of `text` that has words; empty if none has."""
    parts = (fold(part) for part in reversed(separator.split(text)))
    return next((part for part in parts if part), ())


def is_answer(text: str) -> bool:
    """Whether all that was said answers a question: 没有, 还行吧, not really, a backchannel."""
    words = fold(text)
    bare = _PARTICLES.strip_suffixes(words) or words
    return len(words) <= LONGEST_BACKCHANNEL_UNITS and (
        _ANSWERS.covers(words) or _ANSWERS.covers(bare)
    )


def ends_as_question(text: str) -> bool:
    """Whether the last sentence asks something, with or without its question mark."""
    stripped = text.rstrip(_CLOSING)
    words = fold(text)
    if not words or (trailing_incomplete(text) and not stripped.endswith(("?", "？"))):
        return False
    if stripped.endswith(("?", "？")):
        return True
    sentence = _last_sentence(text)
    clause = _last(_CLAUSE_END, sentence)
    return _asks_in_chinese(clause) or _asks_in_english(clause) or _asks_in_english(fold(sentence))


def _last_sentence(text: str) -> str:
    """The last with words of a text that has some."""
    return [part for part in _SENTENCE_END.split(text) if fold(part)][-1]


def asks_for_counsel(text: str) -> bool:
    """Whether the last clause asks what to do or say: 我该怎么办, "what should I tell her?".

    In doubt it does not: whoever asks 我怎么这么没用 or "did I do something wrong?" might hear an
    answer in any sound.
    """
    if not ends_as_question(text):
        return False
    clause = _last(_CLAUSE_END, _last_sentence(text))
    if _NO_COUNSEL.find(clause) or _POLAR_ENDINGS.suffix(clause):
        return False
    asked = _COUNSEL_QUESTIONS.find(clause)
    if asked:
        return not {"都", "也"} & set(clause[asked[0] :])  # 怎么办都没用 asks nothing
    english = " ".join(_LEAD_INS.strip_prefixes(clause) or clause)
    return bool(_ENGLISH_COUNSEL_QUESTION.search(english)) and not _ENGLISH_TAG.search(english)


def _asks_in_chinese(clause: Folded) -> bool:
    if len(clause) > 1 and _QUESTION_PARTICLES.suffix(clause):
        return not _BACKCHANNELS.covers(clause)
    ending = clause[-QUESTION_SPAN_UNITS:]
    return bool(_QUESTION_WORDS.find(ending)) and not _QUESTION_BLOCKERS.find(ending)


def _asks_in_english(clause: Folded) -> bool:
    bare = _LEAD_INS.strip_prefixes(clause)
    words = " ".join(bare or clause)
    if _ENGLISH_QUESTION.search(words):
        return True
    return bool(_ENGLISH_LEADING.search(words) and _ENGLISH_INNER_QUESTION.search(words))


def ending_of(text: str) -> Ending:
    """How the words end.

    "open" where the caller looks for a word (怎么说呢), whatever the mark; a marked "question";
    "answer" as in `is_answer`, "open" as in `trailing_incomplete`, "leading" as in `leads_up`,
    else a "question" or "plain".
    """
    if _is_aside(_last(_CLAUSE_END, text)):
        return "open"
    if mark_of(text) == "question":
        return "question"
    if is_answer(text):
        return "answer"
    if trailing_incomplete(text):
        return "open"
    if leads_up(text):
        return "leading"
    return "question" if ends_as_question(text) else "plain"


def _is_aside(clause: Folded) -> bool:
    """Whether the caller looks for a word: alone in its clause, or behind words that want one.

    那我该怎么说呢 asks.
    """
    length = _ASIDES.suffix(clause)
    before = clause[: len(clause) - length]
    return length > 0 and (not before or _WANT_A_WORD.suffix(before) > 0)


def mark_of(text: str) -> Mark:
    """The last punctuation, as far as it tells: "pause" is a comma or three dots."""
    written = text.rstrip(_CLOSING)
    if _TRAILING_OFF.search(written) or _CLAUSE_END.search(written[-1:]):
        return "pause"
    if written.endswith(("?", "？")):
        return "question"
    return "stop" if _SENTENCE_END.search(written[-1:]) else "none"


def asks_for_time(text: str) -> bool:
    """Whether the caller ends with a request for time: 让我想想, give me a second."""
    return any(_TIME_REQUESTS.suffix(ending) for ending in _shortened(fold(text)))


def _shortened(words: Folded) -> Iterator[Folded]:
    """`words`, and what is left of them as fillers and tails are taken off the end."""
    yield words
    while length := max(_FILLERS.suffix(words), _TIME_REQUEST_TAILS.suffix(words)):
        words = words[:-length]
        yield words


def discloses_feeling(text: str) -> bool:
    """Whether the caller tells of a feeling or a loss that deserves a slower answer.

    A cue, not a judgement: it paces replies and has no part in crisis detection.
    """
    words = fold(text)
    return any(not _NEGATIONS.suffix(words[:start]) for start in _FEELINGS.find(words))


def asks_to_continue(text: str) -> bool:
    """Whether the caller only wants the bot to go on: 继续, 你刚才说到哪了, go on."""
    return any(
        ending in _CONTINUE_REQUESTS
        for beginning in _without_lead_ins(fold(text))
        for ending in _without_particles(beginning)
    )


def _without_particles(words: Folded) -> Iterator[Folded]:
    """`words`, and what is left of them as one particle after another is taken off."""
    yield words
    while length := _PARTICLES.suffix(words):
        words = words[:-length]
        yield words
