"""The lifecycle: one asynchronous function that starts, stops, repairs and settles, and what wakes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk import fields
from cdk.agents import Agents
from cdk.code import LIFECYCLE
from cdk.fabric import let_in
from cdk.function import Function, allow
from cdk.launching import launching, looking
from cdk.names import Names
from cdk.network import Network
from functions.lifecycle.settle import WITNESS
from murmur import keys

STATES: Final = ("stopping", "stopped", "shutting-down", "terminated")
"""Of an instance: what may mean that a host is gone."""
_GONE: Final = {
    "source": ["aws.ec2"],
    "detail-type": ["EC2 Instance State-change Notification"],
    "detail": {"state": list(STATES)},
}


class Lifecycle(Construct):
    """``function`` is asked by the API, by a tick a minute, and by EC2 when an instance goes."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        names: Names,
        environment: Mapping[str, str],
        agents: Agents,
        network: Network,
        undelivered: sqs.IQueue,
        spot: bool,
        retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, id_)
        self._names = names
        template = agents.template.ref
        launches = launching(
            names,
            template=template,
            role=agents.role.role_arn,
            subnets=network.subnets,
            group=network.security_group.security_group_id,
            spot=spot,
        )
        self.function = Function(
            self,
            "Function",
            name="lifecycle",
            names=names,
            bundle=LIFECYCLE,
            handler="functions.lifecycle.main.handler",
            environment={
                **environment,
                "MURMUR_LAUNCH_TEMPLATE": template,
                "MURMUR_SUBNETS": ",".join(network.subnets),
                **({"MURMUR_SPOT": "true"} if spot else {}),
            },
            statements=[*lifecycle_statements(names), *launches],
            retention=retention,
            timeout=Duration.minutes(15),  # 1,000 readers are wired in about 40 s, instances end within minutes
            memory=512,
            retry_attempts=2,
            max_event_age=Duration.hours(1),
            on_failure=destinations.SqsDestination(undelivered),
        )
        self._rule("Tick", "tick", undelivered, {"schedule_expression": "rate(1 minute)"}, '{"action":"tick"}')
        self._rule("Gone", "instances", undelivered, {"event_pattern": _GONE}, None)

    def _rule(self, id_: str, name: str, undelivered: sqs.IQueue, when: Mapping[str, Any], words: str | None) -> None:
        rule = events.CfnRule(
            self,
            id_,
            name=f"{self._names.flock}-{name}",
            state="ENABLED",
            targets=[
                events.CfnRule.TargetProperty(
                    id="lifecycle",
                    arn=self.function.function_arn,
                    input=words,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=undelivered.queue_arn),
                )
            ],
            **when,
        )
        lambda_.CfnPermission(
            self,
            f"{id_}May",
            action="lambda:InvokeFunction",
            function_name=self.function.function_arn,
            principal="events.amazonaws.com",
            source_arn=rule.attr_arn,
        )
        let_in(undelivered, rule, f"Only{id_}")


def lifecycle_statements(names: Names) -> list[iam.PolicyStatement]:
    """Archive the run before, wire the readers, say how the flock stands. Launching is ``cdk.launching``'s."""
    runs = fields.under(keys.STORE, keys.STATE, keys.SEGMENTS, keys.OUTPUT, keys.VERSIONS + keys.OUTPUT)
    documents = (keys.CONTROL, keys.ROSTER, keys.LEASE, WITNESS)
    handed_over = (keys.CONFIG, keys.DIRECTION)  # by a start that was cut off before it had written them
    return [
        *fields.read(names, *fields.DOCUMENTS, *runs, f"{keys.KNOWLEDGE}*"),
        fields.write(names, *documents, *handed_over, *fields.under(keys.HISTORY)),
        fields.delete(names, *runs),
        allow(
            "Rules",
            ["events:PutRule", "events:PutTargets", "events:RemoveTargets", "events:DeleteRule"],
            names.agent_rules,
        ),
        allow("ListRules", ["events:ListRules"], ["*"]),
        allow(
            "Queues",
            [
                "sqs:CreateQueue",
                "sqs:DeleteQueue",
                "sqs:GetQueueUrl",
                "sqs:GetQueueAttributes",
                "sqs:SetQueueAttributes",
            ],
            [names.agent_queues],
        ),
        allow("ListQueues", ["sqs:ListQueues"], ["*"]),
        allow("CountDeadLetters", ["sqs:GetQueueUrl", "sqs:GetQueueAttributes"], [names.arn("sqs", names.dead)]),
        looking(),
    ]
