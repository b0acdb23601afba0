import pytest

from web.realtime.push_to_talk import PushToTalk


@pytest.mark.parametrize("order", ["claim first", "words first"])
@pytest.mark.parametrize(("words", "asked"), [("你好", 0), ("", 1)])
def test_a_commit_and_a_response_create_make_one_reply(order, words, asked):
    """The call answers words by itself; silence it must be asked to answer."""
    talk = PushToTalk()
    talk.commit()
    if order == "claim first":
        claimed = talk.claim()
        responses = talk.transcript(words)
    else:
        responses = talk.transcript(words)
        claimed = talk.claim()
        responses += not claimed
    assert responses == asked
    assert claimed or asked


def test_only_the_first_response_create_claims_the_commits_reply():
    """The second is a wish of its own."""
    talk = PushToTalk()
    talk.commit()
    assert (talk.claim(), talk.claim()) == (True, False)


def test_words_of_a_turn_that_was_not_committed_change_nothing():
    """The server's own turn detection goes on beside it."""
    talk = PushToTalk()
    assert not talk.transcript("")
    assert not talk.claim()


def test_a_cleared_commit_is_forgotten():
    """A response.create after it is a wish of its own."""
    talk = PushToTalk()
    talk.commit()
    talk.clear()
    assert not talk.claim()
