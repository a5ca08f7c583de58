"""Rules and queues in memory: every write of the store is matched against each reader's wiring."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable

from murmur.change import Change
from murmur.clock import SystemClock
from murmur.memory.inbox import MemoryInbox
from murmur.memory.store import MemoryStore
from murmur.pattern import Wiring, wakes_anyone
from murmur.ports import Circuit, Clock, Depth

Carrier = Callable[[MemoryInbox, str], None]


def at_once(inbox: MemoryInbox, body: str) -> None:
    """Deliver without delay, loss or repetition."""
    inbox.push(body)


def event_of(change: Change, bucket: str) -> str:
    """The EventBridge event of a change, as SQS would carry it."""
    return json.dumps(
        {
            "version": "0",
            "id": change.event_id,
            "source": "aws.s3",
            "detail-type": "Object Deleted" if change.deleted else "Object Created",
            "time": change.time,
            "detail": {
                "bucket": {"name": bucket},
                "object": {
                    "key": change.key,
                    "etag": change.etag,
                    "size": change.size,
                    "sequencer": change.sequencer,
                },
                "reason": "DeleteObject" if change.deleted else "PutObject",
            },
        }
    )


class MemoryFabric:
    """A Fabric over a MemoryStore. ``carrier`` decides when, whether and how often an event arrives."""

    def __init__(
        self, store: MemoryStore, *, bucket: str = "flock", clock: Clock | None = None, carrier: Carrier = at_once
    ) -> None:
        self._bucket = bucket
        self._clock = clock or SystemClock()
        self._wired: dict[tuple[str, int], Wiring] = {}
        self._inboxes: dict[tuple[str, int], MemoryInbox] = {}
        self._readers: dict[str, dict[tuple[str, int], None]] = defaultdict(dict)
        """Who is wired to exactly this key; ``_broad`` are those wired to all but one."""
        self._broad: dict[tuple[str, int], None] = {}
        self._requests: Counter[str] = Counter()
        self.carrier = carrier
        store.listeners.append(self._on_change)

    def _on_change(self, change: Change) -> None:
        if not wakes_anyone(change.key):
            return
        self._requests["events"] += 1
        body = event_of(change, self._bucket)
        broad = (where for where in self._broad if self._wired[where].matches(change.key))
        for where in [*self._readers.get(change.key, ()), *broad]:
            self.carrier(self._inboxes[where], body)

    @property
    def requests(self) -> Counter[str]:
        """Requests so far, by SQS's action, of all inboxes there ever were; ``events``: writes that went over the flock's bus."""
        return sum((inbox.requests for inbox in self._inboxes.values()), start=self._requests.copy())

    def _index(self, where: tuple[str, int], wiring: Wiring) -> None:
        self._wired[where] = wiring
        if not wiring.only:
            self._broad[where] = None
        for key in wiring.only:
            self._readers[key][where] = None

    def _unindex(self, where: tuple[str, int]) -> None:
        wiring = self._wired.pop(where, None)
        self._broad.pop(where, None)
        for key in wiring.only if wiring else ():
            self._readers[key].pop(where, None)

    async def wire(self, run: str, agent: int, wiring: Wiring) -> None:
        """See ``Fabric.wire``."""
        where = (run, agent)
        inbox = self.inbox(run, agent)
        inbox.exists = True
        self._inboxes[where] = inbox
        self._unindex(where)
        self._index(where, wiring)

    async def unwire(self, run: str, agent: int) -> None:
        """See ``Fabric.unwire``."""
        self._unindex((run, agent))
        inbox = self._inboxes.pop((run, agent), None)
        if inbox is not None:
            self._requests.update(inbox.requests)
            inbox.remove()

    async def circuits(self, run: str) -> list[Circuit]:
        """See ``Fabric.circuits``."""
        mine = sorted(
            ((agent, wiring) for (r, agent), wiring in self._wired.items() if r == run), key=lambda pair: pair[0]
        )
        return [Circuit(agent, f"{run}-agent-{agent}", f"{run}-agent-{agent}", w.pattern()) for agent, w in mine]

    async def runs(self) -> list[str]:
        """See ``Fabric.runs``."""
        return sorted({run for run, _ in self._wired})

    async def dead_letters(self) -> Depth:
        """See ``Fabric.dead_letters``."""
        depths = [await inbox.depth() for inbox in self._inboxes.values() if inbox.exists]
        return Depth(sum(depth.dead for depth in depths), 0)

    def inbox(self, run: str, agent: int) -> MemoryInbox:
        """See ``Fabric.inbox``."""
        where = (run, agent)
        if where not in self._inboxes:
            self._inboxes[where] = MemoryInbox(self._clock)
            self._inboxes[where].exists = where in self._wired
        return self._inboxes[where]
