"""The ports of one flock on AWS, put together for the functions. Nothing here asks AWS anything: clients are made when first used."""

from __future__ import annotations

from typing import Final

from murmur.aws.adapters import Adapters, open_adapters
from murmur.aws.catalogue import Ec2Machines
from murmur.aws.cloud import CloudSettings
from murmur.aws.connections import Connections
from murmur.aws.fleet import Ec2Fleet
from murmur.aws.load import CloudWatchMetrics
from murmur.aws.publisher import ApiGatewayPublisher
from murmur.aws.requests import LambdaControl
from murmur.aws.tickets import DynamoTicketBook
from murmur.clock import SystemClock
from murmur.services import Services
from murmur.settings import Settings

HOSTS_REMEMBERED_SECONDS: Final = 5.0
"""For how long those who only look at the hosts answer from memory: status is asked for by every dashboard."""


class Deployment:
    """A flock on AWS, as the process's environment tells of it."""

    def __init__(self) -> None:
        """Raises InvalidInput if a variable is wrong."""
        self.settings = Settings.from_environment()
        self.cloud = CloudSettings.from_environment()
        self.clock = SystemClock()
        self.adapters: Adapters = open_adapters(self.settings)

    def services(self) -> Services:
        """What the API and the live view work with. Raises InvalidInput if a variable is missing."""
        cloud, clients, clock = self.cloud.require("connections_table"), self.adapters.clients, self.clock
        return Services(
            settings=self.settings,
            store=self.adapters.store,
            fabric=self.adapters.fabric,
            control=LambdaControl(clients, cloud.lifecycle_function),
            clock=clock,
            tickets=DynamoTicketBook(clients, cloud.connections_table, clock),
            fleet=self.fleet(remembered_seconds=HOSTS_REMEMBERED_SECONDS),
            metrics=CloudWatchMetrics(clients, clock),
            machines=Ec2Machines(clients, clock, spot=cloud.spot),
        )

    def fleet(self, *, remembered_seconds: float = 0.0) -> Ec2Fleet:
        """The instances."""
        return Ec2Fleet(
            self.adapters.clients,
            self.settings.flock,
            self.cloud,
            self.adapters.store,
            self.clock,
            remembered_seconds=remembered_seconds,
        )

    def connections(self) -> Connections:
        """The open WebSockets. Raises InvalidInput if a variable is missing."""
        cloud = self.cloud.require("connections_table")
        return Connections(self.adapters.clients, cloud.connections_table, self.clock)

    def publisher(self, connections: Connections) -> ApiGatewayPublisher:
        """The way to the open WebSockets. Raises InvalidInput if a variable is missing."""
        cloud = self.cloud.require("connections_endpoint")
        return ApiGatewayPublisher(self.adapters.clients, cloud.connections_endpoint, connections)
