from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from ipaddress import IPv4Network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from sqlalchemy import select

from storage.database import Database
from storage.errors import AlreadyExistsError, NotFoundError, PortsExhaustedError, SubnetsExhaustedError
from storage.instances import Instances, container_name
from storage.migrate import upgrade
from storage.records import DesiredState, InstanceRecord, InstanceStatus, UserRecord
from storage.schema import ha_instances
from storage.secret_box import SecretBox
from storage.users import Users

T = TypeVar("T")
PORTS = range(8200, 8300)


async def _request(instances: Instances, user: UserRecord, ports: range = PORTS) -> InstanceRecord:
    return await instances.request(
        user_id=user.id,
        driver="process",
        timezone="Europe/Budapest",
        language="hu",
        country="HU",
        port_range=ports,
    )


async def test_a_requested_instance_has_a_port_and_a_name_before_anything_runs(
    instances: Instances, anna: UserRecord
) -> None:
    record = await _request(instances, anna)
    assert (record.status, record.desired) == (InstanceStatus.REQUESTED, DesiredState.RUNNING)
    assert (record.generation, record.observed_generation) == (1, 0)
    assert (record.host_port, record.driver) == (8200, "process")
    assert record.container_name == container_name(anna.id) == f"wyoming-central-{anna.id[:12]}"
    assert await instances.get(anna.id) == record
    assert await instances.list() == (record,)


async def test_one_user_has_one_instance(instances: Instances, anna: UserRecord) -> None:
    await _request(instances, anna)
    with pytest.raises(AlreadyExistsError):
        await _request(instances, anna)
    with pytest.raises(AlreadyExistsError):
        await instances.request_external(user_id=anna.id, timezone="UTC", language="hu")


async def test_nobody_has_no_instance(instances: Instances, anna: UserRecord) -> None:
    attempts: list[Awaitable[object]] = [
        instances.request_external(user_id="nobody", timezone="UTC", language="hu"),
        instances.get(anna.id),
        instances.set_desired(anna.id, DesiredState.STOPPED),
        instances.restart(anna.id),
        instances.observed(anna.id, status=InstanceStatus.READY),
        instances.set_owner_password(anna.id, "p"),
        instances.owner_password(anna.id),
        instances.move_port(anna.id, PORTS, set()),
        instances.move_subnet(anna.id, IPv4Network("10.213.0.0/16"), ()),
        instances.set_limits(anna.id, memory_limit=None, cpu_limit=None),
        instances.ask_removal(anna.id, with_data=True),
        instances.remove(anna.id),
    ]
    for attempt in attempts:
        with pytest.raises(NotFoundError):
            await attempt


async def test_an_external_instance_takes_no_port(
    instances: Instances, anna: UserRecord, bela: UserRecord
) -> None:
    assert (
        await instances.request_external(user_id=anna.id, timezone="UTC", language="hu")
    ).host_port is None
    assert (
        await instances.request_external(user_id=bela.id, timezone="UTC", language="en")
    ).driver == "external"


async def test_fifty_who_ask_at_once_get_fifty_ports(users: Users, instances: Instances) -> None:
    people = [
        await users.add(email=f"{number}@example.org", password_hash="h", language="hu")
        for number in range(50)
    ]
    made = await asyncio.gather(*(_request(instances, person) for person in people))
    assert {record.host_port for record in made} == set(range(8200, 8250))


async def test_two_processes_that_ask_at_once_get_different_ports(
    sqlite_database: Database, sqlite_url: str, box: SecretBox
) -> None:
    other = Database(sqlite_url)
    users = Users(sqlite_database, box)
    people = [
        await users.add(email=f"{number}@example.org", password_hash="h", language="hu")
        for number in range(20)
    ]
    made = await asyncio.gather(
        *(
            _request(Instances((sqlite_database, other)[number % 2], box), person)
            for number, person in enumerate(people)
        )
    )
    await other.close()
    assert len({record.host_port for record in made}) == 20


async def test_a_full_range_is_said_with_a_way_out(
    instances: Instances, anna: UserRecord, bela: UserRecord
) -> None:
    await _request(instances, anna, range(8200, 8201))
    with pytest.raises(PortsExhaustedError) as caught:
        await _request(instances, bela, range(8200, 8201))
    assert "HA_PORT_RANGE" in str(caught.value)
    with pytest.raises(NotFoundError):
        await instances.get(bela.id)


async def test_a_port_that_somebody_else_listens_on_is_left(
    instances: Instances, anna: UserRecord, bela: UserRecord
) -> None:
    await _request(instances, anna)
    await _request(instances, bela)
    assert (await instances.move_port(anna.id, PORTS, {8202})).host_port == 8203
    with pytest.raises(PortsExhaustedError):
        await instances.move_port(anna.id, range(8201, 8204), {8202})
    assert (await instances.get(anna.id)).host_port == 8203


