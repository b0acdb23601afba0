"""A language model's weights rewritten once, in the form this kind of CPU reads fastest.

Qwen 0.5B as published keeps most weights as q5_0, for which llama.cpp has no kernel that
serves several tokens at once. As iq4_nl, which is repacked at load, the same model takes
on two EPYC cores a third of the time for a prompt and three quarters for a reply
(`python -m agent.bench.steps MODEL.gguf …`), and predicts held-out dialogues no worse. Without
the tokens of code and of other scripts (`trim`) a Xeon takes 6 to 9 % less time for a token.

A persona's adapter is merged into it on the way (`merge`): applied at run time it costs a token
a tenth of its time and a short prompt up to 40 %. `qingting models pull` makes the one copy
that the settings load, with their adapter or without one. Whoever then loads the model with
another adapter, or with none, has the published file read until they pull under these settings:
a second copy for everybody would cost a minute and 354 MB.

The 1.5B has no copy. Its weights lie on the grid of q4_k, which is fast already; with the adapter
added and rounded to q4_k again they fall back to the same points, and the replies are the untuned
model's. As iq4_nl a token takes 84 ms instead of 59; with the adapter beside the model it takes 64
(two Xeon cores, idle, `agent.bench.steps`).

The copy is made on this machine, lies under `<home>/models/.derived`, and is trusted only
while its hash stands as noted when it was written.
"""

from __future__ import annotations

import contextlib
import ctypes
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from agent.models.manifest import ModelFile, Quantisation
from agent.models.verify import Stamp, sha256_of
from pipeline.errors import ModelError

# How a trimmed copy is called; another rule in `trim` needs another name.
_TRIMMED = "short"
# The copy while it is written; model and adapter in f16; the copy with its whole vocabulary.
_TEMPORARY = (".part", ".merged", ".whole")


@dataclass(frozen=True, slots=True)
class FasterCopy:
    """Where the copy of one model lies.

    Attributes:
        folder: `<home>/models/.derived/<model>`.
        source_sha256: Of the file it is made from; a new source makes a new copy.
        quantisation: What its weights become.
        adapter: LoRA that is merged into it, or None.
        adapter_sha256: Of that file; a new adapter makes a new copy, too.
        trimmed: Whether its vocabulary is cut down.
    """

    folder: Path
    source_sha256: str
    quantisation: Quantisation
    adapter: Path | None = None
    adapter_sha256: str = ""
    trimmed: bool = False

    @property
    def _form(self) -> str:
        return f"{self.quantisation}.{_TRIMMED}" if self.trimmed else self.quantisation

    @property
    def path(self) -> Path:
        """The copy itself."""
        made_from = (self.source_sha256[:12], self.adapter_sha256[:12])
        return self.folder / f"{'-'.join(filter(None, (self._form, *made_from)))}.gguf"

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
        """Write the copy; takes about a minute for the 0.5B. Blocks, mostly without the GIL.

        Where another process is at it, waits for it, and leaves its copy as it is. Nothing is
        left of an attempt that fails or is interrupted; what a killed one leaves, the next one
        deletes. A model keeps one copy with an adapter: the new one takes the place of others, and
        of every copy in another form.

        Raises:
            ModelError: llama.cpp refuses the source, the adapter is damaged or belongs to
                another model, or the disk is full.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / "lock"):
                if not self.is_good():
                    self._rewrite(source, threads)
                self._remove_superseded()
        except OSError as error:
            raise ModelError(
                f"the faster copy of {source.name} cannot be written: {error.strerror or error}"
            ) from error

    def _rewrite(self, source: Path, threads: int) -> None:
        part, merged, whole = map(self.path.with_suffix, _TEMPORARY)
        for left in self.folder.iterdir():
            if left.suffix in _TEMPORARY:
                left.unlink()
        try:
            if self.trimmed:
                from agent.models.trim import require_trimmable

                require_trimmable(source)
            if self.adapter is not None:
                from agent.models.merge import merge

                merge(source, self.adapter, merged)
            model = source if self.adapter is None else merged
            self._quantise(model, whole if self.trimmed else part, source.name, threads)
            merged.unlink(missing_ok=True)  # before there are three of them
            if self.trimmed:
                from agent.models.trim import trim

                trim(whole, part, source.name)
            part.replace(self.path)
            file = ModelFile(
                path=self.path.name,
                size_bytes=self.path.stat().st_size,
                sha256=sha256_of(self.path),
            )
            self._note.write_text(file.model_dump_json(), "utf-8")
        finally:
            for path in (part, merged, whole):
                path.unlink(missing_ok=True)

    def _remove_superseded(self) -> None:
        for path in self.folder.glob("*-*"):
            if self._supersedes(path.stem):
                with contextlib.suppress(OSError):  # the next one tries again
                    path.unlink()

    def _supersedes(self, stem: str) -> bool:
        if not stem.startswith(f"{self._form}-{self.source_sha256[:12]}"):
            return True
        with_adapter = stem.count("-") > 1
        return with_adapter and self.adapter is not None and stem != self.path.stem

    def _quantise(self, source: Path, target: Path, name: str, threads: int) -> None:
        """Raises ModelError, which calls the model `name`."""
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
        code = llama_cpp.llama_model_quantize(
            str(source).encode(), str(target).encode(), ctypes.byref(options)
        )
        if code != 0:
            raise ModelError(f"llama.cpp could not rewrite {name} (code {code})")
