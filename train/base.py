"""The model that training starts from: a GGUF, a local folder, or the name on a hub."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from pipeline.errors import ConfigError, FetchError, ModelCorruptError, ModelMissingError
from pipeline.llm.prompt import ChatTemplate
from train.gguf_file import GgufFile
from train.tokens import Tokens

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
# Changes when `dequantise` writes something else, so that older folders are not used.
_UNPACKED_FORM = 1


@dataclass(frozen=True, slots=True)
class ModelShape:
    """What memory and time depend on; sizes are numbers of weights or of units."""

    parameters: int
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    vocabulary: int

    def lora_parameters(self, rank: int, targets: tuple[str, ...]) -> int:
        """Weights of a LoRA on `targets` of every layer."""
        head = self.hidden // self.heads
        sizes = {
            "q_proj": (self.hidden, self.hidden),
            "k_proj": (self.hidden, head * self.kv_heads),
            "v_proj": (self.hidden, head * self.kv_heads),
            "o_proj": (self.hidden, self.hidden),
            "gate_proj": (self.hidden, self.intermediate),
            "up_proj": (self.hidden, self.intermediate),
            "down_proj": (self.intermediate, self.hidden),
        }
        return self.layers * sum(rank * sum(sizes.get(target, (0, 0))) for target in targets)


@dataclass(frozen=True, slots=True)
class Base:
    """A base model on this machine.

    Attributes:
        name: As the user named it.
        folder: Model folder as transformers reads it.
        gguf: The file it was made from, which is what a call loads; None for others.
    """

    name: str
    folder: Path
    gguf: Path | None


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """How a base writes a conversation down.

    Attributes:
        source: The template, Jinja2.
        template: The same, compiled.
        tokens: The vocabulary.
        bos: Token that starts a sequence, or None.
        eos: Token that ends a document.
        pad: Token that fills a batch; its label is always ignored.
    """

    source: str
    template: ChatTemplate
    tokens: Tokens
    bos: int | None
    eos: int
    pad: int

    @property
    def digest(self) -> str:
        """SHA-256 of the template."""
        return hashlib.sha256(self.source.encode()).hexdigest()


def locate(
    spec: str, cache: Path | None = None, *, offline: bool = False, hub_url: str | None = None
) -> Base:
    """Find a base, unpacking a GGUF or fetching from the hub if need be.

    Args:
        spec: Path of a GGUF or of a model folder, or `owner/name` on the hub.
        cache: Where unpacked GGUF files are kept; None takes the user's cache folder.
        offline: Take from the hub only what an earlier fetch left here.
        hub_url: Address of a mirror of the hub, or None for the hub itself.

    Raises:
        ModelMissingError: There is no such model, or the hub cannot be reached.
        FetchError: It would have to be fetched, and `offline` refuses that.
        ModelCorruptError: It cannot be read.
        ConfigError: torch and transformers are needed and not here.
    """
    path = Path(spec).expanduser()
    if path.is_file():
        return Base(spec, _unpacked(path, cache or _default_cache()), path)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelMissingError(f"{path} is no model folder: it has no config.json")
        return Base(spec, path, None)
    if not _HUB_NAME.fullmatch(spec):
        raise ModelMissingError(f"there is no model {spec}: neither a file, nor a folder")
    return Base(spec, _fetch(spec, offline=offline, hub_url=hub_url), None)


def shape_of(spec: str) -> ModelShape:
    """Sizes of a base, read from its header alone.

    Raises:
        ModelMissingError: Neither a GGUF nor a model folder, and a name that tells no size.
        ModelCorruptError: The header lacks something.
    """
    path = Path(spec).expanduser()
    try:
        if path.is_file():
            return _shape_of_gguf(GgufFile(path))
        if path.is_dir():
            return _shape_of_config(json.loads((path / "config.json").read_text("utf-8")))
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise ModelCorruptError(f"{path} does not say its sizes: {error}") from error
    if match := re.search(r"(?:(\d+)x)?(\d+(?:\.\d+)?)\s*([BM])\b", spec.rpartition("/")[2], re.I):
        billions = float(match[2]) * (1 if match[3].upper() == "B" else 1e-3)
        return nominal_shape(billions * int(match[1] or 1))
    raise ModelMissingError(f"there is no model {spec} here, and its name does not tell its size")


def nominal_shape(billions: float) -> ModelShape:
    """A shape such as models of this many billion weights have (width 128 times the layers)."""
    parameters = round(billions * 1e9)
    # A layer has about 12 hidden² weights, so 12 · layers · (128 layers)² makes them all.
    layers = max(8, round((parameters / (12 * 128**2)) ** (1 / 3)))
    hidden = 128 * layers
    return ModelShape(parameters, layers, hidden, 8 * hidden // 3, layers, layers, 100_000)


def load_format(folder: Path) -> ChatFormat:
    """The chat format of a model folder.

    Raises:
        ModelMissingError: A part of it is missing.
        ModelCorruptError: The template is unusable.
    """
    tokens = Tokens.load(folder)
    try:
        settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelMissingError(f"{folder} has no usable tokenizer_config.json") from error
    beside = folder / "chat_template.jinja"
    source = beside.read_text("utf-8") if beside.is_file() else settings.get("chat_template")
    if not isinstance(source, str):
        raise ModelMissingError(
            f"{folder} has no chat template; choose an instruct model, or put one at {beside}"
        )
    eos = _token_text(settings.get("eos_token"))
    bos = _token_text(settings.get("bos_token"))
    end = tokens.id_of(eos) if eos else None
    if end is None:
        raise ModelCorruptError(f"{folder} does not name its end-of-sequence token")
    pad = tokens.id_of(_token_text(settings.get("pad_token")) or eos)
    return ChatFormat(
        source=source,
        template=ChatTemplate(source, bos=bos, eos=eos),
        tokens=tokens,
        bos=tokens.id_of(bos) if bos and settings.get("add_bos_token") else None,
        eos=end,
        pad=end if pad is None else pad,
    )


def _token_text(value: Any) -> str:
    return str(value.get("content", "") if isinstance(value, dict) else value or "")


def _default_cache() -> Path:
    return Path(platformdirs.user_cache_dir("qingting", appauthor=False)) / "bases"


def _unpacked(gguf: Path, cache: Path) -> Path:
    with gguf.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    folder = cache / f"{digest[:16]}-{_UNPACKED_FORM}"
    if not folder.is_dir():
        if importlib.util.find_spec("transformers") is None:
            raise ConfigError(NEEDS_TRAIN)
        # In a process of its own, because Unsloth must be imported before transformers.
        command = [sys.executable, "-m", "train.dequantise", str(gguf), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ModelCorruptError(f"{gguf} cannot be trained from: {reason}")
    return folder


def _fetch(name: str, *, offline: bool, hub_url: str | None) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                name,
                allow_patterns=["*.json", "*.safetensors", "*.jinja", "*.txt"],
                local_files_only=offline,
                endpoint=hub_url,
            )
        )
    except Exception as error:  # the hub's errors have no base that says "cannot be had"
        if offline:
            raise FetchError(
                f"{name} is not here and privacy.offline=true refuses downloads; "
                "leave it unset to fetch a base when you name one",
                retryable=False,
            ) from error
        raise ModelMissingError(f"{name} cannot be fetched: {type(error).__name__}") from error


NEEDS_TRAIN = "training needs torch, transformers and Unsloth; run: make setup-train"


def _shape_of_gguf(file: GgufFile) -> ModelShape:
    heads = int(file.of_architecture("attention.head_count"))
    return ModelShape(
        parameters=file.parameters,
        layers=int(file.of_architecture("block_count")),
        hidden=int(file.of_architecture("embedding_length")),
        intermediate=int(file.of_architecture("feed_forward_length")),
        heads=heads,
        kv_heads=int(file.of_architecture("attention.head_count_kv", heads)),
        vocabulary=len(file.value("tokenizer.ggml.tokens")),
    )


def _shape_of_config(config: dict[str, Any]) -> ModelShape:
    config = config.get("text_config", config)
    hidden, layers = int(config["hidden_size"]), int(config["num_hidden_layers"])
    heads = int(config["num_attention_heads"])
    kv_heads = int(config.get("num_key_value_heads") or heads)
    intermediate, vocabulary = int(config["intermediate_size"]), int(config["vocab_size"])
    head = int(config.get("head_dim") or hidden // heads)
    attention = 2 * hidden * head * (heads + kv_heads)
    experts = int(config.get("num_local_experts") or config.get("num_experts") or 1)
    tables = vocabulary * hidden * (1 if config.get("tie_word_embeddings") else 2)
    parameters = tables + layers * (attention + 3 * experts * hidden * intermediate)
    return ModelShape(parameters, layers, hidden, intermediate, heads, kv_heads, vocabulary)
