"""Replies of the settings' model to moments of calls: `python -m agent.conversations.replies FILE`.

A line of FILE is a moment, `{"locale", "turns"}`, the caller first and last; the same line is
printed with `reply`, as a call would give it (crisis protocol and answers by heart first). Whether
it is good is for readers to say; `tests/data/moments` has sixty moments, and what readers said.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from agent import config, engines
from agent.config import Settings
from agent.conversations.prompts import Prompt, answers
from agent.conversations.written import written_settings

_AT_ONCE = 4
_SEED = 11


async def replies(moments: Sequence[Prompt], settings: Settings) -> list[str]:
    """One reply to each moment; cancelling frees the model.

    Raises:
        ModelError: The model is missing or damaged.
        GenerationError: It failed.
    """
    settings = written_settings(settings, at_once=_AT_ONCE, seed=_SEED)
    model = engines.load_language_model(settings)
    try:
        return await answers(moments, settings, model, at_once=_AT_ONCE)
    finally:
        await model.close()


def main() -> None:
    """Print each moment with its reply."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--adapter", help="`models.llm_adapter`, if another")
    parser.add_argument("--temperature", type=float, help="`llm.temperature`, if another")
    chosen = parser.parse_args()
    flags = {"models.llm_adapter": chosen.adapter, "llm.temperature": chosen.temperature}
    given = {name: value for name, value in flags.items() if value is not None}
    settings = config.load(flags=given).settings
    lines = chosen.file.read_text("utf-8").splitlines()
    moments = [Prompt.model_validate_json(line) for line in lines]
    for moment, reply in zip(moments, asyncio.run(replies(moments, settings)), strict=True):
        print(json.dumps({**moment.model_dump(), "reply": reply}, ensure_ascii=False))


if __name__ == "__main__":
    main()