async def _request_container(instances: Instances, user: UserRecord, pool: IPv4Network) -> InstanceRecord:
    return await instances.request(
        user_id=user.id,
        driver="docker",
        timezone="UTC",
        language="hu",
        country=None,
        port_range=PORTS,
        network_pool=pool,
    )


async def test_containers_have_subnets_of_their_own_out_of_the_pool(
    instances: Instances, anna: UserRecord, bela: UserRecord
) -> None:
    pool = IPv4Network("10.213.0.0/27")
    assert (await _request_container(instances, anna, pool)).network_subnet == "10.213.0.0/28"
    assert (await _request_container(instances, bela, pool)).network_subnet == "10.213.0.16/28"
    with pytest.raises(SubnetsExhaustedError, match="HA_NETWORK_POOL"):
        await instances.move_subnet(anna.id, pool, ())
    await instances.remove(bela.id)
    assert (await instances.move_subnet(anna.id, pool, ())).network_subnet == "10.213.0.16/28"


async def test_a_subnet_that_overlaps_with_somebody_elses_is_left(
    instances: Instances, anna: UserRecord
) -> None:
    pool = IPv4Network("10.213.0.0/16")
    await _request_container(instances, anna, pool)
    moved = await instances.move_subnet(anna.id, pool, {IPv4Network("10.213.0.0/24")})
    assert moved.network_subnet == "10.213.1.0/28"


async def test_where_the_pool_is_used_up_nobody_is_half_added(
    instances: Instances, anna: UserRecord, bela: UserRecord
) -> None:
    pool = IPv4Network("10.213.0.0/28")
    await _request_container(instances, anna, pool)
    with pytest.raises(SubnetsExhaustedError):
        await _request_container(instances, bela, pool)
    with pytest.raises(NotFoundError):
        await instances.get(bela.id)


async def test_limits_of_ones_own_are_kept_and_given_up(instances: Instances, anna: UserRecord) -> None:
    assert ((await _request(instances, anna)).memory_limit, (await instances.get(anna.id)).cpu_limit) == (
        None,
        None,
    )
    limited = await instances.set_limits(anna.id, memory_limit=1 << 30, cpu_limit=0.75)
    assert (limited.memory_limit, limited.cpu_limit) == (1 << 30, 0.75)
    unlimited = await instances.set_limits(anna.id, memory_limit=None, cpu_limit=None)
    assert (unlimited.memory_limit, unlimited.cpu_limit, unlimited.generation) == (None, None, 1)


@pytest.mark.parametrize("with_data", [True, False])
async def test_data_goes_with_an_instance_only_where_that_was_asked_for(
    instances: Instances, anna: UserRecord, *, with_data: bool
) -> None:
    assert not (await _request(instances, anna)).remove_data
    asked = await instances.ask_removal(anna.id, with_data=with_data)
    assert (asked.desired, asked.remove_data) == (DesiredState.REMOVED, with_data)
    assert not (await instances.set_desired(anna.id, DesiredState.RUNNING)).remove_data


async def test_removing_a_user_never_takes_the_data(
    instances: Instances, users: Users, anna: UserRecord
) -> None:
    await _request(instances, anna)
    await instances.ask_removal(anna.id, with_data=True)
    await users.remove(anna.id)
    record = await instances.get(anna.id)
    assert (record.desired, record.remove_data) == (DesiredState.REMOVED, False)


async def test_what_is_wanted_and_what_is_seen_are_kept_apart(
    instances: Instances, anna: UserRecord, clock: Any
) -> None:
    await _request(instances, anna)
    clock.move(seconds=1)
    await instances.observed(
        anna.id,
        status=InstanceStatus.ONBOARDING,
        phase="token",
        observed_generation=1,
        container_id="42",
        version="2025.4",
    )
    wanted = await instances.set_desired(anna.id, DesiredState.STOPPED)
    assert (wanted.status, wanted.desired, wanted.phase) == (
        InstanceStatus.ONBOARDING,
        DesiredState.STOPPED,
        "token",
    )
    assert wanted.updated_at == clock()
    await instances.observed(
        anna.id, status=InstanceStatus.FAILED, failure_reason="died", failure_detail="x" * 5000
    )
    failed = await instances.get(anna.id)
    assert (failed.status, failed.failure_reason, failed.phase) == (InstanceStatus.FAILED, "died", None)
    assert failed.failure_detail == "x" * 1000
    assert (failed.observed_generation, failed.container_id, failed.version) == (1, "42", "2025.4")
    await instances.observed(anna.id, status=InstanceStatus.READY)
    assert (await instances.get(anna.id)).failure_reason is None


async def test_a_restart_is_a_new_generation(instances: Instances, anna: UserRecord) -> None:
    await _request(instances, anna)
    assert (await instances.restart(anna.id)).generation == 2
    assert (await instances.restart(anna.id)).generation == 3


