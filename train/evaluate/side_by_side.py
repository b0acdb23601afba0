"""A page where a person votes blindly between base and tuned replies.

It works from the file, without a server: the votes are kept in the browser and saved as
`votes.json`, which `qingting eval RUN --votes votes.json` counts. Which side is which is
drawn for each pair and stands in `eval/blind_key.json`, not in the page. A digest of the pairs
stands in all three, so that no vote is counted for replies that it was not given to.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from jinja2 import Environment, StrictUndefined
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import DataError
from train.evaluate.measure import Evaluation
from train.run_folder import RunFolder, write_json

Side: TypeAlias = Literal["left", "right"]

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Which reply is better?</title>
<style>
body { font: 17px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
.said { color: #666; white-space: pre-wrap; } .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
button { font: inherit; text-align: left; padding: 1rem; white-space: pre-wrap; border: 2px solid #ccc;
  border-radius: .5rem; background: none; color: inherit; cursor: pointer; }
button[aria-pressed=true] { border-color: #1668c7; } .even { text-align: center; width: 100%; margin-top: .6rem; }
section { margin: 2.5rem 0; }
</style>
<h1>Which reply is better?</h1>
<p>Neither you nor the page knows which model wrote which. <span id="done"></span>
<button id="save">Save votes</button></p>
<main></main>
<script>
const pairs = {{ pairs }};
const page = {{ digest }};
const key = {{ store }};
const votes = JSON.parse(localStorage.getItem(key) || "{}");
const main = document.querySelector("main");
function show() {
  document.querySelector("#done").textContent = Object.keys(votes).length + " of " + pairs.length + " done.";
  for (const button of main.querySelectorAll("button"))
    button.setAttribute("aria-pressed", votes[button.dataset.pair] === button.dataset.vote);
}
function choice(pair, vote, text, parent) {
  const button = document.createElement("button");
  button.textContent = text;
  button.dataset.pair = pair;
  button.dataset.vote = vote;
  if (vote === "even") button.className = "even";
  button.onclick = () => {
    votes[pair] = vote;
    localStorage.setItem(key, JSON.stringify(votes));
    show();
  };
  parent.append(button);
}
pairs.forEach((pair, number) => {
  const section = document.createElement("section");
  const said = document.createElement("p");
  said.className = "said";
  said.textContent = pair.said;
  const both = document.createElement("div");
  both.className = "pair";
  choice(number, "left", pair.left, both);
  choice(number, "right", pair.right, both);
  section.append(said, both);
  choice(number, "even", "No difference", section);
  main.append(section);
});
document.querySelector("#save").onclick = () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify({ page, votes })], { type: "application/json" }));
  link.download = "votes.json";
  link.click();
};
show();
</script>
</html>
"""  # noqa: E501  # HTML reads better in its own lines


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BlindKey(_Data):
    """Which side is which.

    Attributes:
        page: Digest of its pairs.
        tuned_sides: Where the tuned reply of each pair stands.
    """

    page: str
    tuned_sides: tuple[Side, ...]


class _Votes(_Data):
    """What the page saves.

    Attributes:
        page: Digest of its pairs.
        votes: By the number of the pair, from 0; those that were voted on.
    """

    page: str
    votes: dict[int, Side | Literal["even"]]


_Read = TypeVar("_Read", bound=_Data)


@dataclass(frozen=True, slots=True)
class Result:
    """Votes, counted.

    Attributes:
        tuned: Pairs where the tuned reply was chosen.
        base: Pairs where the base's was.
        even: Pairs without a difference.
        chance: Probability of at least so clear a result if there were no difference.
    """

    tuned: int
    base: int
    even: int
    chance: float


def blind_page(
    moments: Sequence[str], base: Sequence[str], tuned: Sequence[str], *, seed: int, store: str
) -> tuple[str, BlindKey]:
    """A page of pairs to vote on, and the key that counts its votes.

    Args:
        moments: What was said before each reply.
        base: The base's replies.
        tuned: The tuned model's.
        seed: Of the draw of the sides.
        store: Name under which the browser keeps the votes, beside the digest of the pairs.
    """
    draw = random.Random(seed)
    pairs: list[dict[str, str]] = []
    tuned_sides: list[Side] = []
    for said, one, other in zip(moments, base, tuned, strict=True):
        side: Side = draw.choice(("left", "right"))
        tuned_sides.append(side)
        left, right = (other, one) if side == "left" else (one, other)
        pairs.append({"said": said, "left": left, "right": right})
    shown = _script_json(pairs)
    digest = hashlib.sha256(shown.encode()).hexdigest()[:12]
    environment = Environment(autoescape=False, undefined=StrictUndefined)  # only JSON goes in
    page = environment.from_string(_PAGE).render(
        pairs=shown, digest=_script_json(digest), store=_script_json(f"{store} {digest}")
    )
    return page, BlindKey(page=digest, tuned_sides=tuple(tuned_sides))


def write_page(folder: RunFolder, evaluation: Evaluation, seed: int) -> Path:
    """Write `eval/side_by_side.html` and its key.

    Returns:
        Path of the page.
    """
    page, key = blind_page(
        [sample.messages[-1].content for sample in evaluation.samples],
        [reply.text for reply in evaluation.base.replies],
        [reply.text for reply in evaluation.tuned.replies],
        seed=seed,
        store=f"qingting {folder.path.name} {seed}",
    )
    folder.eval.mkdir(exist_ok=True)
    path = folder.eval / "side_by_side.html"
    path.write_text(page, "utf-8")
    write_json(folder.eval / "blind_key.json", key.model_dump())
    return path


def count_votes(folder: RunFolder, votes: Path) -> Result:
    """Count a file of votes and keep the result as `eval/votes_result.json`.

    Raises:
        DataError: It is no file of votes, or of another page.
    """
    result = result_of(folder.eval / "blind_key.json", votes)
    write_json(
        folder.eval / "votes_result.json",
        {"tuned": result.tuned, "base": result.base, "even": result.even, "chance": result.chance},
    )
    return result


def result_of(key: Path, votes: Path) -> Result:
    """Count a file of votes by the key of its page.

    Raises:
        DataError: It is no file of votes, or of another page.
    """
    sides, given = _read(BlindKey, key), _read(_Votes, votes)
    if given.page != sides.page:
        raise DataError(f"{votes} was made on another page than that of {key}")
    cast = given.votes
    if any(not 0 <= pair < len(sides.tuned_sides) for pair in cast):
        raise DataError(f"{votes} votes on pairs that the page does not have")
    tuned = sum(vote == sides.tuned_sides[pair] for pair, vote in cast.items())
    even = sum(vote == "even" for vote in cast.values())
    return Result(tuned, len(cast) - tuned - even, even, _chance(tuned, len(cast) - even))


def _read(kind: type[_Read], path: Path) -> _Read:
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        held = "key of a page of votes" if kind is BlindKey else "file of votes"
        raise DataError(f"{path} is no {held}, or of an earlier version: vote again") from error


def _chance(wins: int, decided: int) -> float:
    """Two-sided binomial test against a fair coin."""
    further = max(wins, decided - wins)
    outcomes = sum(math.comb(decided, k) for k in range(further, decided + 1))
    return min(1.0, 2.0 * outcomes / float(2**decided))


def _script_json(value: object) -> str:
    """JSON that cannot end the script it stands in."""
    return json.dumps(value, ensure_ascii=False).replace("</", "<\\/")
