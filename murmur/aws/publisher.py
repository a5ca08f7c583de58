"""Publisher over API Gateway's @connections. Source: API Gateway Developer Guide, "Use @connections commands"."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from murmur.aws.clients import Clients
from murmur.aws.connections import Connections
from murmur.aws.failures import code_of, status_of
from murmur.aws.threads import call

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

_BUSY: Final = frozenset({"LimitExceededException", "ThrottlingException", "TooManyRequestsException"})
_log = logging.getLogger(__name__)


class ApiGatewayPublisher:
    """Sends through the WebSocket stage at ``endpoint`` to those that ``connections`` knows."""

    def __init__(self, clients: Clients, endpoint: str, connections: Connections) -> None:
        self._clients = clients
        self._endpoint = endpoint
        self._connections = connections

    async def connections(self) -> list[str]:
        """See ``Publisher.connections``. Raises Unavailable."""
        return await self._connections.connections()

    async def send(self, connection: str, message: str) -> bool:
        """See ``Publisher.send``. Raises Unavailable if API Gateway is busy: the connection is there, the message did not get out."""
        if await call(connection, self._post, connection, message.encode()):
            return True
        await self._connections.remove(connection)
        return False

    @cached_property
    def _api(self) -> ApiGatewayManagementApiClient:
        return self._clients.websockets(self._endpoint)

    def _post(self, connection: str, data: bytes) -> bool:
        try:
            self._api.post_to_connection(ConnectionId=connection, Data=data)
        except ClientError as error:
            if code_of(error) in _BUSY or status_of(error) >= 500:
                raise
            if (
                status_of(error) != 410
            ):  # not simply gone: it will not take this either way, and must not hold up the others
                _log.warning("connection %s is given up: %s", connection, error)
            return False
        return True
