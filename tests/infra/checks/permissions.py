"""Roles: that nothing is allowed by a wildcard that AWS does not force on us. Who may do what in particular: test_iam."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from tests.infra.iam import listed
from tests.infra.template import Template

_MANAGED = {"arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"}
"""AWS's own policy for API Gateway's account-wide log role, which is not ours to narrow."""
_SERVICES = {"lambda", "ec2", "events", "apigateway"}


@cache
def _reference() -> dict[str, Any]:
    """AWS's service authorization reference, as cfn-lint brings it: which actions know resources."""
    text = (files("cfnlint") / "data" / "AdditionalSpecs" / "Policies.json").read_text("utf-8")
    known: dict[str, Any] = json.loads(text)
    return known


def _knows_resources(action: str) -> bool | None:
    """Whether AWS lets a policy name what the action may touch; None for an action that does not exist."""
    service, _, name = action.partition(":")
    entry = _reference().get(service, {}).get("Actions", {}).get(name.lower())
    # "dataset" (CloudWatch) and the like stand beside "*" for the ordinary case, which has no resource.
    return None if entry is None else bool(set(entry.get("Resources", ())) - {"dataset"})


def no_action_is_a_wildcard_and_every_one_exists(template: Template) -> Iterator[str]:
    for role, statement in template.statements():
        for action in listed(statement["Action"]):
            if "*" in action:
                yield f"{role}: {action}"
            elif _knows_resources(action) is None:
                yield f"{role}: there is no {action}"


def everything_is_allowed_only_where_aws_knows_no_resources(template: Template) -> Iterator[str]:
    for role, statement in template.statements():
        if statement["Effect"] == "Allow" and "*" in listed(statement["Resource"]):
            for action in listed(statement["Action"]):
                if _knows_resources(action):
                    yield f"{role}: {action} on everything"


def roles_trust_one_service_and_hold_no_foreign_policy(template: Template) -> Iterator[str]:
    for name, role in template.of("IAM::Role").items():
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            service = statement["Principal"].get("Service", "")
            if service.removesuffix(".amazonaws.com") not in _SERVICES or set(statement["Principal"]) != {"Service"}:
                yield f"{name} trusts {statement['Principal']}"
        for policy in role.get("ManagedPolicyArns", []):
            if policy not in _MANAGED:
                yield f"{name} has {policy}"
        if role.get("Policies"):
            yield f"{name} has a policy that test_iam does not see"


def permissions_stay_in_this_account_and_flock(template: Template) -> Iterator[str]:
    for role, statement in template.statements():
        for resource in listed(statement["Resource"]):
            parts = resource.split(":")
            regional = len(parts) > 5 and parts[2] not in ("s3", "bedrock") and not resource.endswith("::image/*")
            if regional and parts[4] != "111122223333":
                yield f"{role}: {resource}"
            if (
                parts[2:3] in (["s3"], ["sqs"], ["events"], ["dynamodb"], ["lambda"], ["logs"])
                and "murmur" not in resource
            ):
                yield f"{role}: {resource} is not the flock's"


def roles_fit_what_iam_takes(template: Template) -> Iterator[str]:
    sizes: dict[str, int] = {}
    for policy in template.of("IAM::Policy").values():
        size = len(json.dumps(policy["PolicyDocument"], separators=(",", ":")))
        for role in policy["Roles"]:
            sizes[role] = sizes.get(role, 0) + size
    for role, size in sizes.items():
        if size > 9_500:  # IAM takes 10,240; ids and account numbers are a little longer than here
            yield f"{role}: {size} characters"


def the_two_ways_to_power_are_narrow(template: Template) -> Iterator[str]:
    """PassRole and RunInstances: only the lifecycle's, never on everything, never without conditions."""
    for role, statement in template.statements():
        actions = set(listed(statement["Action"]))
        if actions & {"iam:PassRole", "ec2:RunInstances", "ec2:TerminateInstances"} and not role.startswith(
            "LifecycleFunctionRole"
        ):
            yield f"{role} may {sorted(actions)}"
        if "iam:PassRole" in actions:
            roles = listed(statement["Resource"])
            to = statement.get("Condition", {}).get("StringEquals", {}).get("iam:PassedToService")
            if len(roles) != 1 or ":role/AgentsRole" not in roles[0] or to != "ec2.amazonaws.com":
                yield f"{role} passes {roles} to {to}"
        if "ec2:TerminateInstances" in actions:
            tags = statement.get("Condition", {}).get("StringEquals", {})
            if tags.get("aws:ResourceTag/Flock") != "murmur":
                yield f"{role} ends instances by {tags}"


def agents_are_denied_what_steers_the_flock(template: Template) -> Iterator[str]:
    """An explicit deny stands, whatever is ever allowed beside it."""
    denied = {
        resource.partition("eu-central-1/")[2]
        for role, statement in template.statements()
        if role.startswith("AgentsRole")
        and statement["Effect"] == "Deny"
        and "s3:PutObject" in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }
    wanted = {
        "direction.md",
        "config.json",
        "control.json",
        "roster.json",
        "web/*",
        "agent/*",
        "history/*",
        "store/*.directive.md",
    }
    if missing := wanted - denied:
        yield f"not denied: {sorted(missing)}"
