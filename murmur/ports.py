"""The seams between Murmur and the world: small protocols, each with an AWS adapter and an in-memory twin.

    Store                         the bucket
    Inbox, Fabric                 the readers' queues, and the rules that fill them
    Fleet, Metrics, Machines      the hosts, their load, and what they may run on
    Control                       asks the lifecycle to act
    Publisher, TicketBook         the dashboards that are connected, and what lets them in
    Clock                         time

All methods that reach the world are coroutines, so that the simulator can let time pass at every one of them. Adapters raise errors of
``murmur.errors`` only: ``ObjectMissing``, ``ObjectChanged``, ``NotFound``, ``Unavailable``. They stand in one module, with the values that
pass through them, because whoever writes an adapter or a twin wants all that is promised on one page; there is no logic here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol

from murmur.machines import Stock
from murmur.pattern import Wiring

BINARY: Final = "application/octet-stream"
"""The content type of what nobody said anything about, as on S3."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object, or the part of it that was asked for."""

    key: str
    body: bytes
    etag: str
    size: int
    """Bytes of the whole object, also when ``body`` is a part."""
    modified: datetime
    start: int = 0
    """Where in the object ``body`` begins."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    content_type: str = BINARY


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object of a listing."""

    key: str
    etag: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of keys in ascending (UTF-8 binary) order."""

    objects: tuple[ObjectInfo, ...]
    more: bool
    """Whether keys follow; ask again with ``after`` = the last key."""


class Store(Protocol):
    """The bucket. ETags are strings without quotes."""

    async def get(self, key: str, *, start: int = 0, length: int | None = None) -> StoredObject:
        """Read an object from byte ``start``, at most ``length`` bytes (None: to its end).

        A negative ``start`` counts from the end (the whole object if it is shorter). A ``start`` at or past the end gives an empty body.
        Raises ObjectMissing.
        """
        ...

    async def get_if_changed(self, key: str, etag: str, *, start: int = 0) -> StoredObject | None:
        """As ``get``, but None if the object's ETag is still ``etag``. An empty ``etag`` never matches."""
        ...

    async def head(self, key: str) -> StoredObject:
        """As ``get`` with an empty body. Raises ObjectMissing."""
        ...

    async def put(
        self, key: str, body: bytes, *, content_type: str = BINARY, metadata: Mapping[str, str] | None = None
    ) -> str:
        """Write unconditionally; returns the new ETag. Only for keys with a single writer."""
        ...

    async def create(
        self, key: str, body: bytes, *, content_type: str = BINARY, metadata: Mapping[str, str] | None = None
    ) -> str:
        """Write only if nothing is there; returns the ETag. Raises ObjectChanged if something is."""
        ...

    async def replace(
        self, key: str, body: bytes, etag: str, *, content_type: str = BINARY, metadata: Mapping[str, str] | None = None
    ) -> str:
        """Write only if the object still has ``etag``; returns the new ETag. Raises ObjectChanged (also when it is gone)."""
        ...

    async def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> Listing:
        """List keys under ``prefix`` that sort behind ``after``; ``limit`` is 1..1000."""
        ...

    async def copy(self, source: str, target: str) -> None:
        """Copy an object with its metadata. Raises ObjectMissing."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; a missing one is no error."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One queue message as received."""

    body: str
    receipt: str
    receives: int
    """How often it was received, this time included."""
    sent: datetime


@dataclass(frozen=True, slots=True)
class Depth:
    """What a queue says of itself. Approximate on AWS."""

    visible: int
    in_flight: int
    dead: int = 0
    oldest_seconds: float | None = None
    """Age of the oldest message; None if the adapter cannot know it."""


class Inbox(Protocol):
    """One reader's queue."""

    async def receive(self, wait_seconds: float, limit: int = 10) -> list[Message]:
        """Wait up to ``wait_seconds`` (0..20) for messages; at most ``limit`` (1..10). Raises NotFound if the queue is gone."""
        ...

    async def delete(self, messages: Sequence[Message]) -> None:
        """Acknowledge. A message already gone is no error."""
        ...

    async def extend(self, messages: Sequence[Message], seconds: int) -> None:
        """Keep messages invisible for ``seconds`` from now; 0 puts them straight back."""
        ...

    async def depth(self) -> Depth:
        """How many messages wait and how many are being worked on."""
        ...

    async def redrive(self) -> int:
        """Put the messages given up as dead letters back into this queue; returns how many. Raises NotFound if the queue is gone."""
        ...

    async def purge(self) -> None:
        """Throw away all that waits and all that is in flight. Raises NotFound, Unavailable (SQS: once a minute)."""
        ...


