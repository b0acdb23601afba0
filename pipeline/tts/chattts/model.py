"""ChatTTS itself: its classes, loaded and stepped.

`Chat.infer` is not used. It decodes a text from the start again for every piece, drops
near-silent samples from the last one, writes texts into the log and lets one call reset the
interruption of another. Its parts are called instead, so the version is pinned exactly.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import ChatTTS
import torch
from ChatTTS.config import Config
from transformers.utils import logging as transformers_logging

from pipeline.audio import FloatArray
from pipeline.errors import ConfigError, ModelCorruptError
from pipeline.tts.chattts.assets import FILES, chattts_key, hash_list, verify
from pipeline.tts.chattts.prompt import CodePrompt
from pipeline.tts.chattts.speaker_file import SpeakerEmbedding

logger = logging.getLogger(__name__)

# ChatTTS's defaults for the speaking pass.
_TEMPERATURE = 0.3
_TOP_P = 0.7
_TOP_K = 20
_REPETITION_PENALTY = 1.05


class _Randomness:
    """A state of torch's generators that belongs to one text.

    Texts are generated in turns, token by token; each draws as if it were alone, so that
    the same text sounds the same beside any other.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(self._devices):
            torch.manual_seed(seed)
            self._save()

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Within, torch draws from this state."""
        with torch.random.fork_rng(self._devices):
            torch.set_rng_state(self._state)
            for device, state in zip(self._devices, self._device_states, strict=True):
                torch.cuda.set_rng_state(state, device)
            yield
            self._save()

    def _save(self) -> None:
        self._state = torch.get_rng_state()
        self._device_states = [torch.cuda.get_rng_state(device) for device in self._devices]


class ChatTtsModel:
    """The loaded networks. Not safe to share by threads: one thread steps and decodes.

    Args:
        folder: Holds the files of `assets.FILES`; nothing is loaded that is not verified.
        device: "cpu", "cuda", "cuda:1", or "auto" for CUDA where there is one.
        compiled: Let torch compile the language model on CUDA; it takes a minute at start.
        config: Sizes of other weights than ChatTTS's own.
        hashes: Of other weights than ChatTTS's own, file to SHA-256.

    Raises:
        ModelMissingError: A file is not there.
        ModelCorruptError: A file is another than it should be, or the networks do not fit.
        ConfigError: The device cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        *,
        device: str = "auto",
        compiled: bool = False,
        config: Config | None = None,
        hashes: Mapping[str, str] | None = None,
    ) -> None:
        known = dict(hashes) if hashes is not None else hash_list()
        verify(folder, known)
        self.device = _device(device)
        # What transformers has to say about ChatTTS's calls, no user can change.
        transformers_logging.set_verbosity_error()
        transformers_logging.disable_progress_bar()
        self._chat = ChatTTS.Chat(_silent_logger())
        self._chat.sha256_map = {chattts_key(file): known[file] for file in FILES}
        if config is not None:
            self._chat.config = config
        try:
            loaded = self._chat.load(
                source="custom", custom_path=str(folder), device=self.device, compile=compiled
            )
        except (RuntimeError, OSError, ValueError, KeyError) as error:
            raise ModelCorruptError(f"ChatTTS cannot load the weights in {folder}") from error
        if not loaded:
            raise ModelCorruptError(f"ChatTTS refuses the weights in {folder}")
        # Characters that ChatTTS misreads, and others of the same sound. Its normaliser puts
        # them in through a compiler that needs seconds for its first text.
        misread, instead = self._chat.normalizer.homophones_map
        self._homophones = {int(old): int(new) for old, new in zip(misread, instead, strict=True)}

    @property
    def speaker_dimensions(self) -> int:
        """Length of a speaker's embedding."""
        return int(self._chat.config.gpt.hidden_size)

    def generate(
        self, prompt: CodePrompt, speaker: SpeakerEmbedding, *, seed: int, max_tokens: int
    ) -> Generator[torch.Tensor, None, None]:
        """Generate a text's audio tokens; refining the text first is left out.

        Args:
            prompt: What to say.
            speaker: Who says it.
            seed: With the text it decides every draw.
            max_tokens: Where a text that does not end is cut.

        Yields:
            After every decoder step the hidden states so far, float32, shape
            (n_tokens, n_hidden), a view that the next step replaces. Closing it ends the
            generation before the next step.
        """
        written = prompt.text.translate(self._homophones) if prompt.mandarin else prompt.text
        parameters = ChatTTS.Chat.InferCodeParams(
            prompt=prompt.speed,
            spk_emb=torch.from_numpy(speaker.values),
            temperature=_TEMPERATURE,
            top_P=_TOP_P,
            top_K=_TOP_K,
            repetition_penalty=_REPETITION_PENALTY,
            max_new_token=max_tokens,
            show_tqdm=False,
            stream_batch=1,
        )
        digest = hashlib.sha256(f"{seed}:{prompt.speed}{prompt.text}".encode()).digest()
        randomness = _Randomness(int.from_bytes(digest[:7], "big"), self.device)
        steps = self._chat._infer_code(written, True, self.device, True, parameters)
        tokens = 0
        try:
            while True:
                with randomness.drawn():
                    made = next(steps, None)
                if made is None:
                    return
                hidden: torch.Tensor = made.hiddens[0]
                if len(hidden) > tokens:  # the last step is reported twice
                    tokens = len(hidden)
                    yield hidden
        finally:
            steps.close()

    def decode(self, hidden: torch.Tensor) -> FloatArray:
        """Hidden states, shape (n_tokens, n_hidden), as float32 audio at 24 kHz."""
        audio: FloatArray = self._chat._decode_to_wavs([hidden], True)[0]
        return audio


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"torch knows no device {name}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError("torch finds no CUDA device; voice.chattts.device may be cpu")
    return device


def _silent_logger() -> logging.Logger:
    """A logger that says nothing: ChatTTS logs the texts it speaks, at any level."""
    silent = logging.getLogger(f"{__name__}.silent")
    silent.disabled = True
    return silent
