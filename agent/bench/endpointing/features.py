"""What the engines say about every item of the labelled set, measured once and kept.

Each item goes the way of a call: it is spoken, recognised, judged by the tuned encoder, read by
the language model under the persona's prompt, and heard by smart-turn. `features.jsonl` keeps the
answers, so that weights can be fitted and judged without the engines.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from agent.bench.endpointing.labelled import LANGUAGES, Item, items_of, load_turns
from agent.bench.endpointing.speech import speak
from agent.config import Locale, Settings
from pipeline.audio import FloatArray
from pipeline.errors import ConfigError, GenerationError
from pipeline.llm.base import Message
from pipeline.llm.native import DecodeResult, Entry, Runtime, RuntimeOptions
from pipeline.llm.prompt import ChatTemplate
from pipeline.llm.prompts import PromptBuilder
from pipeline.llm.turn_end import Continuations, TurnEnd
from pipeline.text import Language

FEATURES_FILE = "features.jsonl"
LOCALES: Mapping[Language, Locale] = {"zh": "zh-Hans", "en": "en"}
# A call begins in the operator's language, so English is also met under a Mandarin prompt.
PROMPTS: Mapping[Language, tuple[Language, ...]] = {"zh": ("zh",), "en": ("en", "zh")}
CONTEXT_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Features:
    """The engines' answers about one item.

    Attributes:
        item: The item.
        heard: What the recogniser wrote, punctuation included.
        smart_turn: smart-turn's probability.
        continuations: The language model's, by the language of the persona's prompt.
        encoder: Probability of the encoder (`agent.turn_ends`), which has learnt the items of the
            split "learnt".
    """

    item: Item
    heard: str
    smart_turn: float
    continuations: Mapping[Language, Continuations]
    encoder: float


def features_path() -> Path:
    """Where the answers are kept."""
    return Path(__file__).with_name(FEATURES_FILE)


def load_features() -> tuple[Features, ...]:
    """The kept answers, in the order of the labelled set.

    Raises:
        KeyError: An item was added after they were measured; `--measure` makes them anew.
    """
    rows = [json.loads(line) for line in features_path().read_text("utf-8").splitlines()]
    known = {row["id"]: row for row in rows}
    return tuple(_from_row(item, known[item.id]) for item in _all_items())


def save_features(features: Iterable[Features], file: Path) -> None:
    """Write answers, one item a line."""
    lines = [json.dumps(_row_of(one), ensure_ascii=False) for one in features]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _row_of(features: Features) -> dict[str, object]:
    sums = {
        language: {name: float(f"{value:.3g}") for name, value in asdict(found).items()}
        for language, found in features.continuations.items()
    }
    return {
        "id": features.item.id,
        "heard": features.heard,
        "smart_turn": round(features.smart_turn, 4),
        "continuations": sums,
        "encoder": round(features.encoder, 4),
    }


def _from_row(item: Item, row: Mapping[str, object]) -> Features:
    sums = row["continuations"]
    assert isinstance(sums, dict)
    continuations = {language: Continuations(**found) for language, found in sums.items()}
    smart_turn, encoder = (float(str(row[name])) for name in ("smart_turn", "encoder"))
    return Features(item, str(row["heard"]), smart_turn, continuations, encoder)


def _all_items() -> tuple[Item, ...]:
    return tuple(item for language in LANGUAGES for item in items_of(load_turns(language)))


def measure(settings: Settings, advance: Callable[[int, int], None]) -> tuple[Features, ...]:
    """Ask the real engines about every item; ten minutes on two cores.

    Args:
        settings: Which models.
        advance: Called with how many items are done, of how many.

    Raises:
        ModelError: A model is missing or damaged.
        VoiceError: An engine failed.
    """
    return asyncio.run(_measure(settings, advance))


def reread(settings: Settings, known: Sequence[Features]) -> tuple[Features, ...]:
    """Ask the language model again after the words that were heard, three minutes on two cores.

    For another model, adapter or prompt: what was heard stays the same.

    Raises:
        ModelError: The model is missing or damaged.
        VoiceError: It failed.
    """
    read = _read(settings, [one.item for one in known], [one.heard for one in known])
    return tuple(replace(one, continuations=found) for one, found in zip(known, read, strict=True))


def rejudge(known: Sequence[Features]) -> tuple[Features, ...]:
    """Ask the encoder again after the words that were heard, some seconds.

    Raises:
        ConfigError: It is not there.
    """
    judged = _judged([one.heard for one in known])
    return tuple(replace(one, encoder=found) for one, found in zip(known, judged, strict=True))


def _judged(texts: Sequence[str]) -> list[float]:
    from agent.turn_ends.judge import end_judge

    judge = end_judge()
    if judge is None:
        raise ConfigError("the encoder is not there; the log says why")
    found = [judge.probability("", text) for text in texts]
    if None in found:
        raise ConfigError("the encoder failed; the log says how")
    return [one for one in found if one is not None]


async def _measure(settings: Settings, advance: Callable[[int, int], None]) -> tuple[Features, ...]:
    _judged([""])  # before ten minutes of work
    from agent.engines import load_recogniser, load_speaker
    from pipeline.turn.stage import SMART_TURN_SILENCE_SECS
    from pipeline.vad.smart_turn import SmartTurn

    voice, audio_model, recogniser = (
        load_speaker(settings),
        SmartTurn(),
        load_recogniser(settings),
    )
    items = _all_items()
    heard: list[tuple[str, float]] = []
    for item in items:
        audio: FloatArray = speak(item, voice, silence_secs=SMART_TURN_SILENCE_SECS)
        hypothesis = await recogniser.decode(audio, language=item.turn.language)
        heard.append((hypothesis.text, audio_model.probability(audio)))
        advance(len(heard), len(items))
    await recogniser.close()
    texts = [text for text, _ in heard]
    read = await asyncio.to_thread(_read, settings, items, texts)
    return tuple(
        Features(item, text, smart_turn, continuations, encoder)
        for item, (text, smart_turn), continuations, encoder in zip(
            items, heard, read, _judged(texts), strict=True
        )
    )


def _read(
    settings: Settings, items: Sequence[Item], texts: Sequence[str]
) -> list[dict[Language, Continuations]]:
    """The language model's sums after each text, under each prompt it may stand under."""
    read: list[dict[Language, Continuations]] = [{} for _ in items]
    with Reader.opened(settings) as reader:
        for language in LANGUAGES:
            for item, text, found in zip(items, texts, read, strict=True):
                if language in PROMPTS[item.turn.language]:
                    logits = reader.after(LOCALES[language], text)
                    found[language] = reader.turn_end.continuations(logits)
    return read


