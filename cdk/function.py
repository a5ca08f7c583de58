"""One Lambda function as all of them are: arm64, traced, structured logs of its own with an end, a role that starts with nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.code import RUNTIME, Bundle
from cdk.logs import log_group
from cdk.names import NAMESPACE, Names


class Function(lambda_.Function):
    """A function called ``<flock>-<name>`` that may do what ``statements`` say, write its own log and send traces; nothing else."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        names: Names,
        bundle: Bundle,
        handler: str,
        environment: Mapping[str, str],
        statements: Sequence[iam.PolicyStatement],
        retention: logs.RetentionDays,
        timeout: Duration,
        memory: int,
        **more: Any,
    ) -> None:
        """``handler`` is ``module.attribute`` of the bundle; ``memory`` is MiB."""
        called = names.function(name)
        log = log_group(scope, f"{id_}Log", f"/aws/lambda/{called}", retention)
        role = iam.Role(scope, f"{id_}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        own_log = names.arn("logs", f"log-group:/aws/lambda/{called}:*")
        for statement in (allow("OwnLog", ["logs:CreateLogStream", "logs:PutLogEvents"], [own_log]), *statements):
            role.add_to_policy(statement)
        super().__init__(
            scope,
            id_,
            function_name=called,
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            code=bundle.code(),
            handler=handler,
            role=role,
            log_group=log,
            tracing=lambda_.Tracing.ACTIVE,  # adds the two X-Ray actions, which know no resources
            timeout=timeout,
            memory_size=memory,
            environment={
                **environment,
                "POWERTOOLS_SERVICE_NAME": name,
                "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE,
                "POWERTOOLS_LOG_LEVEL": "INFO",
            },
            **more,
        )


def allow(
    sid: str, actions: Sequence[str], resources: Sequence[str], **conditions: Mapping[str, Any]
) -> iam.PolicyStatement:
    """An allowing statement; conditions by operator: ``StringEquals={"aws:ResourceTag/Flock": …}``."""
    return iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(resources), conditions=conditions or None)


def deny(
    sid: str, actions: Sequence[str], resources: Sequence[str], **conditions: Mapping[str, Any]
) -> iam.PolicyStatement:
    """A forbidding statement."""
    return iam.PolicyStatement(
        sid=sid, effect=iam.Effect.DENY, actions=list(actions), resources=list(resources), conditions=conditions or None
    )


def only_keys(pattern: str) -> dict[str, Mapping[str, Any]]:
    """Conditions: only items of a table whose key is like this. ``Null`` because "for all values" holds where there is none."""
    name = "dynamodb:LeadingKeys"
    return {"ForAllValues:StringLike": {name: [pattern]}, "Null": {name: "false"}}
