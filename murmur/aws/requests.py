"""Control over Lambda: the lifecycle function is invoked asynchronously, so that nobody waits for it."""

from __future__ import annotations

import json

from murmur.aws.clients import Clients
from murmur.aws.threads import call
from murmur.ports import LifecycleAction


class LambdaControl:
    """Invokes the function named ``function``."""

    def __init__(self, clients: Clients, function: str) -> None:
        self._clients = clients
        self._function = function

    async def request(self, action: LifecycleAction, run: str) -> None:
        """See ``Control.request``. Lambda keeps the event, and tries twice again should the function fail."""
        payload = json.dumps({"action": action, "run": run}).encode()
        await call(
            self._function,
            self._clients.lambda_.invoke,
            FunctionName=self._function,
            InvocationType="Event",
            Payload=payload,
        )
