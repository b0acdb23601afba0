"""The files of ChatTTS's weights, checked against the hash list that ChatTTS carries.

    FOLDER/asset/{Decoder,DVAE,Embed,Vocos}.safetensors
    FOLDER/asset/gpt/{config.json,model.safetensors}
    FOLDER/asset/tokenizer/{special_tokens_map,tokenizer_config,tokenizer}.json

The list names a hash and no address, so it does not matter where the files came from.
ChatTTS is not imported to read it, which would take seconds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from pipeline.errors import ModelCorruptError, ModelMissingError
from pipeline.tts.chattts import DISTRIBUTION, EXTRA, LICENCE

FILES = (
    "asset/Decoder.safetensors",
    "asset/DVAE.safetensors",
    "asset/Embed.safetensors",
    "asset/Vocos.safetensors",
    "asset/gpt/config.json",
    "asset/gpt/model.safetensors",
    "asset/tokenizer/special_tokens_map.json",
    "asset/tokenizer/tokenizer_config.json",
    "asset/tokenizer/tokenizer.json",
)
TOTAL_BYTES = 1_150_000_000  # of all files, about: from the sizes of the networks in float32


def installed_version() -> str | None:
    """ChatTTS's version, or None where the extra is not installed."""
    try:
        return distribution(DISTRIBUTION).version
    except PackageNotFoundError:
        return None


def hash_list() -> dict[str, str]:
    """File of `FILES` to SHA-256, as the installed ChatTTS says.

    Raises:
        ModelMissingError: ChatTTS is not installed, or is a version without the list.
    """
    try:
        listed = distribution(DISTRIBUTION).locate_file("ChatTTS/res/sha256_map.json")
        hashes: Mapping[str, str] = json.loads(Path(str(listed)).read_text("utf-8"))
        return {file: hashes[chattts_key(file)] for file in FILES}
    except PackageNotFoundError as error:
        raise ModelMissingError(
            f"ChatTTS is not installed ({LICENCE}); run: pip install 'qingting[{EXTRA}]'"
        ) from error
    except (OSError, ValueError, KeyError) as error:
        raise ModelMissingError("this version of ChatTTS carries no list of its files") from error


def chattts_key(file: str) -> str:
    """How ChatTTS's list names a file."""
    return "sha256_" + file.replace("/", "_").replace(".", "_")


def faults(folder: Path, hashes: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The files that are not there, and those that are others than the list names.

    Reads everything, about a gigabyte.

    Raises:
        ModelCorruptError: A file cannot be read.
    """
    missing = [file for file in hashes if not (folder / file).is_file()]
    present = [file for file in hashes if file not in missing]
    try:
        return missing, [file for file in present if _sha256(folder / file) != hashes[file]]
    except OSError as error:
        raise ModelCorruptError(f"{error.filename} cannot be read: {error.strerror}") from error


def verify(folder: Path, hashes: Mapping[str, str]) -> None:
    """Check that all files are what the list names.

    Raises:
        ModelMissingError: Some are not there.
        ModelCorruptError: Some are others.
    """
    missing, corrupt = faults(folder, hashes)
    if missing:
        raise ModelMissingError(
            f"ChatTTS's weights are not in {folder} (without {', '.join(missing)}); "
            "run: qingting voices pull-chattts"
        )
    if corrupt:
        raise ModelCorruptError(
            f"ChatTTS's weights in {folder} are damaged ({', '.join(corrupt)}); "
            "run: qingting voices pull-chattts"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
