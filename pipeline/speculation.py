"""What drafts cost and save, and when to do without them: pure, monotonic seconds.

A draft is a reply begun before its turn is taken.

    begin ──▶ open ──commit──▶ hit    what it had done by then was done in time that the
                │                     caller spent being silent: saved
                └────drop────▶ miss   its tokens and its voice were for nothing: wasted
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

from pipeline.audio import OUTPUT_RATE_HZ

# A caller who goes on does so within about 1.2 s, the longest inner pause that the turn
# machine allows for. A draft that says nothing by then only takes the cores from the others.
SLOW_SECS = 1.2
# Twice the slowest that was measured warm on two idle cores (0.28 s, 1.5B), and below what
# a voice on the same cores makes of it (0.6 to 0.95 s): the load is gone, not just less.
QUICK_SECS = 0.55
# A majority of so many replies decides: one stall switches nothing.
REPLIES_JUDGED = 3


@dataclass(frozen=True, slots=True)
class SpeculationAccount:
    """A sum over drafts.

    Attributes:
        drafts: Begun; each is a hit, a miss, or open.
        hits: Kept: their turn was taken with the words they answer.
        misses: Dropped unheard.
        wasted_tokens: Written for misses.
        wasted_audio_samples: Synthesised for misses, at 24 kHz.
        saved_secs: By how much the hits sound earlier than if begun at their commit.
    """

    drafts: int = 0
    hits: int = 0
    misses: int = 0
    wasted_tokens: int = 0
    wasted_audio_samples: int = 0
    saved_secs: float = 0.0

    def __add__(self, other: SpeculationAccount) -> SpeculationAccount:
        return SpeculationAccount(
            self.drafts + other.drafts,
            self.hits + other.hits,
            self.misses + other.misses,
            self.wasted_tokens + other.wasted_tokens,
            self.wasted_audio_samples + other.wasted_audio_samples,
            self.saved_secs + other.saved_secs,
        )

    def entries(self) -> dict[str, float]:
        """As it is reported: plain numbers, times in milliseconds to a tenth."""
        return {
            "drafts": self.drafts,
            "hits": self.hits,
            "misses": self.misses,
            "wasted_tokens": self.wasted_tokens,
            "wasted_audio_ms": round(self.wasted_audio_samples / OUTPUT_RATE_HZ * 1000, 1),
            "saved_ms": round(self.saved_secs * 1000, 1),
        }


@dataclass
class _OpenDraft:
    begun_at: float
    tokens: int = 0
    audio_samples: int = 0
    voiced_at: float | None = None  # its first sample was ready

    def saved_secs(self, committed_at: float) -> float:
        """See `SpeculationLedger.keep`."""
        ready_at = committed_at if self.voiced_at is None else min(self.voiced_at, committed_at)
        return max(0.0, ready_at - self.begun_at)


class SpeculationLedger:
    """Books the drafts of one call.

    A generation is begun once and closed once; whatever is said of it before or after,
    late results of a dropped draft among it, changes nothing.

    Attributes:
        call: All drafts of the call.
        turn: Those of the turn under way: since the last `close_turn`.
    """

    def __init__(self) -> None:
        self.call = SpeculationAccount()
        self.turn = SpeculationAccount()
        self._newest = 0
        self._open: dict[int, _OpenDraft] = {}

    @property
    def open_drafts(self) -> int:
        """Begun, and neither hit nor miss yet."""
        return len(self._open)

    def begin(self, generation: int, at: float) -> None:
        """A draft is begun; generations only grow."""
        if generation <= self._newest:
            return
        self._newest = generation
        self._open[generation] = _OpenDraft(at)
        self._book(SpeculationAccount(drafts=1))

    def spend(self, generation: int, at: float, *, tokens: int = 0, audio_samples: int = 0) -> None:
        """What a draft has come to so far: totals, of which the largest holds."""
        draft = self._open.get(generation)
        if draft is None:
            return
        draft.tokens = max(draft.tokens, tokens)
        draft.audio_samples = max(draft.audio_samples, audio_samples)
        if audio_samples and draft.voiced_at is None:
            draft.voiced_at = at

    def keep(self, generation: int, at: float) -> None:
        """Its turn is taken: a hit.

        Without the draft the reply would begin at the commit and sound after
        `t = voiced - begun`; with it, it sounds at the commit or, if later, when the
        voice is ready:

            saved = (commit + t) - max(commit, begun + t) = min(commit - begun, t)

        So a draft whose voice is not ready saves all the time since it was begun, and
        one that was long ready saves what it took. `t` would be the same after the
        commit, which holds as long as the machine is not busier then.
        """
        draft = self._open.pop(generation, None)
        if draft is not None:
            self._book(SpeculationAccount(hits=1, saved_secs=draft.saved_secs(at)))

    def drop(self, generation: int) -> None:
        """The caller went on, or something else was answered: a miss."""
        draft = self._open.pop(generation, None)
        if draft is not None:
            self._book(
                SpeculationAccount(
                    misses=1,
                    wasted_tokens=draft.tokens,
                    wasted_audio_samples=draft.audio_samples,
                )
            )

    def close_turn(self) -> SpeculationAccount:
        """The account of the turn that ends now; drafts of discarded turns are in the next."""
        turn, self.turn = self.turn, SpeculationAccount()
        return turn

    def _book(self, entry: SpeculationAccount) -> None:
        self.turn += entry
        self.call += entry


class SpeculationGovernor:
    """Switches drafts off under load and on again, by how long replies keep one waiting.

    Load is the delay from asking for a reply to its first sign: a token or, of a scripted
    line, its voice. Replies that begin at the commit are timed as well, which is how the
    end of the load is seen while nothing is drafted.

        on ──median of the last three ≥ `slow_secs`──▶ off
        on ◀─median of the last three ≤ `quick_secs`── off

    Between the two limits everything stays as it is. The share of misses is no criterion:
    on an idle machine a draft that is dropped costs nobody anything.

    Attributes:
        allows: Whether drafts may be begun.
    """

    def __init__(self, *, slow_secs: float = SLOW_SECS, quick_secs: float = QUICK_SECS) -> None:
        if not 0.0 < quick_secs < slow_secs:
            raise ValueError("quick_secs must lie between 0 and slow_secs")
        self.allows = True
        self._slow_secs = slow_secs
        self._quick_secs = quick_secs
        self._awaited: tuple[int, float] | None = None
        self._delays_secs: deque[float] = deque(maxlen=REPLIES_JUDGED)

    def begin(self, generation: int, at: float) -> None:
        """A reply is asked for; a newer one replaces an older one."""
        self._awaited = (generation, at)

    def answered(self, generation: int, at: float) -> None:
        """A sign of the reply; only the first of the awaited one counts."""
        if self._awaited is not None and self._awaited[0] == generation:
            self._note(at - self._awaited[1])
            self._awaited = None

    def drop(self, generation: int, at: float) -> None:
        """Nobody waits any more; a wait that was already slow counts as it stands."""
        if self._awaited is not None and self._awaited[0] == generation:
            waited_secs = at - self._awaited[1]
            self._awaited = None
            if waited_secs >= self._slow_secs:
                self._note(waited_secs)

    def _note(self, delay_secs: float) -> None:
        self._delays_secs.append(delay_secs)
        if len(self._delays_secs) < REPLIES_JUDGED:
            return
        usual_secs = median(self._delays_secs)
        if usual_secs >= self._slow_secs:
            self.allows = False
        elif usual_secs <= self._quick_secs:
            self.allows = True
