"""A language model's weights rewritten once, in the form this kind of CPU reads fastest.

Qwen 0.5B as published keeps most weights as q5_0, for which llama.cpp has no kernel that
serves several tokens at once. As iq4_nl, which is repacked at load, the same model takes
on two EPYC cores a third of the time for a prompt and three quarters for a reply
(`python -m agent.bench.steps MODEL.gguf …`), and predicts held-out dialogues no worse.

The copy is made on this machine, lies under `<home>/models/.derived`, and is trusted only
while its hash stands as noted when it was written.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from agent.models.manifest import ModelFile, Quantisation
from agent.models.verify import Stamp, sha256_of
from pipeline.errors import ModelError


@dataclass(frozen=True, slots=True)
class FasterCopy:
    """Where the copy of one model lies.

    Attributes:
        folder: `<home>/models/.derived/<model>`.
        source_sha256: Of the file it is made from; a new source makes a new copy.
        quantisation: What its weights become.
    """

    folder: Path
    source_sha256: str
    quantisation: Quantisation

    @property
    def path(self) -> Path:
        """The copy itself."""
        return self.folder / f"{self.quantisation}-{self.source_sha256[:12]}.gguf"

    @property
    def _note(self) -> Path:
        return self.path.with_suffix(".json")

    def is_good(self) -> bool:
        """Whether the copy is there and is what was written.

        Raises:
            OSError: It is there but cannot be read.
        """
        try:
            file = ModelFile.model_validate_json(self._note.read_text("utf-8"))
        except (OSError, ValueError):
            return False
        return Stamp(self.path.with_suffix(".verified")).state(self.folder, file) == "present"

    def make(self, source: Path, threads: int) -> None:
        """Write the copy; takes about a minute for the 0.5B. Blocks, without the GIL.

        Where another process is at it, waits for it, and leaves its copy as it is. Nothing is
        left of an attempt that fails or is interrupted, but a `.part` file that the next one
        overwrites.

        Raises:
            ModelError: llama.cpp refuses the source, or the disk is full.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / "lock"):
                if not self.is_good():
                    self._rewrite(source, threads)
        except OSError as error:
            raise ModelError(
                f"the faster copy of {source.name} cannot be written: {error.strerror}"
            ) from error

    def _rewrite(self, source: Path, threads: int) -> None:
        import llama_cpp

        from pipeline.llm.native import start_backend

        start_backend()
        kinds = {
            "iq4_nl": llama_cpp.LLAMA_FTYPE_MOSTLY_IQ4_NL,
            "q4_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0,
        }
        options = llama_cpp.llama_model_quantize_default_params()
        options.ftype = kinds[self.quantisation]
        options.allow_requantize = True
        options.nthread = threads
        part = self.path.with_suffix(".part")
        try:
            code = llama_cpp.llama_model_quantize(
                str(source).encode(), str(part).encode(), ctypes.byref(options)
            )
            if code != 0:
                raise ModelError(f"llama.cpp could not rewrite {source.name} (code {code})")
            part.replace(self.path)
            file = ModelFile(
                path=self.path.name,
                size_bytes=self.path.stat().st_size,
                sha256=sha256_of(self.path),
            )
            self._note.write_text(file.model_dump_json(), "utf-8")
        finally:
            part.unlink(missing_ok=True)
