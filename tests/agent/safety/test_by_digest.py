"""What is remembered of texts without the texts."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from agent.safety.by_digest import ByDigest

MOST = 3


@given(st.lists(st.text(st.characters(codec=None), max_size=2), max_size=30))
def test_it_gives_what_the_function_gives(texts: list[str]):
    """Whatever was asked before, and it never keeps more than it may."""
    remembered = ByDigest(str.upper, MOST)
    for text in texts:
        assert remembered(text) == text.upper()
        assert len(remembered) <= MOST


def test_what_was_asked_for_longest_ago_is_forgotten_first():
    """Asking again makes it new."""
    asked: list[str] = []

    def shout(text: str) -> str:
        asked.append(text)
        return text.upper()

    remembered = ByDigest(shout, MOST)
    for text in "abcacdab":
        remembered(text)
    assert "".join(asked) == "abcdb"


def test_no_text_is_kept():
    """Neither as a key nor beside one."""
    remembered = ByDigest(len, MOST)
    remembered("what a caller said")
    seen, waiting = set[int](), [vars(remembered)]
    while waiting:
        one = waiting.pop()
        if id(one) not in seen and isinstance(one, dict | list | tuple | str | bytes):
            seen.add(id(one))
            assert one != "what a caller said"
            waiting.extend(gc.get_referents(one))


def test_threads_get_the_same():
    """Also while others push their results out."""
    remembered = ByDigest(str.upper, MOST)
    texts = [f"text {number % 7}" for number in range(2_000)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(remembered, texts)) == [text.upper() for text in texts]
