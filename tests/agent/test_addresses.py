"""Which names and addresses mean this machine."""

from __future__ import annotations

import pytest

from agent.config import ServerSettings
from agent.config.addresses import is_loopback


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("LocalHost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_only_loopback_is_this_machine(host: str, here: bool):
    """An address for all interfaces lets others in; other names are a resolver's to say."""
    assert is_loopback(host) is here
    assert ServerSettings(host=host).reachable_by_others is not here


def test_a_loopback_server_may_be_reached_through_another():
    """Behind a proxy, or under a name of its own."""
    assert ServerSettings(behind_proxy=True).reachable_by_others
    assert ServerSettings(public_hosts=("talk.example.org",)).reachable_by_others
