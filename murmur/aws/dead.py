"""Dead letters: messages of every reader's queue that were received too often, together in one queue of the flock.

SQS notes on each from which queue it came. ``StartMessageMoveTask`` would move those of all readers; here one reader's
are taken, and what belongs to others is put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

LOOKED_AT: Final = 1000
"""Dead letters looked through by one redrive, at most; asking again goes on with the rest."""
_BATCH: Final = 10
_HELD_SECONDS: Final = 60
_ARN: Final = "DeadLetterQueueSourceArn"


def redrive(sqs: SQSClient, queue: str, dead: str) -> int:
    """Move the dead letters of ``queue`` back into it; returns how many. One that is cut short may deliver twice, and loses nothing."""
    target = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    source = sqs.get_queue_url(QueueName=dead)["QueueUrl"]
    others: list[str] = []
    moved = 0
    try:
        for batch in _all(sqs, source):
            mine = [found for found in batch if _origin(found) == queue]
            others += [found["ReceiptHandle"] for found in batch if _origin(found) != queue]
            moved += _move(sqs, source, target, mine)
    finally:
        for part in (others[i : i + _BATCH] for i in range(0, len(others), _BATCH)):
            sqs.change_message_visibility_batch(
                QueueUrl=source,
                Entries=[{"Id": str(i), "ReceiptHandle": it, "VisibilityTimeout": 0} for i, it in enumerate(part)],
            )
    return moved


def _all(sqs: SQSClient, source: str) -> Iterator[Sequence[MessageTypeDef]]:
    for _ in range(LOOKED_AT // _BATCH):
        found = sqs.receive_message(
            QueueUrl=source,
            MaxNumberOfMessages=_BATCH,
            VisibilityTimeout=_HELD_SECONDS,
            WaitTimeSeconds=1,  # a long poll asks all of SQS's servers: an empty answer then means that there are none
            MessageSystemAttributeNames=[_ARN],
        ).get("Messages", [])
        if not found:
            return
        yield found


def _origin(message: MessageTypeDef) -> str:
    """Name of the queue the message died in; "" where it is not told."""
    return str(message.get("Attributes", {}).get(_ARN, "")).rpartition(":")[2]


def _move(sqs: SQSClient, source: str, target: str, messages: Sequence[MessageTypeDef]) -> int:
    if not messages:
        return 0
    sent = sqs.send_message_batch(
        QueueUrl=target,
        Entries=[{"Id": str(i), "MessageBody": found["Body"]} for i, found in enumerate(messages)],
    ).get("Successful", [])
    arrived = [messages[int(one["Id"])]["ReceiptHandle"] for one in sent]
    if arrived:
        sqs.delete_message_batch(
            QueueUrl=source, Entries=[{"Id": str(i), "ReceiptHandle": it} for i, it in enumerate(arrived)]
        )
    return len(arrived)
