"""A client's mistakes, in the protocol's own words."""

from __future__ import annotations

from pipeline.errors import ProtocolError


class ClientEventError(ProtocolError):
    """A message that cannot be acted on; the connection goes on.

    Attributes:
        wire_code: What went wrong, finer than the class's `code`.
        event_id: The client's own id of the message, if one could be read.
    """

    def __init__(
        self, wire_code: str, message: str, *, param: str | None = None, event_id: str | None = None
    ) -> None:
        super().__init__(message, param=param)
        self.wire_code = wire_code
        self.event_id = event_id
