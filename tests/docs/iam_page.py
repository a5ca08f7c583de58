"""Writes docs/reference/iam.md from the synthesised template (`python -m tests.docs.iam_page`)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.infra.iam import listed
from tests.infra.template import ACCOUNT, REGION, Template

TARGET = Path(__file__).resolve().parents[2] / "docs" / "reference" / "iam.md"
HEAD = """# Who may do what on AWS

Made from the synthesised template by `python -m tests.docs.iam_page`; a test keeps it true. The flock is called `murmur` here. `<run>` stands for a
run's name as an IAM pattern (`2???????T??????Z`), which also keeps the flock `a` out of the flock `a-b`. `tests/infra/test_iam.py` asks these policies more than
a hundred questions, half of which must be answered no, and `tests/infra/test_faults.py` puts faults into them that must be noticed.

What no policy says: agents share one role, so that *which* agent writes *which* log is kept by fencing (a conditional put, docs/explanation/safety.md), not by
IAM; and the agent process itself runs as a user that cannot reach the role at all ([0013](../decisions/0013-agents-apart.md)).
"""
ROLES = {
    "AgentsRole": "Instances (the loop, never the agent process)",
    "RestFunctionRole": "Function `api`",
    "LifecycleFunctionRole": "Function `lifecycle`",
    "LiveAuthoriseRole": "Function `live-authorise`",
    "LiveConnectRole": "Function `live-connect`",
    "LiveDisconnectRole": "Function `live-disconnect`",
    "LiveDefaultRole": "Function `live-default` (answers a dashboard)",
    "LivePushRole": "Function `live-push` (tells dashboards)",
    "RestPages": "API Gateway, for the dashboard's files",
    "FabricForward": "EventBridge, from the default bus to the flock's own",
}
"""Roles by the beginning of their logical id, in reading order."""
REASONS = {
    "cloudwatch:GetMetricData": "CloudWatch knows no resources for reading metrics.",
    "ec2:DescribeInstances": "EC2 knows no resources for Describe calls.",
    "ec2:DescribeInstanceTypes": "EC2 knows no resources for Describe calls.",
    "events:ListRules": "EventBridge knows no resources for listing.",
    "sqs:ListQueues": "SQS knows no resources for listing.",
    "servicequotas:GetAWSDefaultServiceQuota": "AWS's default quotas belong to no account.",
    "xray:PutTraceSegments": "X-Ray knows no resources.",
    "xray:PutTelemetryRecords": "X-Ray knows no resources.",
}
"""Why an action is allowed on everything."""


def page(template: Template) -> str:
    """The page as it should stand."""
    parts = [HEAD]
    for prefix, title in ROLES.items():
        parts.append(f"\n## {title}\n\n| | may | on | only if |\n|---|---|---|---|\n")
        parts += [row(statement, template) for role, statement in template.statements() if _is(role, prefix)]
    parts.append(
        "\n## On everything, and why\n\nOnly where AWS lets no policy name what is meant; a test looks that up.\n\n| action | why |\n|---|---|\n"
    )
    parts += [f"| `{action}` | {REASONS[action]} |\n" for action in sorted(everywhere(template))]
    parts.append("\n## Policies on things\n\n" + "".join(f"- {line}\n" for line in things(template)))
    return "".join(parts)


def row(statement: dict[str, Any], template: Template) -> str:
    """One statement as a line of a table."""
    actions = ", ".join(f"`{action}`" for action in listed(statement["Action"]))
    resources = "<br>".join(f"`{short(resource, template)}`" for resource in listed(statement["Resource"]))
    conditions = "<br>".join(
        f"`{key}` {operator} {', '.join(f'`{short(str(value), template)}`' for value in listed(values))}"
        for operator, pairs in statement.get("Condition", {}).items()
        for key, values in pairs.items()
    )
    verb = "**never** " if statement["Effect"] == "Deny" else ""
    return f"| {statement.get('Sid', '')} | {verb}{actions} | {resources} | {conditions} |\n"


def short(text: str, template: Template) -> str:
    """An ARN without what is the same everywhere."""
    text = text.replace(f"arn:aws:s3:::murmur-{ACCOUNT}-{REGION}", "<bucket>").replace("2???????T??????Z", "<run>")
    text = text.replace(f":{REGION}:{ACCOUNT}:", ":").removeprefix("arn:aws:")
    for name in sorted(template.raw["Resources"], key=len, reverse=True):
        if name in text:
            text = text.replace(name, "<" + template.raw["Resources"][name]["Type"].rpartition("::")[2] + ">")
    return text


def everywhere(template: Template) -> set[str]:
    """Actions that are allowed on everything."""
    return {
        action
        for _, statement in template.statements()
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }


def things(template: Template) -> Iterator[str]:
    """What buckets and queues say for themselves."""
    for kind in ("S3::BucketPolicy", "SQS::QueuePolicy"):
        for policy in template.of(kind).values():
            for statement in policy["PolicyDocument"]["Statement"]:
                who = (
                    statement["Principal"]
                    if isinstance(statement["Principal"], str)
                    else "".join(statement["Principal"].values())
                )
                verb = "is refused" if statement["Effect"] == "Deny" else "may"
                conditions = "; ".join(
                    f"`{key}` {operator} `{short(str(value), template)}`"
                    for operator, pairs in statement.get("Condition", {}).items()
                    for key, value in pairs.items()
                )
                resources = ", ".join(f"`{short(r, template)}`" for r in listed(statement["Resource"]))
                yield f"{'anybody' if who == '*' else who} {verb} `{', '.join(listed(statement['Action']))}` on {resources} if {conditions}"


def _is(role: str, prefix: str) -> bool:
    return role.startswith(prefix) and len(role) == len(prefix) + 8


def main() -> None:
    """Synthesise, and write the page."""
    from cdk.synth import synthesise  # noqa: PLC0415 - takes seconds
    from tests.infra.assembly import CONTEXT  # noqa: PLC0415 - skips where the cdk extra is absent

    with tempfile.TemporaryDirectory() as folder:
        template = Template.read(synthesise(dict(CONTEXT), Path(folder) / "out"))
    TARGET.write_text(page(template), "utf-8")


if __name__ == "__main__":
    main()
