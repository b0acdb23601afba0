"""The sheet says what was told, what was not, and how grave it sounded."""

from __future__ import annotations

import datetime
import json
import re
from typing import get_args

import pytest

from agent.config import Locale
from agent.intake.fields import Field
from agent.intake.record import IntakeRecord
from agent.intake.sheet import SheetFacts, as_html, as_json, as_pdf
from agent.intake.sheet.render import FITS, laid_out
from agent.intake.taker import IntakeTaker
from agent.safety.tiers import TIERS
from pipeline.events import SpeechStarted, TranscriptCompleted

LONG_QUOTE = "and then I went back home and nobody said a word about it, which was the worst"
BEGAN = datetime.datetime(2026, 11, 21, 1, 30, tzinfo=datetime.UTC)


def facts_of(record):
    return SheetFacts(record, "call_1", BEGAN, BEGAN + datetime.timedelta(minutes=10), True)


@pytest.fixture
def record():
    taker = IntakeTaker("en")
    for number, (at, bot, text) in enumerate(
        [
            (5.0, "", "my name is Sarah and I'm really anxious"),
            (65.0, "How long has it been?", "about six months"),
            (300.0, "Do you live alone?", "I'd rather not say"),
            (500.0, "Who can you talk to?", "I want to kill myself"),
        ]
    ):
        if bot:
            taker.bot_text(bot)
        taker.note(SpeechStarted(f"turn_{number}", at))
        taker.note(TranscriptCompleted(f"turn_{number}", text, "en"))
    return taker.record


def test_the_page_quotes_with_times_and_marks_risk(record):
    """A counsellor finds the words, their place in the recording and the gravest tier."""
    html = as_html(facts_of(record))
    assert re.search(r"1:05</time><span><q>about six months", html)
    assert f'class="risk {facts_of(record).tier}"' in html
    assert facts_of(record).tier in TIERS[2:]
    assert "I want to kill myself" in html


def test_what_was_not_asked_is_listed(record):
    """Apart from what was asked in vain and what was declined."""
    facts = facts_of(record)
    assert "goals" in facts.in_state("not_asked")
    assert facts.in_state("declined") == ("family",)
    assert "risk" not in facts.in_state("not_asked", "asked", "declined")


@pytest.mark.parametrize("fit", FITS)
def test_what_fits_no_heading_is_shown_by_length(fit):
    """In the order of the call, cut where the page ends, and not on the line of time."""
    record = IntakeRecord(locale="en")
    for turn in range(9):
        words = f"turn {turn} " + "and on " * (40 if turn % 2 else 2)
        record = record.with_entry("other", words, turn=turn, at_secs=None, found_by="nothing")
    html = as_html(facts_of(record), fit)
    shown = re.findall(r"<q>turn (\d)[^<]*</q>", html)
    assert shown == sorted("135702"[: fit.others[0]])
    assert "…</q>" in html
    assert 'class="time"' not in html
    assert len(json.loads(as_json(facts_of(record)))["other"]) == 9


def test_the_json_has_every_field_with_its_state(record):
    """Another program needs no knowledge of the page."""
    data = json.loads(as_json(facts_of(record)))
    assert data["fields"]["since"]["entries"][0]["quote"] == "about six months"
    assert data["fields"]["goals"] == {"state": "not_asked", "entries": []}


def test_callers_words_are_no_markup():
    """Whatever is said stays text."""
    record = IntakeRecord(locale="en").with_entry(
        "concern", "<script>alert(1)</script>", turn=0, at_secs=None, found_by="rule"
    )
    html = as_html(facts_of(record))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("locale", get_args(Locale))
def test_every_locale_writes_an_empty_and_a_full_page(locale, record):
    """No word is missing; the template refuses to leave one out."""
    for one in (IntakeRecord(locale=locale), record.model_copy(update={"locale": locale})):
        assert f'lang="{locale}"' in as_html(facts_of(one))


def test_times_place_entries_between_start_and_end(record):
    """Marks never leave the line, and rise with the call."""
    percents = [mark.percent for mark in facts_of(record).timeline()]
    assert percents == sorted(percents)
    assert 0.0 <= percents[0] <= percents[-1] <= 100.0


def test_long_stories_are_cut_on_the_page_and_not_in_the_record():
    """The page says how many quotes it leaves out."""
    record = IntakeRecord(locale="en")
    for number in range(9):
        record = record.with_entry(
            "tried", f"thing number {number}", turn=number, at_secs=None, found_by="rule"
        )
    html = as_html(facts_of(record))
    assert html.count("<q>thing number") == FITS[0].quotes
    assert f"{9 - FITS[0].quotes} more in the record" in html


@pytest.mark.parametrize("fit", FITS)
def test_the_gravest_words_are_never_left_out(fit):
    """However late they were said, and shown in the order of the call."""
    record = IntakeRecord(locale="en")
    for turn, tier in enumerate(["elevated"] * 5 + ["imminent", "elevated"]):
        record = record.with_entry(
            "risk", f"grave {turn}", turn=turn, at_secs=None, found_by="safety", tier=tier
        )
    shown = re.findall(r"<q>grave (\d)", as_html(facts_of(record), fit))
    assert "5" in shown
    assert shown == sorted(shown)
    assert len(shown) == fit.quotes


@pytest.mark.browser  # needs Pango and a Chinese font, which `make test-browser` installs
def test_the_pdf_is_one_page(record):
    """However long the caller's story."""
    for number, field in enumerate(get_args(Field) * 6):
        record = record.with_entry(
            field, f"{number} {LONG_QUOTE}", turn=number, at_secs=None, found_by="rule"
        )
    assert len(laid_out(facts_of(record)).pages) == 1
    assert as_pdf(facts_of(record)).startswith(b"%PDF-")


def test_what_one_turn_tells_of_a_field_stands_in_one_line():
    """With its time once; the line of time names each field once a turn."""
    record = IntakeRecord(locale="zh-Hant").with_turn()
    for quote in ("我跟我先生分居了", "女兒跟我住"):
        record = record.with_entry("family", quote, turn=0, at_secs=None, found_by="learned")
    html = as_html(facts_of(record))
    assert "分居了</q> <q>女兒跟我住" in html
    assert html.count("<em>家庭與伴侶</em>") == 1


@pytest.mark.parametrize("locale", ["zh-Hant", "zh-Hans", "en"])
def test_the_page_says_that_it_is_a_part(locale):
    """An empty line must not be read as "no"."""
    page = as_html(facts_of(IntakeRecord(locale=locale)))
    assert '<p class="part">' in page
