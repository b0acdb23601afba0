import asyncio
import json
import threading
from collections.abc import Coroutine

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import AsyncOpenAI, BadRequestError

from agent.guardians import InOrder
from agent.persona import load_persona
from pipeline.context.notes import Note
from pipeline.llm.base import Message, Sampling
from tests.fakes.engines import FakeLanguageModel
from web.openai_api.chat import ChatWriter, model_id
from web.openai_api.schema import ChatMessage, ChatRequest

REPLY = "嗯，我在听。"
HELLO = [{"role": "user", "content": "你好"}]

# As chatgpt-on-wechat sends them: 1.x through openai 0.27, 2.x over plain HTTP.
COW_1 = {
    "model": "gpt-3.5-turbo",
    "messages": [{"role": "system", "content": "你是一位温柔的朋友"}, *HELLO],
    "temperature": 0.9,
    "top_p": 1,
    "frequency_penalty": 0.0,
    "presence_penalty": 0.0,
    "request_timeout": 180,
    "timeout": None,
}
COW_2 = {
    "model": "qingting",
    "messages": [{"role": "user", "content": [{"type": "text", "text": "你好"}]}],
    "temperature": 0.9,
    "max_tokens": 1024,
    "stream": True,
    "tools": [{"type": "function", "function": {"name": "search", "parameters": {}}}],
    "thinking": {"type": "disabled"},
}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
async def test_chatgpt_on_wechat_1(api, path):
    """The fields that it reads are there, and completion_tokens is never 0."""
    answer = (await api.http.post(path, json=COW_1)).json()
    assert answer["choices"][0]["message"] == {
        "role": "assistant",
        "content": REPLY,
        "refusal": None,
    }
    assert answer["usage"]["completion_tokens"] > 0
    assert answer["usage"]["total_tokens"] > answer["usage"]["completion_tokens"]


async def test_chatgpt_on_wechat_2(api):
    """Streamed as `data:` lines: role, content, finish reason, [DONE]."""
    async with api.http.stream("POST", "/v1/chat/completions", json=COW_2) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line async for line in answer.aiter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    chunks = [json.loads(line.removeprefix("data: "))["choices"][0] for line in lines[:-1]]
    assert "".join(chunk["delta"].get("content", "") for chunk in chunks) == REPLY
    assert [chunk["finish_reason"] for chunk in chunks[-2:]] == [None, "stop"]


async def test_an_answer_without_text_still_counts_a_token(api):
    """chatgpt-on-wechat takes completion_tokens 0 for a failure and asks again."""
    api.model.answer = lambda text: ""
    answer = (await api.http.post("/v1/chat/completions", json={"messages": HELLO})).json()
    assert answer["usage"]["completion_tokens"] == 1


