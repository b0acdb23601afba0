"""Text to tokens for training, as the model that is served counts them.

The base's `tokenizer.json` is read with the library `tokenizers`, which needs no torch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from pipeline.errors import ModelCorruptError, ModelMissingError


class Tokens:
    """The vocabulary of a base model.

    Args:
        tokenizer: As the base folder has it; truncation and padding are switched off.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        added = tokenizer.get_added_tokens_decoder()
        self._control = {number: str(token) for number, token in added.items() if token.special}
        names = sorted(self._control.values(), key=len, reverse=True)
        self._markers = re.compile("|".join(map(re.escape, names)) or r"(?!)")

    @classmethod
    def load(cls, folder: Path) -> Tokens:
        """The tokenizer of a model folder.

        Raises:
            ModelMissingError: There is no `tokenizer.json`.
            ModelCorruptError: It cannot be read.
        """
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise ModelMissingError(f"{folder} has no tokenizer.json")
        try:
            return cls(Tokenizer.from_file(str(path)))
        except Exception as error:  # the library raises nothing narrower
            raise ModelCorruptError(f"{path} is no tokenizer: {error}") from error

    def encode(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Tokens of a rendered prompt, nothing added.

        Returns:
            Token ids; and for each, start and end of what it covers, in characters of
            `text`. Tokens that share a character share its place.
        """
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return encoding.ids, encoding.offsets

    def decode(self, ids: Sequence[int]) -> str:
        """Text of tokens, markers by their name."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

    def id_of(self, token: str) -> int | None:
        """Id of one token by its name, or None."""
        number: int | None = self._tokenizer.token_to_id(token)
        return number

    def is_control(self, token: int) -> bool:
        """Whether the token is a marker such as <|im_end|> and never part of words."""
        return token in self._control

    def without_markers(self, text: str) -> str:
        """`text` less every control marker, so that no message poses as another's turn."""
        previous = None
        while previous != text:
            previous, text = text, self._markers.sub("", text)
        return text
