"""A program that does one thing with the Docker driver and kills itself before or after one request of it.

    python -m tests.real.killed_docker_driver ENGINE_URL DEED before|after REQUEST PORT SUBNET

REQUEST is the number of the request that changes something, from 0; the ones that only look do not count. It
prints each of these, `POST networks/create` and so on, as it comes to it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any, Final

from aiodocker import Docker

from provisioning.docker.driver import DockerDriver, DockerOptions
from provisioning.docker.engine import Engine
from provisioning.docker.image import Image
from provisioning.docker.labels import Deployment
from provisioning.docker.pull import PullPolicy
from provisioning.driver import InstanceSpec
from tests.real.docker_engine import IDLE_COMMAND, IDLE_IMAGE

DEPLOYMENT: Final = Deployment("killed")


def the_spec(port: int, subnet: str) -> InstanceSpec:
    return InstanceSpec(
        user_id="c" * 32,
        name="wyoming-central-cccccccccccc",
        host_port=port,
        network_subnet=subnet,
        instance_id="9" * 32,
    )


def the_driver(url: str) -> DockerDriver:
    options = DockerOptions(Image(IDLE_IMAGE, command=IDLE_COMMAND), PullPolicy.NEVER)
    return DockerDriver(engine=Engine(url), deployment=DEPLOYMENT, options=options)


def _die_at(request: int, *, after: bool) -> None:
    """Have this process killed around a request."""
    ask = Docker._do_query
    seen = 0

    async def asked(docker: Docker, path: Any, method: str, **more: Any) -> Any:
        nonlocal seen
        if method == "GET":
            return await ask(docker, path, method, **more)
        seen += 1
        sys.stdout.write(f"{method} {path}\n")
        sys.stdout.flush()
        if seen - 1 == request and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        response = await ask(docker, path, method, **more)
        if seen - 1 == request:
            os.kill(os.getpid(), signal.SIGKILL)
        return response

    Docker._do_query = asked  # type: ignore[method-assign]


async def do(driver: DockerDriver, deed: str, spec: InstanceSpec) -> None:
    match deed:
        case "start":
            await driver.start(spec)
        case "stop":
            await driver.stop(spec.name, within=5)
        case "remove":
            await driver.remove(spec.name, keep_data=True)
        case "remove with data":
            await driver.remove(spec.name, keep_data=False)


async def _main(url: str, deed: str, spec: InstanceSpec) -> None:
    driver = the_driver(url)
    await do(driver, deed, spec)
    await driver.close()


if __name__ == "__main__":
    _die_at(int(sys.argv[4]), after=sys.argv[3] == "after")
    asyncio.run(_main(sys.argv[1], sys.argv[2], the_spec(int(sys.argv[5]), sys.argv[6])))
