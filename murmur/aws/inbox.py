"""Inbox over SQS."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from murmur.aws import dead
from murmur.aws.clients import LONG_POLL_SECONDS, Clients
from murmur.aws.failures import murmur_errors
from murmur.aws.threads import Poll, call
from murmur.errors import MurmurError
from murmur.ports import Depth, Message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_BATCH = 10


class SqsInbox:
    """The queue named ``queue``; its dead letters go to the one named ``dead_letters``. Looked up when first used, so neither need exist before.

    A wait that is cancelled, or that ends before the poll does, loses nothing: the next ``receive`` goes on with the same
    poll, and if there is none, what the poll finds is put straight back.
    """

    def __init__(
        self, clients: Clients, queue: str, dead_letters: str = "", urls: MutableMapping[str, str] | None = None
    ) -> None:
        """``urls``: of queues looked up before, by name; shared by inboxes that come and go."""
        self._clients = clients
        self.queue = queue
        self._dead_letters = dead_letters
        self._urls = {} if urls is None else urls
        self._poll: Poll[list[Message]] | None = None

    async def receive(self, wait_seconds: float, limit: int = 10) -> list[Message]:
        """See ``Inbox.receive``."""
        if wait_seconds <= 0:
            return await call(self.queue, self._fetch, self._clients.sqs, 0, limit)
        deadline = time.monotonic() + wait_seconds
        while (left := deadline - time.monotonic()) > 0:
            poll = self._poll
            if poll is None or poll.over or poll.waited_for:
                poll = self._poll = self._begin(left, limit)
            messages = await poll.take(left)
            if messages:
                if surplus := messages[limit:]:
                    await self.extend(surplus, 0)
                return messages[:limit]
        return []

    async def delete(self, messages: Sequence[Message]) -> None:
        """See ``Inbox.delete``."""
        for batch in _batches(messages):
            await call(self.queue, self._ask, self._clients.sqs, "delete_message_batch", Entries=_entries(batch))

    async def extend(self, messages: Sequence[Message], seconds: int) -> None:
        """See ``Inbox.extend``."""
        for batch in _batches(messages):
            await call(self.queue, self._set_visibility, batch, seconds)

    async def depth(self) -> Depth:
        """See ``Inbox.depth``. SQS itself does not tell a message's age, nor which queue a dead letter came from."""
        answer = await call(
            self.queue,
            self._ask,
            self._clients.sqs,
            "get_queue_attributes",
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )
        counts = answer["Attributes"]
        return Depth(
            visible=int(counts["ApproximateNumberOfMessages"]),
            in_flight=int(counts["ApproximateNumberOfMessagesNotVisible"]),
        )

    async def redrive(self) -> int:
        """See ``Inbox.redrive``."""
        if not self._dead_letters:
            return 0
        return await call(self.queue, dead.redrive, self._clients.sqs, self.queue, self._dead_letters)

    async def purge(self) -> None:
        """See ``Inbox.purge``."""
        await call(self.queue, self._ask, self._clients.sqs, "purge_queue")

    def _begin(self, seconds: float, limit: int) -> Poll[list[Message]]:
        whole = min(math.ceil(seconds), LONG_POLL_SECONDS)

        def fetch() -> list[Message]:
            with murmur_errors(self.queue):
                return self._fetch(self._clients.sqs_poll, whole, limit)

        return Poll(fetch, self._put_back)

    def _fetch(self, sqs: SQSClient, seconds: int, limit: int) -> list[Message]:
        answer = self._ask(
            sqs,
            "receive_message",
            MaxNumberOfMessages=limit,
            WaitTimeSeconds=seconds,
            MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
        )
        return [_message(found) for found in answer.get("Messages", ())]

    def _put_back(self, messages: list[Message]) -> None:
        for batch in _batches(messages):
            try:
                with murmur_errors(self.queue):
                    self._set_visibility(batch, 0)
            except MurmurError:  # the queue is gone, or out of reach: then they come back when their time is over
                return

    def _set_visibility(self, batch: Sequence[Message], seconds: int) -> None:
        entries = [entry | {"VisibilityTimeout": seconds} for entry in _entries(batch)]
        self._ask(self._clients.sqs, "change_message_visibility_batch", Entries=entries)

    def _ask(self, sqs: SQSClient, operation: str, **arguments: Any) -> Any:
        url = self._urls.get(self.queue)
        if url is None:
            url = self._urls[self.queue] = sqs.get_queue_url(QueueName=self.queue)["QueueUrl"]
        return getattr(sqs, operation)(QueueUrl=url, **arguments)


def _message(found: MessageTypeDef) -> Message:
    attributes = found["Attributes"]
    return Message(
        body=found["Body"],
        receipt=found["ReceiptHandle"],
        receives=int(attributes["ApproximateReceiveCount"]),
        sent=datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC),
    )


def _entries(batch: Sequence[Message]) -> list[dict[str, Any]]:
    return [{"Id": str(i), "ReceiptHandle": message.receipt} for i, message in enumerate(batch)]


def _batches(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    return (messages[i : i + _BATCH] for i in range(0, len(messages), _BATCH))
