"""The inspector: each reader's rule and queue as they are in the fabric, and what became of the last messages.

Deliveries come from the state documents, so looking costs the flock nothing. Only ``peek`` touches a queue.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from murmur.census import read_depth, read_state
from murmur.control import Control, read_control
from murmur.errors import NotFound, Unavailable, WrongState
from murmur.gather import gather
from murmur.ports import Circuit, Inbox
from murmur.services import Services
from murmur.state import Counters, Delivery
from murmur.status import InboxDepth

PEEK_NOTE: Final = "Peeking is a receive: SQS counts it, so these messages' receive counts went up by one. They were put straight back."


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class QueueStatus(_Frozen):
    """One reader's place in the fabric. ``pattern`` is the rule's own; ``inbox`` is null while the queue does not answer."""

    agent: int
    rule: str
    queue: str
    pattern: Mapping[str, Any]
    inbox: InboxDepth | None = None
    counters: Counters = Counters()


class QueueDetail(QueueStatus):
    """The same, with the last deliveries, newest last."""

    deliveries: tuple[Delivery, ...] = ()


class QueueList(_Frozen):
    """GET /cluster/queues. ``dead_letters``: given up by all readers together; null while their queue does not answer."""

    queues: tuple[QueueStatus, ...]
    dead_letters: int | None = None


class PeekedMessage(_Frozen):
    """One message as it lies in the queue."""

    body: str
    receives: int
    sent: str


class Peek(_Frozen):
    """POST /cluster/queues/{n}/peek."""

    messages: tuple[PeekedMessage, ...]
    note: str = PEEK_NOTE


class Redriven(_Frozen):
    """POST /cluster/queues/{n}/redrive: how many dead letters were put back into the queue."""

    agent: int
    moved: int


class Purged(_Frozen):
    """POST /cluster/queues/{n}/purge: about how many messages the queue held, waiting and in flight; they are gone."""

    agent: int
    messages: int


async def read_queues(services: Services) -> QueueList:
    """Every reader's queue of the present run; empty when nothing is wired."""
    control = (await read_control(services.store)).control
    circuits = await services.fabric.circuits(control.run) if control.run else []
    details = await gather(lambda circuit: _detail(services, control, circuit), circuits)
    return QueueList(
        queues=tuple(QueueStatus(**detail.model_dump(exclude={"deliveries"})) for detail in details),
        dead_letters=await _dead_letters(services) if circuits else 0,
    )


async def read_queue(services: Services, agent: int) -> QueueDetail:
    """One reader's queue. Raises NotFound if it has none."""
    control = (await read_control(services.store)).control
    circuits = await services.fabric.circuits(control.run) if control.run else []
    for circuit in circuits:
        if circuit.agent == agent:
            return await _detail(services, control, circuit)
    raise _no_queue(agent, control)


async def peek(services: Services, agent: int) -> Peek:
    """Receive up to ten messages and put them straight back. Raises NotFound, WrongState."""
    async with _inbox(services, agent) as inbox:
        messages = await inbox.receive(0, 10)
        if messages:
            await inbox.extend(messages, 0)
    return Peek(
        messages=tuple(PeekedMessage(body=m.body, receives=m.receives, sent=m.sent.isoformat()) for m in messages)
    )


async def redrive(services: Services, agent: int) -> Redriven:
    """Put the reader's dead letters back into its queue. Raises NotFound, WrongState."""
    async with _inbox(services, agent) as inbox:
        return Redriven(agent=agent, moved=await inbox.redrive())


async def purge(services: Services, agent: int) -> Purged:
    """Throw away what the reader's queue holds; its own look after the interval still finds what changed. Raises NotFound, WrongState, Unavailable."""
    async with _inbox(services, agent) as inbox:
        depth = await inbox.depth()
        await inbox.purge()
    return Purged(agent=agent, messages=depth.visible + depth.in_flight)


@asynccontextmanager
async def _inbox(services: Services, agent: int) -> AsyncIterator[Inbox]:
    """The reader's queue, to act on. Raises NotFound, WrongState."""
    control = (await read_control(services.store)).control
    if not control.alive:
        raise WrongState(f"The flock is {control.state}; it has no queues.", "Start it first.")
    try:
        yield services.fabric.inbox(control.run, agent)
    except NotFound:
        raise _no_queue(agent, control) from None


async def _dead_letters(services: Services) -> int | None:
    try:
        depth = await services.fabric.dead_letters()
    except (NotFound, Unavailable):
        return None
    return depth.visible + depth.in_flight


def _no_queue(agent: int, control: Control) -> NotFound:
    return NotFound(
        f"agent-{agent} has no queue: the flock is {control.state}.",
        "Queues exist from a start to its stop, one for each agent of the run.",
    )


async def _detail(services: Services, control: Control, circuit: Circuit) -> QueueDetail:
    state = await read_state(services.store, circuit.agent, control.run)
    depth = await read_depth(services, control, circuit.agent)
    return QueueDetail(
        agent=circuit.agent,
        rule=circuit.rule,
        queue=circuit.queue,
        pattern=circuit.pattern,
        inbox=InboxDepth.of(depth),
        counters=state.counters if state else Counters(),
        deliveries=state.deliveries if state else (),
    )
