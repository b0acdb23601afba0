"""The language model's stage: prefills while the caller speaks, drafts, streams, stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection

from pipeline.errors import VoiceError
from pipeline.events import CallFailed
from pipeline.frames import (
    CommitFrame,
    ConfigureFrame,
    DropFrame,
    EndOfTurnFrame,
    PrefillFrame,
    ReplyCostFrame,
    ReplyRequestFrame,
    ReplyTextFrame,
)
from pipeline.llm.base import Conversation, Message, Sampling
from pipeline.llm.reply_limit import LimitedReply, ReplyLimit
from pipeline.llm.turn_end import without_trailing_punctuation
from pipeline.stage import Stage

logger = logging.getLogger(__name__)

# A small model now and then ends its turn at once; drawn again it hardly ever does.
MAX_ATTEMPTS = 2
_SEEDS_APART = 1_000_003  # no generation of a call comes near
# How long words that a draft may answer at once are left to it. The recogniser is asked after 60 ms
# of silence and the draft made after 100, or when the words are there; then the guardian reads them
# for up to 100. Evaluated before, they take a step of their own, on one thread beside the guardian,
# and the reply waits for it.
DRAFT_NEAR_SECS = 0.15


@dataclass(frozen=True, slots=True)
class _Words:
    """What is judged: a turn's words so far, after all that was said before."""

    messages: tuple[Message, ...]
    user_text: str
    turn_text: str


@dataclass(slots=True)
class _Judgement:
    """Whether a turn ends with these words; `probability` is None until the model has said it."""

    words: _Words
    task: asyncio.Task[None] = field(init=False)
    probability: float | None = None


