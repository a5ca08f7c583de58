"""Long polls that end the moment a message can be had. MiniStack's own looks ten times a second."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

Queue = dict[str, Any]


class Polls:
    """The polls that wait, and their queues. Every producer sets MiniStack's ``esm_wake``; that is what is listened to."""

    def __init__(self, sqs: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._sqs = sqs
        self._receive = sqs._act_receive_message  # noqa: SLF001 - checked by changes.py
        self._delete_queue = sqs._act_delete_queue  # noqa: SLF001
        self._loop = loop
        self._waiting: dict[asyncio.Future[None], Queue] = {}
        self._released = False

    def listen(self, event: threading.Event) -> None:
        """Look at the waiting polls whenever ``event`` is set, from whatever thread."""
        own = threading.get_ident()
        original = event.set

        def set_and_look() -> None:
            original()
            if threading.get_ident() == own:
                self._look()
            else:
                self._loop.call_soon_threadsafe(self._look)

        event.set = set_and_look  # type: ignore[method-assign]

    async def receive(self, data: dict[str, Any], qurl: str) -> dict[str, Any]:
        """ReceiveMessage: MiniStack's own look, repeated when something has changed instead of every 100 ms."""
        url = data.get("QueueUrl", qurl)
        queue: Queue = self._sqs._get_q(url, "sqs:ReceiveMessage")  # noqa: SLF001
        wait = data.get("WaitTimeSeconds")
        seconds = float(queue["attributes"].get("ReceiveMessageWaitTimeSeconds", "0") if wait is None else wait)
        deadline = time.time() + seconds
        look = {**data, "WaitTimeSeconds": 0}
        while True:
            found: dict[str, Any] = await self._receive(look, qurl)
            if found or self._released or time.time() >= deadline:
                return found
            await self._change(queue, min(deadline, _next_visible(queue)))

    async def delete_queue(self, data: dict[str, Any], qurl: str) -> dict[str, Any]:
        """DeleteQueue: polls that wait on it are told that it is gone."""
        queue = self._sqs._get_q(data.get("QueueUrl", qurl))  # noqa: SLF001
        answer: dict[str, Any] = self._delete_queue(data, qurl)
        self._end([future for future, waited in self._waiting.items() if waited is queue])
        return answer

    def release(self) -> None:
        """End all polls, those to come included."""
        self._released = True
        self._end(list(self._waiting))

    async def _change(self, queue: Queue, until: float) -> None:
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting[future] = queue
        timer = self._loop.call_later(max(0.0, until - time.time()), self._end, [future])
        try:
            await future
        finally:
            timer.cancel()
            del self._waiting[future]

    def _look(self) -> None:
        now = time.time()
        self._end([f for f, q in self._waiting.items() if any(m.get("visible_at", 0) <= now for m in q["messages"])])

    @staticmethod
    def _end(futures: list[asyncio.Future[None]]) -> None:
        for future in futures:
            if not future.done():
                future.set_result(None)


def _next_visible(queue: Queue) -> float:
    return min((m.get("visible_at", 0.0) for m in queue["messages"]), default=float("inf"))
