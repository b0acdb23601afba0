"""Prompts of the model families, to the letter.

The golden strings are the formats that the makers publish in the tokenizer configurations of
Qwen2.5, SmolLM2, Yi and InternLM2 (all ChatML), Llama 2 and 3, Mistral 7B Instruct 0.2,
Gemma, ChatGLM3, GLM-4, Phi-3 and Baichuan2. The templates here say the same in their own words;
`tests/train/test_published_templates.py` holds those that Unsloth ships against the same
strings, and llama.cpp's formatters, which know no Jinja, are a second opinion on them.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import llama_cpp
import pytest

from pipeline.llm.base import Message
from pipeline.llm.prompt import ChatTemplate

CONVERSATION = (
    Message("system", "你是小安。"),
    Message("user", "在吗"),
    Message("assistant", "在呀[微笑]"),
    Message("user", "我睡不好"),
)


@dataclass(frozen=True)
class Family:
    """How one family of models is talked to.

    Attributes:
        template: Jinja of the same effect as the published one.
        prompt: What `CONVERSATION` becomes, with the reply's heading.
        known_as: llama.cpp's name of the format, where it writes the very same.
    """

    template: str
    prompt: str
    known_as: str | None = None


def _turns(user: str, assistant: str, system: str = "", opening: str = "") -> str:
    """A template from what each role's words become; `{}` stands for the words."""
    parts = {"system": system or user, "user": user, "assistant": assistant}
    branches = "".join(
        f"{'{% if' if role == 'system' else '{% elif'} m.role == '{role}' %}}"
        f"{text.replace('{}', '{{ m.content }}')}"
        for role, text in parts.items()
    )
    return f"{{% for m in messages %}}{branches}{{% endif %}}{{% endfor %}}" + (
        f"{{% if add_generation_prompt %}}{opening}{{% endif %}}" if opening else ""
    )


_STRICT = (
    "{% for m in messages %}{% if m.role == 'system' or (m.role == 'user') != "
    "(loop.index0 is even) %}{{ raise_exception('roles') }}{% endif %}{% endfor %}"
)

FAMILIES = {
    "chatml": Family(  # Qwen2.5, SmolLM2, Yi, InternLM2
        _turns(
            "<|im_start|>user\n{}<|im_end|>\n",
            "<|im_start|>assistant\n{}<|im_end|>\n",
            "<|im_start|>system\n{}<|im_end|>\n",
            "<|im_start|>assistant\n{{ '' }}",
        ),
        "<|im_start|>system\n你是小安。<|im_end|>\n<|im_start|>user\n在吗<|im_end|>\n"
        "<|im_start|>assistant\n在呀[微笑]<|im_end|>\n<|im_start|>user\n我睡不好<|im_end|>\n"
        "<|im_start|>assistant\n",
        "chatml",
    ),
    "llama-3": Family(
        "{{ bos_token }}"
        + _turns(
            "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|>",
            "<|start_header_id|>assistant<|end_header_id|>\n\n{}<|eot_id|>",
            "<|start_header_id|>system<|end_header_id|>\n\n{}<|eot_id|>",
            "<|start_header_id|>assistant<|end_header_id|>\n\n{{ '' }}",
        ),
        "<s><|start_header_id|>system<|end_header_id|>\n\n你是小安。<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\n在吗<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n在呀[微笑]<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\n我睡不好<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "llama3",
    ),
    "llama-2": Family(
        "{% for m in messages %}{% if m.role == 'system' %}{{ bos_token }}[INST] <<SYS>>\n"
        "{{ m.content }}\n<</SYS>>\n\n{% elif m.role == 'user' %}"
        "{% if loop.index0 != 1 or messages[0].role != 'system' %}{{ bos_token }}[INST] {% endif %}"
        "{{ m.content }} [/INST]{% else %} {{ m.content }} {{ eos_token }}{% endif %}{% endfor %}",
        "<s>[INST] <<SYS>>\n你是小安。\n<</SYS>>\n\n在吗 [/INST] 在呀[微笑] </s>"
        "<s>[INST] 我睡不好 [/INST]",
    ),
    "mistral": Family(
        _STRICT + "{{ bos_token }}" + _turns("[INST] {} [/INST]", "{}{{ eos_token }}"),
        "<s>[INST] 你是小安。\n\n在吗 [/INST]在呀[微笑]</s>[INST] 我睡不好 [/INST]",
    ),
    "gemma": Family(
        _STRICT
        + "{{ bos_token }}"
        + _turns(
            "<start_of_turn>user\n{}<end_of_turn>\n",
            "<start_of_turn>model\n{}<end_of_turn>\n",
            opening="<start_of_turn>model\n{{ '' }}",
        ),
        "<s><start_of_turn>user\n你是小安。\n\n在吗<end_of_turn>\n"
        "<start_of_turn>model\n在呀[微笑]<end_of_turn>\n"
        "<start_of_turn>user\n我睡不好<end_of_turn>\n<start_of_turn>model\n",
        "gemma",
    ),
    "chatglm-3": Family(
        "[gMASK]sop"
        + _turns(
            "<|user|>\n {}",
            "<|assistant|>\n {}",
            "<|system|>\n {}",
            "<|assistant|>",
        ),
        "[gMASK]sop<|system|>\n 你是小安。<|user|>\n 在吗<|assistant|>\n 在呀[微笑]"
        "<|user|>\n 我睡不好<|assistant|>",
        "chatglm3",
    ),
    "glm-4": Family(
        "[gMASK]<sop>"
        + _turns("<|user|>\n{}", "<|assistant|>\n{}", "<|system|>\n{}", "<|assistant|>\n{{ '' }}"),
        "[gMASK]<sop><|system|>\n你是小安。<|user|>\n在吗<|assistant|>\n在呀[微笑]"
        "<|user|>\n我睡不好<|assistant|>\n",
        "chatglm4",
    ),
    "phi-3": Family(  # the 4k model's template passes over system messages
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}<|user|>\n"
        "{{ m.content }}<|end|>\n<|assistant|>\n{% elif m.role == 'assistant' %}"
        "{{ m.content }}<|end|>\n{% endif %}{% endfor %}",
        "<s><|user|>\n你是小安。\n\n在吗<|end|>\n<|assistant|>\n在呀[微笑]<|end|>\n"
        "<|user|>\n我睡不好<|end|>\n<|assistant|>\n",
    ),
    "baichuan-2": Family(  # no Jinja is published; this is what its `build_chat_input` joins
        _turns("<reserved_106>{}", "<reserved_107>{}", "{}", "<reserved_107>"),
        "你是小安。<reserved_106>在吗<reserved_107>在呀[微笑]<reserved_106>我睡不好<reserved_107>",
    ),
}


