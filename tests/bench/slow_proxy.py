"""A TCP proxy that hands everything on late: stands before a Home Assistant to make it slow.

    python -m tests.bench.slow_proxy HOST PORT MILLISECONDS

What comes from either side goes on so many milliseconds later, in order, and however much comes. It says on
stdout where it listens.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress

_CHUNK = 65536


class SlowProxy:
    """Hands on what comes from either side, `seconds` later."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        self._target = host, port
        self._seconds = seconds

    async def serve(self) -> asyncio.Server:
        """Listen on a port of the system's choice."""
        return await asyncio.start_server(self._join, "127.0.0.1", 0)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection(*self._target)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hand_on(reader, back))
                group.create_task(self._hand_on(there, writer))

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write(waiting, writer))
            chunk = b"-"
            while chunk:
                try:
                    chunk = await reader.read(_CHUNK)
                except OSError:
                    chunk = b""
                waiting.put_nowait((asyncio.get_running_loop().time() + self._seconds, chunk))

    async def _write(self, waiting: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while True:
                due, chunk = await waiting.get()
                await asyncio.sleep(due - asyncio.get_running_loop().time())
                if not chunk:
                    break
                writer.write(chunk)
        writer.close()


async def main(host: str, port: str, milliseconds: str) -> None:
    """Serve until the process ends."""
    server = await SlowProxy(host, int(port), float(milliseconds) / 1000).serve()
    own_host, own_port = server.sockets[0].getsockname()[:2]
    sys.stdout.write(json.dumps({"host": own_host, "port": own_port}) + "\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
