import asyncio

import pytest

from web.realtime.outbox import Outbox, SlowReaderError


async def test_messages_come_out_in_order():
    """First in, first out; then the end."""
    box = Outbox(limit_bytes=100)
    for message in ("a", "b", "c"):
        box.put(message)
    box.close()
    assert [await box.get() for _ in range(4)] == ["a", "b", "c", None]


async def test_a_full_box_refuses_and_keeps_what_it_has():
    """The bound is on bytes waiting, and falls as they leave."""
    box = Outbox(limit_bytes=10)
    box.put("x" * 8)
    with pytest.raises(SlowReaderError):
        box.put("yyy")
    await box.get()
    box.put("yyy")
    assert await box.get() == "yyy"


async def test_a_waiting_reader_is_woken_by_a_message_and_by_the_end():
    """`get` waits without polling."""
    box = Outbox(limit_bytes=10)
    getting = asyncio.create_task(box.get())
    await asyncio.sleep(0)
    box.put("a")
    assert await getting == "a"
    getting = asyncio.create_task(box.get())
    await asyncio.sleep(0)
    box.close()
    assert await getting is None


async def test_nothing_goes_into_a_closed_box():
    """A late event of a call that is ending is dropped."""
    box = Outbox(limit_bytes=10)
    box.close()
    box.put("late")
    assert await box.get() is None
