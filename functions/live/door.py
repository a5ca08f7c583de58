"""Who comes in: ``authorise``, ``connect``, ``disconnect`` of the WebSocket API. They know a table and nothing else, so they start fast."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from typing import Any

from murmur.aws.clients import Clients
from murmur.aws.cloud import CloudSettings
from murmur.aws.connections import Connections
from murmur.aws.looping import Loop
from murmur.aws.telemetry import Telemetry
from murmur.aws.tickets import DynamoTicketBook
from murmur.clock import SystemClock

_OK = {"statusCode": 200}


class Door:
    """The table, opened at the first event."""

    def __init__(self) -> None:
        self._loop = Loop()
        self._opened: tuple[DynamoTicketBook, Connections] | None = None

    def admits(self, ticket: str, address: str) -> bool:
        """Whether a ticket opens the door; it is used up. Raises Unavailable."""
        return self._loop.run(self._open()[0].redeem(ticket, address))

    def note(self, connection: str, *, gone: bool) -> None:
        """Note that a connection opened, or is gone. Raises Unavailable."""
        connections = self._open()[1]
        work: Coroutine[Any, Any, None] = connections.remove(connection) if gone else connections.add(connection)
        self._loop.run(work)

    def close(self) -> None:
        """Forget the table."""
        self._loop.close()
        self._opened = None

    def _open(self) -> tuple[DynamoTicketBook, Connections]:
        if self._opened is None:
            cloud = CloudSettings.from_environment().require("connections_table")
            clients, clock = Clients(), SystemClock()
            self._opened = (
                DynamoTicketBook(clients, cloud.connections_table, clock),
                Connections(clients, cloud.connections_table, clock),
            )
        return self._opened


def _authorise(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """A REQUEST authoriser: lets in who shows a ticket issued to the address they come from."""
    ticket = str((event.get("queryStringParameters") or {}).get("ticket") or "")
    address = str((_request(event).get("identity") or {}).get("sourceIp") or "")
    admitted = bool(ticket and address) and door.admits(ticket, address)
    telemetry.count("Admitted" if admitted else "TurnedAway", 1)
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Allow" if admitted else "Deny",
        "Resource": event["methodArn"],
    }
    return {"principalId": "dashboard", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


def _connect(event: dict[str, Any], _context: object) -> dict[str, Any]:
    door.note(str(_request(event)["connectionId"]), gone=False)
    return _OK


def _disconnect(event: dict[str, Any], _context: object) -> dict[str, Any]:
    door.note(str(_request(event)["connectionId"]), gone=True)
    return _OK


def _request(event: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = event.get("requestContext") or {}
    return found


def _request_id(event: Mapping[str, Any]) -> str:
    return str(_request(event).get("requestId") or "")


door = Door()
telemetry = Telemetry()
authorise = telemetry.wrap(_authorise, _request_id)
connect = telemetry.wrap(_connect, _request_id)
disconnect = telemetry.wrap(_disconnect, _request_id)
