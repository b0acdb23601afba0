"""Make the FastSpeech2 graph run on the small LiteRT runtime.

The published graph keeps two dropout blocks active at inference, one after the pitch and
one after the energy embedding. They need a random operator that only full TensorFlow
has, and they would make every run sound different. Without them the graph runs on
LiteRT alone and the same text gives the same samples.

    f0_embeddings/BiasAdd ──▶ dropout_55 ──▶ add      becomes  f0_embeddings ──▶ add
    energy_embeddings/BiasAdd ──▶ dropout_56 ──▶ add           energy_embeddings ──▶ add

The result is kept beside the model under a name that carries the source's hash, so a
changed model file is rewritten and an old result is never taken for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from pipeline.errors import ModelCorruptError, ModelMissingError

_FILE_IDENTIFIER = b"TFL3"
_DROPOUTS = {"dropout_55/": "f0_embeddings/BiasAdd", "dropout_56/": "energy_embeddings/BiasAdd"}
_DROPOUT_OUTPUT = "dropout/Mul_1"
_HASH_CHARACTERS = 16


def load_acoustic_graph(path: Path) -> bytes:
    """The graph in `path` without its dropout blocks, from the cache beside it if present.

    Returns:
        A TFLite flat buffer. A folder that cannot be written only costs the rewriting
        (0.25 s on one core) again next time.

    Raises:
        ModelMissingError: There is no such file.
        ModelCorruptError: The file is not the FastSpeech2 graph this expects.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ModelMissingError(f"The voice model {path.name} cannot be read") from error
    digest = hashlib.sha256(source).hexdigest()[:_HASH_CHARACTERS]
    cached = path.with_name(f"{path.stem}.without-dropout-{digest}{path.suffix}")
    with contextlib.suppress(OSError):
        return cached.read_bytes()
    graph = remove_dropout(source)
    with contextlib.suppress(OSError):
        _write_atomically(cached, graph)
    return graph


def remove_dropout(source: bytes) -> bytes:
    """Cut both dropout blocks out of a FastSpeech2 flat buffer.

    Raises:
        ModelCorruptError: `source` is no TFLite file, or has no such blocks.
    """
    if source[4:8] != _FILE_IDENTIFIER:
        raise ModelCorruptError("The voice model is not a TFLite file")
    try:
        model = schema.ModelT.InitFromPackedBuf(source, 0)
        main = model.subgraphs[0]
        names = [tensor.name.decode() for tensor in main.tensors]
        index_of = {name: index for index, name in enumerate(names)}
        replacement = {
            index_of[block + _DROPOUT_OUTPUT]: index_of[before]
            for block, before in _DROPOUTS.items()
        }
    except Exception as error:  # the generated reader raises whatever a broken offset leads to
        raise ModelCorruptError("The voice model is not the expected FastSpeech2 graph") from error

    main.operators = [
        operator
        for operator in main.operators
        if not names[operator.outputs[0]].startswith(tuple(_DROPOUTS))
    ]
    for operator in main.operators:
        operator.inputs = np.array(
            [replacement.get(int(index), int(index)) for index in operator.inputs], np.int32
        )
    builder = flatbuffers.Builder(len(source))
    builder.Finish(model.Pack(builder), file_identifier=_FILE_IDENTIFIER)
    return bytes(builder.Output())


def _write_atomically(path: Path, content: bytes) -> None:
    """Write beside `path` and rename, so that a reader never sees half a file."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as part:
        try:
            part.write(content)
            part.flush()
            Path(part.name).replace(path)
        except OSError:
            Path(part.name).unlink()
            raise
