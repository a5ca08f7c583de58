"""Tickets, connections and watchers in DynamoDB, on moto; tickets on the memory twin, too."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from murmur.aws.clients import Clients
from murmur.aws.connections import CONNECTION_SECONDS, Connections
from murmur.aws.tickets import DynamoTicketBook
from murmur.errors import NotFound
from murmur.memory.publisher import MemoryTicketBook
from murmur.ports import TicketBook


class Clock:
    """Time that the test lets pass."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds


@dataclass
class Table:
    clients: Clients
    name: str
    clock: Clock

    def connections(self) -> Connections:
        return Connections(self.clients, self.name, self.clock)


@pytest.fixture
def table(moto_environment: dict[str, str]) -> Iterator[Table]:
    """An empty table as the stack makes it."""
    clients = Clients(moto_environment)
    name = f"connections-{uuid4().hex[:8]}"
    clients.dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield Table(clients, name, Clock())
    clients.dynamodb.delete_table(TableName=name)
    clients.close()


@pytest.fixture(params=["memory", "dynamodb"])
def book(request: pytest.FixtureRequest) -> tuple[TicketBook, Clock]:
    if request.param == "memory":
        clock = Clock()
        return MemoryTicketBook(clock), clock
    made: Table = request.getfixturevalue("table")
    return DynamoTicketBook(made.clients, made.name, made.clock), made.clock


async def test_a_ticket_opens_once(book):
    tickets, _ = book
    ticket = await tickets.issue("192.0.2.7", 30)
    assert await tickets.redeem(ticket, "192.0.2.7")
    assert not await tickets.redeem(ticket, "192.0.2.7")


async def test_of_many_who_show_a_ticket_at_once_one_gets_in(book):
    tickets, _ = book
    ticket = await tickets.issue("192.0.2.7", 30)
    admitted = await asyncio.gather(*(tickets.redeem(ticket, "192.0.2.7") for _ in range(8)))
    assert sum(admitted) == 1


async def test_a_ticket_shown_from_another_address_opens_nothing_and_is_used_up(book):
    tickets, _ = book
    ticket = await tickets.issue("192.0.2.7", 30)
    assert not await tickets.redeem(ticket, "198.51.100.9")
    assert not await tickets.redeem(ticket, "192.0.2.7")


async def test_a_ticket_that_has_expired_opens_nothing(book):
    tickets, clock = book
    ticket = await tickets.issue("192.0.2.7", 30)
    clock.passed = 31
    assert not await tickets.redeem(ticket, "192.0.2.7")


@pytest.mark.parametrize("shown", ["", "x", "connection#c", "#" * 5000, "\u00e9\u0000"])
async def test_what_is_no_ticket_opens_nothing(book, shown):
    tickets, _ = book
    await tickets.issue("192.0.2.7", 30)
    assert not await tickets.redeem(shown, "192.0.2.7")


async def test_two_tickets_are_never_alike(book):
    tickets, _ = book
    issued = {await tickets.issue("192.0.2.7", 30) for _ in range(20)}
    assert len(issued) == 20
    assert all(len(ticket) >= 24 for ticket in issued)


async def test_connections_are_those_that_opened_and_did_not_close(table: Table):
    connections = table.connections()
    for name in ("a=", "b=", "c="):
        await connections.add(name)
    await connections.remove("b=")
    await connections.remove("never-there")
    assert await connections.connections() == ["a=", "c="]


async def test_tickets_are_no_connections(table: Table):
    await DynamoTicketBook(table.clients, table.name, table.clock).issue("192.0.2.7", 30)
    assert await table.connections().connections() == []


async def test_a_connection_nobody_closed_is_forgotten_when_it_cannot_be_open_any_more(table: Table):
    connections = table.connections()
    await connections.add("a=")
    table.clock.passed = CONNECTION_SECONDS + 1
    assert await connections.connections() == []
    assert await connections.all() == frozenset()


async def test_watching_is_noted_of_those_who_are_connected_and_of_no_others(table: Table):
    connections = table.connections()
    await connections.add("a=")
    await connections.add("b=")
    await connections.set("a=", watching=True)
    await connections.set("gone=", watching=True)
    assert await connections.all() == {"a="}
    assert await connections.connections() == ["a=", "b="], "noting who watches does not connect anybody"
    await connections.set("a=", watching=False)
    assert await connections.all() == frozenset()


async def test_hundreds_of_connections_are_all_found(table: Table):
    connections = table.connections()
    await asyncio.gather(*(connections.add(f"{n:03}=") for n in range(120)))
    assert len(await connections.connections()) == 120


async def test_a_table_that_is_not_there_is_named(table: Table):
    with pytest.raises(NotFound, match="no-such-table"):
        await Connections(table.clients, "no-such-table", table.clock).connections()
