"""A judge of words tells the end of turns in the language model's place."""

from __future__ import annotations

from tests.fakes.engines import FakeLanguageModel
from tests.scenarios.scene import GREETING, hear_out, play, respond, say, wait


class Judge:
    """Holds words for a whole turn if they end in a full stop; remembers the questions."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def probability(self, bot_text: str, words: str) -> float | None:
        self.asked.append((bot_text, words))
        return 0.999 if words.endswith("。") else 0.0001


def test_whole_turns_are_taken_at_once_and_pauses_waited_out():
    """The model's own opinion does not count: it holds everything for unfinished."""
    judge = Judge()
    scene = play(
        respond(), hear_out(),
        say("我睡不好"), wait(0.9), say("已经三个月了。"), hear_out(),
        complete=lambda text: False,
        words_judge=judge,
    )  # fmt: skip
    assert [line for line in scene.story if line.startswith("caller")] == [
        "caller 我睡不好已经三个月了。"
    ]
    assert (GREETING, "我睡不好") in judge.asked
    assert judge.asked[-1] == (GREETING, "我睡不好已经三个月了。")


def test_the_model_reads_the_words_with_the_reply():
    """No prompt of its own goes ahead of the reply's, and each reply has one."""
    model = FakeLanguageModel()
    play(say("我睡不好。"), hear_out(), model=model, words_judge=Judge())
    assert len(model.prompts) == 1
