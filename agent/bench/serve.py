"""A system under test, in a process of its own: `python -m agent.bench.serve SYSTEM`.

The settings come as one line of JSON on standard input. One line of JSON on standard
output says where calls are taken. The process ends when its standard input does, so it
never outlives the bench.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AbstractAsyncContextManager

from agent import logs
from agent.bench.plan import System
from agent.config import LoggingSettings, Settings
from pipeline.events import CallFactory


def main() -> None:
    """Serve until standard input ends."""
    settings = Settings.model_validate_json(sys.stdin.readline())
    logs.configure(LoggingSettings(level="error"))
    asyncio.run(_serve(sys.argv[1], settings))


async def _serve(system: str, settings: Settings) -> None:
    # A caller needs somebody to answer it: with agent.cli.call the only way up to web/.
    from web.server import REALTIME_PATH, connection_limits, create_app, running

    async with _factory(system, settings) as factory:
        app = create_app(factory, limits=connection_limits(settings.server), model=system)
        async with running(app, settings.server) as address:
            url = address.replace("http", "ws", 1) + REALTIME_PATH
            print(json.dumps({"url": url, "address": address}), flush=True)
            await asyncio.to_thread(sys.stdin.read)


def _factory(system: str | System, settings: Settings) -> AbstractAsyncContextManager[CallFactory]:
    match system:
        case "ours":
            from web.server import switchboard

            return switchboard(settings)
        case "sequential":
            from agent.bench.baselines.sequential import sequential_factory

            return sequential_factory(settings)
        case "stock":
            from agent.bench.baselines.stock import stock_factory

            return stock_factory(settings)
    raise SystemExit(f"there is no system {system}")


if __name__ == "__main__":
    main()