@dataclass(frozen=True, slots=True)
class Circuit:
    """One reader's rule and queue, as they are in the fabric."""

    agent: int
    rule: str
    queue: str
    pattern: Mapping[str, object]


class Fabric(Protocol):
    """Rules, queues and their policies, for one run of the flock."""

    async def wire(self, run: str, agent: int, wiring: Wiring) -> None:
        """Make or re-put the reader's queue (with its policy) and rule. Idempotent; never drops waiting messages."""
        ...

    async def unwire(self, run: str, agent: int) -> None:
        """Remove the reader's rule and queue. Idempotent."""
        ...

    async def circuits(self, run: str) -> list[Circuit]:
        """What is wired for the run, ascending by agent."""
        ...

    async def runs(self) -> list[str]:
        """Runs that have anything wired, so that left-overs can be removed."""
        ...

    async def dead_letters(self) -> Depth:
        """Messages of all readers, of every run, that were received too often and given up."""
        ...

    def inbox(self, run: str, agent: int) -> Inbox:
        """The reader's queue; it need not exist yet."""
        ...


HostState = Literal["starting", "running", "stopping", "gone"]


@dataclass(frozen=True, slots=True)
class HostInfo:
    """One instance (or process) that runs agents."""

    host: str
    """The fleet's own id: an instance id, or a process id."""
    name: str
    """Which place in the roster it fills: ``host-0``, ``host-1``, …"""
    state: HostState
    launched: datetime
    detail: str = ""
    """Why it is gone, if the fleet knows."""


class Fleet(Protocol):
    """What runs the hosts."""

    async def launch(self, run: str, names: Sequence[str]) -> list[HostInfo]:
        """Start a host for each name that has none alive; of several in one place, end all but one. Idempotent.

        A name that could not be had is returned as ``gone``, with the reason. Raises Unavailable if none could.
        """
        ...

    async def hosts(self, run: str) -> list[HostInfo]:
        """All hosts of the run, those just gone included."""
        ...

    async def terminate(self, run: str) -> None:
        """Ask every host of the run to stop, and end those that do not. Idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class HostMetrics:
    """Load of one host. None: not known (yet)."""

    cpu_percent: float | None
    memory_bytes: int | None
    network_in_bytes: int | None
    network_out_bytes: int | None
    healthy: bool | None


class Metrics(Protocol):
    """Load of the hosts. Never raises: what is not known is absent."""

    async def hosts(self, hosts: Sequence[str]) -> Mapping[str, HostMetrics]:
        """Load by host id."""
        ...


class Machines(Protocol):
    """What hosts may run on."""

    async def stock(self) -> Stock:
        """The types of machine to choose from and the quota on them, or the one machine there is. Raises Unavailable."""
        ...


LifecycleAction = Literal["start", "stop", "rewire", "tick"]


class Control(Protocol):
    """Asks the lifecycle to act, without waiting for it."""

    async def request(self, action: LifecycleAction, run: str) -> None:
        """Queue the action. It runs at least once, soon. Raises Unavailable."""
        ...


class Publisher(Protocol):
    """Sends to dashboards that are connected."""

    async def connections(self) -> list[str]:
        """Ids of the open connections."""
        ...

    async def send(self, connection: str, message: str) -> bool:
        """Send one text frame; False if that connection is gone (it is then forgotten)."""
        ...


class TicketBook(Protocol):
    """One-time tickets that open a WebSocket, so that nothing long-lived stands in a URL."""

    async def issue(self, address: str, seconds: int) -> str:
        """A new ticket for this network address, good for ``seconds``. Raises Unavailable."""
        ...

    async def redeem(self, ticket: str, address: str) -> bool:
        """Use the ticket up: True once, for the address it was issued to, in time; False otherwise."""
        ...


class Clock(Protocol):
    """Time, as the run sees it."""

    def now(self) -> datetime:
        """UTC, timezone-aware."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass; 0 or less yields once."""
        ...
