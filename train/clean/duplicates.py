"""The same conversation again, word for word or nearly.

Short chats repeat honestly ("在吗", "在"), so only what is long enough to be told apart is
compared by MinHash; the rest goes only when it is identical.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.text import keys
from train.clean.gate import texts_of
from train.schema import Record, content_id

if TYPE_CHECKING:
    from datasketch import LeanMinHash, MinHash

THRESHOLD = 0.8  # Jaccard similarity of shingles; EmoLLM's sets were thinned at this value
_SHINGLE_UNITS = 3
_LEAST_UNITS = 20  # below it, one changed word already leaves less than the threshold
_FINEST_SIEVE = 0.95
_PERMUTATIONS = 64  # standard error of the estimate: 1/sqrt(64), about 0.12


@dataclass(frozen=True, slots=True)
class Original:
    """What a record repeats: the id of an earlier one, and whether word for word."""

    id: str
    exact: bool


class Duplicates:
    """Remembers what it has seen; memory grows by about 1 KiB for each record kept.

    Args:
        threshold: Similarity from which two records are the same, above 0 to 1.
    """

    def __init__(self, threshold: float = THRESHOLD) -> None:
        from datasketch import MinHash, MinHashLSH  # brings scipy along, which takes seconds

        self._seen: dict[bytes, str] = {}
        self._empty = MinHash(num_perm=_PERMUTATIONS)
        # Above it datasketch finds no bands; what the sieve lets through is compared all the same.
        sieve = min(threshold, _FINEST_SIEVE)
        self._near = MinHashLSH(threshold=sieve, num_perm=_PERMUTATIONS)
        self._threshold = threshold
        self._sketches: dict[bytes, LeanMinHash] = {}

    def original(self, record: Record) -> Original | None:
        """The earlier record that this one repeats, else None; then it is remembered.

        Ids prove nothing: files that were written by hand have the same one on every row.
        """
        content = bytes.fromhex(content_id([type(record).__name__, *texts_of(record)]))
        if (first := self._seen.get(content)) is not None:
            return Original(first, exact=True)
        self._seen[content] = record.id
        # All rows of a set have the same system prompt, which may be longer than what is said.
        said = record.model_copy(update={"system": None})
        words = [key for text in texts_of(said) for key in keys(text)]
        if len(words) < _LEAST_UNITS:
            return None
        sketch = self._sketch(words)
        for other in self._near.query(sketch):
            if sketch.jaccard(self._sketches[other]) >= self._threshold:
                return Original(self._seen[other], exact=False)
        self._near.insert(content, sketch)
        self._sketches[content] = sketch
        return None

    def _sketch(self, words: list[str]) -> LeanMinHash:
        from datasketch import LeanMinHash

        sketch: MinHash = self._empty.copy()  # drawing permutations anew takes half the time
        last = len(words) - _SHINGLE_UNITS + 1
        shingles = {" ".join(words[at : at + _SHINGLE_UNITS]) for at in range(last)}
        sketch.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in shingles])
        return LeanMinHash(sketch)