class Reader:
    """Evaluates one beginning of a turn after another, each from where it leaves the one before.

    Attributes:
        turn_end: Sums the logits up.
    """

    def __init__(self, settings: Settings, runtime: Runtime) -> None:
        """Use `opened`."""
        self._settings = settings
        self._runtime = runtime
        self._evaluated: list[int] = []
        self._openings: dict[Locale, tuple[Message, ...]] = {}
        vocabulary = runtime.vocabulary
        template = ChatTemplate(runtime.chat_template(), bos=vocabulary.bos, eos=vocabulary.eos)
        self._prompts = PromptBuilder(template, vocabulary, CONTEXT_TOKENS)
        self.turn_end = TurnEnd(vocabulary, template.turn_end)

    @classmethod
    @contextmanager
    def opened(cls, settings: Settings) -> Iterator[Reader]:
        """The model of the settings, free again afterwards.

        Raises:
            ModelError: It is missing or damaged.
        """
        from agent.adapter import weights_of

        weights = weights_of(settings)
        options = RuntimeOptions(context_tokens=CONTEXT_TOKENS, rows=1, batch_tokens=CONTEXT_TOKENS)
        runtime = Runtime(weights.file, weights.applied, 1.0, options)
        try:
            yield cls(settings, runtime)
        finally:
            runtime.close()

    def after(self, locale: Locale, words: str) -> FloatArray:
        """Logits after the caller's words so far; the next call overwrites them.

        Args:
            locale: Of the persona that listens.
            words: What was said of it.

        Raises:
            GenerationError: The model failed.
        """
        prompt = self._prompts.open_turn_prompt(self._opening(locale), words)
        shared = 0
        for evaluated, wanted in zip(self._evaluated, prompt[:-1], strict=False):
            if evaluated != wanted:
                break
            shared += 1
        self._runtime.cut(0, shared)
        last = len(prompt) - 1
        entries = [Entry(prompt[at], at, 0, at == last) for at in range(shared, len(prompt))]
        if self._runtime.decode(entries, self._settings.llm.threads) is not DecodeResult.DONE:
            raise GenerationError("The language model failed while it read a turn")
        self._evaluated = list(prompt)
        return self._runtime.logits(len(entries) - 1)

    def _opening(self, locale: Locale) -> tuple[Message, ...]:
        from agent.adapter import answering

        if locale not in self._openings:
            persona = answering(self._settings, locale)
            opening = (Message("system", persona.system_prompt), *persona.example_messages())
            self._openings[locale] = opening
        return self._openings[locale]
