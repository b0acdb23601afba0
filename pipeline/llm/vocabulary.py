"""Text to tokens and back, as the loaded model counts them."""

from __future__ import annotations

import ctypes
import re
from typing import Any

import llama_cpp

_PIECE_BYTES = 256  # longer than any token's text seen in a chat model
# First bytes in UTF-8 of U+3000 to U+9FFF and of full-width forms; no Latin text has them.
_CHINESE_LEADS = frozenset((*range(0xE3, 0xEA), 0xEF))


class Vocabulary:
    """The vocabulary of a loaded model; read-only, so any thread may use it.

    Attributes:
        size: Number of tokens.
        bos: Text of the beginning-of-sequence token, empty if the model has none.
        eos: Text of the end-of-sequence token, empty if the model has none.
        chinese: Tokens with a Chinese character or mark in them, or the beginning of one.
    """

    def __init__(self, model: Any) -> None:
        """Args:
        model: llama.cpp's model handle; it must outlive the vocabulary.
        """
        self._handle = llama_cpp.llama_model_get_vocab(model)
        self.size: int = llama_cpp.llama_vocab_n_tokens(self._handle)
        self._bos = llama_cpp.llama_vocab_bos(self._handle)
        self._add_bos = bool(llama_cpp.llama_vocab_get_add_bos(self._handle))
        self.bos = self.piece(self._bos).decode(errors="ignore")
        self.eos = self.piece(llama_cpp.llama_vocab_eos(self._handle)).decode(errors="ignore")
        self.chinese = tuple(
            token
            for token in range(self.size)
            if not _CHINESE_LEADS.isdisjoint(self.piece(token)) and not self._is_marker(token)
        )
        self._markers = _alternatives(
            self.piece(token).decode(errors="ignore")
            for token in range(self.size)
            if llama_cpp.llama_vocab_is_control(self._handle, token)
        )

    def prompt_tokens(self, prompt: str) -> list[int]:
        """Tokens of a rendered prompt; markers such as <|im_end|> become one token each."""
        tokens = self._tokenise(prompt, parse_markers=True)
        if self._add_bos and tokens[:1] != [self._bos]:
            tokens.insert(0, self._bos)
        return tokens

    def text_tokens(self, text: str) -> list[int]:
        """Tokens of plain text; a marker in it is spelled out, not obeyed."""
        return self._tokenise(text, parse_markers=False)

    def piece(self, token: int) -> bytes:
        """UTF-8 bytes of one token, possibly half a character; markers by their name."""
        if token < 0:
            return b""
        buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        length = llama_cpp.llama_token_to_piece(self._handle, token, buffer, len(buffer), 0, True)
        if length < 0:
            buffer = ctypes.create_string_buffer(-length)
            length = llama_cpp.llama_token_to_piece(
                self._handle, token, buffer, len(buffer), 0, True
            )
        return buffer.raw[:length]

    def ends_generation(self, token: int) -> bool:
        """Whether the model says with this token that it has finished."""
        return bool(llama_cpp.llama_vocab_is_eog(self._handle, token))

    def _is_marker(self, token: int) -> bool:
        """Some models write their markers in full-width signs (DeepSeek's ｜)."""
        return self.ends_generation(token) or bool(
            llama_cpp.llama_vocab_is_control(self._handle, token)
        )

    def without_markers(self, text: str) -> str:
        """`text` less every control marker, so that no message can pose as another's turn.

        Removing one marker can join two halves of the next, hence the loop.
        """
        previous = None
        while previous != text:
            previous, text = text, self._markers.sub("", text)
        return text

    def _tokenise(self, text: str, *, parse_markers: bool) -> list[int]:
        encoded = text.encode(errors="ignore")
        room = len(encoded) + 8  # a token covers at least one byte; some models add a space
        tokens = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(
            self._handle, encoded, len(encoded), tokens, room, False, parse_markers
        )
        return tokens[:count]


def _alternatives(texts: Any) -> re.Pattern[str]:
    """A pattern that matches any of `texts`, the longest first; nothing for none."""
    found = sorted({text for text in texts if len(text) > 1}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, found)) or r"(?!)")
