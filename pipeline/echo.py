"""How loud the bot's own voice comes back through the caller's microphone.

    bot voice   ▁▅▇▅▁▁▃▇▆▂▁        what the loudspeaker plays, from playout
    microphone  ▁▁▁▂▄▅▄▁▁▂▅▄▂      the same shape, later and quieter, if there is an echo
                ├──┤ delay          the lag at which the difference of levels is steadiest

Where no canceller works, or works badly, the two levels rise and fall together, so their
difference hardly varies: it is the coupling. Without an echo the microphone's level has
nothing to do with the bot's, and nothing is predicted. The estimate is a median, so a
caller who speaks over the bot for less than half of the time does not disturb it.

Pure: times are monotonic seconds and never fall from one call to the next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from pipeline.audio import WINDOW_SECS

SLOT_SECS = 0.02  # grain of the reference
MAX_DELAY_SECS = 0.5  # network, jitter buffer, Bluetooth loudspeaker, room
LAGS = round(MAX_DELAY_SECS / SLOT_SECS)
SILENT_DBFS = -90.0
VOICED_DBFS = -45.0  # the bot's vowels are at -20 to -30 dBFS
HISTORY_WINDOWS = 160  # 5 s of the bot's voice: a room changes when somebody moves the phone
FEWEST_WINDOWS = 16  # half a second of it; less is chance
# Share of the bot's own variation that may be left in the difference: an echo at 0 to
# -40 dB leaves a third or less, microphone noise alone leaves all of it.
STEADY_SHARE = 0.6
TAIL_SLOTS = 5  # 0.1 s in which a living room's reverberation falls by some 15 dB
_WINDOW_SLOTS = round(WINDOW_SECS / SLOT_SECS)


class EchoFloor:
    """Learns one call's echo from two sequences of levels."""

    def __init__(self) -> None:
        self._voice: dict[int, float] = {}  # slot to level, where the bot is not silent
        self._newest_slot = 0
        self._differences: deque[npt.NDArray[np.float64]] = deque(maxlen=HISTORY_WINDOWS)
        self._references: deque[npt.NDArray[np.float64]] = deque(maxlen=HISTORY_WINDOWS)
        self._lag: int | None = None
        self._coupling_db = 0.0

    @property
    def coupling_db(self) -> float | None:
        """Level of the echo relative to the bot's voice as sent; None without an echo."""
        return None if self._lag is None else self._coupling_db

    @property
    def delay_secs(self) -> float | None:
        """How much later the echo comes than playout believes to play; None without one."""
        return None if self._lag is None else self._lag * SLOT_SECS

    def note_voice(self, at: float, levels_dbfs: Iterable[float]) -> None:
        """The loudspeaker plays voice of these levels from `at` on, a slot each."""
        first = round(at / SLOT_SECS)
        for slot, level in enumerate(levels_dbfs, start=first):
            self._voice[slot] = max(level, SILENT_DBFS)
            self._newest_slot = slot
        oldest = first - LAGS - 2 * TAIL_SLOTS
        for slot in [slot for slot in self._voice if slot < oldest]:
            del self._voice[slot]

    def hear(self, at: float, level_dbfs: float) -> float | None:
        """Take the level of the microphone window that ends at `at`.

        Returns:
            The level up to which the window may be nothing but echo, in dB of full scale;
            None if no echo is known, or the bot is silent.
        """
        end = round(at / SLOT_SECS)
        reference = self._reference(end)
        if not np.any(reference >= VOICED_DBFS):
            return None
        self._learn(level_dbfs, reference)
        if self._lag is None:
            return None
        first = max(0, self._lag - _WINDOW_SLOTS)
        possible = reference[first : self._lag + TAIL_SLOTS + 1]
        return float(possible.max()) + self._coupling_db

    def _reference(self, end: int) -> npt.NDArray[np.float64]:
        """Level of the bot's voice for each lag before slot `end`."""
        slots = (max(self._slots(end - lag)) for lag in range(LAGS + TAIL_SLOTS + 1))
        return np.fromiter(slots, dtype=np.float64)

    def _slots(self, end: int) -> list[float]:
        return [self._voice.get(end - index, SILENT_DBFS) for index in range(_WINDOW_SLOTS)]

    def _learn(self, level_dbfs: float, reference: npt.NDArray[np.float64]) -> None:
        voiced = np.where(reference[:LAGS] >= VOICED_DBFS, reference[:LAGS], np.nan)
        self._references.append(voiced)
        self._differences.append(level_dbfs - voiced)
        differences, references = np.array(self._differences), np.array(self._references)
        known = np.count_nonzero(~np.isnan(differences), axis=0) >= FEWEST_WINDOWS
        if not known.any():
            return
        lags = np.flatnonzero(known)
        couplings = np.nanmedian(differences[:, lags], axis=0)
        spreads = np.nanmedian(np.abs(differences[:, lags] - couplings), axis=0)
        usual = np.nanmedian(references[:, lags], axis=0)
        variation = np.nanmedian(np.abs(references[:, lags] - usual), axis=0)
        best = int(np.argmin(spreads / np.maximum(variation, 0.1)))
        if spreads[best] <= STEADY_SHARE * variation[best]:
            self._lag, self._coupling_db = int(lags[best]), float(couplings[best])
        else:
            self._lag = None
