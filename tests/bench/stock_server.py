"""The peer: the `wyoming` package's own server, on the event loop that it runs on by itself.

    python -m tests.bench.stock_server

It answers `ping` as the stock programs do, and every `transcript` with one and the same `handled`: no
credential, no understanding, no home, no session, no audit. It says on stdout where it listens.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys

from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.handle import Handled
from wyoming.ping import Ping, Pong
from wyoming.server import AsyncEventHandler, AsyncTcpServer

ANSWER = "Turned on the Desk Lamp."


class StockHandler(AsyncEventHandler):
    """One connection, handled as the stock programs do it."""

    async def handle_event(self, event: Event) -> bool:
        if Ping.is_type(event.type):
            await self.write_event(Pong(text=Ping.from_event(event).text).event())
        elif Transcript.is_type(event.type):
            await self.write_event(Handled(text=ANSWER).event())
        return True


def _free_port() -> int:
    """A port that nobody listens on: the stock server does not tell which it was given for port 0."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


async def main() -> None:
    port = _free_port()
    server = AsyncTcpServer("127.0.0.1", port)
    await server.start(StockHandler)
    sys.stdout.write(json.dumps({"host": "127.0.0.1", "port": port}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
