"""Weights of random numbers in ChatTTS's own layout, for machines that have no real ones.

They make noise, but load through ChatTTS's own classes, take the same steps and cost the
same time as the real ones of their size: they prove the path and measure it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pybase16384
import torch
from ChatTTS.config import Config
from ChatTTS.config import config as parts
from ChatTTS.model import DVAE, Embed
from safetensors.torch import save_file
from transformers import BertTokenizerFast, LlamaConfig, LlamaModel
from transformers.utils import logging as transformers_logging
from vocos import Vocos
from vocos.pretrained import instantiate_class

from pipeline.tts.chattts.assets import FILES

# An untrained decoder hardly looks at a token's neighbours: its layer scales start at 1e-6 and
# its convolutions small. With these a sample depends on its surroundings, as it does in use:
# cut off 4 tokens ahead it is wrong by a third of its peak, 16 ahead by half a percent.
_LAYER_SCALE = 1.0
_BLOCK_GAIN = 3.0

_SPECIAL_TOKENS = (
    *("[Stts]", "[spk_emb]", "[empty_spk]", "[Ptts]", "[Sbreak]", "[Pbreak]", "[Ebreak]"),
    *("[uv_break]", "[v_break]", "[lbreak]", "[llbreak]", "[laugh]"),
    *(
        f"[{name}_{level}]"
        for name, levels in (("oral", 10), ("laugh", 3), ("speed", 10), ("break", 8))
        for level in range(levels)
    ),
)


def small_config() -> Config:
    """As deep as ChatTTS where a sample's surroundings count, and as narrow as can be."""
    config = Config()
    text_tokens = len(_vocabulary()) + len(_SPECIAL_TOKENS)
    config.gpt = parts.GPT(
        hidden_size=64,
        intermediate_size=128,
        num_attention_heads=4,
        num_hidden_layers=2,
        num_text_tokens=text_tokens,
    )
    config.embed = parts.Embed(hidden_size=64, num_text_tokens=text_tokens)
    config.decoder = parts.Decoder(idim=32, odim=32, hidden=32, bn_dim=16)
    config.dvae = parts.DVAE(
        encoder=parts.Decoder(idim=32, odim=64, hidden=32, bn_dim=16),
        decoder=parts.Decoder(idim=32, odim=32, hidden=32, bn_dim=16),
        vq=parts.VQ(dim=64),
    )
    config.vocos = parts.Vocos(
        backbone=parts.Backbone(init_args=parts.BackboneInitArgs(dim=32, intermediate_dim=64)),
        head=parts.FourierHead(init_args=parts.FourierHeadInitArgs(dim=32)),
    )
    statistics = np.random.default_rng(0).normal(size=2 * 64).astype(np.float16)
    config.spk_stat = pybase16384.encode_to_string(statistics.tobytes())
    return config


def write_random_assets(
    folder: Path, config: Config | None = None, *, seed: int = 0, endless: bool = False
) -> dict[str, str]:
    """Write all files of `assets.FILES`.

    Args:
        folder: Made where it is missing; about 1.1 GB with ChatTTS's own sizes.
        config: Sizes; None takes ChatTTS's own.
        seed: Of the random numbers.
        endless: Make weights that never end a text; else some do after a second or two.

    Returns:
        The files' SHA-256, in the place of ChatTTS's list.
    """
    sizes = config or Config()
    assets = folder / "asset"
    for inner in ("gpt", "tokenizer"):
        (assets / inner).mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, network in _networks(sizes, endless=endless):
            save_file(
                {key: value.contiguous().clone() for key, value in network.state_dict().items()},
                assets / f"{name}.safetensors",
            )
        transformers_logging.disable_progress_bar()
        # ChatTTS deletes the word embedding of this model and brings its own.
        LlamaModel(LlamaConfig(**{**asdict(sizes.gpt), "vocab_size": 32})).save_pretrained(
            assets / "gpt"
        )
    _write_tokenizer(assets / "tokenizer")
    return {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in FILES}


def _networks(sizes: Config, *, endless: bool) -> Iterator[tuple[str, torch.nn.Module]]:
    wanted = sizes.embed
    embed = Embed(
        wanted.hidden_size, wanted.num_audio_tokens, wanted.num_text_tokens, wanted.num_vq
    )
    yield "Embed", _endless(embed) if endless else embed
    decoder = DVAE(decoder_config=asdict(sizes.decoder), dim=sizes.decoder.idim)
    yield "Decoder", _awake(decoder)
    yield (
        "DVAE",
        DVAE(
            decoder_config=asdict(sizes.dvae.decoder),
            encoder_config=asdict(sizes.dvae.encoder),
            vq_config=asdict(sizes.dvae.vq),
            dim=sizes.dvae.decoder.idim,
        ),
    )
    vocos = (sizes.vocos.feature_extractor, sizes.vocos.backbone, sizes.vocos.head)
    extractor, backbone, head = (instantiate_class(args=(), init=asdict(part)) for part in vocos)
    yield "Vocos", Vocos(feature_extractor=extractor, backbone=backbone, head=head)


def _endless(embed: Embed) -> Embed:
    """The last audio token ends a text; at 0 it is never among the twenty likeliest."""
    with torch.no_grad():
        for head in embed.head_code:
            head.parametrizations.weight.original0[-1] = 0.0
    return embed


def _awake(decoder: DVAE) -> DVAE:
    with torch.no_grad():
        for block in decoder.decoder.decoder_block:
            block.weight.fill_(_LAYER_SCALE)
            for layer in (block.dwconv, block.pwconv1, block.pwconv2):
                layer.weight.mul_(_BLOCK_GAIN)
    return decoder


def _vocabulary() -> list[str]:
    """The tokenizer's own marks, what ChatTTS's normaliser lets through, 3755 ideographs."""
    rows = range(0xB0, 0xD8)  # of GB 2312, level 1: the common ones
    common = [
        bytes((row, cell)).decode("gb2312", "ignore") for row in rows for cell in range(0xA1, 0xFF)
    ]
    letters = "abcdefghijklmnopqrstuvwxyz，。、,."
    pieces = [f"##{letter}" for letter in letters[:26]]
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *pieces, *filter(None, common)]


def _write_tokenizer(folder: Path) -> None:
    tokenizer = BertTokenizerFast(vocab={word: at for at, word in enumerate(_vocabulary())})
    tokenizer.add_special_tokens({"additional_special_tokens": list(_SPECIAL_TOKENS)})
    tokenizer.save_pretrained(folder)
    # Newer versions of transformers keep it in the configuration; ChatTTS's list names it.
    (folder / "special_tokens_map.json").write_text(
        json.dumps({"additional_special_tokens": list(_SPECIAL_TOKENS)}), "utf-8"
    )
