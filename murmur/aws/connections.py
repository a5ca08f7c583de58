"""Who is connected, in DynamoDB: an item a connection, which the table's TTL removes should nobody say goodbye.

The table has one string key, ``pk``, and expires items by ``expires`` (seconds since 1970). TTL is lazy, so what has expired is also left
out here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from murmur.aws.clients import Clients
from murmur.aws.failures import code_of
from murmur.aws.threads import call
from murmur.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

CONNECTION_SECONDS: Final = 2 * 3600 + 300
"""API Gateway closes a WebSocket after two hours; a little is added for clocks that differ."""
_PREFIX: Final = "connection#"
NOT_SO: Final = "ConditionalCheckFailedException"


class Connections:
    """The open connections, and which of them watch the queues. Serves as the live view's Watchers, too."""

    def __init__(self, clients: Clients, table: str, clock: Clock) -> None:
        self._clients = clients
        self._table = table
        self._clock = clock

    async def add(self, connection: str) -> None:
        """Note a connection that opened. Raises Unavailable."""
        expires = int(self._clock.now().timestamp()) + CONNECTION_SECONDS
        item = {**_key(connection), "expires": {"N": str(expires)}, "watching": {"BOOL": False}}
        await call(connection, self._clients.dynamodb.put_item, TableName=self._table, Item=item)

    async def remove(self, connection: str) -> None:
        """Forget a connection. One that is not known is no error. Raises Unavailable."""
        await call(connection, self._clients.dynamodb.delete_item, TableName=self._table, Key=_key(connection))

    async def connections(self) -> list[str]:
        """Every open connection. Raises Unavailable."""
        return await call(self._table, self._scan, "")

    async def set(self, connection: str, *, watching: bool) -> None:
        """See ``Watchers.set``. A connection that is gone watches nothing. Raises Unavailable."""
        await call(connection, self._watch, connection, watching)

    async def all(self) -> frozenset[str]:
        """See ``Watchers.all``. Raises Unavailable."""
        return frozenset(await call(self._table, self._scan, " AND watching = :yes"))

    def _watch(self, connection: str, watching: bool) -> None:
        try:
            self._clients.dynamodb.update_item(
                TableName=self._table,
                Key=_key(connection),
                UpdateExpression="SET watching = :watching",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues={":watching": {"BOOL": watching}},
            )
        except ClientError as error:
            if code_of(error) != NOT_SO:
                raise

    def _scan(self, also: str) -> list[str]:
        values: dict[str, AttributeValueTypeDef] = {
            ":prefix": {"S": _PREFIX},
            ":now": {"N": str(int(self._clock.now().timestamp()))},
        }
        if also:
            values[":yes"] = {"BOOL": True}
        pages = self._clients.dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            ConsistentRead=True,
            ProjectionExpression="pk",
            FilterExpression=f"begins_with(pk, :prefix) AND expires > :now{also}",
            ExpressionAttributeValues=values,
        )
        return sorted(item["pk"]["S"].removeprefix(_PREFIX) for page in pages for item in page["Items"])


def _key(connection: str) -> dict[str, Any]:
    return {"pk": {"S": f"{_PREFIX}{connection}"}}
