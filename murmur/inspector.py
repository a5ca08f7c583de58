"""The inspector: each reader's rule and queue as they are in the fabric, and what became of the last messages.

Deliveries come from the state documents, so looking costs the flock nothing. Only ``peek`` touches a queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from murmur.census import read_depth, read_state
from murmur.control import Control, read_control
from murmur.errors import NotFound, WrongState
from murmur.gather import gather
from murmur.ports import Circuit
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
    """GET /cluster/queues."""

    queues: tuple[QueueStatus, ...]


class PeekedMessage(_Frozen):
    """One message as it lies in the queue."""

    body: str
    receives: int
    sent: str


class Peek(_Frozen):
    """POST /cluster/queues/{n}/peek."""

    messages: tuple[PeekedMessage, ...]
    note: str = PEEK_NOTE


async def read_queues(services: Services) -> QueueList:
    """Every reader's queue of the present run; empty when nothing is wired."""
    control = (await read_control(services.store)).control
    circuits = await services.fabric.circuits(control.run) if control.run else []
    details = await gather(lambda circuit: _detail(services, control, circuit), circuits)
    return QueueList(queues=tuple(QueueStatus(**detail.model_dump(exclude={"deliveries"})) for detail in details))


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
    control = (await read_control(services.store)).control
    if not control.alive:
        raise WrongState(f"The flock is {control.state}; it has no queues.", "Start it first.")
    inbox = services.fabric.inbox(control.run, agent)
    try:
        messages = await inbox.receive(0, 10)
    except NotFound:
        raise _no_queue(agent, control) from None
    if messages:
        await inbox.extend(messages, 0)
    return Peek(
        messages=tuple(PeekedMessage(body=m.body, receives=m.receives, sent=m.sent.isoformat()) for m in messages)
    )


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
