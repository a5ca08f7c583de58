"""Permission to launch and end instances: by this template, into this network, with these tags, of these types; only what carries the tag."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_iam as iam

from cdk.function import allow
from cdk.names import PROJECT, Names

INSTANCE_TYPES: Final = tuple(
    f"{family}*g*.{size}" for family in "tcmr" for size in ("small", "medium", "large", "xlarge")
)
"""Graviton's t, c, m and r families, small to xlarge: what config.json may name (murmur/config.py)."""
_QUOTAS: Final = ("L-1216C47A", "L-34B43A08")
"""vCPUs of standard instances: on demand, Spot."""
_MADE: Final = ("instance/*", "volume/*", "network-interface/*")


def looking() -> iam.PolicyStatement:
    """Describe instances and their types: EC2 knows no resources for that."""
    return allow("Look", ["ec2:DescribeInstances", "ec2:DescribeInstanceTypes"], ["*"])


def quotas(names: Names) -> list[iam.PolicyStatement]:
    """Read the two vCPU quotas, and AWS's defaults, which belong to no account and so have no ARN."""
    own = [names.arn("servicequotas", f"ec2/{code}") for code in _QUOTAS]
    return [
        allow("Quotas", ["servicequotas:GetServiceQuota"], own),
        allow("DefaultQuotas", ["servicequotas:GetAWSDefaultServiceQuota"], ["*"]),
    ]


def launching(
    names: Names, *, template: str, role: str, subnets: list[str], group: str, spot: bool
) -> list[iam.PolicyStatement]:
    """``template`` is the launch template's id, ``role`` the agents' role's ARN, ``group`` the security group's id."""
    arn = names.arn("ec2", f"launch-template/{template}")
    by_template = {"ArnEquals": {"ec2:LaunchTemplate": arn}}
    ours = {"aws:RequestTag/Project": PROJECT, "aws:RequestTag/Flock": names.flock}
    kinds = [*_MADE, *(["spot-instances-request/*"] if spot else [])]
    statements = [
        allow(
            "Instances",
            ["ec2:RunInstances"],
            [names.arn("ec2", "instance/*")],
            StringEquals={**ours, "ec2:MetadataHttpTokens": "required"},
            StringLike={"ec2:InstanceType": list(INSTANCE_TYPES)},
            **by_template,
        ),
        allow(
            "Volumes",
            ["ec2:RunInstances"],
            [names.arn("ec2", "volume/*")],
            StringEquals=ours,
            Bool={"ec2:Encrypted": "true"},
            **by_template,
        ),
        allow(
            "Interfaces",
            ["ec2:RunInstances"],
            [
                names.arn("ec2", "network-interface/*"),
                *([names.arn("ec2", "spot-instances-request/*")] if spot else []),
            ],
            **by_template,
        ),
        allow(
            "InThisNetwork",
            ["ec2:RunInstances"],
            [
                arn,
                names.arn("ec2", f"security-group/{group}"),
                *(names.arn("ec2", f"subnet/{subnet}") for subnet in subnets),
            ],
        ),
        allow(
            "AmazonsImages",
            ["ec2:RunInstances"],
            [f"arn:{names.partition}:ec2:{names.region}::image/*"],
            StringEquals={"ec2:Owner": "amazon"},
            **by_template,
        ),
        allow(
            "TagAtLaunch",
            ["ec2:CreateTags"],
            [names.arn("ec2", kind) for kind in kinds],
            StringEquals={"ec2:CreateAction": "RunInstances"},
        ),
        allow(
            "LabelOwn",
            ["ec2:CreateTags"],
            [names.arn("ec2", "instance/*")],
            StringEquals={"aws:ResourceTag/Project": PROJECT, "aws:ResourceTag/Flock": names.flock},
            Null={"aws:TagKeys": "false"},
            **{"ForAllValues:StringEquals": {"aws:TagKeys": ["AgentIndex"]}},
        ),
        allow(
            "EndOwn",
            ["ec2:TerminateInstances"],
            [names.arn("ec2", "instance/*")],
            StringEquals={"aws:ResourceTag/Project": PROJECT, "aws:ResourceTag/Flock": names.flock},
        ),
        allow("OnlyAgentsRole", ["iam:PassRole"], [role], StringEquals={"iam:PassedToService": "ec2.amazonaws.com"}),
    ]
    if spot:
        statements.append(
            allow(
                "SpotRole",
                ["iam:CreateServiceLinkedRole"],
                [
                    f"arn:{names.partition}:iam::{names.account}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
                ],
                StringEquals={"iam:AWSServiceName": "spot.amazonaws.com"},
            )
        )
    return statements
