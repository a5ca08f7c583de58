"""Log groups: each has an end of its own, and goes with the stack."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct


def log_group(scope: Construct, id_: str, name: str, retention: logs.RetentionDays) -> logs.LogGroup:
    """The log group ``name``, which keeps its lines for ``retention``."""
    return logs.LogGroup(scope, id_, log_group_name=name, retention=retention, removal_policy=RemovalPolicy.DESTROY)
