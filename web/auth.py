"""Who may come in: the page's own origin, names this server goes by, and API keys.

On loopback any key and none is taken. What loopback does not keep out is another site's
page in the owner's browser: WebSockets and simple POSTs know no same-origin rule, and a
page whose name was rebound to 127.0.0.1 is its own origin. So every request's `Host` and
`Origin` are looked at, keys or no keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from agent.config import ServerSettings
from agent.config.addresses import is_loopback
from agent.keys import KeyRing
from pipeline.errors import ConfigError

Fault: TypeAlias = Literal["foreign_host", "foreign_origin", "invalid_api_key"]
KEY_SUBPROTOCOL = "openai-insecure-api-key."  # as the OpenAI clients of browsers send it
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a request is counted under.

    Attributes:
        address: Of the client.
        key_name: Of the API key; None where none is needed.
    """

    address: str
    key_name: str | None = None

    @property
    def subject(self) -> str:
        return f"key {self.key_name}" if self.key_name else f"address {self.address}"

    @property
    def on_this_machine(self) -> bool:
        """Loopback without a key: the owner, who limits nobody but themselves."""
        return self.key_name is None and is_loopback(self.address)


class Gate:
    """Decides on each request.

    Args:
        settings: Where the server listens and what it is called.
        keys: Needed where others can reach the server.

    Raises:
        ConfigError: Others can reach the server and there is no key.
    """

    def __init__(self, settings: ServerSettings, keys: KeyRing | None = None) -> None:
        self._keys = keys
        self._hosts = _names(settings)
        self.needs_key = settings.reachable_by_others
        if self.needs_key and (keys is None or not keys.entries()):
            raise ConfigError(
                "others can reach this address, so it needs an API key: `qingting keys add NAME`"
            )

    def fault(self, headers: Mapping[str, str]) -> Fault | None:
        """What is wrong with where a request comes from or goes to.

        Args:
            headers: By lower-case name.
        """
        host = headers.get("host", "").lower()
        if self._hosts is not None and _without_port(host) not in self._hosts:
            return "foreign_host"
        origin = headers.get("origin")
        if origin is not None and _netloc(origin) != host:
            return "foreign_origin"
        return None

    def caller(
        self, headers: Mapping[str, str], address: str, subprotocols: Iterable[str] = ()
    ) -> Caller | None:
        """Who asks; None without a key that is needed."""
        if not self.needs_key or self._keys is None:
            return Caller(address)
        name = self._keys.owner(_key(headers, subprotocols))
        return Caller(address, name) if name is not None else None


def _names(settings: ServerSettings) -> frozenset[str] | None:
    """What `Host` may say; None for any, where only addresses are known to lead here."""
    if settings.public_hosts:
        return LOOPBACK_NAMES | {name.lower() for name in settings.public_hosts}
    if is_loopback(settings.host):
        return LOOPBACK_NAMES | {settings.host}
    return None  # every request needs a key, which a rebound page does not have


def _netloc(origin: str) -> str | None:
    """Name and port of an origin; None if it is not one."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # such as half a pair of brackets
        return None


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _key(headers: Mapping[str, str], subprotocols: Iterable[str]) -> str:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip()
    for offered in subprotocols:
        if offered.startswith(KEY_SUBPROTOCOL):
            return offered.removeprefix(KEY_SUBPROTOCOL)
    return ""
