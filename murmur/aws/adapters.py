"""The ports of one flock on AWS, or on anything that speaks its protocols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from murmur.aws.clients import Clients
from murmur.aws.fabric import EventBridgeFabric
from murmur.aws.store import S3Store
from murmur.settings import Settings


@dataclass(frozen=True, slots=True)
class Adapters:
    """Store and fabric of a flock, over one set of clients. ``close`` when done."""

    clients: Clients
    store: S3Store
    fabric: EventBridgeFabric

    def close(self) -> None:
        """Close all connections."""
        self.clients.close()


def open_adapters(settings: Settings, environment: Mapping[str, str] | None = None) -> Adapters:
    """The adapters of the flock ``settings`` names. ``environment``: where AWS is; None: where boto3 finds it."""
    clients = Clients(environment)
    return Adapters(clients, S3Store(clients, settings.bucket), EventBridgeFabric(clients, settings))