def llama_cpp_prompt(known_as: str) -> str:
    """`CONVERSATION` as llama.cpp writes it in a format that it knows by name."""
    texts = [(m.role.encode(), m.content.encode()) for m in CONVERSATION]
    chat = (llama_cpp.llama_chat_message * len(texts))(
        *(llama_cpp.llama_chat_message(role=role, content=content) for role, content in texts)
    )
    buffer = ctypes.create_string_buffer(4096)
    size = llama_cpp.llama_chat_apply_template(
        known_as.encode(), chat, len(texts), True, buffer, len(buffer)
    )
    assert 0 < size < len(buffer)
    return buffer.raw[:size].decode()


def template_of(family: Family) -> ChatTemplate:
    return ChatTemplate(family.template, bos="<s>", eos="</s>")


@pytest.mark.parametrize("name", FAMILIES)
def test_the_prompt_is_the_familys(name):
    """Headings, markers, spaces and the place of the system prompt, to the letter."""
    assert template_of(FAMILIES[name]).render(CONVERSATION) == FAMILIES[name].prompt


@pytest.mark.parametrize("name", [name for name, one in FAMILIES.items() if one.known_as])
def test_llama_cpp_writes_the_same(name):
    """Its own formatter agrees, the token that begins every sequence aside."""
    known_as = FAMILIES[name].known_as
    assert known_as is not None
    assert llama_cpp_prompt(known_as).strip() == FAMILIES[name].prompt.removeprefix("<s>").strip()


@pytest.mark.parametrize("name", FAMILIES)
def test_the_turn_under_way_is_a_prefix(name):
    """What is evaluated while the caller speaks stays valid when the turn is over."""
    template = template_of(FAMILIES[name])
    so_far = template.render_open_turn(CONVERSATION[:-1], "我睡")
    assert FAMILIES[name].prompt.startswith(so_far)
    assert so_far.endswith("我睡")


def test_a_system_message_that_would_be_passed_over_joins_the_first_turn():
    """A template without the role keeps silent about it; the persona must not get lost."""
    silent = (
        "{% for m in messages %}{% if m.role != 'system' %}{{ m.content }};{% endif %}{% endfor %}"
    )
    rendered = ChatTemplate(silent).render(CONVERSATION)
    assert rendered == "你是小安。\n\n在吗;在呀[微笑];我睡不好;"


def test_nobody_waits_for_a_model_that_thinks_first():
    """Qwen3's switch is off: its template then writes an empty thought before the reply."""
    thinks = (
        "{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt and "
        "enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
        "{{ '' }}{% endif %}"
    )
    assert ChatTemplate(thinks).render([Message("user", "?")]) == "?<think>\n\n</think>\n\n"
