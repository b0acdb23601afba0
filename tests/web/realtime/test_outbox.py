import asyncio

from web.realtime.endings import COMPLETED, SLOW_READER
from web.realtime.outbox import Outbox


async def test_messages_come_out_in_order():
    """First in, first out; then the end."""
    box = Outbox(limit_bytes=100)
    for message in ("a", "b", "c"):
        box.put(message)
    box.close(COMPLETED)
    assert [await box.get() for _ in range(4)] == ["a", "b", "c", None]


async def test_the_bound_is_on_what_waits():
    """It falls as messages leave."""
    box = Outbox(limit_bytes=10)
    for _ in range(5):
        box.put("x" * 8)
        assert await box.get() == "x" * 8
    assert box.ending is None


async def test_a_message_that_does_not_fit_closes_the_box():
    """What is in it may still go out; nothing after the hole does."""
    box = Outbox(limit_bytes=10)
    box.put("x" * 8)
    box.put("yyy")
    box.put("z")
    assert box.ending is SLOW_READER
    assert box.overflowed.is_set()
    assert [await box.get(), await box.get()] == ["x" * 8, None]


async def test_a_waiting_reader_is_woken_by_a_message_and_by_the_end():
    """`get` waits without polling."""
    box = Outbox(limit_bytes=10)
    getting = asyncio.create_task(box.get())
    await asyncio.sleep(0)
    box.put("a")
    assert await getting == "a"
    getting = asyncio.create_task(box.get())
    await asyncio.sleep(0)
    box.close(COMPLETED)
    assert await getting is None


async def test_the_first_ending_holds():
    """And nothing goes into a closed box: a late event of a call that is ending is dropped."""
    box = Outbox(limit_bytes=10)
    box.close(COMPLETED)
    box.put("late")
    box.close(SLOW_READER)
    assert await box.get() is None
    assert box.ending is COMPLETED
