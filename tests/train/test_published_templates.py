"""The families' published chat templates, as Unsloth ships them, render as our golden strings."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pipeline.llm.prompt import ChatTemplate
from tests.pipeline.llm.test_families import CONVERSATION, FAMILIES

pytestmark = pytest.mark.train

# Unsloth patches other libraries when it is imported, so it is asked in a process of its own.
_ASK = """
import json
from unsloth.chat_templates import CHAT_TEMPLATES
print(json.dumps({name: entry[0] for name, entry in CHAT_TEMPLATES.items()}))
"""
_SYSTEM = f"{CONVERSATION[0].content}\n\n"  # as it joins the first turn


@pytest.fixture(scope="module")
def published() -> dict[str, str]:
    done = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=True)
    templates: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return templates


def template_of(source: str) -> ChatTemplate:
    return ChatTemplate(source, bos="<s>", eos="</s>")


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("chatml", "chatml"),
        ("qwen-2.5", "chatml"),
        ("yi-chat", "chatml"),
        ("llama", "llama-2"),
        ("llama-3", "llama-3"),
    ],
)
def test_a_published_template_writes_the_golden_string(published, name, family):
    """To the letter."""
    assert template_of(published[name]).render(CONVERSATION) == FAMILIES[family].prompt


@pytest.mark.parametrize(("name", "family"), [("mistral", "mistral"), ("gemma", "gemma")])
def test_families_without_a_system_role_agree_on_the_rest(published, name, family):
    """The originals refuse a system message, so how it joins the first turn is ours to say."""
    rendered = template_of(published[name]).render(CONVERSATION[1:])
    assert rendered == FAMILIES[family].prompt.replace(_SYSTEM, "")


def test_qwen3_begins_its_reply_after_an_empty_thought(published):
    """As it does when thinking is switched off; the rest is ChatML."""
    prompt = f"{FAMILIES['chatml'].prompt}<think>\n\n</think>\n\n"
    assert template_of(published["qwen3"]).render(CONVERSATION) == prompt
