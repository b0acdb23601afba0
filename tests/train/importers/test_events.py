"""Times as exporters and spreadsheets write them."""

from __future__ import annotations

import pytest

from train.importers.events import epoch_secs, hour_of_day, local_time, placeholder_kind

NOON_SECS = 1717243200  # 2024-06-01 12:00:00


@pytest.mark.parametrize("factor", [1, 1_000, 1_000_000, 1_000_000_000])
def test_the_unit_of_an_epoch_is_told_from_its_size(factor):
    """Seconds, milli-, micro- and nanoseconds are the same moment, as numbers and as text."""
    assert epoch_secs(NOON_SECS * factor) == pytest.approx(NOON_SECS)
    assert epoch_secs(str(NOON_SECS * factor)) == pytest.approx(NOON_SECS)


@pytest.mark.parametrize("value", ["nan", "inf", 10**400, "", "x", 9.9e10, "99999999999999999999"])
def test_what_is_no_finite_number_is_no_time(value):
    """Nothing that cannot be a moment is taken for one."""
    with pytest.raises(ValueError, match=r"number|float"):
        epoch_secs(value)


@pytest.mark.parametrize(
    ("hour", "half", "expected"),
    [
        (12, "上午", 0),
        (12, "下午", 12),
        (1, "下午", 13),
        (11, "PM", 23),
        (12, "am", 0),
        (15, "下午", 15),
        (15, None, 15),
    ],
)
def test_halves_of_a_day(hour, half, expected):
    """Midnight is 12 in the morning, noon 12 in the afternoon; 15 needs no half."""
    assert hour_of_day(hour, half) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2024-06-01 12:00:00",
        "2024-06-01T12:00:00Z",
        "2024/6/1 12:00",
        "2024/6/1 下午 12:00:00",
        "2024.6.1 12:00:00.5",
        "2024年6月1日 12:00",
        "2024/6/1 12:00 PM",
    ],
)
def test_dates_with_times(text):
    """ISO 8601, and what spreadsheets make of it."""
    assert local_time(text) == NOON_SECS


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01 10:00", "2024-06-01 25:00:00"])
def test_what_is_no_date_is_refused(text):
    """A day or an hour that there is not is a fault, not a guess."""
    with pytest.raises(ValueError, match=r".+"):
        local_time(text)


@pytest.mark.parametrize(
    ("text", "kind"), [("[语音信息]", "voice"), ("【图片消息】", "picture"), ("[捂脸]", "text")]
)
def test_placeholders(text, kind):
    """What stands for a message that is no text is told from WeChat's faces."""
    assert placeholder_kind(text) == kind
