"""Context: turns words into prompts, and keeps what was really said and heard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection

from pipeline.context.conversation import ConversationHistory
from pipeline.context.manner import Manner, ScriptedLines
from pipeline.context.notes import Note, NoteSource, question_of, told
from pipeline.frames import (
    CancelReplyFrame,
    CommitFrame,
    ConfigureFrame,
    DraftFrame,
    DropFrame,
    PauseFrame,
    PlayoutFinishedFrame,
    PrefillFrame,
    ReplyRequestFrame,
    ResumeFrame,
    SayFrame,
    SpeechRateFrame,
    TakeTextFrame,
    TranscriptFrame,
)
from pipeline.guard import Guardian
from pipeline.llm.base import Message
from pipeline.stage import Stage
from pipeline.text import Language, count_units, keys, language_of

logger = logging.getLogger(__name__)

# Made from the history, or changing it, or about a reply whose commit is one of these: while
# a reply is being cut they wait for playout, which says for every drop what was heard.
_NEEDS_HISTORY = (
    TranscriptFrame,
    DraftFrame,
    SayFrame,
    TakeTextFrame,
    CommitFrame,
    PauseFrame,
    ResumeFrame,
    DropFrame,
)


# Fewer units than this do not change the language of the call: OK and 嗯 belong to all.
LANGUAGE_UNITS = 3
# Told right before the turn in which a caller changes languages.
REMINDERS: Mapping[Language, str] = {
    "en": "The caller speaks English now. Answer in English.",
    "zh": "来访者现在说中文，用中文回答。",
}
# More units than this over the bot take the floor whatever the model thinks of them.
JUDGED_UNITS = 4


@dataclass(frozen=True, slots=True)
class _Draft:
    """What a generation answers; the language holds from its commit on."""

    text: str
    language: Language


class ContextStage(Stage):
    """Between recognition and the language model.

    Partial transcripts become prefills, drafts become requests, and a reply enters the
    history when playout says what was heard of it. pipecat's aggregator pair writes the
    user message when inference is triggered, which for a draft is too early, and joins
    words with spaces; so the history is our own.

    Args:
        manners: How to speak with callers of each language, the first one's until a turn in
            another is taken. The history is kept when the language changes.
        cut_mark: Appended to what was heard of a cut reply, for the model to see.
        guardian: Hears every word first and may answer in the model's place.
        note_sources: What the model is told beside the conversation, or asks. A note stands right
            before the turn it is for and is gone with the next, so that everything before
            it stays in the model's cache; changing it costs its own tokens, which partial
            transcripts mostly pay for while the caller still speaks.
        workers: Threads in which the guardian answers drafts; None answers on the event loop.
        model_judges: Whether the language model tells the end of a turn, which it then does while
            the guardian reads, and is asked of agreed words, or of few over the bot; else it reads
            whatever is heard, and the last words in one step with what its reply begins with.
        heard: The only language that is recognised; None if each turn tells its own.
    """

    def __init__(
        self,
        manners: Mapping[Language, Manner],
        cut_mark: str = "……",
        guardian: Guardian | None = None,
        note_sources: Sequence[NoteSource] = (),
        workers: Executor | None = None,
        *,
        model_judges: bool = True,
        heard: Language | None = None,
    ) -> None:
        super().__init__(name="context")
        self._model_judges = model_judges
        self._heard = heard
        self._workers = workers
        self._manners = manners
        self._language = next(iter(manners))  # of the turn that was taken last
        self.history = ConversationHistory(cut_mark=cut_mark)
        self._guardian = guardian
        self._note_sources = tuple(note_sources)
        self._drafted: dict[int, _Draft] = {}
        self._guarded: set[int] = set()  # drafts that the guardian answers, then the one spoken
        self._noted: dict[int, list[Note]] = {}
        self._scripted_outside: set[int] = set()
        self._prefilled: tuple[Language, tuple[str, ...]] = (self._language, ())
        self._turn_begun = False  # there were words since the last commit, whosever they are
        self._spoken: int | None = None  # the generation whose turn it is
        self._cut: int | None = None  # dropped while spoken; playout will say what was heard
        self._held: list[Frame] = []

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        if self._cut is not None and isinstance(frame, _NEEDS_HISTORY):
            self._held.append(frame)
            return
        match frame:
            case ConfigureFrame():
                self._manners = frame.manners
                self._note_sources = frame.note_sources
                self._heard = frame.language
                await self.push_frame(frame, direction)
                # The prompt is evaluated while nobody waits for it.
                await self.push_frame(PrefillFrame(self._prompt(self._language, []), ""))
            case TranscriptFrame():
                self._turn_begun = self._turn_begun or bool(frame.text)
                await self._guard(frame)
                await self._prefill(frame)
            case DraftFrame():
                self._turn_begun = True
                await self._draft(frame)
            case SayFrame():
                if not frame.enters_context:
                    self._scripted_outside.add(frame.generation)
                self._drafted[frame.generation] = _Draft("", self._language)
                await self.push_frame(frame, direction)
            case TakeTextFrame():
                self._language = self._language_for(language_of(frame.text), frame.text)
                self.history.add_user_text(frame.text)
            case CommitFrame():
                self._turn_begun = False
                await self._commit(frame)
                await self.push_frame(frame, direction)
            case DropFrame():
                if frame.generation == self._spoken:
                    self._cut = frame.generation
                await self.push_frame(frame, direction)
            case PlayoutFinishedFrame():
                self._finish(frame)
                await self.push_frame(frame, direction)
                await self._release(frame.generation)
                if frame.status is not None:
                    await self._evaluate_history()
            case _:
                await self.push_frame(frame, direction)

    def _language_for(self, language: Language, text: str) -> Language:
        """What words in `language` are answered in, be they taken or not."""
        long_enough = count_units(text) >= LANGUAGE_UNITS
        return language if long_enough and language in self._manners else self._language

    def _manner(self, language: Language) -> Manner:
        return self._manners.get(language) or next(iter(self._manners.values()))

    def _prompt(self, language: Language, notes: Sequence[Note]) -> tuple[Message, ...]:
        before_turn = told(notes)
        if self._turns_to(language):
            before_turn.append(Message("system", REMINDERS[language]))
        return (*self._manner(language).opening(), *self.history.messages, *before_turn)

    def _turns_to(self, language: Language) -> bool:
        """Whether the bot spoke last in another language, which a small model would go on in."""
        if language not in self._manners:
            return False
        said = [one.content for one in self.history.messages if one.role == "assistant"]
        return bool(said) and language_of(said[-1], language) != language

    def _notes_for(self, user_text: str) -> list[Note]:
        return [note for one in self._note_sources if (note := one.note(user_text)) is not None]

    async def _guard(self, frame: TranscriptFrame) -> None:
        """Stop the reply that is sounding when the words over it must be answered at once.

        Whether they are the caller's `turn` knows, and may know it only of later ones: it is
        asked again as long as the reply sounds.
        """
        if self._guardian is None or self._spoken is None:
            return
        if self._guardian.holds(frame.text):
            await self.push_upstream(CancelReplyFrame(frame.turn_id))

    async def _prefill(self, frame: TranscriptFrame) -> None:
        """Evaluate what is heard while the caller still speaks.

        Words that are not agreed as well: most stay as they are, and of those that do not only the
        tokens from the first other one on are evaluated again. Those in another language have to
        be agreed, since its opening costs the evaluated history, and those that a model judges.
        Over the bot words are evaluated only if the model judges, before they are agreed, as long
        as they are few: whether they are a whole turn is wanted soon. Their language does not
        count, much of them being echo or noise.
        """
        if frame.generation is not None:
            return
        language, words = self._language, frame.text
        if self._spoken is not None:
            if not self._model_judges or count_units(words) > JUDGED_UNITS:
                return
        else:
            language = self._language_for(frame.language, frame.committed)
            if self._model_judges or frame.language != language:
                words = frame.committed
        if not words:
            return
        user_so_far = self.history.user_text_with(words)
        if self._spoken is None:
            units = keys(user_so_far)
            before, evaluated = self._prefilled
            if before == language and evaluated[: len(units)] == units:
                return
            self._prefilled = (language, units)
        await self.push_frame(
            PrefillFrame(
                self._prompt(language, self._notes_for(user_so_far)),
                words,
                self.history.pending_user_text,
                draft_near=frame.complete,
            )
        )

    async def _evaluate_history(self) -> None:
        """Let the model read what was said while nobody waits for it.

        That is little, but for a long call whose history has outgrown the model's context:
        then it is shortened here, and seconds of work are done before the next turn. In which
        language the first turn will be nobody knows: another one's opening and what was said
        are read, too, which would else be done in that turn.
        """
        if self._spoken is None and not self._turn_begun:
            messages = self._prompt(self._language, [])
            pending = self.history.pending_user_text
            unheard = not pending and all(one.role != "user" for one in self.history.messages)
            afterwards = self._prompt_in_another_language() if unheard else ()
            await self.push_frame(PrefillFrame(messages, "", pending, afterwards=afterwards))

    def _prompt_in_another_language(self) -> tuple[Message, ...]:
        """What the first turn may turn to; nothing if only one language is recognised."""
        others = [one for one in self._manners if one != self._language and self._heard is None]
        return self._prompt(others[0], []) if others else ()

    async def _draft(self, frame: DraftFrame) -> None:
        generation, history = frame.generation, self.history
        language = self._language_for(frame.language, frame.text)
        lines = self._manner(language).lines
        self._drafted[generation] = _Draft(frame.text, language)
        self._prefilled = (language, ())
        user_text = history.user_text_with(frame.text)
        cut = history.last_cut
        notes = self._notes_for(user_text) if user_text else []
        prompt = self._prompt(language, notes)
        guarded = None
        if self._guardian is not None:
            if user_text and self._model_judges:
                await self.push_frame(PrefillFrame(prompt, frame.text, history.pending_user_text))
            guarded = await self._read(self._guardian, user_text)
        scripted = ""
        if guarded is not None:
            scripted = guarded
            self._guarded.add(generation)
        elif not user_text:
            scripted = self._unasked(lines)
        elif cut is not None and lines.asks_to_continue(user_text):
            scripted = lines.resuming + cut.unheard.lstrip("，。、；：,.;: ")
        rate = self._guardian.rate(user_text) if self._guardian is not None else 1.0
        if rate != 1.0:
            await self.push_frame(SpeechRateFrame(generation, rate))
        if scripted:
            await self.push_frame(SayFrame(generation, frame.turn_id, scripted))
        else:
            self._noted[generation] = notes
            await self.push_frame(
                ReplyRequestFrame(
                    generation,
                    prompt,
                    frame.text,
                    history.pending_user_text,
                    question_of(notes, language),
                    language if self._turns_to(language) else None,
                )
            )

    async def _read(self, guardian: Guardian, user_text: str) -> str | None:
        """The guardian's answer; it computes for 10 to 50 ms, which no call should wait for."""
        if self._workers is None:
            return guardian.answer(user_text)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._workers, guardian.answer, user_text)

    def _unasked(self, lines: ScriptedLines) -> str:
        """What is said when nobody said anything."""
        messages = self.history.messages
        if not messages:
            return lines.greeting
        again = messages[-1].content == lines.check_in
        return (lines.later_check_in if again else "") or lines.check_in

    async def _release(self, finished: int) -> None:
        """What was heard of `finished` is known: go on with what had to wait for it."""
        if finished == self._spoken:
            self._spoken = None
        if finished == self._cut:
            self._cut = None
            held, self._held = self._held, []
            for frame in held:
                await self.handle(frame, FrameDirection.DOWNSTREAM)

    async def _commit(self, frame: CommitFrame) -> None:
        self._spoken = frame.generation
        draft = self._drafted.get(frame.generation, _Draft("", self._language))
        self._drafted.clear()
        self._language = draft.language
        self._guarded &= {frame.generation}
        self._log_sources(frame)
        if frame.generation not in self._scripted_outside:
            self.history.commit(frame.generation, draft.text)
            if self._guardian is not None:
                noted = self._guardian.taken(self.history.pending_user_text)
                if noted is not None:
                    await self.emit(noted)

    def _log_sources(self, frame: CommitFrame) -> None:
        """Say what the answer that is given now knew; drafts that nobody hears cite nothing."""
        for note in self._noted.pop(frame.generation, []):
            if note.sources:
                logger.info("%s answered with %s", frame.turn_id, ", ".join(note.sources))
        self._noted.clear()

    def _finish(self, frame: PlayoutFinishedFrame) -> None:
        self._scripted_outside.discard(frame.generation)
        if frame.status is None:
            self._drafted.pop(frame.generation, None)
            return
        if self._guardian is not None and frame.generation in self._guarded:
            self._guardian.heard(frame.heard_text)
        cut = frame.status != "completed" and frame.heard_text != frame.text
        self.history.finish(frame.generation, frame.text, frame.heard_text, cut=cut)
