"""What the handlers of functions/ work with: every port they may use, in one container.

Built once per cold start from the environment on AWS, and by ``murmur up`` on one machine; tests hand in twins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from murmur.documents import ConfigDocument, read_config
from murmur.logs import LogPage
from murmur.ports import Clock, Control, Fabric, Fleet, Machines, Metrics, Store, TicketBook
from murmur.recall import Recall
from murmur.settings import Settings
from murmur.state import AgentState

TICKET_SECONDS: Final = 30
"""How long a WebSocket ticket is good for."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, at most. The defaults fit a Lambda response of 6 MB after base64; one machine allows more."""

    response: int = 4_400_000
    """One file, or one archive."""
    upload: int = 4_400_000
    """One file of reference material."""
    json: int = 1024 * 1024
    """One JSON body."""
    rendered: int = 1024 * 1024
    """One Markdown file to render."""


ONE_MACHINE: Final = Limits(response=64 * 1024 * 1024, upload=64 * 1024 * 1024)
"""Limits where nothing but memory stands in the way."""


@dataclass(frozen=True, slots=True)
class Services:
    """The ports. ``fleet``, ``metrics`` and ``machines`` are None where nothing can be known of hosts."""

    settings: Settings
    store: Store
    fabric: Fabric
    control: Control
    clock: Clock
    tickets: TicketBook
    fleet: Fleet | None = None
    metrics: Metrics | None = None
    machines: Machines | None = None
    limits: Limits = Limits()
    tails: Recall[LogPage] = field(default_factory=Recall, compare=False)
    """Each log's newest entries, and ``states`` each agent's state document (None: unreadable), as last read."""
    states: Recall[AgentState | None] = field(default_factory=Recall, compare=False)

    async def read_config(self) -> ConfigDocument:
        """The configuration as it stands. Where nothing was set yet, the defaults, as far as this deployment allows them.

        Otherwise whoever sets a single field of a small flock would be refused for one that they did not name. Raises InvalidInput.
        """
        read, settings = await read_config(self.store), self.settings
        if read.etag:
            return read
        config = read.config
        runner = config.runner if config.runner in settings.runners else next(iter(settings.runners), config.runner)
        size = min(config.concurrency, settings.concurrency_cap)
        return ConfigDocument(config=config.merged({"concurrency": size, "runner": runner}), etag="")
