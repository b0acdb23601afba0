"""Averages two adapters, the later of which is of a run that went on from the earlier.

    python -m train.average EARLIER LATER --share 0.6 -o FOLDER

writes PEFT's files and `adapter.gguf`. Between an adapter and what became of it lie others that
keep some of both: what the later run learnt, and what it was about to forget (Wortsman et al.
2022, "Robust fine-tuning of zero-shot models"). Their matrices are averaged one by one, which
holds for runs of one descent only: of strangers, the mean of A and the mean of B make no mean of
their product.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.errors import ConfigError, VoiceError
from train.earlier import CONFIG, WEIGHTS, earlier_adapter
from train.run_folder import Manifest, RunFolder, refuse_existing


def average(earlier: Path, later: Path, share: float, out: Path) -> None:
    """Write the adapter between two.

    Args:
        earlier: Folder of a finished run, or GGUF adapter.
        later: Folder of a finished run that went on from it.
        share: Of the later one, 0 to 1.
        out: Folder to make.

    Raises:
        ConfigError: `later` did not go on from `earlier`, one is not finished, the share is out
            of range, or there is something at `out`.
    """
    from safetensors.numpy import load_file, save_file

    from train.export.adapter import write_adapter

    if not 0 <= share <= 1:
        raise ConfigError(f"a share of {share:g} is no mean; give 0 to 1")
    manifest = RunFolder.open(later).manifest
    base = Path(manifest.base_folder)
    first, second = earlier_adapter(earlier, base), earlier_adapter(later, base)
    refuse_existing(out)
    with TemporaryDirectory() as folder:
        before_folder = Path(folder) / "earlier"
        sha256 = first.copy(before_folder)
        if not _descends(manifest, sha256):
            raise ConfigError(f"{later} did not go on from {earlier}")
        before, after = (load_file(one / WEIGHTS) for one in (before_folder, second.path))
    out.mkdir(parents=True, exist_ok=True)
    mean = {
        name: ((1 - share) * before[name] + share * after[name]).astype(after[name].dtype)
        for name in after
    }
    save_file(mean, out / WEIGHTS)
    shutil.copy2(second.path / CONFIG, out / CONFIG)
    write_adapter(out, base / "config.json", out / "adapter.gguf", name=out.name)


def _descends(manifest: Manifest, sha256: str) -> bool:
    """Whether a run went on from an adapter, or from one that did."""
    while manifest.started_from is not None:
        if manifest.started_sha256 == sha256:
            return True
        if not (before := Path(manifest.started_from)).is_dir():
            return False
        manifest = RunFolder.open(before).manifest
    return False


def main() -> None:
    """Average, or end with a sentence and exit code 2."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("earlier", type=Path, help="folder of a finished run, or GGUF adapter")
    parser.add_argument("later", type=Path, help="folder of a run that went on from it")
    parser.add_argument("--share", type=float, default=0.5, help="of the later one, 0 to 1")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder to make")
    chosen = parser.parse_args()
    try:
        average(chosen.earlier, chosen.later, chosen.share, chosen.out)
    except VoiceError as error:
        print(error.message, file=sys.stderr)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
