"""What a user asked for, in the tables, and what an engine shows of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Final

from provisioning.docker.labels import DEPLOYMENT
from storage.database import Database
from storage.instances import Instances
from storage.journal import Journal
from storage.records import DesiredState
from storage.secret_box import SecretBox
from tests.real.docker_engine import DockerEngine
from tests.real.killed_provisioner import Place, arguments_of

ROOT: Final = Path(__file__).parents[2]
_OWNERS_FILE: Final = "something-of-the-owner"


class Asked:
    """One user's rows, and the engine's view of what came of them.

    Attributes:
        engine: The engine.
        user_id: The user.
        place: Where it is provisioned.
    """

    def __init__(self, engine: DockerEngine, place: Place, user_id: str) -> None:
        self.engine = engine
        self.place = place
        self.user_id = user_id

    async def ask(self, deed: str) -> None:
        """Write what the command line writes for a deed."""
        database = Database(self.place.database)
        instances = Instances(database, SecretBox([self.place.key]))
        options = self.place.options
        match deed:
            case "create":
                await instances.request(
                    user_id=self.user_id,
                    driver="docker",
                    timezone="Europe/Budapest",
                    language="hu",
                    country="HU",
                    port_range=options.port_range,
                    network_pool=options.network_pool,
                )
            case "stop":
                await instances.set_desired(self.user_id, DesiredState.STOPPED)
            case "restart":
                await instances.restart(self.user_id)
            case "remove" | "remove with data":
                await instances.ask_removal(self.user_id, with_data=deed.endswith("data"))
        await database.close()

    async def under_way(self) -> set[int]:
        """The operations that are in the journal as under way."""
        database = Database(self.place.database)
        done = await Journal(database).of(self.user_id, limit=100)
        await database.close()
        return {one.id for one in done if one.outcome is None}

    def there(self, kind: str) -> list[dict[str, Any]]:
        """Everything of a kind that is this deployment's."""
        listed = {"container": ("ps", "--all"), "network": ("network", "ls"), "volume": ("volume", "ls")}[
            kind
        ]
        label = f"label={DEPLOYMENT}={self.place.deployment}"
        names = self.engine.docker(*listed, "--quiet", "--filter", label).split()
        described = json.loads(self.engine.docker(kind, "inspect", *names)) if names else []
        assert isinstance(described, list)
        return described

    def own_something(self) -> None:
        """Have a file of the owner's in the volume, where there is one."""
        for one in self.there("volume"):
            Path(one["Mountpoint"], _OWNERS_FILE).touch()

    def owns_it_still(self) -> bool:
        """Whether the only volume has that file."""
        (volume,) = self.there("volume")
        return Path(volume["Mountpoint"], _OWNERS_FILE).exists()

    def until_killed(self, when: str, step: str) -> subprocess.CompletedProcess[str]:
        """A provisioner at work until it comes to a step."""
        return subprocess.run(
            arguments_of(self.place, when, step),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def clear(self) -> None:
        """Take everything away from the engine that is this deployment's."""
        for one in self.there("container"):
            self.engine.docker("rm", "--force", one["Id"])
        for one in self.there("network"):
            self.engine.docker("network", "rm", one["Id"])
        for one in self.there("volume"):
            self.engine.docker("volume", "rm", one["Name"])
