"""A Modelfile for Ollama."""

from __future__ import annotations

from pathlib import Path

# The sampler that the call uses; see `agent.config.LlmSettings`.
_PARAMETERS = {
    "temperature": 0.6,
    "top_p": 0.9,
    "top_k": 40,
    "min_p": 0.05,
    "repeat_penalty": 1.1,
    "num_predict": 120,
}


def modelfile(model: Path, adapter: Path | None, system: str | None, stops: list[str]) -> str:
    """Text of a Modelfile.

    Args:
        model: GGUF; named relative to where the Modelfile lies.
        adapter: GGUF LoRA, or None for a merged model.
        system: System prompt of training, or None.
        stops: Texts that end a reply.

    Ollama takes the chat template from the GGUF itself.
    """
    lines = [f"FROM {model}"]
    if adapter is not None:
        lines.append(f"ADAPTER {adapter}")
    lines += [f"PARAMETER {name} {value}" for name, value in _PARAMETERS.items()]
    lines += [f'PARAMETER stop "{stop}"' for stop in stops]
    if system:
        quoted = system.replace('"""', '"')
        lines.append(f'SYSTEM """{quoted}"""')
    return "\n".join(lines) + "\n"
