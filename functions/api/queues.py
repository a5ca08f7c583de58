"""Routes of the inspector."""

from __future__ import annotations

from functions.api.models import Agent
from functions.api.resolver import group, services
from murmur import inspector
from murmur.inspector import Peek, Purged, QueueDetail, QueueList, Redriven

router = group()


@router.get("/cluster/queues", tags=["queues"])
async def queues() -> QueueList:
    """Every reader's rule and queue, and how much waits in it."""
    return await inspector.read_queues(services())


@router.get("/cluster/queues/<n>", tags=["queues"])
async def queue(n: Agent) -> QueueDetail:
    """One reader's rule and queue, and what became of its last messages."""
    return await inspector.read_queue(services(), n)


@router.post("/cluster/queues/<n>/peek", tags=["queues"])
async def peek(n: Agent) -> Peek:
    """Look at up to ten waiting messages. SQS counts it as a receive."""
    return await inspector.peek(services(), n)


@router.post("/cluster/queues/<n>/redrive", tags=["queues"])
async def redrive(n: Agent) -> Redriven:
    """Put this reader's dead letters back into its queue."""
    return await inspector.redrive(services(), n)


@router.post("/cluster/queues/<n>/purge", tags=["queues"])
async def purge(n: Agent) -> Purged:
    """Throw away what this reader's queue holds, waiting and in flight. What changed is still found by its next look."""
    return await inspector.purge(services(), n)
