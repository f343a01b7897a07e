"""The stand-in for Ollama in a process of its own, which answers the same after the same time.

    python -m tests.bench.stand_in_ollama_server [--port PORT] [--first-seconds S] [--content JSON]

It says on stdout where it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from tests.ollama.stand_in_ollama import ScriptedAnswer, StandInOllama


async def serve(arguments: argparse.Namespace) -> None:
    """Answer until the process ends."""
    answer = ScriptedAnswer(content=arguments.content, first_seconds=arguments.first_seconds)
    async with StandInOllama(port=arguments.port, answer=lambda _call: answer) as server:
        port = int(server.url.rpartition(":")[2])
        sys.stdout.write(json.dumps({"host": "127.0.0.1", "port": port}) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--first-seconds", type=float, default=0.0)
    parser.add_argument("--content", required=True)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
