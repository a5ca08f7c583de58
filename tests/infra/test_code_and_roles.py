"""The code and the roles go together: what murmur/aws asks AWS for, some role may; and no key of the bucket is forgotten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import Session

from murmur import keys
from tests.infra.iam import Iam, listed
from tests.infra.template import ACCOUNT, REGION, Template

ADAPTERS = Path(__file__).resolve().parents[2] / "murmur" / "aws"
SERVICES = {
    "s3": "s3",
    "sqs": "sqs",
    "events": "events",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "lambda": "lambda",
    "cloudwatch": "cloudwatch",
    "service-quotas": "servicequotas",
    "apigatewaymanagementapi": "execute-api",
}
SPELLED = {
    "s3:HeadObject": "s3:GetObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "lambda:Invoke": "lambda:InvokeFunction",
    "execute-api:PostToConnection": "execute-api:ManageConnections",
}
"""Operations whose permission is called otherwise."""


def asked() -> set[str]:
    """The permissions that the adapters' calls need, read off their sources."""
    words = {
        word
        for file in ADAPTERS.glob("*.py")
        for word in re.findall(r"[.\"]([a-z][a-z0-9_]+)\b", file.read_text("utf-8"))
    }
    session, found = Session(), set()
    for service, prefix in SERVICES.items():
        for operation in session.get_service_model(service).operation_names:
            if xform_name(operation) in words:
                action = f"{prefix}:{operation}"
                found.add(SPELLED.get(action, action))
    return found


def test_every_call_of_the_adapters_is_allowed_to_somebody(template: Template) -> None:
    needed = asked()
    assert {"s3:GetObject", "sqs:ReceiveMessage", "events:PutRule", "ec2:RunInstances", "dynamodb:Scan"} <= needed
    allowed = {action for _, s in template.statements() if s["Effect"] == "Allow" for action in listed(s["Action"])}
    assert needed - allowed == set()
    mine = {action for action in allowed if action.partition(":")[0] in SERVICES.values()}
    assert mine - needed == {"events:PutEvents"}, (
        "allowed to somebody, and asked for by nobody (EventBridge itself forwards)"
    )


@pytest.mark.parametrize(
    "name", [name for name, value in vars(keys).items() if name.isupper() and isinstance(value, str) and name != "WEB"]
)
def test_the_api_reads_every_part_of_the_bucket(template: Template, name: str) -> None:
    key = getattr(keys, name) + ("x" if getattr(keys, name).endswith("/") else "")
    iam, bucket = Iam(template), f"arn:aws:s3:::murmur-{ACCOUNT}-{REGION}"
    assert iam.may("RestFunctionRole", "s3:GetObject", f"{bucket}/{key}")
    assert iam.may("RestFunctionRole", "s3:ListBucket", bucket, {"s3:prefix": key})
