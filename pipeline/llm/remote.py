"""A chat model behind an OpenAI-compatible server: llama.cpp's own, vLLM and others.

For people who outgrow one machine. The server keeps its own prompt cache and batches its
own requests, so there is nothing to fork here.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx

from pipeline.errors import GenerationError
from pipeline.llm.base import FinishReason, Message, Sampling, TextDelta
from pipeline.llm.reply_text import ReplyText, Written
from pipeline.llm.trim import HistoryWindow
from pipeline.text import units

logger = logging.getLogger(__name__)

# What `prefill` answers. Servers do not show the probability of the end-of-turn token
# inside a user's turn, so the decision is left to silence and to the acoustic detector.
NEUTRAL_PROBABILITY = 0.5

# Estimate of tokens for trimming: a CJK character is 0.6 to 1 token and an English word
# 1.3 for the vocabularies in use, each message adds its markers. Too many is harmless.
_TOKENS_PER_UNIT = 1.4
_TOKENS_PER_MESSAGE = 8

_RETRYABLE_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """Where the model is.

    Attributes:
        base_url: Up to and including /v1.
        model: Name by which the server knows it.
        api_key: Sent as bearer token; empty for none.
        context_tokens: Most tokens of a prompt with its reply, as estimated here.
        connect_timeout_secs: For the connection.
        read_timeout_secs: For each piece of the reply; covers the server's own queue.
    """

    base_url: str
    model: str
    api_key: str = ""
    context_tokens: int = 4096
    connect_timeout_secs: float = 3.0
    read_timeout_secs: float = 20.0


class RemoteModel:
    """Implements `pipeline.llm.base.LanguageModel` over HTTP.

    Attributes:
        name: The model's name on the server.
    """

    def __init__(self, options: RemoteOptions) -> None:
        """Nothing is sent before the first reply."""
        self.name = options.model
        self._options = options
        headers = {"Authorization": f"Bearer {options.api_key}"} if options.api_key else {}
        self._client = httpx.AsyncClient(
            base_url=options.base_url.rstrip("/") + "/",
            headers=headers,
            timeout=httpx.Timeout(options.read_timeout_secs, connect=options.connect_timeout_secs),
        )

    def open(self) -> RemoteConversation:
        """A new conversation; the server decides how many it can carry."""
        return RemoteConversation(self._client, self._options)

    def count_tokens(self, text: str) -> int:
        """An estimate: the server's vocabulary is not known here."""
        return estimate_tokens(text)

    async def close(self) -> None:
        """Close the connections; running replies fail. Safe to call twice."""
        await self._client.aclose()


class RemoteConversation:
    """Implements `pipeline.llm.base.Conversation` over HTTP; the server keeps what it likes."""

    def __init__(self, client: httpx.AsyncClient, options: RemoteOptions) -> None:
        """Args:
        client: Open for as long as the conversation.
        options: Where the model is.
        """
        self._client = client
        self._options = options
        self._window = HistoryWindow()

    async def prefill(
        self, messages: Sequence[Message], user_so_far: str, *, background: bool = False
    ) -> float:
        """Nothing to evaluate here: always `NEUTRAL_PROBABILITY`."""
        return NEUTRAL_PROBABILITY

    async def reply(
        self, messages: Sequence[Message], sampling: Sampling, *, background: bool = False
    ) -> AsyncGenerator[TextDelta, None]:
        """Stream the answer; see `Conversation.reply`. The server knows no background.

        `tokens` counts the pieces the server sends, which is one each for the servers in
        use. Closing the generator closes the connection, on which the server stops.

        Raises:
            GenerationError: The server cannot be reached, refuses, or sends what is no
                event stream; retryable for overload and lost connections.
        """
        budget_tokens = self._options.context_tokens - sampling.max_tokens
        kept = self._window.trim(messages, _estimate_prompt, budget_tokens)
        if self._client.is_closed:
            raise GenerationError("The language model has been closed", retryable=False)
        text = ReplyText(sampling.stop)
        tokens = 0
        try:
            async with (
                self._client.stream(
                    "POST", "chat/completions", json=self._body(kept, sampling)
                ) as response,
                aclosing(_events(response)) as events,
            ):
                async for event in events:
                    piece, finish_reason = _parse(event)
                    tokens += bool(piece)
                    written = text.feed(piece.encode())
                    if written.finish_reason is None and finish_reason is not None:
                        rest = text.finish(finish_reason)
                        written = Written(written.text + rest.text, rest.finish_reason)
                    yield TextDelta(written.text, tokens, written.finish_reason)
                    if written.finish_reason is not None:
                        return
        except httpx.HTTPError as error:
            # Its text can name hosts and paths; the kind of failure is enough.
            logger.warning("the language model server failed: %s", type(error).__name__)
            raise GenerationError("The language model server cannot be reached") from error
        rest = text.finish("stop")
        yield TextDelta(rest.text, tokens, rest.finish_reason)

    async def close(self) -> None:
        """Nothing to give back."""

    def _body(self, messages: Sequence[Message], sampling: Sampling) -> dict[str, Any]:
        """The request; `top_k`, `min_p` and `repeat_penalty` are llama.cpp's and vLLM's own.

        Servers disagree on the name of the repetition penalty, so both are sent. Stop
        texts are obeyed here, where they are left out of the text for certain.
        """
        # llama.cpp's server alone takes a grammar in this form.
        grammar = {"grammar": sampling.grammar} if sampling.grammar else {}
        return {
            **grammar,
            "model": self._options.model,
            "messages": [
                {"role": message.role, "content": message.content} for message in messages
            ],
            "stream": True,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k or -1,
            "min_p": sampling.min_p,
            "repeat_penalty": sampling.repeat_penalty,
            "repetition_penalty": sampling.repeat_penalty,
            "presence_penalty": sampling.presence_penalty,
            "frequency_penalty": sampling.frequency_penalty,
            "seed": sampling.seed,
        }


def estimate_tokens(text: str) -> int:
    """About how many tokens `text` makes, rather too many than too few."""
    return round(len(units(text)) * _TOKENS_PER_UNIT)


def _estimate_prompt(messages: Sequence[Message]) -> int:
    return sum(estimate_tokens(message.content) + _TOKENS_PER_MESSAGE for message in messages)


async def _events(response: httpx.Response) -> AsyncGenerator[str, None]:
    """The data of a server-sent event stream, up to its closing mark.

    Raises:
        GenerationError: The server refused.
    """
    if not response.is_success:
        raise GenerationError(
            f"The language model server refused the request (HTTP {response.status_code})",
            retryable=response.status_code in _RETRYABLE_STATUS,
        )
    async for line in response.aiter_lines():
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            return
        if line.startswith("data:") and data:
            yield data


def _parse(event: str) -> tuple[str, FinishReason | None]:
    """Text of one event, and the finish reason if it gives one.

    Raises:
        GenerationError: The event is no chat completion chunk; an error event is none.
    """
    try:
        choices = json.loads(event)["choices"]
        if not choices:  # a closing event with usage figures only
            return "", None
        text = choices[0]["delta"].get("content") or ""
        reason = choices[0].get("finish_reason")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GenerationError("The language model server sent a malformed event") from error
    if reason is None:
        return text, None
    return text, "length" if reason == "length" else "stop"
