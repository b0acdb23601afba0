"""A loudspeaker without a canceller: the bot's words come back, and are nobody's."""

from __future__ import annotations

import numpy as np

from agent.safety.protocol import CrisisProtocol
from agent.safety.script import script
from pipeline.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ, FloatArray
from pipeline.events import TranscriptUpdated
from pipeline.stt.base import Hypothesis, Priority
from pipeline.text import Language
from pipeline.turn.acknowledge import Acknowledgement
from tests.fakes.engines import FakeRecogniser
from tests.fakes.speech import speak
from tests.scenarios.scene import CHUNK_SECS, Scene, Step, hear, hear_out, play, say

STORY = "我压力很大。"
ANSWER = "我们先做一个放松的练习请你找一个舒服的位置坐好把双脚平放在地上肩膀慢慢放下来。"
# Quieter than any syllable of `tests.fakes.speech`, and exact after a multiplication.
ECHO_SHARE = 1 / 4
FAINTEST_VOICE = 3_500 / 32_768


class EchoHearing(FakeRecogniser):
    """Reads the echo as well as the caller."""

    async def decode(
        self,
        audio: FloatArray,
        *,
        language: Language | None = None,
        expected: Language | None = None,
        prompt: str = "",
        timed: bool = False,
        priority: Priority = "final",
    ) -> Hypothesis:
        clear = np.where(np.abs(audio) < FAINTEST_VOICE, audio / ECHO_SHARE, audio)
        return await super().decode(clear.astype(np.float32), language=language)


def echo(secs: float) -> Step:
    """Nobody speaks, and the microphone hears the loudspeaker."""
    n = round(CHUNK_SECS * INPUT_RATE_HZ)
    played = round(CHUNK_SECS * OUTPUT_RATE_HZ)
    nearest = np.arange(n) * played // n

    async def step(scene: Scene) -> None:
        for _ in range(round(secs / CHUNK_SECS)):
            sounding = scene.speaker.render(scene.now() - CHUNK_SECS, played)[nearest]
            scene.to_say = (sounding * ECHO_SHARE).astype(np.int16)
            await scene.until(lambda: not len(scene.to_say), "the echo is heard")

    return step


def test_a_question_about_suicide_is_not_stopped_by_its_own_echo():
    """Its words are grave enough to stop a reply; in the bot's mouth they are none of the caller's.

    Nobody would answer them: the echo is dismissed, and the caller would sit in silence.
    """
    scene = play(
        say("我最近觉得活着没什么意义。"),
        hear("谢谢你愿意告诉我。听起来，你真的很累了"),
        echo(8.0),
        mode="off",
        recogniser=EchoHearing(),
        guardian=CrisisProtocol("zh-Hans", "CN"),
    )
    assert scene.story[-1] == f"bot    {script('zh-Hans').open['suicide'].concern}"


def test_a_caller_who_cuts_into_an_echo_says_only_their_own_words():
    """Draft, commit, transcripts and context: the bot's words at the beginning are in none."""
    scene = play(
        say(STORY),
        echo(3.0),
        say("等一下我有个问题。"),
        hear_out(),
        answers={STORY: ANSWER},
        recogniser=EchoHearing(),
    )
    assert scene.story[2:] == ["caller 等一下我有个问题。", "bot    嗯，我在听。"]
    assert scene.context[-1] == "user 等一下我有个问题。"
    shown = [told.committed + told.unstable for told in scene.all(TranscriptUpdated)]
    assert "等一下我有个问题。" in shown
    assert not any("放" in text for text in shown)


def test_an_echoed_acknowledgement_in_the_first_turn_is_said_once():
    """Nothing was known of the echo; the turn is answered, a breath later, with no second 嗯."""
    said = "嗯"
    sounds = {"zh": [Acknowledgement(said, speak(said, OUTPUT_RATE_HZ).tobytes())]}
    scene = play(
        say(STORY),
        echo(6.0),
        recogniser=EchoHearing(),
        acknowledgements=sounds,
        complete=lambda text: False,
    )
    assert scene.story == ["bot    (嗯)", f"caller {STORY}嗯", "bot    嗯，我在听。"]
