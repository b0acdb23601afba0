"""Identifiers on the wire, derived from the call's own so that neither side keeps a table."""

from __future__ import annotations

_RESPONSE = "resp_"
_ITEM = "item_"
_REPLY_ITEM = "item_reply_"


def item_id(turn_or_reply_id: str) -> str:
    """Conversation item of a turn or reply: "turn_3" is "item_turn_3"."""
    return _ITEM + turn_or_reply_id


def response_id(reply_id: str) -> str:
    """Response of a reply: "reply_2" is "resp_reply_2"."""
    return _RESPONSE + reply_id


def reply_of_response(identifier: str) -> str | None:
    """The reply a response stands for, or None if it is not one of ours."""
    return identifier.removeprefix(_RESPONSE) if identifier.startswith(_RESPONSE) else None


def reply_of_item(identifier: str) -> str | None:
    """The reply a conversation item stands for, or None if it is not a reply's."""
    return identifier.removeprefix(_ITEM) if identifier.startswith(_REPLY_ITEM) else None
