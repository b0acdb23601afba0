"""One log on stderr, for this program and for the libraries under it.

Records carry ids, counts and durations, never what a caller said. pipecat logs transcripts
and replies at its lower levels, so only its warnings and errors are let through.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.config import LoggingSettings

if TYPE_CHECKING:
    from loguru import Message

# Attributes of every record; what else a record carries came in as `extra`.
# uvicorn's is its message again, with terminal colours.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}
_CHATTY = (
    "httpx",
    "httpcore",
    "huggingface_hub",
    "numba",
    "faster_whisper",
    "gguf",
    "uvicorn.access",
)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC, ISO 8601), level, logger, message, extras."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """`12:00:00.123 info  agent.call  message key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, a traceback below it."""
        clock = datetime.fromtimestamp(record.created).astimezone()
        extras = [f"{key}={value}" for key, value in vars(record).items() if key not in _STANDARD]
        line = "  ".join(
            [
                f"{clock:%H:%M:%S}.{int(record.msecs):03d} {record.levelname.lower():<7}",
                record.name,
                " ".join([record.getMessage(), *extras]),
            ]
        )
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(settings: LoggingSettings) -> None:
    """Send all logs to stderr in the configured form. Doing it twice is harmless."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    _route_loguru()


def _route_loguru() -> None:
    from loguru import logger

    logger.remove()
    logger.add(_forward, level="WARNING", format="{message}")


def _forward(message: Message) -> None:
    record = message.record
    caught = record["exception"]
    logging.getLogger(record["name"] or "pipecat").log(
        record["level"].no, "%s", record["message"], exc_info=caught.value if caught else None
    )
