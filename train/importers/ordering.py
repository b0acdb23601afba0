"""Messages of a chat in order of time, when the export has them in another.

Some exporters write the newest message first, or one piece of history behind another. What is
in order already is passed through; the rest is sorted in runs on disk, so that memory is bounded.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, TypeAlias

from train.importers.events import Event

# A minute's clock is behind a second's, and phones and servers disagree by moments.
TOLERATED_SECS = 60.0
_RUN_EVENTS = 50_000  # about 25 MB; a million messages are 20 runs

_Key: TypeAlias = tuple[int, float, int]


@dataclass(slots=True)
class Disorder:
    """How many messages stand behind later ones of their chat."""

    behind: int = 0
    _latest: dict[str, float] = field(default_factory=dict)

    def see(self, event: Event) -> None:
        """Take note of the next message of the file."""
        if event.time is None:
            return
        latest = self._latest.get(event.chat)
        if latest is not None and event.time < latest - TOLERATED_SECS:
            self.behind += 1
        elif latest is None or event.time > latest:
            self._latest[event.chat] = event.time


def in_order(events: Iterable[Event]) -> Iterator[Event]:
    """All messages, chat after chat as their first ones come, each in order of time.

    Messages of one moment keep their order; one without a time stays behind the one before it.
    The runs lie in files without a name, which are gone when the iteration ends or is dropped.
    """
    keyed = _keyed(events)
    with contextlib.ExitStack() as opened:
        runs: list[Iterator[Any]] = []
        while run := list(itertools.islice(keyed, _RUN_EVENTS)):
            run.sort(key=_key)
            file = opened.enter_context(tempfile.TemporaryFile())
            for item in run:
                pickle.dump(item, file, pickle.HIGHEST_PROTOCOL)
            runs.append(_read(file))
        for _, event in heapq.merge(*runs, key=_key):
            yield event


def _keyed(events: Iterable[Event]) -> Iterator[tuple[_Key, Event]]:
    chats: dict[str, int] = {}
    times: dict[str, float] = {}
    for number, event in enumerate(events):
        time = times.get(event.chat, 0.0) if event.time is None else event.time
        times[event.chat] = time
        yield (chats.setdefault(event.chat, len(chats)), time, number), event


def _key(item: tuple[_Key, Event]) -> _Key:
    return item[0]


def _read(file: IO[bytes]) -> Iterator[Any]:
    file.seek(0)
    while True:
        try:
            yield pickle.load(file)  # written above, by nobody else
        except EOFError:
            return
