"""cdk-nag's findings, each looked at once: accepted for a reason, or mended. A finding that is not listed fails."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.infra.assembly import Assembly

ACCEPTED = {
    "AwsSolutions-IAM5": (r".*", "Only resources have wildcards, never actions; test_iam and checks/permissions.py hold each to its prefix."),
    "AwsSolutions-IAM4": (r"Rest/Api/CloudWatchRole", "API Gateway's account-wide log role is AWS's own; -c account_logging=false leaves it out."),
    "AwsSolutions-SQS3": (r"Fabric/Undelivered", "It is a dead-letter queue itself: of rules and of asynchronous invocations."),
    "AwsSolutions-VPC7": (r"Network/Vpc", "Nothing comes in, and only HTTPS goes out; flow logs would cost more than the flock and tell addresses only."),
    "AwsSolutions-L1": (r".*/(Function|Authorise|Connect|Disconnect|Default|Push)", "Python 3.13: the newest for which AL2023 and every wheel exist; instances run the same."),
    "AwsSolutions-DDB3": (r"Live/Connections", "Nothing in the table is older than two hours: there is no point in time to go back to."),
    "AwsSolutions-APIG2": (r"Rest/Api", "Every request is checked by the function's own models, with errors that name the field."),
    "AwsSolutions-APIG4": (r"Live/Api/\$(disconnect|default)-Route|Rest/Api/Default/(\{proxy\+\}/|settings\.json/)?GET", "A socket is let in at $connect, once. The page must show before one can sign in; the firewall is before it."),
    "AwsSolutions-APIG6": (r"Rest/Api/DeploymentStage\.app", "Access logs are on. Execution logs would hold directions and files."),
    "AwsSolutions-COG2": (r"Auth/Pool", "MFA is offered, not forced: a flock with one operator must not lock them out."),
    "AwsSolutions-COG4": (r"Rest/Api/Default/(\{proxy\+\}/|settings\.json/)?GET", "The page itself and where to sign in."),
    "AwsSolutions-COG8": (r"Auth/Pool", "The plus tier costs per user; the allowlist keeps strangers from the sign-in's fruits."),
    "Serverless-SQSRedrivePolicy": (r"Fabric/(Dead|Undelivered)", "Dead-letter queues themselves."),
    "Serverless-LambdaDLQ": (r".*", "Only the lifecycle is invoked asynchronously; what it cannot do goes to `undelivered` by its destination."),
    "Serverless-LambdaLatestVersion": (r".*", "See AwsSolutions-L1."),
    "Serverless-LambdaEventSourceMappingDestination": (r"Live/Push/.*", "The queue redrives what cannot be told to `dead`."),
    "Serverless-SNSRedrivePolicy": (r"Watch/Alarms/.*", "An e-mail that cannot be delivered has nowhere better to go; the alarm itself stays red."),
}  # fmt: skip


def found(assembly: Assembly) -> Iterator[tuple[str, str, str]]:
    """Rule, what it is about ("" if nothing in particular), and the construct's path."""
    for violations in assembly.reports.values():
        for violation in violations:
            rule, _, about = violation["ruleName"].partition("[")
            for construct in violation["violatingConstructs"]:
                path = construct["constructPath"].removeprefix("Flock/").removesuffix("/Resource")
                yield rule, about.removesuffix("]"), path


def test_every_finding_is_accepted_for_a_reason(assembly: Assembly) -> None:
    open_ = [
        (rule, about, path)
        for rule, about, path in found(assembly)
        if rule not in ACCEPTED or not re.fullmatch(ACCEPTED[rule][0], path)
    ]
    assert open_ == []


def test_every_acceptance_is_still_needed(assembly: Assembly) -> None:
    assert {rule for rule, _, _ in found(assembly)} == set(ACCEPTED)


def test_no_action_is_a_wildcard(assembly: Assembly) -> None:
    assert [
        about for rule, about, _ in found(assembly) if rule == "AwsSolutions-IAM5" and about.startswith("Action")
    ] == []
