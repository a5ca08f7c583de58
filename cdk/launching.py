"""Permission to launch and end instances: by this template, into this network, with these tags, of these types; only what carries the tag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_iam as iam

from cdk.function import allow
from cdk.names import PROJECT, Names
from murmur.aws.places import AGENTS_TAG

INSTANCE_TYPES: Final = tuple(
    f"{family}*g*.{size}" for family in "tcmr" for size in ("small", "medium", "large", "xlarge")
)
"""Graviton's t, c, m and r families, small to xlarge: what config.json may name (murmur/config.py)."""
_QUOTAS: Final = ("L-1216C47A", "L-34B43A08")
"""vCPUs of standard instances: on demand, Spot."""
_RUN: Final = ("ec2:RunInstances",)
_REQUEST: Final = "spot-instances-request/*"


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
    names: Names, *, template: str, role: str, subnets: Sequence[str], group: str, spot: bool
) -> list[iam.PolicyStatement]:
    """``template`` is the launch template's id, ``role`` the agents' role's ARN, ``group`` the security group's id."""
    arn = names.arn("ec2", f"launch-template/{template}")
    network = [f"security-group/{group}", *(f"subnet/{subnet}" for subnet in subnets)]
    return [
        *_making(names, arn, spot=spot),
        *_taking(names, arn, network),
        *_tagging(names, spot=spot),
        allow("EndOwn", ["ec2:TerminateInstances"], [names.arn("ec2", "instance/*")], StringEquals=_carrying(names)),
        allow(
            "OnlyAgentsRole",
            ["iam:PassRole"],
            [role],
            StringEquals={"iam:PassedToService": "ec2.amazonaws.com"},
        ),
        *(_spot(names) if spot else ()),
    ]


def _making(names: Names, template: str, *, spot: bool) -> list[iam.PolicyStatement]:
    """What a launch makes."""
    by_template = {"ArnEquals": {"ec2:LaunchTemplate": template}}
    ours = {"aws:RequestTag/Project": PROJECT, "aws:RequestTag/Flock": names.flock}
    other = ["network-interface/*", *([_REQUEST] if spot else [])]
    return [
        allow(
            "Instances",
            _RUN,
            [names.arn("ec2", "instance/*")],
            StringEquals={**ours, "ec2:MetadataHttpTokens": "required"},
            StringLike={"ec2:InstanceType": list(INSTANCE_TYPES)},
            **by_template,
        ),
        allow(
            "Volumes",
            _RUN,
            [names.arn("ec2", "volume/*")],
            StringEquals=ours,
            Bool={"ec2:Encrypted": "true"},
            **by_template,
        ),
        allow("Interfaces", _RUN, [names.arn("ec2", kind) for kind in other], **by_template),
    ]


def _taking(names: Names, template: str, network: Sequence[str]) -> list[iam.PolicyStatement]:
    """What a launch takes: this template, this network, Amazon's own images."""
    return [
        allow("InThisNetwork", _RUN, [template, *(names.arn("ec2", part) for part in network)]),
        allow(
            "AmazonsImages",
            _RUN,
            [f"arn:{names.partition}:ec2:{names.region}::image/*"],
            StringEquals={"ec2:Owner": "amazon"},
            ArnEquals={"ec2:LaunchTemplate": template},
        ),
    ]


def _tagging(names: Names, *, spot: bool) -> list[iam.PolicyStatement]:
    kinds = ["instance/*", "volume/*", "network-interface/*", *([_REQUEST] if spot else [])]
    return [
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
            StringEquals=_carrying(names),
            Null={"aws:TagKeys": "false"},
            **{"ForAllValues:StringEquals": {"aws:TagKeys": [AGENTS_TAG]}},
        ),
    ]


def _carrying(names: Names) -> dict[str, str]:
    return {"aws:ResourceTag/Project": PROJECT, "aws:ResourceTag/Flock": names.flock}


def _spot(names: Names) -> list[iam.PolicyStatement]:
    role = "role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
    return [
        allow(
            "SpotRole",
            ["iam:CreateServiceLinkedRole"],
            [f"arn:{names.partition}:iam::{names.account}:{role}"],
            StringEquals={"iam:AWSServiceName": "spot.amazonaws.com"},
        )
    ]
