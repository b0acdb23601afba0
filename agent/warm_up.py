"""What makes the first call as quick as the tenth.

A model's first computation allocates, and the persona's prompt takes a second to
evaluate. Both happen once, before the first call: the prompt stays in the cache of a
conversation that nobody speaks in, and every call's prompt begins as a copy of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence

import numpy as np

from agent.asked.about import asked_about
from agent.intake.propose import propose
from agent.safety.answers import meaning_of
from agent.safety.detector import assess
from pipeline.assembly import Engines
from pipeline.audio import INPUT_RATE_HZ
from pipeline.errors import VoiceError
from pipeline.llm.base import Conversation, Message
from pipeline.tts.base import SpeechStyle

logger = logging.getLogger(__name__)

# Over two seconds each: the time in which a voice of unknown loudness is measured
# (`pipeline.tts.loudness`). The acknowledgements, spoken next, are kept for all calls.
SENTENCES = (
    "我在听，你可以慢慢说，想到什么就说什么。",
    "I am listening, please take all the time you need.",
)


async def warm_up(
    engines: Engines, openings: Iterable[Sequence[Message]], *, intake: bool = False
) -> list[Conversation]:
    """Use every engine once; takes two to six seconds.

    Args:
        engines: Freshly loaded.
        openings: What calls' contexts begin with.
        intake: Whether calls keep a record that is filled as they go on.

    Returns:
        Conversations that keep the openings evaluated; close them with the engines. Fewer
        if an engine failed: calls will meet the failure themselves and say so.
    """
    began = time.monotonic()
    conversations: list[Conversation] = []
    for reads_weights in (assess, asked_about, *((propose,) if intake else ())):
        await asyncio.to_thread(reads_weights, SENTENCES[0])
    await asyncio.to_thread(meaning_of, "softly", SENTENCES[0])
    if engines.words_judge is not None:
        await asyncio.to_thread(engines.words_judge.probability, "", SENTENCES[0])
    try:
        for opening in openings:
            conversations.append(engines.language_model.open())
            await conversations[-1].prefill(opening, "")
        await engines.recogniser.decode(np.zeros(INPUT_RATE_HZ, np.float32), language="zh")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(engines.workers, _speak, engines)
    except VoiceError as error:
        logger.warning("warming up failed: %s", error.code)
    else:
        logger.info("engines warm after %.1f s", time.monotonic() - began)
    return conversations


def _speak(engines: Engines) -> None:
    for sentence in SENTENCES:
        for _ in engines.voice.synthesise(sentence, SpeechStyle(), lambda: False):
            pass
    if engines.smart_turn is not None:
        engines.smart_turn.probability(np.zeros(INPUT_RATE_HZ, np.float32))
