"""The API's function: what the operator may do, and therefore what this role may. It starts nothing itself; it asks the lifecycle."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk import fields
from cdk.code import API
from cdk.function import Function, allow, only_keys
from cdk.launching import looking, quotas
from cdk.names import Names
from murmur import keys

TICKETS = "ticket#*"
_DIRECTIVES = f"{keys.STORE}agent-*.directive.md"
_LOOK_INTO = ("sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:ChangeMessageVisibility")
"""A peek is a receive, and puts back at once."""


def api_function(
    scope: Construct, *, names: Names, environment: Mapping[str, str], table: str, retention: logs.RetentionDays
) -> Function:
    """The function behind /cluster. ``table`` is the connections table's ARN."""
    return Function(
        scope,
        "Function",
        name="api",
        names=names,
        bundle=API,
        handler="functions.api.main.handler",
        environment={**environment, "MURMUR_LIFECYCLE_FUNCTION": names.function("lifecycle")},
        statements=api_statements(names, table),
        retention=retention,
        timeout=Duration.seconds(29),  # API Gateway waits no longer
        memory=1024,
    )


def api_statements(names: Names, table: str) -> list[iam.PolicyStatement]:
    """The operator's reach: documents and directives, reference material, looking at everything a run made."""
    folders = fields.under(
        keys.STORE, keys.STATE, keys.SEGMENTS, keys.OUTPUT, keys.KNOWLEDGE, keys.VERSIONS, keys.HISTORY
    )
    return [
        *fields.read(names, *fields.DOCUMENTS, *folders),
        fields.write(
            names,
            keys.CONFIG,
            keys.DIRECTION,
            keys.CONTROL,
            _DIRECTIVES,
            f"{keys.HISTORY}*/{keys.CONTROL}",
            *fields.under(keys.KNOWLEDGE, keys.VERSIONS + keys.KNOWLEDGE),
        ),
        fields.delete(names, _DIRECTIVES, *fields.under(keys.KNOWLEDGE, keys.VERSIONS + keys.KNOWLEDGE)),
        allow("Queues", [*_LOOK_INTO, "sqs:SendMessage", "sqs:PurgeQueue"], [names.agent_queues]),
        allow("DeadLetters", [*_LOOK_INTO, "sqs:DeleteMessage"], [names.arn("sqs", names.dead)]),
        allow("Rules", ["events:ListRules"], ["*"]),
        allow("Lifecycle", ["lambda:InvokeFunction"], [names.arn("lambda", f"function:{names.function('lifecycle')}")]),
        allow("IssueTickets", ["dynamodb:PutItem"], [table], **only_keys(TICKETS)),
        looking(),
        *quotas(names),
        allow("Load", ["cloudwatch:GetMetricData"], ["*"]),
    ]
