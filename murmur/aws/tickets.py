"""TicketBook over DynamoDB: a ticket is an item that one delete uses up, whoever shows it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from murmur.aws.clients import Clients
from murmur.aws.connections import NOT_SO
from murmur.aws.failures import code_of
from murmur.aws.threads import call
from murmur.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_BYTES: Final = 24
_TICKET_LIMIT: Final = 64
"""Characters of a ticket that are looked up at all; ours have 32."""


class DynamoTicketBook:
    """Tickets in the table ``table`` (see ``murmur.aws.connections``)."""

    def __init__(self, clients: Clients, table: str, clock: Clock) -> None:
        self._clients = clients
        self._table = table
        self._clock = clock

    async def issue(self, address: str, seconds: int) -> str:
        """See ``TicketBook.issue``."""
        ticket = secrets.token_urlsafe(_BYTES)
        expires = int(self._clock.now().timestamp()) + seconds
        item = {**_key(ticket), "address": {"S": address}, "expires": {"N": str(expires)}}
        await call("a ticket", self._clients.dynamodb.put_item, TableName=self._table, Item=item)
        return ticket

    async def redeem(self, ticket: str, address: str) -> bool:
        """See ``TicketBook.redeem``. A ticket shown from another address is used up, too. Raises Unavailable."""
        if not 0 < len(ticket) <= _TICKET_LIMIT:
            return False
        found = await call("a ticket", self._take, ticket)
        if found is None:
            return False
        in_time = int(found["expires"]["N"]) > self._clock.now().timestamp()
        return in_time and found["address"]["S"] == address

    def _take(self, ticket: str) -> dict[str, AttributeValueTypeDef] | None:
        """Delete it and return what it said; None if there was none. Of several that try at once, one is given it."""
        try:
            answer = self._clients.dynamodb.delete_item(
                TableName=self._table,
                Key=_key(ticket),
                ConditionExpression="attribute_exists(pk)",
                ReturnValues="ALL_OLD",
            )
        except ClientError as error:
            if code_of(error) == NOT_SO:
                return None
            raise
        return answer["Attributes"]


def _key(ticket: str) -> dict[str, Any]:
    return {"pk": {"S": f"ticket#{ticket}"}}
