"""A call on virtual time, written and read as a conversation.

    scene = play(
        say("我睡不好。"),
        hear_out(),
        answers={"我睡不好。": "多久了？"},
    )
    assert scene.story == ["caller 我睡不好。", "bot    多久了？"]

The caller has a microphone that never stops, a loudspeaker that plays what arrives and, by
default, reports what it played. The engines are those of `tests.fakes`, since a scenario is
about who speaks when; everything between them is the real call. Each scene ends with a
hang-up that must leave nothing behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

import numpy as np

from agent.call import Call
from agent.caller_speaker import SimulatedSpeaker
from pipeline.assembly import CallProfile, Engines
from pipeline.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ, Int16Array, pcm_to_int16
from pipeline.context.manner import Manner, ScriptedLines
from pipeline.events import (
    Acknowledged,
    BackchannelNoted,
    CallEnded,
    CallEvent,
    CallFailed,
    CallOptions,
    PlayoutFlushed,
    PlayoutPaused,
    PlayoutResumed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    TranscriptCompleted,
)
from pipeline.guard import Guardian
from pipeline.interruption import InterruptionMode, InterruptionPolicy
from pipeline.text import Language
from pipeline.turn import lexicon
from pipeline.turn.acknowledge import Acknowledgements
from pipeline.turn.endpointing import TurnSettings
from pipeline.turn.stage import WordsJudge
from tests.fakes.engines import (
    FakeLanguageModel,
    FakeRecogniser,
    FakeVoice,
    FakeVoiceActivity,
    InlineExecutor,
)
from tests.fakes.speech import SYLLABLE_SECS, listen, speak
from tests.virtual_time import run_virtual

GREETING = "你好。"
CHECK_IN = "还在吗？"
UNHEARD = "没听清。"
APOLOGY = "抱歉。"
CUT_MARK = "……"
DEFAULT_ANSWER = "嗯，我在听。"

CHUNK_SECS = 0.02
REPORT_SECS = 0.1
PATIENCE_SECS = 60.0  # a scene that waits longer has gone wrong

EventT = TypeVar("EventT", bound=CallEvent)
Step: TypeAlias = Callable[["Scene"], Coroutine[Any, Any, None]]


@dataclass
class Scene:
    """One call, its two ends and what happened.

    Attributes:
        story: The conversation line by line, as the client was told.
        events: Everything the client was told, with the instant in seconds.
    """

    engines: Engines
    model: FakeLanguageModel
    profile: CallProfile
    options: CallOptions
    sends_audio: bool = True
    story: list[str] = field(default_factory=list)
    events: list[tuple[float, CallEvent]] = field(default_factory=list)
    speaker: SimulatedSpeaker = field(default_factory=SimulatedSpeaker)

    def __post_init__(self) -> None:
        self.to_say: Int16Array = np.zeros(0, dtype=np.int16)
        self.heard_out = 0
        self.said_at: list[float] = []
        self._reported: dict[str, int] = {}

    # -- afterwards -------------------------------------------------------------------

    def all(self, kind: type[EventT]) -> list[EventT]:
        """Every event of one kind."""
        return [event for _, event in self.events if isinstance(event, kind)]

    def at(self, kind: type[CallEvent], index: int = 0) -> float:
        """When the client was told the `index`th event of one kind."""
        return [at for at, event in self.events if isinstance(event, kind)][index]

    @property
    def context(self) -> list[str]:
        """What the model saw last, without the system message: "role text"."""
        return [f"{message.role} {message.content}" for message in self.model.prompts[-1][1:]]

    @property
    def loudspeaker(self) -> str:
        """All that sounded, read from the samples played."""
        return listen(self.speaker.render(0.0, self._samples()), OUTPUT_RATE_HZ)

    def silence_before(self, kind: type[CallEvent], index: int = 0) -> float:
        """Seconds from the caller's last sample to the `index`th event of one kind."""
        at = self.at(kind, index)
        return at - max(said_at for said_at in self.said_at if said_at <= at)

    def _samples(self) -> int:
        return round((self.events[-1][0] + 1.0) * OUTPUT_RATE_HZ)

    # -- while it runs ----------------------------------------------------------------

    async def run(self, steps: tuple[Step, ...], until: float) -> None:
        """Hold the call and hang up; fails if anything of it is left."""
        self.call = Call("call_1", self.engines, lambda options: self.profile, self.options)
        await self.call.start()
        ears = asyncio.create_task(self._listen(), name="scene-ears")
        mouth = asyncio.create_task(self._speak(), name="scene-mouth")
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(until):
                    for step in steps:
                        await step(self)
        finally:
            mouth.cancel()
            await self.call.close()
            await asyncio.gather(ears, mouth, return_exceptions=True)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"left behind: {sorted(task.get_name() for task in left)}"
        assert self.model.open_conversations == 0

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Let time pass until `condition` holds."""
        give_up_at = self.now() + PATIENCE_SECS
        while not condition():
            assert self.now() < give_up_at, f"waited in vain until {what}; story: {self.story}"
            await asyncio.sleep(CHUNK_SECS)

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _speak(self) -> None:
        n = round(CHUNK_SECS * INPUT_RATE_HZ)
        while True:
            chunk = np.zeros(n, dtype=np.int16)
            said, self.to_say = self.to_say[:n], self.to_say[n:]
            chunk[: len(said)] = said
            await asyncio.sleep(CHUNK_SECS)
            if self.sends_audio or len(said):
                self.call.push_audio(chunk.tobytes())
            if self.options.reports_playout:
                self._report()

    def _report(self) -> None:
        if round(self.now() / CHUNK_SECS) % round(REPORT_SECS / CHUNK_SECS):
            return
        for reply in self.all(ReplyStarted):
            played = self.speaker.played_samples(reply.reply_id, self.now())
            if played != self._reported.get(reply.reply_id):
                self._reported[reply.reply_id] = played
                self.call.report_played(reply.reply_id, played)

    async def _listen(self) -> None:
        async for event in self.call.events():
            now = self.now()
            self.events.append((now, event))
            self._tell(event)
            match event:
                case Acknowledged(_, pcm):
                    self.speaker.acknowledge(pcm_to_int16(pcm), now)
                case ReplyAudio():
                    self.speaker.receive(event.reply_id, pcm_to_int16(event.pcm), now)
                case PlayoutPaused() if self.options.reports_playout:
                    self.speaker.pause(event.reply_id, now)
                case PlayoutResumed() if self.options.reports_playout:
                    self.speaker.resume(event.reply_id, event.from_sample, now)
                case PlayoutFlushed():
                    self.speaker.flush(event.reply_id, now)

    def _tell(self, event: CallEvent) -> None:
        match event:
            case TranscriptCompleted(text=text):
                self.story.append(f"caller {text}")
            case BackchannelNoted(text=text):
                self.story.append(f"caller ({text})")
            case Acknowledged(text=text):
                self.story.append(f"bot    ({text})")
            case ReplyFinished(status="completed", text=text):
                self.story.append(f"bot    {text}")
            case ReplyFinished(status=status, heard_text=heard):
                self.story.append(f"bot    {heard}— {status}")
            case CallFailed(code=code):
                self.story.append(f"failed {code}")
            case CallEnded(reason=reason) if reason != "hangup":
                self.story.append(f"ended  {reason}")


def play(
    *steps: Step,
    answers: Mapping[str, str] | None = None,
    complete: Callable[[str], bool] = lambda text: True,
    model: FakeLanguageModel | None = None,
    recogniser: FakeRecogniser | None = None,
    voice: FakeVoice | None = None,
    workers: Executor | None = None,
    mode: InterruptionMode = "polite",
    take_turns: bool = True,
    reports_playout: bool = True,
    sends_audio: bool = True,
    turn: TurnSettings | None = None,
    acknowledgements: Acknowledgements | None = None,
    guardian: Guardian | None = None,
    words_judge: WordsJudge | None = None,
    until: float = PATIENCE_SECS * 10,
) -> Scene:
    """Play a scene to its end.

    Args:
        steps: What the caller does, in order.
        answers: The bot's reply to a user text; others get `DEFAULT_ANSWER`.
        complete: Whether the model takes words for a complete turn.
        model, recogniser, voice, workers: Engines of a scene's own; else the fakes' defaults.
        mode: What speech over the bot may do.
        take_turns: False is push-to-talk.
        reports_playout: The client holds when paused, and says what it played.
        sends_audio: False leaves the microphone off, except for what is said.
        turn: Times of the turn machine.
        acknowledgements: What the bot may say into a long story.
        guardian: May answer in the model's place.
        words_judge: Tells the end of a turn in the model's place.
        until: The client hangs up after this many seconds, wherever the steps are.
    """
    known = answers or {}
    model = model or FakeLanguageModel()
    model.answer = lambda text: known.get(text, DEFAULT_ANSWER)
    model.end_of_turn = lambda text: 0.95 if complete(text) else 0.001
    engines = Engines(
        FakeVoiceActivity(),
        recogniser or FakeRecogniser(),
        model,
        voice or FakeVoice(),
        workers or InlineExecutor(),
        words_judge=words_judge,
    )
    profile = CallProfile(
        manners={
            "zh": Manner("system", ScriptedLines(GREETING, CHECK_IN, lexicon.asks_to_continue))
        },
        fallbacks={"unheard": UNHEARD, "apology": APOLOGY},
        cut_mark=CUT_MARK,
        language="zh",
        turn=turn or TurnSettings(),
        interruption=InterruptionPolicy(mode),
        take_turns=take_turns,
        holds_on_pause=reports_playout,
        guardian=guardian,
        acknowledgements=acknowledgements or {},
    )
    options = CallOptions(turn_detection=take_turns, reports_playout=reports_playout)
    scene = Scene(engines, model, profile, options, sends_audio)
    run_virtual(scene.run(steps, until))
    return scene


# -- what a caller does -------------------------------------------------------------------


def say(text: str) -> Step:
    """Say something; the next step begins with its last sample."""

    async def step(scene: Scene) -> None:
        scene.to_say = speak(text, INPUT_RATE_HZ)
        await scene.until(lambda: not len(scene.to_say), "everything is said")
        scene.said_at.append(scene.now())

    return step


def click(secs: float = 0.1) -> Step:
    """A short loud noise that is no word: its amplitude names no character."""

    async def step(scene: Scene) -> None:
        n = round(secs * INPUT_RATE_HZ)
        scene.to_say = np.where(np.arange(n) % 40 < 20, 3_001, -3_001).astype(np.int16)
        await scene.until(lambda: not len(scene.to_say), "the noise is over")

    return step


def wait(secs: float) -> Step:
    """Say nothing for a while."""

    async def step(scene: Scene) -> None:
        await asyncio.sleep(secs)

    return step


def hear_out() -> Step:
    """Until one more reply has been heard to its end."""

    async def step(scene: Scene) -> None:
        def completed() -> int:
            return sum(reply.status == "completed" for reply in scene.all(ReplyFinished))

        before = scene.heard_out
        await scene.until(lambda: completed() > before, "a reply is over")
        scene.heard_out = before + 1

    return step


def hear(text: str) -> Step:
    """Until `text`, the beginning of the reply under way, has been heard to its last sample."""
    samples = round(len(text) * SYLLABLE_SECS * OUTPUT_RATE_HZ)

    async def step(scene: Scene) -> None:
        def heard() -> bool:
            replies = scene.all(ReplyStarted)
            if not replies:
                return False
            reply_id = replies[-1].reply_id
            played = scene.speaker.played_samples(reply_id, scene.now())
            so_far = listen(scene.speaker.audio(reply_id)[:played], OUTPUT_RATE_HZ)
            return so_far.startswith(text) and played >= samples

        await scene.until(heard, f"{text} is heard")

    return step


def type_text(text: str) -> Step:
    """Type a turn and ask for the answer."""

    async def step(scene: Scene) -> None:
        scene.story.append(f"typed  {text}")
        scene.call.send_text(text)
        scene.call.respond()

    return step


def set_language(language: Language | None) -> Step:
    """Say which language the caller speaks, or None to have it found out."""

    async def step(scene: Scene) -> None:
        scene.profile = replace(scene.profile, language=language)
        scene.call.configure(scene.options)
        await asyncio.sleep(CHUNK_SECS)

    return step


def respond() -> Step:
    """Ask for an answer to what there is."""

    async def step(scene: Scene) -> None:
        scene.call.respond()

    return step


def end_turn() -> Step:
    """Push-to-talk: the turn is over; nothing is asked for."""

    async def step(scene: Scene) -> None:
        scene.call.commit_audio()

    return step


def release_button() -> Step:
    """Push-to-talk: the turn is over, answer it."""

    async def step(scene: Scene) -> None:
        scene.call.commit_audio()
        scene.call.respond()

    return step


def clear() -> Step:
    """Push-to-talk: forget what was said."""

    async def step(scene: Scene) -> None:
        scene.call.clear_audio()

    return step


def cancel() -> Step:
    """Stop the reply."""

    async def step(scene: Scene) -> None:
        scene.call.cancel_reply()

    return step


def truncate(after: str) -> Step:
    """Say of the latest reply that its caller stopped listening after `after`."""

    async def step(scene: Scene) -> None:
        reply_id = scene.all(ReplyStarted)[-1].reply_id
        scene.call.truncate_reply(reply_id, round(len(after) * SYLLABLE_SECS * 1000))
        await asyncio.sleep(CHUNK_SECS)

    return step


def hang_up() -> Step:
    """End the call from the client's side, whatever goes on."""

    async def step(scene: Scene) -> None:
        await scene.call.close()

    return step
