"""What requests cost on AWS: list prices of us-east-1, November 2026, without any free tier.

S3 writes and listings $5, reads $0.40 per million; EventBridge $1 per million events; SQS $0.40 per million requests; t4g.medium
$0.0336 an hour. Model calls are not in it: they are above all of these, and what turns stand for in the table.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Final

HOST_DOLLARS_PER_HOUR: Final = 0.0336
_PER_MILLION: Final = {"s3_writes": 5.0, "s3_reads": 0.4, "s3_lists": 5.0, "events": 1.0, "sqs": 0.4}
_SQS: Final = (
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibilityBatch",
    "GetQueueAttributes",
)


@dataclass(frozen=True, slots=True)
class Bill:
    """Billable requests by kind, of agents and control plane; dashboards are not in it. Deletes in S3 are free."""

    s3_writes: int
    s3_reads: int
    s3_lists: int
    events: int
    """Every write tells the default bus; those that wake go over the flock's own bus as well."""
    sqs: int

    @classmethod
    def of(cls, requests: Counter[str], *, events: bool) -> Bill:
        """The bill of what the twins counted. ``events``: whether the design sends any; one that polls sends none."""
        writes = requests["PUT"] + requests["COPY"]
        return cls(
            writes,
            requests["GET"] + requests["HEAD"],
            requests["LIST"],
            writes + requests["events"] if events else 0,
            sum(requests[action] for action in _SQS) if events else 0,
        )

    @property
    def dollars(self) -> float:
        """What these requests cost."""
        counts: dict[str, int] = asdict(self)
        return sum(counts[kind] * price / 1e6 for kind, price in _PER_MILLION.items())

    def per_hour(self, seconds: float) -> float:
        """Dollars an hour, if it goes on as in these ``seconds``."""
        return self.dollars * 3600 / seconds if seconds > 0 else 0.0


def hosts_per_hour(hosts: int) -> float:
    """Dollars an hour for so many t4g.medium."""
    return hosts * HOST_DOLLARS_PER_HOUR
