"""The worlds every contract holds in: the memory twin, moto, and the embedded endpoint."""

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest
from moto.server import ThreadedMotoServer

from murmur.aws.clients import Clients
from murmur.aws.fabric import EventBridgeFabric
from murmur.aws.store import S3Store
from murmur.local.provision import provision
from murmur.memory.fabric import MemoryFabric
from murmur.memory.store import MemoryStore
from murmur.pattern import Wiring
from murmur.ports import Fabric, Inbox, Message, Store
from murmur.settings import Settings

WORLDS = ("memory", "moto", "endpoint")
RUN = "20261123T053236Z"


@dataclass(frozen=True)
class World:
    """A store, and the fabric that hears of its writes."""

    kind: str
    store: Store
    fabric: Fabric
    bucket: str
    settings: Settings | None = None
    clients: Clients | None = None

    async def inbox(self, key: str = "store/agent-1.ndjson", agent: int = 0, run: str = RUN) -> Inbox:
        """A wired inbox that hears of writes of ``key``."""
        await self.fabric.wire(run, agent, Wiring(self.bucket, (key,)))
        return self.fabric.inbox(run, agent)


@pytest.fixture(scope="session")
def moto_environment() -> Iterator[dict[str, str]]:
    """A moto server on loopback, as environment variables."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    server.stop()


@pytest.fixture(scope="session")
def clients_of() -> Iterator[Callable[[dict[str, str]], Clients]]:
    """The clients of an environment, made once: that takes longer than what most tests do with them."""
    made: dict[str, Clients] = {}

    def of(environment: dict[str, str]) -> Clients:
        url = environment["AWS_ENDPOINT_URL"]
        if url not in made:
            made[url] = Clients(environment)
        return made[url]

    yield of
    for clients in made.values():
        clients.close()


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """One empty world of each kind."""
    if request.param == "memory":
        store = MemoryStore()
        yield World("memory", store, MemoryFabric(store, bucket="flock"), "flock")
        return
    if request.param == "moto":
        environment = request.getfixturevalue("moto_environment")
    else:
        environment = request.getfixturevalue("endpoint").environment
    name = f"t{uuid4().hex[:10]}"
    settings = Settings(flock=name, bucket=f"{name}-bucket", bus=name)
    clients: Clients = request.getfixturevalue("clients_of")(environment)
    await provision(settings, clients)
    if request.param == "moto":
        # S3 events reach every bus there (research/cdk.md): forwarded as well, each would come twice.
        clients.events.remove_targets(Rule=f"{name}-wakes", Ids=["bus"])
    fabric = EventBridgeFabric(clients, settings)
    yield World(request.param, S3Store(clients, settings.bucket), fabric, settings.bucket, settings, clients)
    for run in await fabric.runs():
        for circuit in await fabric.circuits(run):
            await fabric.unwire(run, circuit.agent)
    if request.param == "moto":  # every write asks every rule of every bus there
        assert httpx.post(f"{environment['AWS_ENDPOINT_URL']}/moto-api/reset").status_code == 200


async def collect(inbox: Inbox, count: int, *, seconds: float = 15.0) -> list[Message]:
    """Receive until ``count`` messages are there (fails after a generous while)."""
    found: list[Message] = []
    deadline = time.monotonic() + seconds
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} messages arrived"
        found += await inbox.receive(1.0)
    return found
