"""The API on the in-memory twins: a flock without a machine under it, and a client that speaks proxy events."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from functions.api.app import answer
from murmur import keys
from murmur.clock import SystemClock
from murmur.control import Control, read_control, write_control
from murmur.entry import LogEntry, timestamp
from murmur.errors import ObjectMissing
from murmur.memory.fabric import MemoryFabric
from murmur.memory.publisher import MemoryTicketBook
from murmur.memory.store import MemoryStore
from murmur.ports import LifecycleAction
from murmur.services import Limits, Services
from murmur.settings import Settings
from murmur.state import AgentState

LAMBDA_LIMITS = Limits()
RUN = "20261123T053236Z"


class AskedControl:
    """A lifecycle port that only writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.error: Exception | None = None

    async def request(self, action: LifecycleAction, run: str) -> None:
        if self.error:
            raise self.error
        self.asked.append((action, run))


class SetClock(SystemClock):
    """A clock whose ``now`` a test may set."""

    def __init__(self) -> None:
        self.moment: datetime | None = None

    def now(self) -> datetime:
        return self.moment or datetime.now(UTC)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Flock:
    """The services, and what is behind them."""

    store: MemoryStore
    fabric: MemoryFabric
    control: AskedControl
    clock: SetClock
    services: Services = field(init=False)
    runners: tuple[str, ...] = ("scripted", "claude")
    limits: Limits = LAMBDA_LIMITS
    cap: int = 64

    def __post_init__(self) -> None:
        self.services = Services(
            settings=Settings(bucket="flock", runners=self.runners, concurrency_cap=self.cap),
            store=self.store,
            fabric=self.fabric,
            control=self.control,
            clock=self.clock,
            tickets=MemoryTicketBook(self.clock),
            limits=self.limits,
        )

    async def call(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        *,
        body: Any = None,
        raw: bytes | None = None,
        **headers: str,
    ) -> Answer:
        """Send a request. ``body`` goes as JSON, ``raw`` as it is."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            raw = json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        event = {
            "httpMethod": method,
            "path": path,
            "headers": sent,
            "multiValueHeaders": {name: [value] for name, value in sent.items()},
            "queryStringParameters": query or None,
            "multiValueQueryStringParameters": {name: [value] for name, value in (query or {}).items()} or None,
            "requestContext": {"identity": {"sourceIp": "127.0.0.1"}, "stage": "", "path": path},
            "body": base64.b64encode(raw).decode() if raw is not None else None,
            "isBase64Encoded": raw is not None,
        }
        found = await answer(event, self.services)
        text = found["body"] or ""
        content = base64.b64decode(text) if found["isBase64Encoded"] else text.encode()
        return Answer(found["statusCode"], {k: v[0] for k, v in found["multiValueHeaders"].items()}, content)

    async def be(self, state: str, run: str = RUN, **more: Any) -> Control:
        """Put the flock into a state."""
        read = await read_control(self.store)
        now = timestamp(self.clock.now())
        control = Control(state=state, run=run, since=now, started=now, **more)
        await write_control(self.store, read, control)
        return control

    async def log(self, agent: int, *entries: LogEntry) -> None:
        """Append to an agent's log."""
        try:
            body = (await self.store.get(keys.log(agent))).body
        except ObjectMissing:
            body = b""
        await self.store.put(keys.log(agent), body + b"".join(one.to_line() for one in entries))

    async def heartbeat(self, agent: int, **more: Any) -> None:
        """Write an agent's state document."""
        state = AgentState(
            **{"agent": agent, "run": RUN, "alive": timestamp(self.clock.now()), "host": "host-0", **more}
        )
        await self.store.put(keys.state(agent), state.to_json())


def flock(**more: Any) -> Flock:
    """A fresh flock, stopped, with nothing in its bucket."""
    clock = SetClock()
    store = MemoryStore(clock)
    return Flock(store, MemoryFabric(store, clock=clock), AskedControl(), clock, **more)


def entry(iteration: int, **more: Any) -> LogEntry:
    """A log entry."""
    values = {"ts": "2026-11-23T05:32:36.000Z", "action": f"did {iteration}", "result": "r", "next_intent": "n"}
    return LogEntry(**{**values, "iteration": iteration, **more})
