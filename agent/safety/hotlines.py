"""Numbers that help, by region: `hotlines.toml`, with the source and day of each."""

from __future__ import annotations

import datetime
import tomllib
from functools import cache
from importlib import resources
from typing import Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field

from agent.config import Locale, Region
from agent.safety.tiers import Category

Service: TypeAlias = Category | Literal["police", "ambulance"]

REGIONS: tuple[Region, ...] = get_args(Region)
_USUAL_REGION: dict[Locale, Region] = {"zh-Hant": "TW", "zh-Hans": "CN", "en": "US"}
_STALE_AFTER_DAYS = 365
_MANDARIN = dict(zip("+0123456789", "加零一二三四五六七八九", strict=True))
_ENGLISH = dict(
    zip(
        "+0123456789",
        "plus zero one two three four five six seven eight nine".split(),  # noqa: SIM905
        strict=True,
    )
)


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hotline(_Data):
    """One number.

    Attributes:
        region: Where it can be called.
        number: As it is written.
        name: What it is called, in every locale.
        serves: What it is for; "police" and "ambulance" are emergency numbers.
        hours: When somebody answers.
        source: Where the number was found.
        checked: The day on which it was.
    """

    region: Region
    number: str = Field(pattern=r"^[0-9][0-9 -]*$")
    name: dict[Locale, str]
    serves: tuple[Service, ...] = Field(min_length=1)
    hours: str
    source: str = Field(min_length=1)
    checked: datetime.date

    def spoken(self, locale: Locale, *, named: bool = True) -> str:
        """The number as `spelled`, after the name if `named`."""
        number = spelled(self.number, locale)
        if not named:
            return number
        return f"{self.name[locale]}{_pause(locale)}{number}"

    def is_stale(self, today: datetime.date) -> bool:
        """Whether nobody has looked at the number for more than a year."""
        return (today - self.checked).days > _STALE_AFTER_DAYS


class _File(_Data):
    lines: tuple[Hotline, ...]


def spelled(number: str, locale: Locale) -> str:
    """A telephone number in words, digit by digit with a pause after each.

    No voice can take it for a quantity, a date or a range then.

    Args:
        number: As it is written; only its digits and its `+` are said.
        locale: In what.
    """
    words = _ENGLISH if locale == "en" else _MANDARIN
    return _pause(locale).join(words[sign] for sign in number if sign in words)


def _pause(locale: Locale) -> str:
    return ", " if locale == "en" else "，"


@cache
def hotlines() -> tuple[Hotline, ...]:
    """Every number in the package's file."""
    text = resources.files("agent.safety").joinpath("hotlines.toml").read_text("utf-8")
    return _File.model_validate(tomllib.loads(text)).lines


def usual_region(locale: Locale) -> Region:
    """The region whose numbers a locale gets when the settings name none."""
    return _USUAL_REGION[locale]


def lines_for(region: Region, service: Service) -> tuple[Hotline, ...]:
    """The numbers of a region for a purpose, the first one first."""
    return tuple(line for line in hotlines() if line.region == region and service in line.serves)
