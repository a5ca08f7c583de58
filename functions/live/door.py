"""Who comes in: ``authorise``, ``connect``, ``disconnect`` of the WebSocket API. They know a table and nothing else, so they start fast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from murmur.aws.clients import Clients
from murmur.aws.cloud import CloudSettings
from murmur.aws.connections import Connections
from murmur.aws.telemetry import Telemetry, request_id
from murmur.aws.tickets import DynamoTicketBook
from murmur.aws.warm import Warm
from murmur.clock import SystemClock

_OK: Final = {"statusCode": 200}


class _Table(NamedTuple):
    """The table's two kinds of items."""

    tickets: DynamoTicketBook
    connections: Connections


def _made() -> _Table:
    table = CloudSettings.from_environment().require("connections_table").connections_table
    clients, clock = Clients(), SystemClock()
    return _Table(DynamoTicketBook(clients, table, clock), Connections(clients, table, clock))


def _authorise(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """A REQUEST authoriser: lets in who shows a ticket issued to the address they come from; the ticket is used up."""
    ticket = str((event.get("queryStringParameters") or {}).get("ticket") or "")
    address = str((_request(event).get("identity") or {}).get("sourceIp") or "")
    admitted = bool(ticket and address) and warm.run(lambda table: table.tickets.redeem(ticket, address))
    telemetry.count("Admitted" if admitted else "TurnedAway", 1)
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Allow" if admitted else "Deny",
        "Resource": event["methodArn"],
    }
    return {"principalId": "dashboard", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


def _connect(event: dict[str, Any], _context: object) -> dict[str, Any]:
    connection = str(_request(event)["connectionId"])
    warm.run(lambda table: table.connections.add(connection))
    return _OK


def _disconnect(event: dict[str, Any], _context: object) -> dict[str, Any]:
    connection = str(_request(event)["connectionId"])
    warm.run(lambda table: table.connections.remove(connection))
    return _OK


def _request(event: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = event.get("requestContext") or {}
    return found


warm: Final = Warm(_made)
telemetry: Final = Telemetry()
authorise: Final = telemetry.wrap(_authorise, request_id)
connect: Final = telemetry.wrap(_connect, request_id)
disconnect: Final = telemetry.wrap(_disconnect, request_id)
