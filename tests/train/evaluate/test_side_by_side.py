"""Votes on a blind page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipeline.errors import DataError
from train.evaluate.side_by_side import BlindKey, blind_page, count_votes, result_of
from train.run_folder import RunFolder, write_json

SAID = ["one", "two", "three"]
BASE = ["base 1", "base 2", "base 3"]
TUNED = ["tuned 1", "tuned 2", "tuned 3"]


def page_of(tuned: list[str] = TUNED) -> tuple[str, BlindKey]:
    return blind_page(SAID, BASE, tuned, seed=7, store="here")


def constant(page: str, name: str) -> object:
    """A value of the page's script."""
    found = re.search(rf"^const {name} = (.+);$", page, re.MULTILINE)
    assert found
    return json.loads(found[1])


def files(folder: Path, key: object, votes: object) -> tuple[Path, Path]:
    write_json(folder / "blind_key.json", key)
    write_json(folder / "votes.json", votes)
    return folder / "blind_key.json", folder / "votes.json"


def test_the_page_keeps_its_votes_apart_from_those_of_other_replies() -> None:
    """The same seed draws the same sides, so that old votes would fit every page of three."""
    (page, key), (other, other_key) = page_of(), page_of(["better 1", "tuned 2", "tuned 3"])
    assert key.tuned_sides == other_key.tuned_sides
    assert constant(page, "page") == key.page != other_key.page
    assert constant(page, "key") == f"here {key.page}" != constant(other, "key")
    assert page_of() == (page, key)


def test_the_key_knows_whose_reply_stands_where() -> None:
    """And the page does not tell."""
    page, key = page_of()
    pairs = constant(page, "pairs")
    assert isinstance(pairs, list)
    assert [pair[side] for pair, side in zip(pairs, key.tuned_sides, strict=True)] == TUNED
    assert all(set(pair) == {"said", "left", "right"} for pair in pairs)


def test_votes_are_counted_by_the_key(tmp_path: Path) -> None:
    """It decides whose vote it was; the result is kept beside it."""
    folder = RunFolder(tmp_path)
    folder.eval.mkdir()
    _, votes = files(
        folder.eval,
        {"page": "0123", "tuned_sides": ["left", "right", "left"]},
        {"page": "0123", "votes": {"0": "left", "1": "left", "2": "even"}},
    )
    result = count_votes(folder, votes)
    assert (result.tuned, result.base, result.even, result.chance) == (1, 1, 1, 1.0)
    assert json.loads((folder.eval / "votes_result.json").read_text("utf-8"))["even"] == 1


KEY = {"page": "0123", "tuned_sides": ["left", "right", "left"]}


@pytest.mark.parametrize(
    ("key", "votes", "complaint"),
    [
        (KEY, {"page": "4567", "votes": {"0": "left"}}, "another page"),
        (KEY, {"page": "0123", "votes": {"3": "left"}}, "does not have"),
        (KEY, {"page": "0123", "votes": {"0": "up"}}, "no file of votes"),
        (KEY, {"0": "left"}, "no file of votes"),
        (["left", "right", "left"], {"page": "0123", "votes": {}}, "no key of a page"),
    ],
)
def test_votes_that_were_not_given_to_these_replies_are_refused(
    tmp_path: Path, key: object, votes: object, complaint: str
) -> None:
    """Of another comparison, of more pairs, or from before pages had names."""
    with pytest.raises(DataError, match=complaint):
        result_of(*files(tmp_path, key, votes))
