"""A Docker engine of the tests' own, where there is one to be started, and a tiny image made on the spot."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from random import Random
from typing import Final

import pytest

from provisioning.docker.routes import routed_networks

IDLE_IMAGE: Final = "wyoming-central-test/idle:1"
"""Does nothing until it is told to end: says so at its start, and is gone a moment after SIGTERM."""

IDLE_COMMAND: Final = (
    "/bin/sh",
    "-c",
    "echo idle instance started; trap 'exit 0' TERM; while :; do sleep 60 & wait; done",
)

_READY_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 20.0


def unused_network() -> IPv4Network:
    """A /20 that no route of this machine leads to: other engines, and other tests, may be at work."""
    routed = routed_networks()
    networks = list(IPv4Network("10.224.0.0/11").subnets(new_prefix=20))
    return next(one for one in Random().sample(networks, len(networks)) if not any(map(one.overlaps, routed)))


def settings_for(
    engine: DockerEngine, image: str, command: str, *, ports: range = range(8200, 8301)
) -> dict[str, str]:
    """The settings of a server that runs an image on an engine, on subnets that nobody uses."""
    return {
        "HA_DRIVER": "docker",
        "DOCKER_HOST": engine.url,
        "HA_IMAGE": image,
        "HA_IMAGE_PULL": "never",
        "HA_IMAGE_COMMAND": command,
        "HA_NETWORK_POOL": str(unused_network()),
        "HA_PORT_RANGE_START": str(ports[0]),
        "HA_PORT_RANGE_END": str(ports[-1]),
    }


class NoEngineError(Exception):
    """There is no engine to be had here; the message says why."""


@dataclass
class DockerEngine:
    """A running engine.

    Attributes:
        folder: Where it keeps everything.
        process: The daemon.
    """

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Its address."""
        return f"unix://{self.folder}/docker.sock"

    def docker(self, *arguments: str, given: bytes | None = None) -> str:
        """Have the command line client do something."""
        done = subprocess.run(
            ["docker", "-H", self.url, *arguments], input=given, capture_output=True, timeout=120, check=False
        )
        if done.returncode:
            raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def make_idle_image(self) -> None:
        """Make the image of what does nothing, from a static busybox."""
        busybox = Path(shutil.which("busybox") or "")
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(busybox.resolve(), "bin/busybox")
            for applet in ("sh", "sleep", "echo", "cat", "printf", "true"):
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        self.docker("import", "-", IDLE_IMAGE, given=archive.getvalue())

    def remove_everything(self) -> None:
        """Take away all containers, networks and volumes."""
        if containers := self.docker("ps", "-aq").split():
            self.docker("rm", "-f", *containers)
        self.docker("network", "prune", "-f")
        # From version 23 on, pruning leaves those that have a name.
        if volumes := self.docker("volume", "ls", "-q").split():
            self.docker("volume", "rm", *volumes)

    def stop(self) -> None:
        """End the daemon; what runs in containers ends with it."""
        self.process.terminate()
        self.process.wait(_STOP_SECONDS)

    def start_again(self) -> None:
        """Start the daemon anew on what it kept."""
        self.process = _daemon(self.folder)
        _wait_until_ready(self)


@contextmanager
def docker_engine(*, room: str | None = None) -> Iterator[DockerEngine]:
    """An engine with nothing in it but the idle image.

    Args:
        room: How much its disk holds, such as `64m`; None for as much as there is.

    Raises:
        NoEngineError: None can be started here.
    """
    missing = [program for program in ("dockerd", "docker", "busybox") if shutil.which(program) is None]
    if missing:
        raise NoEngineError(f"no Docker engine can be started: there is no {' and no '.join(missing)}")
    if os.geteuid() != 0:
        raise NoEngineError("no Docker engine can be started: that takes root")
    # A socket's path has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="wc-docker-"))
    try:
        if room is not None:
            _mount_disk(folder / "data", room)
        engine = DockerEngine(folder, _daemon(folder))
        try:
            _wait_until_ready(engine)
            engine.make_idle_image()
            _try_out(engine)
            yield engine
        finally:
            if engine.process.poll() is None:
                engine.remove_everything()
            engine.stop()
    finally:
        # Containers on the host's network leave this mounted when their engine ends.
        subprocess.run(["umount", str(folder / "exec/netns/default")], capture_output=True, check=False)
        if room is not None:
            subprocess.run(["umount", "--lazy", str(folder / "data")], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def engine_or_skip(*, room: str | None = None) -> Iterator[DockerEngine]:
    """What `docker_engine` gives, for a test; where there is none it is skipped."""
    with ExitStack() as stack:
        try:
            engine = stack.enter_context(docker_engine(room=room))
        except NoEngineError as error:
            pytest.skip(str(error))
        yield engine


def _mount_disk(folder: Path, room: str) -> None:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        raise NoEngineError("no Docker engine with a small disk: nothing can be mounted here")


def _daemon(folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "dockerd.log").open("ab") as log:
        return subprocess.Popen(
            [
                "dockerd",
                "--data-root", str(folder / "data"),
                "--exec-root", str(folder / "exec"),
                "--pidfile", str(folder / "docker.pid"),
                "-H", f"unix://{folder}/docker.sock",
            ],
            stdout=log,
            stderr=log,
        )  # fmt: skip


def _wait_until_ready(engine: DockerEngine) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            engine.docker("version")
        except RuntimeError as error:
            if engine.process.poll() is not None or time.monotonic() > deadline:
                said = (engine.folder / "dockerd.log").read_text(errors="replace").splitlines()[-3:]
                raise NoEngineError(f"dockerd does not start here: {' / '.join(said)}") from error
            time.sleep(0.1)
        else:
            return


def _try_out(engine: DockerEngine) -> None:
    """See that containers with networks of their own run here, which not every machine lets a daemon do."""
    try:
        engine.docker("network", "create", "--subnet", str(unused_network()), "trial")
        engine.docker("run", "--rm", "--network", "trial", "-p", "127.0.0.1::80", IDLE_IMAGE, "/bin/true")
        engine.docker("network", "rm", "trial")
    except RuntimeError as error:
        raise NoEngineError(f"the Docker engine runs no containers here: {error}") from error
