"""The Lambda shape of the API: services built once per cold start, one event loop for the life of the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from functions.api.app import answer
from functions.api.errors import logged, plain_response_of
from murmur.errors import MurmurError
from murmur.services import Services


class Entry:
    """``handler = Entry(build)``: ``build`` is called at the first event, and again if it failed."""

    def __init__(self, build: Callable[[], Services]) -> None:
        self._build = build
        self._services: Services | None = None
        self._runner: asyncio.Runner | None = None

    def __call__(self, event: Mapping[str, Any], _context: object) -> dict[str, Any]:
        """Answer one API Gateway proxy event."""
        try:
            if self._services is None:
                self._services = self._build()
        except MurmurError as error:
            return plain_response_of(error)
        except Exception as error:  # noqa: BLE001  # the edge of the program: a client never sees a trace
            return plain_response_of(logged(error))
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(answer(event, self._services))

    def close(self) -> None:
        """End the event loop; Lambda never asks for it, whoever embeds an Entry does."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None
