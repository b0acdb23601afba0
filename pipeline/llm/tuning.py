"""How a decode step is run: on how many threads, and with how many replies.

llama.cpp's threads wait for each other at every operation by spinning. When another
process or stage takes one of the cores, the spinning threads burn what the missing one
would need, and speed does not halve but collapses. Qwen 0.5B on two cores, tokens per
second of prompt and reply, with busy loops beside it:

                    none         one          two
    one thread      142, 50      140, 50       95, 35
    two threads     265, 61     50–90, 28    18–38, 5

Two are therefore worth having only as long as nobody else computes: the engines of calls say when
they do (`pipeline.computing`), and this module notices when anybody else does.

Whether two replies go faster in one step than in turn depends on the quantisation and on
the CPU. The same model, whose q5_0 and q8_0 weights have no batched kernel for two rows,
milliseconds of a step with 1, 2, 4, 8 and 16 tokens: 16, 38, 53, 69, 84 on two threads
and 20, 71, 95, 125, 159 on one. Two replies in turn take 32 there, eight together 69. So
both ways are timed once, and the faster one is kept.
"""

from __future__ import annotations

# A step that takes so many times as long as the fastest of its size was disturbed. Undisturbed
# steps of one size differ by less than a third; one busy loop makes them three times slower.
DISTURBED_RATIO = 2.0
HOLD_SECS = 1.0  # on one thread after a disturbed step; doubles while it stays disturbed
LONGEST_HOLD_SECS = 8.0


class StepTuner:
    """Learns from the steps done how to run the next. Knows no clock."""

    def __init__(self) -> None:
        self._fastest_secs: dict[tuple[int, int], float] = {}  # by threads and tokens
        self._hold_until = 0.0
        self._next_hold_secs = HOLD_SECS

    def threads(self, most: int, at: float) -> int:
        """Threads for the next step.

        Args:
            most: Threads it may have.
            at: Now, in monotonic seconds.
        """
        return 1 if at < self._hold_until else most

    def batching_pays(self, replies: int, threads: int) -> bool:
        """Whether one step for all replies is faster than one step for each.

        Until both were timed, the one that was not is tried.

        Args:
            replies: Replies being written, at least 2.
            threads: Threads the steps have.
        """
        together = self._fastest_secs.get((threads, replies))
        alone = self._fastest_secs.get((threads, 1))
        if together is None or alone is None:
            return together is None
        return together < replies * alone

    def note(self, *, tokens: int, threads: int, secs: float, at: float) -> None:
        """Learn from a step that was done.

        Args:
            tokens: Tokens it evaluated.
            threads: Threads it had; one thread waits for no other, so its time says nothing
                about the machine.
            secs: Time it took.
            at: Now, in monotonic seconds.
        """
        size = (threads, tokens)
        fastest = min(secs, self._fastest_secs.get(size, secs))
        self._fastest_secs[size] = fastest
        if threads == 1:
            return
        if secs > DISTURBED_RATIO * fastest:
            self._hold_until = at + self._next_hold_secs
            self._next_hold_secs = min(2 * self._next_hold_secs, LONGEST_HOLD_SECS)
        else:
            self._next_hold_secs = HOLD_SECS
