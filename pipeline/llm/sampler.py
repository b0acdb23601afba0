"""How the next token of a reply is drawn."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import llama_cpp

from pipeline.errors import GenerationError
from pipeline.llm.base import Sampling

# llama.cpp takes its largest seed (0xFFFFFFFF) for "choose one yourself".
_SEEDS = 0xFFFF_FFFF

# A run of this many tokens may come again: an opening such as 听起来，你 is no phrase yet.
# The penalty grows by PHRASE_BASE with every further token (1.75 is DRY's own default).
FREE_PHRASE_TOKENS = 4
PHRASE_BASE = 1.75


class PhrasePenalties:
    """llama.cpp's DRY samplers of one context, each made once and copied for every reply.

    To find the tokens that hold its line break, a new one reads the whole vocabulary: 6 ms
    on an EPYC core, between a reply's prompt and its first token.
    """

    def __init__(self, context: Any) -> None:
        """Args:
        context: llama.cpp's context handle.
        """
        self._context = context
        self._fresh: dict[float, Any] = {}

    def against(self, penalty: float, just_said: Sequence[int]) -> Any:
        """A sampler that holds the phrases of `just_said` against a reply; its chain frees it."""
        fresh = self._fresh.get(penalty)
        if fresh is None:
            fresh = self._fresh[penalty] = self._made(penalty)
        link = llama_cpp.llama_sampler_clone(fresh)
        for token in just_said:
            llama_cpp.llama_sampler_accept(link, token)
        return link

    def _made(self, penalty: float) -> Any:
        return llama_cpp.llama_sampler_init_dry(
            llama_cpp.llama_model_get_vocab(llama_cpp.llama_get_model(self._context)),
            penalty,
            PHRASE_BASE,
            FREE_PHRASE_TOKENS,
            llama_cpp.llama_n_ctx(self._context),
            (ctypes.c_char_p * 1)(b"\n"),
            1,
        )

    def close(self) -> None:
        """Free them. Safe to call twice."""
        for sampler in self._fresh.values():
            llama_cpp.llama_sampler_free(sampler)
        self._fresh.clear()


class SamplerChain:
    """llama.cpp's sampler chain for one reply.

    The chain keeps its own random state and its own memory of the reply's tokens, so
    replies that run side by side do not disturb each other's draws. Single tokens are
    penalised within the reply alone: the bot should take up the caller's words. Whole
    phrases are penalised across the last messages: it should neither parrot nor repeat.
    """

    def __init__(
        self,
        context: Any,
        sampling: Sampling,
        phrases: PhrasePenalties,
        just_said: Sequence[int] = (),
        banned: Sequence[Any] = (),
    ) -> None:
        """Args:
        context: llama.cpp's context handle whose logits are drawn from.
        sampling: Settings of this reply.
        phrases: Of the same context.
        just_said: Tokens of the last messages, oldest first.
        banned: Samplers of `against_tokens`, which the chain frees.

        Raises:
            GenerationError: The grammar cannot be read.
        """
        self._context = context
        parameters = llama_cpp.llama_sampler_chain_default_params()
        parameters.no_perf = True
        self._chain = llama_cpp.llama_sampler_chain_init(parameters)
        for link in banned:  # first: a grammar that cannot be read frees them with the chain
            llama_cpp.llama_sampler_chain_add(self._chain, link)
        if sampling.grammar:
            llama_cpp.llama_sampler_chain_add(self._chain, self._within(sampling.grammar))
        if sampling.phrase_penalty > 0.0 and just_said:
            against = phrases.against(sampling.phrase_penalty, just_said)
            llama_cpp.llama_sampler_chain_add(self._chain, against)
        for sampler in _samplers(context, sampling):
            llama_cpp.llama_sampler_chain_add(self._chain, sampler)

    def draw(self, output: int) -> int:
        """Draw a token and remember it.

        Args:
            output: Index, in the batch decoded last, of the token whose logits to use.
        """
        return int(llama_cpp.llama_sampler_sample(self._chain, self._context, output))

    def _within(self, grammar: str) -> Any:
        model = llama_cpp.llama_get_model(self._context)
        link = llama_cpp.llama_sampler_init_grammar(
            llama_cpp.llama_model_get_vocab(model), grammar.encode(), b"root"
        )
        if not link:
            self.close()
            # The grammar may quote a caller, so it is not passed on.
            raise GenerationError("The grammar for this answer cannot be read", retryable=False)
        return link

    def close(self) -> None:
        """Free the chain. Safe to call twice."""
        if self._chain is not None:
            llama_cpp.llama_sampler_free(self._chain)
            self._chain = None


def against_tokens(context: Any, banned: Sequence[int]) -> Any:
    """A sampler that never draws these tokens; whoever made it frees it."""
    vocabulary = llama_cpp.llama_model_get_vocab(llama_cpp.llama_get_model(context))
    biases = (llama_cpp.llama_logit_bias * len(banned))(
        *(llama_cpp.llama_logit_bias(token, float("-inf")) for token in banned)
    )
    return llama_cpp.llama_sampler_init_logit_bias(
        llama_cpp.llama_vocab_n_tokens(vocabulary), len(banned), biases
    )


def _samplers(context: Any, sampling: Sampling) -> list[Any]:
    """The links of the chain in llama.cpp's own order: penalties, cuts, temperature, draw."""
    links = []
    penalties = (sampling.repeat_penalty, sampling.frequency_penalty, sampling.presence_penalty)
    if penalties != (1.0, 0.0, 0.0):
        vocabulary = llama_cpp.llama_model_get_vocab(llama_cpp.llama_get_model(context))
        links.append(
            llama_cpp.llama_sampler_init_penalties(
                llama_cpp.llama_vocab_n_tokens(vocabulary),
                sampling.repeat_last_n,
                *penalties,
            )
        )
    if sampling.temperature <= 0.0:
        return [*links, llama_cpp.llama_sampler_init_greedy()]
    if sampling.top_k > 0:
        links.append(llama_cpp.llama_sampler_init_top_k(sampling.top_k))
    links.append(llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1))
    links.append(llama_cpp.llama_sampler_init_min_p(sampling.min_p, 1))
    links.append(llama_cpp.llama_sampler_init_temp(sampling.temperature))
    links.append(llama_cpp.llama_sampler_init_dist(sampling.seed % _SEEDS))
    return links
