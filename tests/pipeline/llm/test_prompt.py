"""Chat templates of the models in use render as their makers define."""

from __future__ import annotations

import pytest

from pipeline.errors import GenerationError, ModelCorruptError
from pipeline.llm.base import Message
from pipeline.llm.prompt import ChatTemplate, alternating

CHATML = """{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""

LLAMA3 = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
    "+ message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}"
    "{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)

SMOLLM2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}"
)

TEMPLATES = {"chatml": CHATML, "llama3": LLAMA3, "smollm2": SMOLLM2, "gemma": GEMMA}

HISTORY = [
    Message("system", "你是倾听者。"),
    Message("assistant", "你好，我在听。"),
    Message("user", "我最近睡不好。"),
    Message("assistant", "听起来很累。"),
]


@pytest.fixture(params=TEMPLATES)
def template(request):
    return ChatTemplate(TEMPLATES[request.param], bos="<bos>", eos="<eos>")


def test_chatml_renders_byte_for_byte():
    """The rendering is exactly what the training tools make of the same template."""
    assert ChatTemplate(CHATML).render(HISTORY[:1] + HISTORY[2:3]) == (
        "<|im_start|>system\n你是倾听者。<|im_end|>\n"
        "<|im_start|>user\n我最近睡不好。<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_the_open_turn_is_a_prefix_of_the_complete_one(template):
    """What is evaluated while the user speaks is the beginning of the reply's prompt."""
    words = "因为 工作太多"
    complete = template.render([*HISTORY, Message("user", words + "，真的")])
    assert complete.startswith(template.render_open_turn(HISTORY, words))


def test_the_open_turn_ends_with_the_words(template):
    """No end-of-turn marker follows the words so far."""
    assert template.render_open_turn(HISTORY, " 因为 ").endswith("因为")


@pytest.mark.parametrize(
    ("name", "marker"),
    [
        ("chatml", "<|im_end|>"),
        ("llama3", "<|eot_id|>"),
        ("smollm2", "<|im_end|>"),
        ("gemma", "<end_of_turn>"),
    ],
)
def test_the_end_of_turn_is_derived_from_the_template(name, marker):
    """What follows a user's words begins with the template's end-of-turn marker."""
    assert ChatTemplate(TEMPLATES[name]).turn_end.startswith(marker)


def test_a_template_without_system_role_gets_the_system_text_in_a_user_turn():
    """Nothing of the system message is lost."""
    rendered = ChatTemplate(GEMMA).render([HISTORY[0], Message("user", "你好")])
    assert "你是倾听者。\n\n你好" in rendered


def test_alternating_joins_neighbours():
    """Two user messages in a row become one turn."""
    turns = alternating([Message("user", "a"), Message("user", "b"), Message("assistant", "c")])
    assert turns == [Message("user", "a\n\nb"), Message("assistant", "c")]


@pytest.mark.parametrize("source", ["{% if %}", "{{ bos_token }}", "{{ missing.field.name }}"])
def test_an_unusable_template_is_a_corrupt_model(source):
    """A template that does not compile, fails or drops the user's words is refused at load."""
    with pytest.raises(ModelCorruptError):
        ChatTemplate(source)


def test_a_refusal_does_not_repeat_what_was_said():
    """The error message carries no user text even when the template quotes it."""
    source = (
        "{% for m in messages %}{% if 'secret' in m.content %}{{ raise_exception(m.content) }}"
        "{% endif %}{{ m.content }}{% endfor %}"
    )
    with pytest.raises(GenerationError) as failure:
        ChatTemplate(source).render([Message("user", "my secret")])
    assert "secret" not in failure.value.message


def test_templates_run_in_a_sandbox():
    """A template cannot reach Python's internals."""
    with pytest.raises(ModelCorruptError):
        ChatTemplate("{{ messages.__class__.__mro__ }}{{ messages[0].content }}")