async def test_the_owners_password_is_stored_encrypted(
    database: Database, instances: Instances, anna: UserRecord
) -> None:
    await _request(instances, anna)
    assert await instances.owner_password(anna.id) is None
    await instances.set_owner_password(anna.id, "geheim")
    assert await instances.owner_password(anna.id) == "geheim"
    async with database.read() as session:
        assert "geheim" not in str((await session.execute(select(ha_instances))).one())


async def test_the_instance_of_a_removed_user_is_only_removed(
    users: Users, instances: Instances, anna: UserRecord
) -> None:
    await _request(instances, anna)
    await users.remove(anna.id)
    assert (await instances.get(anna.id)).desired is DesiredState.REMOVED
    for revive in (instances.set_desired(anna.id, DesiredState.RUNNING), instances.restart(anna.id)):
        with pytest.raises(NotFoundError):
            await revive
    await instances.set_desired(anna.id, DesiredState.REMOVED)
    await instances.observed(anna.id, status=InstanceStatus.REMOVING)
    await instances.remove(anna.id)
    assert await instances.list() == ()


class PortAllocation(RuleBasedStateMachine):
    """Users come, ask for instances, move and go; a dictionary says what must be there."""

    idle: Bundle[str] = Bundle("idle")
    served: Bundle[str] = Bundle("served")
    ports = range(8200, 8204)

    @initialize()
    def open(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        url = f"sqlite+aiosqlite:///{Path(self.folder.name)}/x.db"
        self.do(upgrade(url, backup_dir=None))
        self.database = Database(url)
        box = SecretBox([Fernet.generate_key().decode()])
        self.users, self.instances = Users(self.database, box), Instances(self.database, box)
        self.count = 0
        self.model: dict[str, int] = {}

    def do(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)

    def teardown(self) -> None:
        self.do(self.database.close())
        self.runner.close()
        self.folder.cleanup()

    def free(self, taken: set[int]) -> list[int]:
        return [port for port in self.ports if port not in self.model.values() and port not in taken]

    @rule(target=idle)
    def add_user(self) -> str:
        self.count += 1
        added = self.do(self.users.add(email=f"{self.count}@example.org", password_hash="h", language="hu"))
        return str(added.id)

    @rule(target=served, user_id=consumes(idle))
    def request(self, user_id: str) -> Any:
        wish = self.instances.request(
            user_id=user_id,
            driver="process",
            timezone="UTC",
            language="hu",
            country=None,
            port_range=self.ports,
        )
        free = self.free(set())
        if not free:
            with pytest.raises(PortsExhaustedError):
                self.do(wish)
            return multiple()
        self.model[user_id] = free[0]
        assert self.do(wish).host_port == free[0]
        return user_id

    @rule(user_id=served)
    def request_again(self, user_id: str) -> None:
        with pytest.raises(AlreadyExistsError):
            self.do(
                self.instances.request(
                    user_id=user_id,
                    driver="process",
                    timezone="UTC",
                    language="hu",
                    country=None,
                    port_range=self.ports,
                )
            )

    @rule(user_id=served, taken=st.sets(st.sampled_from(ports)))
    def move(self, user_id: str, taken: set[int]) -> None:
        free = self.free(taken)
        wish = self.instances.move_port(user_id, self.ports, taken)
        if not free:
            with pytest.raises(PortsExhaustedError):
                self.do(wish)
        else:
            self.model[user_id] = free[0]
            assert self.do(wish).host_port == free[0]

    @rule(target=idle, user_id=consumes(served))
    def remove(self, user_id: str) -> str:
        self.do(self.instances.remove(user_id))
        del self.model[user_id]
        return user_id

    @rule(user_id=served)
    def restart(self, user_id: str) -> None:
        self.do(self.instances.restart(user_id))

    @invariant()
    def every_instance_has_the_port_of_the_model_and_no_two_the_same(self) -> None:
        found = {record.user_id: record.host_port for record in self.do(self.instances.list())}
        assert found == self.model
        assert len(set(found.values())) == len(found)


TestPortAllocation = pytest.mark.slow(PortAllocation.TestCase)
TestPortAllocation.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


async def test_a_phase_is_kept_as_the_installation_says_it_and_cut_where_it_is_longer(
    instances: Instances, users: Users
) -> None:
    user = await users.add(email="phase@example.org", password_hash="-", language="hu")
    await instances.request(
        user_id=user.id,
        driver="process",
        timezone="UTC",
        language="hu",
        country=None,
        port_range=range(8200, 8210),
    )
    said = "installing Home Assistant, which another process is about already"
    for phase, kept in ((said, said), ("x" * 500, "x" * 100)):
        await instances.observed(user.id, status=InstanceStatus.CREATING, phase=phase)
        assert (await instances.get(user.id)).phase == kept
