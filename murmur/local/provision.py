"""Makes, or makes again, what a deployment makes on AWS: bucket, bus, static rules, change queue, dead-letter queue.

Called after every start of the embedded endpoint, which keeps objects but no queues and rules. Everything here may be
repeated at any time and disturbs nothing that is already right.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from murmur.aws.clients import Clients
from murmur.aws.failures import code_of
from murmur.aws.policy import TARGET, dead_letters, queue_attributes
from murmur.aws.queues import ensure_queue
from murmur.aws.threads import call
from murmur.pattern import changes_pattern, wakes_pattern
from murmur.settings import Settings

_DEFAULT_BUS = "default"
_TARGETS_OF_A_RULE = 5


async def provision(settings: Settings, clients: Clients) -> None:
    """Make everything the flock needs before its first run. Idempotent. Raises Unavailable."""
    await call(settings.bucket, _bucket, clients, settings.bucket)
    for number, bus in enumerate(settings.buses):
        await call(bus, _bus, clients, settings, number, bus)
    await call(changes_queue(settings), _changes, clients, settings)


def changes_queue(settings: Settings) -> str:
    """Name of the queue, and of its rule, through which dashboards hear of changes."""
    return f"{settings.flock}-changes"


def _bucket(clients: Clients, bucket: str) -> None:
    region = clients.s3.meta.region_name
    elsewhere: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        clients.s3.create_bucket(Bucket=bucket, **elsewhere)
    except ClientError as error:
        if code_of(error) != "BucketAlreadyOwnedByYou":
            raise
    clients.s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )


def _bus(clients: Clients, settings: Settings, number: int, bus: str) -> None:
    """The ``number``-th bus, and its place among the targets of a forwarding rule, which has room for five."""
    try:
        bus_arn = clients.events.create_event_bus(Name=bus)["EventBusArn"]
    except ClientError as error:
        if code_of(error) != "ResourceAlreadyExistsException":
            raise
        bus_arn = clients.events.describe_event_bus(Name=bus)["Arn"]
    place, extra = number // _TARGETS_OF_A_RULE + 1, number % _TARGETS_OF_A_RULE + 1
    name = f"{settings.flock}-wakes" if place == 1 else f"{settings.flock}-wakes-{place}"
    target = "bus" if extra == 1 else f"bus-{extra}"
    _rule(clients, name, wakes_pattern(settings.bucket))
    clients.events.put_targets(Rule=name, EventBusName=_DEFAULT_BUS, Targets=[{"Id": target, "Arn": bus_arn}])


def _changes(clients: Clients, settings: Settings) -> None:
    ensure_queue(clients.sqs, dead_letters(settings.flock), {})
    name = changes_queue(settings)
    rule_arn = _rule(clients, name, changes_pattern(settings.bucket))
    queue_arn = ensure_queue(clients.sqs, name, queue_attributes(settings.flock, name, rule_arn))
    clients.events.put_targets(Rule=name, EventBusName=_DEFAULT_BUS, Targets=[{"Id": TARGET, "Arn": queue_arn}])


def _rule(clients: Clients, name: str, pattern: Mapping[str, object]) -> str:
    answer = clients.events.put_rule(
        Name=name, EventBusName=_DEFAULT_BUS, EventPattern=json.dumps(pattern, separators=(",", ":")), State="ENABLED"
    )
    return answer["RuleArn"]
