"""Names and policies of the fabric's queues, in one place for the fabric, for local provisioning and for the tests."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final, Self

_ARN: Final = re.compile(r"arn:([^:]+):events:([^:]+):([^:]*):(.+)")
TARGET: Final = "queue"
"""The id of a rule's one target."""
VISIBILITY_SECONDS: Final = 60
"""A message that was received and not deleted comes back after this."""
MAX_RECEIVES: Final = 20
"""A message received this often and never deleted becomes a dead letter."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where ARNs point: partition, region and account id, as an ARN that AWS gave says them."""

    partition: str
    region: str
    id: str

    @classmethod
    def of(cls, events_arn: str) -> Self:
        """Read them from a rule's or a bus's ARN."""
        match = _ARN.fullmatch(events_arn)
        if match is None:
            raise ValueError(f"{events_arn!r} is not an ARN of EventBridge")
        return cls(match[1], match[2], match[3])

    def queue(self, name: str) -> str:
        """ARN of a queue."""
        return f"arn:{self.partition}:sqs:{self.region}:{self.id}:{name}"


def dead_letters(flock: str) -> str:
    """Name of the flock's dead-letter queue."""
    return f"{flock}-dead"


def queue_attributes(flock: str, queue: str, rule_arn: str) -> dict[str, str]:
    """Attributes of a queue that only the rule ``rule_arn`` may send to."""
    account = Account.of(rule_arn)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyItsRule",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": account.queue(queue),
                "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
            }
        ],
    }
    redrive = {"deadLetterTargetArn": account.queue(dead_letters(flock)), "maxReceiveCount": MAX_RECEIVES}
    return {
        "VisibilityTimeout": str(VISIBILITY_SECONDS),
        "Policy": json.dumps(policy),
        "RedrivePolicy": json.dumps(redrive),
    }
