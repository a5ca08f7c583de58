"""A flock on an account of moto: the lifecycle over the adapters that a deployment has, and a clock that the test moves."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from moto.ec2.models import ec2_backends
from moto.events.models import events_backends
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends

from functions.lifecycle import Lifecycle
from functions.lifecycle.actions import STUCK_SECONDS
from functions.lifecycle.main import look_round
from functions.lifecycle.settle import SettleWatch
from murmur import keys
from murmur.aws import threads
from murmur.aws.cloud import CloudSettings
from murmur.aws.fabric import EventBridgeFabric
from murmur.aws.fleet import Ec2Fleet
from murmur.aws.store import S3Store
from murmur.config import FlockConfig
from murmur.control import Control, FlockState, read_control
from murmur.entry import timestamp
from murmur.settings import Settings
from tests.contract.account import Account, account

FLOCK = "murmur"


class Clock:
    """Real time, plus what the test lets pass."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += max(0.0, seconds)
        await asyncio.sleep(0)


@dataclass
class Flock:
    """``config`` is what the next run is begun with. Every function is a new process: ``function()``."""

    account: Account
    settings: Settings
    store: S3Store
    clock: Clock = field(default_factory=Clock)
    config: FlockConfig = field(default_factory=lambda: FlockConfig(concurrency=2, agentsPerInstance=1))
    spot: bool = False
    _runs: int = 0

    @property
    def cloud(self) -> CloudSettings:
        return CloudSettings(launch_template=self.account.template, subnets=self.account.subnets, spot=self.spot)

    def fleet(self, *, remembered_seconds: float = 0.0) -> Ec2Fleet:
        clients = self.account.clients
        return Ec2Fleet(clients, FLOCK, self.cloud, self.store, self.clock, remembered_seconds=remembered_seconds)

    def fabric(self) -> EventBridgeFabric:
        return EventBridgeFabric(self.account.clients, self.settings)

    def function(self) -> Lifecycle:
        fabric = self.fabric()
        watch = SettleWatch(self.store, fabric)
        return Lifecycle(self.settings.bucket, self.store, fabric, self.fleet(), self.clock, watch)

    async def ask(self) -> str:
        """What POST /cluster/start leaves behind; returns the run."""
        self._runs += 1
        run = f"20261123T{self._runs:06d}Z"
        await self.store.put(keys.CONFIG, self.config.to_json())
        await self.store.put(keys.DIRECTION, b"Go.")
        await self.be("starting", run)
        return run

    async def be(self, state: FlockState, run: str) -> None:
        now = timestamp(self.clock.now())
        control = Control(state=state, run=run, since=now, started=now)
        await self.store.put(keys.CONTROL, control.model_dump_json().encode())

    async def running(self) -> str:
        run = await self.ask()
        await self.function().act("start", run)
        await self.assert_running(run)
        return run

    async def later(self, seconds: float = STUCK_SECONDS + 1) -> None:
        """The tick that takes up what is stuck, as the schedule sends it."""
        await self.clock.sleep(seconds)
        control = (await read_control(self.store)).control
        function = self.function()
        await function.tick(control.run)
        await look_round(function, self.fleet())

    async def state(self) -> FlockState:
        return (await read_control(self.store)).control.state

    def alive(self) -> list[dict]:
        """Instances of the account that cost money, whoever they belong to."""
        wanted = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
        lag, self.account.lag = self.account.lag, 0
        self.account._hidden.clear()
        found = self.account.clients.ec2.describe_instances(Filters=wanted)["Reservations"]
        self.account.lag = lag
        return [instance for reservation in found for instance in reservation["Instances"]]

    def tags(self) -> list[dict[str, str]]:
        return [{tag["Key"]: tag["Value"] for tag in instance["Tags"]} for instance in self.alive()]

    async def assert_running(self, run: str) -> None:
        """Every agent has exactly one host, one rule and one queue, and nothing else is there."""
        control = (await read_control(self.store)).control
        assert (control.state, control.run) == ("running", run), control
        hosts = await self.fleet().hosts(run)
        up = sorted(host.name for host in hosts if host.state in ("starting", "running"))
        wanted = [f"host-{n}" for n in range(-(-self.config.concurrency // self.config.agentsPerInstance))]
        assert up == wanted, f"{len(self.alive())} instances, hosts {hosts}"
        assert len(self.alive()) == len(wanted), "an instance more than there are places"
        assert {tags["Run"] for tags in self.tags()} == {run}
        agents = list(range(self.config.concurrency))
        assert [circuit.agent for circuit in await self.fabric().circuits(run)] == agents
        assert await self.fabric().runs() == [run]
        assert self.queues() == sorted(f"{FLOCK}-{run}-agent-{agent}" for agent in agents)

    async def assert_stopped(self) -> None:
        """Nothing is left that costs or delivers anything."""
        assert await self.state() == "stopped"
        assert self.alive() == []
        assert await self.fabric().runs() == []
        assert self.queues() == []

    def queues(self) -> list[str]:
        urls = self.account.clients.sqs.list_queues(QueueNamePrefix=f"{FLOCK}-2").get("QueueUrls", [])
        return sorted(url.rpartition("/")[2] for url in urls)

    def clear(self) -> None:
        """As before the first run: quicker than asking for it, and moto lists what was terminated for ever."""
        where = ("123456789012", "us-east-1")
        ec2_backends[where[0]][where[1]].reservations.clear()
        events_backends[where[0]][where[1]].event_buses[FLOCK].rules.clear()
        queues = sqs_backends[where[0]][where[1]].queues
        for name in [name for name in queues if not name.endswith("-dead")]:
            del queues[name]
        s3_backends[where[0]]["aws"].buckets[self.settings.bucket].keys.clear()
        self.account.forget()
        self.config, self.spot = FlockConfig(concurrency=2, agentsPerInstance=1), False

    def age(self, instance: str) -> None:
        """Let it be older than those launched in the same second."""
        found = ec2_backends["123456789012"]["us-east-1"].get_instance(instance)
        found.launch_time -= timedelta(seconds=10)


@contextmanager
def flock_on_ec2() -> Iterator[Flock]:
    """A deployed flock that was never started."""
    with account() as made, one_call_at_a_time():
        settings = Settings(flock=FLOCK, bucket="flock-bucket", bus=FLOCK, concurrency_cap=290)
        made.clients.s3.create_bucket(Bucket=settings.bucket)
        made.clients.events.create_event_bus(Name=settings.bus)
        made.clients.sqs.create_queue(QueueName=f"{FLOCK}-dead")
        yield Flock(made, settings, S3Store(made.clients, settings.bucket))


@contextmanager
def one_call_at_a_time() -> Iterator[None]:
    """moto's tags are not made for several threads; what runs at once still interleaves at every call."""
    with ThreadPoolExecutor(1) as alone, patch.object(threads, "_POOL", alone):
        yield