async def test_the_official_client(api):
    """Whole and streamed, with usage."""
    async with AsyncOpenAI(api_key="any", base_url=f"{api.url}/v1") as client:
        whole = await client.chat.completions.create(model="qingting", messages=HELLO, seed=3)
        assert whole.choices[0].message.content == REPLY
        stream = await client.chat.completions.create(
            model="qingting", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == REPLY
        assert chunks[-1].usage.completion_tokens == len(REPLY)
        names = [model.id async for model in client.models.list()]
        assert names == ["qingting", "fake"]
        assert (await client.models.retrieve("qingting")).id == "qingting"
        with pytest.raises(BadRequestError, match="temperature"):
            await client.chat.completions.create(model="x", messages=HELLO, temperature=9)


async def test_the_persona_answers_whatever_model_is_asked_for(api):
    """Its prompt and examples come first; a client's system message is added, not put in place."""
    await api.http.post("/v1/chat/completions", json=COW_1)
    first, *rest = api.model.prompts[-1]
    assert first.role == "system"
    assert "小听" in first.content
    assert first.content.endswith("你是一位温柔的朋友")
    assert len(rest) > 2
    assert rest[-1].content == "你好"


async def test_the_persona_speaks_the_users_language(api):
    """English is answered under the English prompt, whatever the server's own language."""
    english = [{"role": "user", "content": "I have not been able to sleep for weeks."}]
    await api.http.post("/v1/chat/completions", json={"messages": english})
    assert "You are Ting" in api.model.prompts[-1][0].content


async def test_a_crisis_is_answered_in_the_users_language(api):
    """By the protocol, not by the model."""
    english = [{"role": "user", "content": "I want to kill myself tonight."}]
    answer = await api.http.post("/v1/chat/completions", json={"messages": english})
    assert answer.json()["choices"][0]["message"]["content"].isascii()
    assert not api.model.prompts


async def test_what_must_never_vary_is_answered_by_heart(api):
    """A request carries the whole chat, so the second time another variant is said."""
    says = load_persona("listener", "zh-Hans").by_heart("always")["human"]
    chat = [{"role": "user", "content": "你是真人吗"}]
    for words in says[:2]:
        answer = await api.http.post("/v1/chat/completions", json={"messages": chat})
        assert answer.json()["choices"][0]["message"]["content"] == words
        chat += [{"role": "assistant", "content": words}, chat[0]]
    assert not api.model.prompts


async def test_the_bare_model_answers_under_its_own_name(api):
    """No persona, no examples."""
    await api.http.post("/v1/chat/completions", json={"model": "fake", "messages": HELLO})
    assert [message.content for message in api.model.prompts[-1]] == ["你好"]


@pytest.mark.parametrize("asked", ["Qwen2.5-0.5B-Instruct", "Qwen2.5 0.5B Instruct"])
async def test_a_model_has_an_id_without_spaces(api, asked):
    """It is listed, found and asked for by it, and by its name as well."""
    api.model.name = "Qwen2.5 0.5B Instruct"
    listed = (await api.http.get("/v1/models")).json()["data"]
    assert [model["id"] for model in listed] == ["qingting", "Qwen2.5-0.5B-Instruct"]
    assert (await api.http.get(f"/v1/models/{asked}")).json()["id"] == "Qwen2.5-0.5B-Instruct"
    answer = await api.http.post("/v1/chat/completions", json={"model": asked, "messages": HELLO})
    assert answer.json()["model"] == "Qwen2.5-0.5B-Instruct"
    assert [message.content for message in api.model.prompts[-1]] == ["你好"]


@given(st.text())
def test_an_id_is_its_own_id(name):
    """So a client may send back what it was told; and nothing in it needs quoting."""
    assert model_id(model_id(name)) == model_id(name)
    assert not set(model_id(name)) & set(" /?#%\"'")


def test_the_persona_is_told_what_it_may_look_up():
    """Right before the last message, as in a call; the bare model is told nothing."""

    class Remembers:
        def note(self, user_text):
            return Note("他说过他养猫。", ("fact_7",)) if "猫" in user_text else None

    writer = ChatWriter(
        FakeLanguageModel(),
        {"zh": load_persona("listener", "zh-Hans")},
        Sampling(),
        note_sources=[Remembers()],
    )

    def prompt(model, *said):
        messages = [ChatMessage(role=role, content=text) for role, text in said]
        return writer.messages(ChatRequest(model=model, messages=messages))

    asked = ("user", "我的猫呢？")
    *before, note, last = prompt("qingting", ("user", "你好"), ("assistant", "我在听。"), asked)
    assert (note, last.content) == (Message("system", "他说过他养猫。"), "我的猫呢？")
    assert before[-1].content == "我在听。"
    assert note not in prompt("fake", asked)
    assert note not in prompt("qingting", ("user", "你好"))
    assert note not in prompt("qingting", asked, ("assistant", "它"))


class SlowReader(InOrder):
    """Takes as long for a turn as the test wants, and says whether that was needed."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.begun = threading.Event()
        self.turns: list[str] = []

    def taken(self, text: str) -> None:
        self.turns.append(text)
        self.begun.set()
        self.go_on.wait(5.0)

    def answer(self, text: str) -> str | None:
        return "in time" if self.go_on.wait(5.0) else None


@pytest.fixture
def reading() -> tuple[SlowReader, Coroutine[None, None, str | None]]:
    """A guardian, and what it is led through: a chat of three turns."""
    guardian = SlowReader()
    persona = load_persona("listener", "zh-Hans")
    writer = ChatWriter(FakeLanguageModel(), {"zh": persona}, Sampling(), lambda: guardian)
    chat = [ChatMessage(role="user", content=text) for text in ("一", "二", "三")]
    return guardian, writer.scripted(ChatRequest(messages=chat))


async def test_calls_are_heard_while_a_chat_is_read(reading):
    """The guardian reads beside the event loop."""
    guardian, scripted = reading
    task = asyncio.create_task(scripted)
    await until(guardian.begun.is_set)
    guardian.go_on.set()  # which nobody could while it held the loop
    assert await task == "in time"
    assert guardian.turns == ["一", "二"]


async def test_a_chat_nobody_waits_for_is_read_no_further(reading):
    """Cancelling ends with the turn under way."""
    guardian, scripted = reading
    task = asyncio.create_task(scripted)
    await until(guardian.begun.is_set)
    task.cancel()
    guardian.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert guardian.turns == ["一"]


async def test_a_refused_request_is_not_read(api, monkeypatch):
    """What costs time waits for its place."""
    read, scripted = [], ChatWriter.scripted

    def counted(self, request):
        read.append(request)
        return scripted(self, request)

    monkeypatch.setattr(ChatWriter, "scripted", counted)
    api.model.token_secs = 0.05
    answers = await asyncio.gather(
        *(api.http.post("/v1/chat/completions", json={"messages": HELLO}) for _ in range(9))
    )
    codes = [answer.status_code for answer in answers]
    assert 429 in codes
    assert len(read) == codes.count(200)


async def test_sampling_reaches_the_model(api, monkeypatch):
    """stop, seed, penalties and lengths."""
    seen = []
    conversation = api.model.open()
    reply = type(conversation).reply

    def spy(self, messages, sampling):
        seen.append(sampling)
        return reply(self, messages, sampling)

    monkeypatch.setattr(type(conversation), "reply", spy)
    asked = {
        "messages": HELLO,
        "stop": "。",
        "seed": -1,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.25,
        "max_completion_tokens": 7,
        "temperature": 0,
    }
    await api.http.post("/v1/chat/completions", json=asked)
    (one,) = seen
    assert (one.stop, one.max_tokens, one.temperature) == (("。",), 7, 0)
    assert (one.presence_penalty, one.frequency_penalty) == (0.5, 0.25)
    assert one.seed == (1 << 31) - 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_crisis_is_answered_from_a_script(api, stream):
    """Never by the model, and the protocol goes on with the chat's next message."""
    crisis = [{"role": "user", "content": "我不想活了，我想自杀"}]
    body = {"messages": crisis, "stream": stream}
    answer = await api.http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200
    assert REPLY not in answer.text
    later = [*crisis, {"role": "assistant", "content": "……"}, {"role": "user", "content": "随便"}]
    await api.http.post("/v1/chat/completions", json={"messages": later, "stream": stream})
    assert api.model.prompts == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "invalid_json"),
        ("[" * 100_000, 400, "invalid_json"),
        ("null", 400, "invalid_value"),
        ('{"messages": []}', 400, "invalid_value"),
        ('{"messages": [{"role": "wizard", "content": "x"}]}', 400, "invalid_value"),
        ('{"messages": [{"role": "user", "content": "x"}], "n": 2}', 400, "invalid_value"),
        (
            '{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}',
            400,
            "unsupported_value",
        ),
        (" " * (1 << 20) + "{}", 413, "too_large"),
    ],
)
async def test_mistakes_are_answered_in_openais_words(api, body, status, code):
    """An object with a sentence, and nothing of what was sent."""
    answer = await api.http.post("/v1/chat/completions", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_a_failing_model_is_503_and_retryable(api):
    """Streamed or not: nothing was sent before."""
    api.model.fail = lambda: True
    for stream in (False, True):
        body = {"messages": HELLO, "stream": stream}
        answer = await api.http.post("/v1/chat/completions", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "generation_error")
    assert api.model.open_conversations == 0


async def test_too_many_requests_at_once_are_429(api):
    """A few wait, more are told when to come again, and all places come back."""
    api.model.token_secs = 0.05
    answers = await asyncio.gather(
        *(api.http.post("/v1/chat/completions", json={"messages": HELLO}) for _ in range(9))
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes.count(429) >= 1
    assert codes.count(200) >= 5
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert int(refused.headers["retry-after"]) > 0
    assert api.model.open_conversations == 0
    last = await api.http.post("/v1/chat/completions", json={"messages": HELLO})
    assert last.status_code == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_stops_the_model(api, stream):
    """Its place is free for the next one."""
    api.model.token_secs = 0.05
    api.model.answer = lambda text: "很" * 1000
    body = {"messages": HELLO, "stream": stream}
    posting = asyncio.create_task(api.http.post("/v1/chat/completions", json=body))
    await until(lambda: api.model.open_conversations == 1)
    posting.cancel()
    await asyncio.gather(posting, return_exceptions=True)
    await until(lambda: api.model.open_conversations == 0)


async def until(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 (seen from outside)
            await asyncio.sleep(0.01)
