"""The official `openai` client holds a spoken conversation with the server.

The conversation is a function of an address, so that the same lines can be run against the
real engines: `hold_conversation(url, clip)` needs nothing else.
"""

import asyncio
import base64
from dataclasses import dataclass, field

import numpy as np
from openai import AsyncOpenAI

from pipeline.audio import Int16Array
from tests.fakes.call import ANSWER, HEARD, tone


@dataclass
class Heard:
    """What the client got for one spoken turn and one typed one."""

    transcript: str = ""
    reply_texts: list[str] = field(default_factory=list)
    audio: list[bytes] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)


async def hold_conversation(url: str, clip: Int16Array, *, chunk_secs: float = 0.0) -> Heard:
    """One spoken and one typed turn through `AsyncOpenAI().realtime`.

    Args:
        url: Of the server, http://host:port.
        clip: int16, 24 kHz, mono; half a second of silence or more must follow the words.
        chunk_secs: Pause between two chunks of 20 ms; 0.02 is real time.
    """
    client = AsyncOpenAI(api_key="any", base_url=f"{url}/v1")
    heard = Heard()
    async with client.realtime.connect(model="gpt-realtime") as connection:
        await connection.session.update(
            session={
                "type": "realtime",
                "instructions": "Answer in one sentence.",
                "audio": {
                    "input": {
                        "format": {"type": "audio/pcm", "rate": 24_000},
                        "turn_detection": {"type": "server_vad"},
                        "transcription": {"model": "whisper-1", "language": "zh"},
                    },
                    "output": {"format": {"type": "audio/pcm", "rate": 24_000}},
                },
            }
        )

        async def speak() -> None:
            for start in range(0, len(clip), 480):
                audio = base64.b64encode(clip[start : start + 480].tobytes()).decode()
                await connection.input_audio_buffer.append(audio=audio)
                await asyncio.sleep(chunk_secs)

        speaking = asyncio.create_task(speak(), name="openai-client-microphone")
        async for event in connection:
            heard.kinds.append(event.type)
            if event.type == "error":
                raise AssertionError(event.error.code)
            if event.type == "conversation.item.input_audio_transcription.completed":
                heard.transcript += event.transcript
            elif event.type == "response.output_audio.delta":
                heard.audio.append(base64.b64decode(event.delta))
            elif event.type == "response.done":
                assert event.response.status == "completed"
                heard.reply_texts.append(event.response.output[0].content[0].transcript)
                if len(heard.reply_texts) == 2:
                    break
                await connection.conversation.item.create(
                    item={
                        "type": "message",
                        "role": "user",
                        "content": [{"type": "input_text", "text": "谢谢你"}],
                    }
                )
                await connection.response.create()
        await speaking
    await client.close()
    return heard


async def test_the_official_client_holds_a_conversation(site):
    """Spoken, then typed; transcripts, text and audio of both replies arrive."""
    clip = np.frombuffer(tone(0.4) + bytes(48_000), dtype=np.int16)
    heard = await hold_conversation(site.url, clip)
    assert heard.transcript == HEARD
    assert heard.reply_texts == [ANSWER, ANSWER]
    assert b"".join(heard.audio) == tone(0.5) * 2
    assert heard.kinds[:2] == ["session.created", "session.updated"]
    assert site.factory.calls[0].options.language == "zh"


async def test_the_official_client_truncates_what_was_not_heard(site):
    """`conversation.item.truncate` as its users write it."""
    client = AsyncOpenAI(api_key="any", base_url=f"{site.url}/v1")
    async with client.realtime.connect(model="gpt-realtime") as connection:
        await connection.response.create()
        async for event in connection:
            if event.type == "response.done":
                await connection.conversation.item.truncate(
                    item_id=event.response.output[0].id, content_index=0, audio_end_ms=200
                )
            elif event.type == "conversation.item.truncated":
                break
    await client.close()
    assert site.factory.calls[0].asked[-1] == ("truncate", "reply_1", 200)
