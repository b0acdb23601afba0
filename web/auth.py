"""Who may open a call.

The server listens on loopback, so any key and none is taken. What loopback does not keep
out is another site's page in the owner's browser: WebSockets know no same-origin rule, the
server has to ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit


def same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a request comes from our own page, or from no browser at all.

    Args:
        headers: Of the handshake, by lower-case name.
    """
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
