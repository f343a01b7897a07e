"""What no server with these settings would run."""

from __future__ import annotations

import typer

from config.settings import Settings


def refuse_unserved(driver: str, settings: Settings) -> None:
    """Refuse to ask for an instance that nobody would make.

    Raises:
        typer.BadParameter: It is to be a container, and no server here runs those.
    """
    if driver == "docker" and not settings.serves_docker:
        raise typer.BadParameter("no server here runs containers: set HA_DRIVER=docker, or DOCKER_HOST")
