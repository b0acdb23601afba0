"""Recognition while the caller speaks: the planner's decodes, run on a shared recogniser."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pipeline.audio import Int16Array
from pipeline.errors import OverloadedError, RecognitionError
from pipeline.stt.base import Recogniser
from pipeline.stt.planner import DecodePlanner, DecodeRequest, PlannerSettings, TranscriptState
from pipeline.text import Language


class UtteranceTranscriber:
    """One call's transcriber; everything but `final` returns at once.

    `push` every window of the call. A turn runs from `begin` to `end`, over as many soft
    ends as the caller makes: after `final` the same turn simply goes on with the next
    voiced window.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        *,
        language: Language | None = None,
        settings: PlannerSettings | None = None,
        on_update: Callable[[TranscriptState], None] = lambda state: None,
        on_error: Callable[[RecognitionError], None] = lambda error: None,
    ) -> None:
        """A transcriber between turns.

        Args:
            recogniser: Shared by calls; not closed here.
            language: Spoken in this call, or None to detect it turn by turn.
            settings: See `PlannerSettings`.
            on_update: Told of every change of the transcript, on the event loop.
            on_error: Told of interim decodes that failed; `final` raises instead.
        """
        self._recogniser = recogniser
        self._planner = DecodePlanner(settings, language)
        self._on_update = on_update
        self._on_error = on_error
        self._tasks: dict[asyncio.Task[None], DecodeRequest] = {}

    def use(self, settings: PlannerSettings) -> None:
        """Go on with other settings, in the turn under way as well."""
        self._planner.use(settings)

    def use_language(self, language: Language | None) -> None:
        """Hear turns in `language` from the next one on, or None to detect it."""
        self._planner.use_language(language)

    def expect_language(self, language: Language | None) -> None:
        """See `DecodePlanner.expect_language`."""
        self._planner.expect_language(language)

    @property
    def state(self) -> TranscriptState:
        """The transcript of the turn under way; empty between turns."""
        return self._planner.state

    def begin(self, onset_sample: int, *, urgent: bool = False) -> None:
        """Start a turn whose first voiced sample is `onset_sample`; ends one under way."""
        self._cancel(list(self._tasks))
        self._planner.begin(onset_sample, urgent=urgent)

    def push(self, samples: Int16Array, last_voiced_sample: int = 0) -> None:
        """Take the next audio and start the decode it makes due.

        Args:
            samples: int16, any length, mono, 16 kHz.
            last_voiced_sample: Where in the stream the last voiced sound ended so far.
        """
        self._planner.push(samples, last_voiced_sample)
        request = self._planner.plan()
        if request:
            self._start(request)

    async def final(self, end_sample: int | None = None) -> TranscriptState:
        """The transcript of the speech so far; words said meanwhile are not waited for.

        Usually the decode that the fall of the level set off is under way or done, and
        this only waits for it. No sound is decoded twice for it: each round hears more than
        the one before, or is the last.

        Args:
            end_sample: Where in the stream that speech ended; None is the last voiced sample
                now.

        Raises:
            RecognitionError: The model failed.

        Cancelling leaves decodes under way to finish for a later call. If the turn ends
        meanwhile the state is that of no turn.
        """
        planner = self._planner
        generation = planner.generation
        until = planner.last_voiced_sample if end_sample is None else end_sample
        while planner.generation == generation and not planner.reaches(until):
            request = planner.final_request(until)
            if request:
                self._start(request)
            newest = max(self._tasks, key=lambda task: self._tasks[task].end_sample, default=None)
            if newest is None:
                break
            await asyncio.wait([newest])
            if not newest.cancelled() and (error := newest.exception()):
                raise error
        return planner.state

    def seal(self) -> None:
        """What is pushed from now on is no part of the turn; `final` tells its last words."""
        self._planner.seal()

    def end(self) -> None:
        """Forget the turn and cancel its decodes. Safe to call twice."""
        self._cancel(list(self._tasks))
        self._planner.end()

    async def close(self) -> None:
        """End the turn and wait until its decodes are gone."""
        tasks = list(self._tasks)
        self.end()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, request: DecodeRequest) -> None:
        if request.priority == "final":
            # Overtaken: if it waits it is skipped, if it runs it has a thread of its own.
            self._cancel(list(self._tasks))
        task = asyncio.create_task(self._decode(request), name=f"stt-{request.priority}")
        self._tasks[task] = request
        task.add_done_callback(self._finished)

    async def _decode(self, request: DecodeRequest) -> None:
        hypothesis = await self._recogniser.decode(
            request.audio,
            language=request.language,
            expected=request.expected,
            prompt=request.prompt,
            timed=request.timed,
            priority=request.priority,
        )
        before = self._planner.state
        state = self._planner.apply(request, hypothesis)
        if state != before:
            self._on_update(state)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._planner.drop(self._tasks.pop(task))
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, RecognitionError):
            self._on_error(error)
        elif error is not None and not isinstance(error, OverloadedError):
            raise error  # a bug: the event loop's exception handler reports it

    def _cancel(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            self._planner.drop(self._tasks[task])
            task.cancel()