class LlmStage(Stage):
    """Streams replies of one call from the shared model.

    At most one prefill and one reply run; a newer request replaces an older one. pipecat's
    `LLMService` streams one reply per context frame and cannot give the end-of-turn
    probability of a prompt that is still being spoken, so this is a plain stage.
    """

    def __init__(
        self,
        conversation: Conversation,
        sampling: Sampling,
        limit: ReplyLimit | None = None,
        rewrite: Callable[[str], str] = str,
        *,
        judges: bool = True,
    ) -> None:
        """Args:
        conversation: This call's place in the model.
        sampling: How replies are drawn.
        limit: Where a reply is long enough.
        rewrite: Brings every piece of a reply into the script that the caller reads; must
            not change its length.
        judges: Whether the model tells the end of a turn. That takes a step of its own, after
            the words and before the reply.
        """
        super().__init__(name="llm")
        self._conversation = conversation
        self._sampling = sampling
        self._limit = limit or ReplyLimit()
        self._rewrite = rewrite
        self._judges = judges
        self._judgement: _Judgement | None = None  # of a prefill
        self._waiting_task: asyncio.Task[None] | None = None  # before the next prefill
        self._ahead_task: asyncio.Task[None] | None = None  # after it
        self._answered: _Judgement | None = None  # of the words that the reply answers
        self._reply_task: asyncio.Task[None] | None = None
        # The conversation lets a newer prefill replace an older one. Words that come beside
        # a draft must not do that to the draft's own.
        self._judging = asyncio.Lock()
        self._generation = 0
        self._committed = 0

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        match frame:
            case ConfigureFrame():
                self._sampling = frame.sampling
                await self.push_frame(frame, direction)
            case PrefillFrame():
                await self._stop_waiting()
                if frame.draft_near and not self._judges:
                    self._waiting_task = self.spawn(self._prefill_later(frame), "llm-waiting")
                else:
                    await self._prefill(frame)
            case ReplyRequestFrame():
                await self._stop_reply()
                await self._stop_waiting()
                words = _Words(frame.messages, frame.user_text, frame.turn_text)
                if self._judges:
                    self._answered = await self._judged(words)
                elif self._is_prefilling_part_of(words):
                    # The engine lets the reply wait for it: no newer prefill may cancel it.
                    self._answered, self._judgement = self._judgement, None
                else:
                    await self._stop_judgement()
                self._generation = frame.generation
                judgement = self._answered if self._judges else None
                self._reply_task = self.spawn(self._reply(frame, judgement), "llm-reply")
            case CommitFrame():
                self._committed = frame.generation
                await self.push_frame(frame, direction)
            case DropFrame():
                if frame.generation == self._generation:
                    await self._stop_reply()
                await self.push_frame(frame, direction)
            case _:
                await self.push_frame(frame, direction)

    async def stopped(self) -> None:
        await self._stop_waiting()
        await self._stop_judgement()
        await self._stop_reply()

    async def cleanup(self) -> None:
        await super().cleanup()
        await self._conversation.close()

    async def _prefill_later(self, frame: PrefillFrame) -> None:
        """Leave the words to a draft that may come; what is evaluated meanwhile goes on."""
        await asyncio.sleep(DRAFT_NEAR_SECS)
        await self._prefill(frame)

    async def _prefill(self, frame: PrefillFrame) -> None:
        """A newer prefill takes over; the engine keeps what was already evaluated."""
        await self._stop_judgement()
        words = _Words(frame.messages, frame.user_so_far, frame.turn_so_far)
        self._judgement = self._judge(words)
        if frame.afterwards:
            reading = self._read_ahead(self._judgement.task, frame.afterwards)
            self._ahead_task = self.spawn(reading, "llm-ahead")

    async def _read_ahead(self, before: asyncio.Task[None], messages: tuple[Message, ...]) -> None:
        """Evaluate what may be wanted after what is evaluated now; a failure costs nothing."""
        await asyncio.wait([before])
        with suppress(VoiceError):
            await self._conversation.prefill(messages, "", background=True)

    async def _stop_waiting(self) -> None:
        """Neither prefill later nor read ahead: something else is asked for."""
        waiting, self._waiting_task = self._waiting_task, None
        ahead, self._ahead_task = self._ahead_task, None
        for task in (waiting, ahead):
            if task is not None:
                await self.cancel_task(task)

    async def _stop_judgement(self) -> None:
        judgement, self._judgement = self._judgement, None
        await self._stop_judging(judgement)

    async def _stop_reply(self) -> None:
        task, self._reply_task = self._reply_task, None
        if task is not None:
            await self.cancel_task(task)
        judgement, self._answered = self._answered, None
        await self._stop_judging(judgement)

    async def _stop_judging(self, judgement: _Judgement | None) -> None:
        if judgement is not None:
            await self.cancel_task(judgement.task)

    def _is_prefilling_part_of(self, words: _Words) -> bool:
        """Whether the engine may finish what it evaluates: the reply needs it."""
        judgement = self._judgement
        return (
            judgement is not None
            and judgement.words.messages == words.messages
            and words.user_text.startswith(without_trailing_punctuation(judgement.words.user_text))
        )

    def _judge(self, words: _Words) -> _Judgement:
        judgement = _Judgement(words)
        judgement.task = self.spawn(self._judge_end_of_turn(judgement), "llm-prefill")
        return judgement

    async def _judged(self, words: _Words) -> _Judgement:
        """The judgement of a reply's words: the prefill's, if it was about the same ones.

        It leaves the prefill's place, where partial transcripts replace one another.
        """
        judgement = self._judgement
        if judgement is None or judgement.words != words:
            await self._stop_judgement()
            return self._judge(words)
        self._judgement = None
        if judgement.probability is not None:
            await self._tell(judgement)
        return judgement

    async def _judge_end_of_turn(self, judgement: _Judgement) -> None:
        """Evaluate the prompt; what follows from it is said of the turn's own words.

        It is an optimisation: a failure shows, if at all, in the reply.
        """
        words = judgement.words
        with suppress(VoiceError):
            async with self._judging:
                judgement.probability = await self._conversation.prefill(
                    words.messages, words.user_text
                )
            await self._tell(judgement)

    async def _tell(self, judgement: _Judgement) -> None:
        if self._judges and judgement.words.turn_text and judgement.probability is not None:
            await self.push_upstream(
                EndOfTurnFrame(judgement.words.turn_text, judgement.probability)
            )

    async def _reply(self, frame: ReplyRequestFrame, judgement: _Judgement | None) -> None:
        generation = frame.generation
        try:
            if judgement is not None:
                await judgement.task
            for attempt in range(MAX_ATTEMPTS):
                final = attempt == MAX_ATTEMPTS - 1
                if await self._stream(frame, attempt, final=final):
                    break
                logger.info("the model had no words for an answer; trying once more")
        except VoiceError as error:
            logger.warning("reply failed: %s", error.code)
            await self.emit(CallFailed(error.code, error.message))
            await self.push_frame(ReplyTextFrame(generation, "", last=True, failed=True))

    async def _stream(self, frame: ReplyRequestFrame, attempt: int, *, final: bool) -> bool:
        """One reply, piece by piece.

        Args:
            frame: What is answered.
            attempt: How many wordless replies came before.
            final: Whether this one is ended downstream even without words.

        Returns:
            Whether it had any; without, and not final, nothing was ended.
        """
        generation = frame.generation
        prompt = (*frame.messages, Message("user", frame.user_text))
        # The seed follows the generation: a call can be replayed, yet no two replies
        # of it are drawn alike.
        seed = self._sampling.seed + generation + attempt * _SEEDS_APART
        # Told to turn to English, a small model may still go on in the history's Chinese.
        english = frame.language == "en"
        sampling = replace(self._sampling, seed=seed, without_chinese=english)
        limited = LimitedReply(self._limit, frame.question)
        worded = False
        tokens = 0
        deltas = self._conversation.reply(prompt, sampling)
        async with aclosing(deltas):
            async for delta in deltas:
                first = tokens == 0
                if first:
                    await self.mark(generation, "first_token")
                tokens = delta.tokens
                if first or generation > self._committed:
                    await self.push_upstream(ReplyCostFrame(generation, tokens=tokens))
                text, long_enough = limited.feed(self._rewrite(delta.text))
                worded = worded or any(char.isalnum() for char in text)
                last = long_enough or delta.finish_reason is not None
                if last and not worded and not final:
                    return False
                if last:
                    text += self._rewrite(limited.closing())
                await self.push_frame(ReplyTextFrame(generation, text, last=last, tokens=tokens))
                if long_enough:
                    break
        return True
