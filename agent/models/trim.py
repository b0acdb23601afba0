"""A language model's vocabulary cut down to what its languages are written with.

Of the 151,936 tokens of Qwen2.5 a third are code, or in other scripts than Mandarin's and
English's, and each costs a row of the output layer for every token that is written: of the 0.5B's
faster copy this layer is two fifths. Kept are

- markers, single bytes, Chinese words and marks, and pieces of Chinese characters;
- whatever is of English letters alone, and the ends of contractions;
- everything else in ASCII among the first `FREQUENT`: merges are ordered by how often the
  tokeniser's makers met them;
- whatever these are merged from, so that a text made of kept tokens is still parted into the same.

What is dropped can still be written, in more tokens.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

from agent.models.gguf_files import (
    VOCABULARY_LAYERS,
    Replacement,
    opened,
    rewrite,
    value,
)
from pipeline.errors import ModelError

FREQUENT = 20_000
ROWS = 64  # the output layer has a multiple of so many rows: kernels take them in blocks

_CHINESE = re.compile(
    "[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3001-\u3011\uff01-\uff5e…—–“”‘’·℃]+"
)
_CHINESE_LEADS = range(0xE3, 0xEA)  # first bytes of Chinese characters and marks in UTF-8
_ENGLISH = re.compile("[’']?[A-Za-z]+")
_NORMAL, _UNUSED = 1, 5  # `gguf.TokenType`

_IndexArray = npt.NDArray[np.int64]


def require_trimmable(source: Path) -> None:
    """Look whether `trim` knows this kind of vocabulary.

    Raises:
        ModelCorruptError: The source is no GGUF.
        ModelError: It does not.
    """
    Tokens.read(opened(source, "model"), source.name)


def trim(source: Path, target: Path, name: str) -> None:
    """Write a model with fewer tokens. What is left of a failure is the caller's to delete.

    Args:
        source: GGUF of a model with a byte-level BPE vocabulary.
        target: File to write.
        name: What errors call the model.

    Raises:
        ModelCorruptError: The source is no GGUF.
        ModelError: Its vocabulary is of another kind.
        OSError: The disk refuses.
    """
    base = opened(source, "model")
    whole = Tokens.read(base, name)
    special = {int(value(base, field)) for field in base.fields if _is_number_of_a_token(field)}
    kept = np.array(sorted(whole.kept(special)), dtype=np.int64)
    rewrite(
        base,
        target,
        {
            tensor.name: Replacement(
                (len(kept), *tensor.data.shape[1:]),
                tensor.data.dtype,
                tensor.tensor_type,
                partial(tensor.data.take, kept, axis=0),
            )
            for tensor in base.tensors
            if _in_vocabulary(tensor)
        },
        _renumbered(base, whole, kept),
    )


@dataclass(frozen=True, slots=True)
class Tokens:
    """A byte-level BPE vocabulary.

    Attributes:
        texts: Of the tokens, in GPT-2's spelling of bytes as characters.
        kinds: Of the tokens, as in `gguf.TokenType`.
        merges: Pairs of texts, the first ones first.
    """

    texts: Sequence[str]
    kinds: Sequence[int]
    merges: Sequence[tuple[str, str]]

    @classmethod
    def read(cls, base: Any, name: str) -> Tokens:
        """That of an opened GGUF.

        Raises:
            ModelError: The model `name` has another kind of vocabulary, or not all of one.
        """
        keys = gguf.Keys.Tokenizer
        kind, *lists = (value(base, key) for key in (keys.MODEL, keys.LIST, keys.TOKEN_TYPE))
        merges = [tuple(merge.split(" ")) for merge in value(base, keys.MERGES) or ()]
        known = set(lists[0] or ())
        whole = kind == "gpt2" and all(lists) and all({*pair} <= known for pair in merges)
        alike = all(
            len(tensor.data) == len(known) for tensor in base.tensors if _in_vocabulary(tensor)
        )
        if not (whole and merges and alike and all(len(pair) == 2 for pair in merges)):
            raise ModelError(f"the vocabulary of {name} is of a kind that cannot be trimmed")
        return cls(lists[0], lists[1], merges)

    def kept(self, special: Collection[int] = ()) -> set[int]:
        """Numbers of the tokens that stay.

        Args:
            special: Numbers that stay in any case.
        """
        numbers = {text: number for number, text in enumerate(self.texts)}
        merged_from: dict[str, tuple[str, str]] = {}
        for first, second in self.merges:
            merged_from.setdefault(first + second, (first, second))
        kept = {*special, *self._wanted()}
        open_ends = list(kept)
        while open_ends:
            for half in merged_from.get(self.texts[open_ends.pop()], ()):
                if (number := numbers[half]) not in kept:
                    kept.add(number)
                    open_ends.append(number)
        dropped = [number for number in range(len(self.texts)) if number not in kept]
        kept.update(islice(dropped, -len(kept) % ROWS))
        return kept

    def _wanted(self) -> Iterator[int]:
        for number, (text, kind) in enumerate(zip(self.texts, self.kinds, strict=True)):
            if kind == _NORMAL:
                if _is_wanted(_bytes(text), number):
                    yield number
            elif kind != _UNUSED:
                yield number


def _is_wanted(written: bytes, number: int) -> bool:
    if len(written) == 1 or (number < FREQUENT and written.isascii()):
        return True
    try:
        text = written.decode()
    except UnicodeDecodeError:  # a part of a character
        lead = written.lstrip()[:1]
        return bool(lead) and lead[0] in _CHINESE_LEADS
    return any(pattern.fullmatch(text.strip()) for pattern in (_CHINESE, _ENGLISH))


def _renumbered(base: Any, whole: Tokens, kept: _IndexArray) -> Mapping[str, Any]:
    """The entries of the header that change: lists of the vocabulary, and numbers in it."""
    texts = [whole.texts[number] for number in kept]
    known = set(texts)
    changed: dict[str, Any] = {
        gguf.Keys.Tokenizer.LIST: texts,
        gguf.Keys.Tokenizer.TOKEN_TYPE: [whole.kinds[number] for number in kept],
        gguf.Keys.Tokenizer.MERGES: [
            " ".join(pair) for pair in whole.merges if {*pair, "".join(pair)} <= known
        ],
    }
    if (scores := value(base, gguf.Keys.Tokenizer.SCORES)) is not None:
        changed[gguf.Keys.Tokenizer.SCORES] = [scores[number] for number in kept]
    for name in base.fields:
        if _is_number_of_a_token(name):
            changed[name] = int(np.searchsorted(kept, value(base, name)))
    return changed


def _is_number_of_a_token(field: str) -> bool:
    return field.startswith("tokenizer.ggml.") and field.endswith("_token_id")


def _in_vocabulary(tensor: Any) -> bool:
    """Whether a tensor has a row for each token."""
    return tensor.name in VOCABULARY_LAYERS


def _byte_of() -> dict[str, int]:
    """GPT-2's spelling: printable bytes stand for themselves, the others for U+0100 and up."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = (byte for byte in range(0x100) if byte not in printable)
    return {chr(byte): byte for byte in printable} | {
        chr(0x100 + place): byte for place, byte in enumerate(others)
    }


_BYTES = _byte_of()


def _bytes(text: str) -> bytes:
    """A token's UTF-8; a marker's name, which is spelled as it stands, may hold others."""
    return bytes(_BYTES[character] for character in text if character in _BYTES)
