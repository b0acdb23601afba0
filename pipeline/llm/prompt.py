"""The chat template of a model: messages in, prompt text out.

The template is the one inside the GGUF, rendered the way the training tools render it,
so that a tuned model sees at call time what it saw in training.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import Template, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pipeline.errors import GenerationError, ModelCorruptError
from pipeline.llm.base import Message

# A private-use character: no recogniser writes it, and no template treats it specially.
_PLACEHOLDER = "\ue000"


class ChatTemplate:
    """Renders conversations for one model.

    Attributes:
        turn_end: What the template writes after a user's words; begins with <|im_end|>
            for ChatML.
    """

    def __init__(self, source: str, *, bos: str = "", eos: str = "") -> None:
        """Compile a template.

        Args:
            source: Jinja2, as transformers defines it for chat templates.
            bos: Text of the beginning-of-sequence token.
            eos: Text of the end-of-sequence token.

        Raises:
            ModelCorruptError: The template does not compile or drops what the user says.
        """
        # A caller does not wait for a model that thinks first (Qwen3); other templates know no
        # such switch and pass over it.
        self._variables = {"bos_token": bos, "eos_token": eos, "enable_thinking": False}
        self._knows_system = True
        try:
            self._template = _compile(source)
            rendered = self.render([Message("user", _PLACEHOLDER)], add_generation_prompt=False)
            self._knows_system = self._keeps_system_messages()
        except (TemplateSyntaxError, GenerationError) as error:
            raise ModelCorruptError(f"The model's chat template is unusable: {error}") from error
        _, placeholder, self.turn_end = rendered.rpartition(_PLACEHOLDER)
        if not placeholder:
            raise ModelCorruptError("The model's chat template leaves out the user's words")

    def render(self, messages: Sequence[Message], *, add_generation_prompt: bool = True) -> str:
        """The prompt for `messages`.

        Contents are stripped of surrounding white space. A template that refuses or leaves
        out the system role, or that insists on turns in strict alternation, gets the
        messages in that form.

        Args:
            messages: The conversation, system message first.
            add_generation_prompt: Whether to open the assistant's turn at the end.

        Raises:
            GenerationError: The template refuses the messages.
        """
        if self._knows_system:
            try:
                return self._render(messages, add_generation_prompt)
            except TemplateError:
                pass
        try:
            return self._render(alternating(messages), add_generation_prompt)
        except TemplateError as error:
            # The template's own words may quote a message, so they are not passed on.
            raise GenerationError(
                "The model's chat template refuses this order of messages", retryable=False
            ) from error

    def render_open_turn(self, messages: Sequence[Message], user_so_far: str) -> str:
        """The prompt up to and including the words of a turn that is still going on.

        It is a prefix, in text, of what `render` gives once the turn is complete.

        Args:
            messages: History without the turn under way.
            user_so_far: What was said of it.

        Raises:
            GenerationError: The template refuses the messages.
        """
        rendered = self.render(
            [*messages, Message("user", _PLACEHOLDER)], add_generation_prompt=False
        )
        return rendered.rpartition(_PLACEHOLDER)[0] + user_so_far.strip()

    def _keeps_system_messages(self) -> bool:
        """Whether a system message is in the prompt; some templates pass over its role."""
        probe = [Message("system", _PLACEHOLDER), Message("user", "?")]
        return _PLACEHOLDER in self.render(probe, add_generation_prompt=False)

    def _render(self, messages: Sequence[Message], add_generation_prompt: bool) -> str:
        return self._template.render(
            messages=[
                {"role": message.role, "content": message.content.strip()} for message in messages
            ],
            add_generation_prompt=add_generation_prompt,
            **self._variables,
        )


def alternating(messages: Sequence[Message]) -> list[Message]:
    """The same conversation as user and assistant turns in strict alternation.

    The system message joins the first user turn, neighbours of one role are joined, and
    a greeting by the assistant is preceded by a user turn made of the system message.
    """
    turns: list[Message] = []
    for message in messages:
        role = "user" if message.role == "system" else message.role
        if not turns and role == "assistant":
            turns.append(Message("user", ""))
        if turns and turns[-1].role == role:
            turns[-1] = Message(role, f"{turns[-1].content}\n\n{message.content}")
        else:
            turns.append(Message(role, message.content))
    return turns


def _compile(source: str) -> Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = _raise_template_error
    environment.globals["strftime_now"] = _strftime_now
    environment.filters["tojson"] = _to_json
    return environment.from_string(source)


def _raise_template_error(message: str) -> NoReturn:
    raise TemplateError(message)


def _strftime_now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)


def _to_json(value: Any, indent: int | None = None) -> str:
    # Jinja's own filter escapes for HTML, which the models were not trained on.
    return json.dumps(value, ensure_ascii=False, indent=indent)
