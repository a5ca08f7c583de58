"""The fabric's fixed part: the flock's own bus, the two rules on the default bus, and where what nobody took ends up.

The readers' rules and queues are not here: they come and go with a run, made by the lifecycle.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.names import Names
from murmur.aws.policy import MAX_RECEIVES, TARGET, VISIBILITY_SECONDS
from murmur.pattern import changes_pattern, wakes_pattern

_KEPT = Duration.days(14)
_TARGETS = 5
"""As many as EventBridge allows a rule."""


class Fabric(Construct):
    """``changes`` is the dashboards' queue, ``dead`` holds what readers gave up, ``undelivered`` what never arrived."""

    def __init__(self, scope: Construct, id_: str, *, names: Names, bucket: str) -> None:
        super().__init__(scope, id_)
        self.bus = events.EventBus(
            self, "Bus", event_bus_name=names.bus, description="Wakes of the flock, and nothing else"
        )
        self.dead = self._queue("Dead", names.dead, retention_period=_KEPT)
        self.undelivered = self._queue("Undelivered", names.undelivered, retention_period=_KEPT)
        self.changes = self._queue(
            "Changes",
            names.changes,
            visibility_timeout=Duration.seconds(VISIBILITY_SECONDS * 6),  # six times the function's, as Lambda asks
            retention_period=Duration.hours(1),  # a dashboard that comes later begins with a snapshot
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead, max_receive_count=MAX_RECEIVES),
        )
        more = (events.EventBus(self, f"Bus{n}", event_bus_name=name) for n, name in enumerate(names.buses[1:], 2))
        buses = [self.bus.event_bus_arn, *(bus.event_bus_arn for bus in more)]
        forward = iam.Role(self, "Forward", assumed_by=iam.ServicePrincipal("events.amazonaws.com"))
        forward.add_to_policy(iam.PolicyStatement(sid="OwnBus", actions=["events:PutEvents"], resources=buses))
        for first in range(0, len(buses), _TARGETS):
            group = buses[first : first + _TARGETS]
            targets = [
                {"id": f"bus-{n}" if n > 1 else "bus", "arn": arn, "role_arn": forward.role_arn}
                for n, arn in enumerate(group, 1)
            ]
            number = f"{first // _TARGETS + 1}" if first else ""
            name = f"{names.wakes}-{number}" if number else names.wakes
            self.rule(f"Wakes{number}", name, wakes_pattern(bucket), *targets)
        self.rule(
            "Tell",
            names.changes,
            changes_pattern(bucket),
            {"id": TARGET, "arn": self.changes.queue_arn},
            queue=self.changes,
        )

    def rule(
        self, id_: str, name: str, pattern: Any, *targets: dict[str, Any], queue: sqs.Queue | None = None
    ) -> events.CfnRule:
        """A rule on the default bus; what it cannot deliver goes to ``undelivered``. ``queue``: to be opened for it."""
        dead = events.CfnRule.DeadLetterConfigProperty(arn=self.undelivered.queue_arn)
        rule = events.CfnRule(
            self,
            id_,
            name=name,
            event_pattern=pattern,
            state="ENABLED",
            targets=[events.CfnRule.TargetProperty(**target, dead_letter_config=dead) for target in targets],
        )
        for open_ in (self.undelivered, queue):
            if open_ is not None:
                let_in(open_, rule, f"Only{id_}")
        return rule

    def _queue(self, id_: str, name: str, **more: Any) -> sqs.Queue:
        return sqs.Queue(
            self, id_, queue_name=name, encryption=sqs.QueueEncryption.SQS_MANAGED, enforce_ssl=True, **more
        )


def let_in(queue: sqs.IQueue, rule: events.CfnRule, sid: str) -> None:
    """Let this rule, and no other, send to the queue."""
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            sid=sid,
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={"ArnEquals": {"aws:SourceArn": rule.attr_arn}},
        )
    )
