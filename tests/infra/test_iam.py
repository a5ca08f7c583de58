"""Who may do what: questions to the roles of the template, each with its answer."""

from __future__ import annotations

import pytest

from murmur.aws.policy import TARGET
from tests.infra.iam import Context, Iam
from tests.infra.template import ACCOUNT, REGION, Template

BUCKET = f"murmur-{ACCOUNT}-{REGION}"
RUN = "20261123T090000Z"
AGENT, API, LIFECYCLE = "AgentsRole", "RestFunctionRole", "LifecycleFunctionRole"
DOOR, CONNECT, BYE, ASKED, PUSH = (
    f"Live{name}Role" for name in ("Authorise", "Connect", "Disconnect", "Default", "Push")
)
PAGES, FORWARD = "RestPages", "FabricForward"


def key(name: str, bucket: str = BUCKET) -> str:
    return f"arn:aws:s3:::{bucket}/{name}"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def queue(name: str) -> str:
    return arn("sqs", name)


WHOLE = f"arn:aws:s3:::{BUCKET}"
INBOX, FOREIGN_INBOX = queue(f"murmur-{RUN}-agent-3"), queue(f"murmur-b-{RUN}-agent-3")
RULE, FOREIGN_RULE = (arn("events", f"rule/{bus}/{bus}-{RUN}-agent-3") for bus in ("murmur", "other"))
TABLE = arn("dynamodb", "table/murmur-connections")
INSTANCE = arn("ec2", "instance/i-0123456789abcdef0")
SOCKET = arn("execute-api", "LiveApi/live/POST/@connections/abc")
NOTHING: Context = {}
MATCH: Context = {"s3:if-match": '"e1"'}
NEW: Context = {"s3:if-none-match": "*"}
OURS: Context = {"aws:ResourceTag/Project": "murmur", "aws:ResourceTag/Flock": "murmur"}
THEIRS: Context = {"aws:ResourceTag/Project": "murmur", "aws:ResourceTag/Flock": "other"}
LABEL: Context = {**OURS, "aws:TagKeys": ("AgentIndex",)}
RELABEL: Context = {**OURS, "aws:TagKeys": ("AgentIndex", "Flock")}


def prefix(text: str) -> Context:
    return {"s3:prefix": text}


def item(text: str) -> Context:
    return {"dynamodb:LeadingKeys": (text,)}


def launch(template: Template, **changes: str) -> Context:
    """The condition keys of the fleet's own RunInstances, with ``changes``."""
    own = {
        "ec2:LaunchTemplate": arn("ec2", f"launch-template/{template.id('AgentsTemplate', 'EC2::LaunchTemplate')}"),
        "ec2:InstanceType": "t4g.medium",
        "ec2:MetadataHttpTokens": "required",
        "ec2:Encrypted": "true",
        "ec2:Owner": "amazon",
        "aws:RequestTag/Project": "murmur",
        "aws:RequestTag/Flock": "murmur",
    }
    return {
        name: value for name, value in {**own, **{k.replace("__", ":"): v for k, v in changes.items()}}.items() if value
    }


YES = [
    (AGENT, "s3:GetObject", key("config.json"), NOTHING),
    (AGENT, "s3:GetObject", key("direction.md"), NOTHING),
    (AGENT, "s3:GetObject", key("roster.json"), NOTHING),
    (AGENT, "s3:GetObject", key("store/agent-1.ndjson"), NOTHING),
    (AGENT, "s3:GetObject", key("store/agent-3.directive.md"), NOTHING),
    (AGENT, "s3:GetObject", key("knowledge-base/a.pdf"), NOTHING),
    (AGENT, "s3:GetObject", key("agent/bundle-0123456789abcdef.zip"), NOTHING),
    (AGENT, "s3:GetObject", key("state/lease.json"), NOTHING),
    (AGENT, "s3:ListBucket", WHOLE, prefix("store/")),
    (AGENT, "s3:ListBucket", WHOLE, prefix("segments/agent-0.")),
    (AGENT, "s3:ListBucket", WHOLE, prefix("store/agent-3.directive.md")),  # what S3 asks for a GET of a missing key
    (AGENT, "s3:PutObject", key("store/agent-3.ndjson"), MATCH),
    (AGENT, "s3:PutObject", key("store/agent-3.ndjson"), NEW),
    (AGENT, "s3:PutObject", key("state/agent-3.json"), MATCH),
    (AGENT, "s3:PutObject", key("segments/agent-3.00001.ndjson"), NOTHING),
    (AGENT, "s3:PutObject", key("output/report.md"), NEW),
    (AGENT, "s3:PutObject", key("versions/output/report.md"), NOTHING),
    (AGENT, "sqs:ReceiveMessage", INBOX, NOTHING),
    (AGENT, "sqs:DeleteMessage", INBOX, NOTHING),
    (AGENT, "sqs:ChangeMessageVisibility", INBOX, NOTHING),
    (AGENT, "ssm:GetParameter", arn("ssm", "parameter/murmur/murmur/api-key"), NOTHING),
    (AGENT, "logs:PutLogEvents", arn("logs", "log-group:/murmur/murmur/agents:log-stream:i-1"), NOTHING),
    (API, "s3:PutObject", key("direction.md"), MATCH),
    (API, "s3:PutObject", key("config.json"), NEW),
    (API, "s3:PutObject", key("control.json"), MATCH),
    (API, "s3:PutObject", key("store/agent-3.directive.md"), NOTHING),
    (API, "s3:DeleteObject", key("store/agent-3.directive.md"), NOTHING),
    (API, "s3:PutObject", key("knowledge-base/a.pdf"), NOTHING),
    (API, "s3:GetObject", key("history/20261122T090000Z/output/report.md"), NOTHING),
    (API, "s3:ListBucket", WHOLE, prefix("history/")),
    (API, "lambda:InvokeFunction", arn("lambda", "function:murmur-lifecycle"), NOTHING),
    (API, "dynamodb:PutItem", TABLE, item("ticket#abc")),
    (API, "sqs:PurgeQueue", INBOX, NOTHING),
    (API, "sqs:ReceiveMessage", queue("murmur-dead"), NOTHING),
    (API, "ec2:DescribeInstanceTypes", "*", NOTHING),
    (API, "servicequotas:GetServiceQuota", arn("servicequotas", "ec2/L-1216C47A"), NOTHING),
    (LIFECYCLE, "events:PutRule", RULE, NOTHING),
    (LIFECYCLE, "events:DeleteRule", RULE, NOTHING),
    (LIFECYCLE, "sqs:CreateQueue", INBOX, NOTHING),
    (LIFECYCLE, "sqs:DeleteQueue", INBOX, NOTHING),
    (LIFECYCLE, "s3:PutObject", key("history/20261122T090000Z/store/agent-0.ndjson"), NOTHING),
    (LIFECYCLE, "s3:DeleteObject", key("store/agent-0.ndjson"), NOTHING),
    (LIFECYCLE, "s3:PutObject", key("roster.json"), MATCH),
    (LIFECYCLE, "s3:PutObject", key("config.json"), NEW),
    (LIFECYCLE, "s3:PutObject", key("direction.md"), MATCH),
    (LIFECYCLE, "s3:PutObject", key("control.json"), MATCH),
    (LIFECYCLE, "s3:PutObject", key("state/lease.json"), NOTHING),
    (LIFECYCLE, "ec2:TerminateInstances", INSTANCE, OURS),
    (LIFECYCLE, "ec2:CreateTags", INSTANCE, LABEL),
    (DOOR, "dynamodb:DeleteItem", TABLE, item("ticket#abc")),
    (CONNECT, "dynamodb:PutItem", TABLE, item("connection#abc")),
    (BYE, "dynamodb:DeleteItem", TABLE, item("connection#abc")),
    (ASKED, "execute-api:ManageConnections", SOCKET, NOTHING),
    (PUSH, "execute-api:ManageConnections", SOCKET, NOTHING),
    (PUSH, "s3:GetObject", key("store/agent-0.ndjson"), NOTHING),
    (PUSH, "s3:ListBucket", WHOLE, prefix("output/")),
    (PUSH, "sqs:ReceiveMessage", queue("murmur-changes"), NOTHING),
    (PUSH, "sqs:DeleteMessage", queue("murmur-changes"), NOTHING),
    (PAGES, "s3:GetObject", key("web/index.html"), NOTHING),
    (FORWARD, "events:PutEvents", arn("events", "event-bus/murmur"), NOTHING),
]

NO = [
    (AGENT, "s3:PutObject", key("direction.md"), MATCH),
    (AGENT, "s3:PutObject", key("config.json"), MATCH),
    (AGENT, "s3:PutObject", key("control.json"), MATCH),
    (AGENT, "s3:PutObject", key("roster.json"), MATCH),
    (AGENT, "s3:PutObject", key("store/agent-3.directive.md"), MATCH),
    (AGENT, "s3:PutObject", key("store/notes.txt"), MATCH),
    (AGENT, "s3:PutObject", key("store/agent-3.ndjson"), NOTHING),  # without saying which version is meant
    (AGENT, "s3:PutObject", key("output/report.md"), NOTHING),
    (AGENT, "s3:PutObject", key("state/lease.json"), MATCH),
    (AGENT, "s3:PutObject", key("state/settle.json"), MATCH),
    (AGENT, "s3:PutObject", key("web/index.html"), MATCH),
    (AGENT, "s3:PutObject", key("agent/bundle-0123456789abcdef.zip"), MATCH),
    (AGENT, "s3:PutObject", key("history/20261122T090000Z/output/report.md"), MATCH),
    (AGENT, "s3:PutObject", key("knowledge-base/a.pdf"), MATCH),
    (AGENT, "s3:PutObject", key("output/report.md", f"other-{ACCOUNT}-{REGION}"), MATCH),
    (AGENT, "s3:DeleteObject", key("output/report.md"), NOTHING),
    (AGENT, "s3:DeleteObject", key("store/agent-3.ndjson"), NOTHING),
    (AGENT, "s3:GetObject", key("web/index.html"), NOTHING),
    (AGENT, "s3:GetObject", key("history/20261122T090000Z/output/report.md"), NOTHING),
    (AGENT, "s3:ListBucket", WHOLE, prefix("web/")),
    (AGENT, "s3:ListBucket", WHOLE, prefix("history/")),
    (AGENT, "s3:ListBucket", WHOLE, prefix("")),
    (AGENT, "s3:ListBucket", WHOLE, NOTHING),
    (AGENT, "s3:PutBucketPolicy", WHOLE, NOTHING),
    (AGENT, "sqs:SendMessage", INBOX, NOTHING),
    (AGENT, "sqs:ReceiveMessage", FOREIGN_INBOX, NOTHING),
    (AGENT, "sqs:ReceiveMessage", queue("murmur-changes"), NOTHING),
    (AGENT, "sqs:DeleteQueue", INBOX, NOTHING),
    (AGENT, "events:PutEvents", arn("events", "event-bus/murmur"), NOTHING),
    (AGENT, "events:PutEvents", arn("events", "event-bus/other"), NOTHING),
    (AGENT, "events:PutRule", RULE, NOTHING),
    (AGENT, "ssm:GetParameter", arn("ssm", "parameter/murmur/other/api-key"), NOTHING),
    (AGENT, "ssm:PutParameter", arn("ssm", "parameter/murmur/murmur/api-key"), NOTHING),
    (AGENT, "ec2:RunInstances", INSTANCE, OURS),
    (AGENT, "ec2:TerminateInstances", INSTANCE, OURS),
    (AGENT, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/AgentsRole", NOTHING),
    (AGENT, "bedrock:InvokeModel", f"arn:aws:bedrock:{REGION}::foundation-model/anthropic.claude-x", NOTHING),
    (AGENT, "cloudwatch:PutMetricData", "*", NOTHING),
    (AGENT, "logs:PutLogEvents", arn("logs", "log-group:/aws/lambda/murmur-api:log-stream:x"), NOTHING),
    (AGENT, "lambda:InvokeFunction", arn("lambda", "function:murmur-lifecycle"), NOTHING),
    (AGENT, "dynamodb:PutItem", TABLE, item("ticket#abc")),
    (API, "ec2:RunInstances", INSTANCE, OURS),
    (API, "ec2:TerminateInstances", INSTANCE, OURS),
    (API, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/AgentsRole", NOTHING),
    (API, "s3:PutObject", key("output/report.md"), MATCH),
    (API, "s3:PutObject", key("store/agent-3.ndjson"), MATCH),
    (API, "s3:PutObject", key("control.json"), NOTHING),
    (API, "s3:DeleteObject", key("store/agent-3.ndjson"), NOTHING),
    (API, "s3:DeleteObject", key("history/20261122T090000Z/output/report.md"), NOTHING),
    (API, "s3:PutObject", key("web/index.html"), MATCH),
    (API, "s3:GetObject", key("agent/bundle-0123456789abcdef.zip"), NOTHING),
    (API, "ssm:GetParameter", arn("ssm", "parameter/murmur/murmur/api-key"), NOTHING),
    (API, "lambda:InvokeFunction", arn("lambda", "function:murmur-live-push"), NOTHING),
    (API, "lambda:UpdateFunctionCode", arn("lambda", "function:murmur-lifecycle"), NOTHING),
    (API, "dynamodb:PutItem", TABLE, item("connection#abc")),
    (API, "dynamodb:PutItem", TABLE, NOTHING),
    (API, "dynamodb:Scan", TABLE, NOTHING),
    (API, "events:PutRule", RULE, NOTHING),
    (API, "sqs:DeleteQueue", INBOX, NOTHING),
    (LIFECYCLE, "ec2:TerminateInstances", INSTANCE, THEIRS),
    (LIFECYCLE, "ec2:TerminateInstances", INSTANCE, NOTHING),
    (LIFECYCLE, "ec2:CreateTags", INSTANCE, RELABEL),
    (LIFECYCLE, "ec2:CreateTags", INSTANCE, {"aws:TagKeys": ("Flock",)}),
    (LIFECYCLE, "events:PutRule", FOREIGN_RULE, NOTHING),
    (LIFECYCLE, "events:PutRule", arn("events", "rule/murmur-wakes"), NOTHING),
    (LIFECYCLE, "events:DeleteEventBus", arn("events", "event-bus/murmur"), NOTHING),
    (LIFECYCLE, "sqs:DeleteQueue", queue("murmur-changes"), NOTHING),
    (LIFECYCLE, "sqs:CreateQueue", FOREIGN_INBOX, NOTHING),
    (LIFECYCLE, "s3:DeleteObject", key("history/20261122T090000Z/output/report.md"), NOTHING),
    (LIFECYCLE, "s3:DeleteObject", key("knowledge-base/a.pdf"), NOTHING),
    (LIFECYCLE, "iam:CreateServiceLinkedRole", f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x", NOTHING),
    (DOOR, "dynamodb:DeleteItem", TABLE, item("connection#abc")),
    (DOOR, "dynamodb:PutItem", TABLE, item("ticket#abc")),
    (DOOR, "s3:GetObject", key("control.json"), NOTHING),
    (CONNECT, "dynamodb:PutItem", TABLE, item("ticket#abc")),
    (CONNECT, "dynamodb:DeleteItem", TABLE, item("connection#abc")),
    (BYE, "dynamodb:Scan", TABLE, NOTHING),
    (ASKED, "s3:GetObject", key("output/report.md"), NOTHING),
    (PUSH, "s3:GetObject", key("output/report.md"), NOTHING),
    (PUSH, "s3:GetObject", key("knowledge-base/a.pdf"), NOTHING),
    (PUSH, "s3:PutObject", key("control.json"), MATCH),
    (PUSH, "sqs:ReceiveMessage", INBOX, NOTHING),
    (PUSH, "execute-api:ManageConnections", arn("execute-api", "OtherApi/live/POST/@connections/abc"), NOTHING),
    (PAGES, "s3:GetObject", key("config.json"), NOTHING),
    (PAGES, "s3:GetObject", key("web"), NOTHING),
    (PAGES, "s3:ListBucket", WHOLE, prefix("web/")),
    (FORWARD, "events:PutEvents", arn("events", "event-bus/default"), NOTHING),
]


def spelled(question: tuple[str, str, str, Context]) -> str:
    role, action, resource, context = question
    said = ",".join(str(value) for value in context.values())
    return f"{role}-{action}-{resource.rpartition(':')[2].removeprefix(BUCKET + '/')}" + (f"-{said}" if said else "")


@pytest.fixture(scope="module")
def iam(template: Template) -> Iam:
    return Iam(template)


@pytest.mark.parametrize("question", YES, ids=spelled)
def test_a_role_may_do_what_its_work_needs(
    iam: Iam, template: Template, question: tuple[str, str, str, Context]
) -> None:
    role, action, resource, context = question
    assert iam.may(role, action, with_api(resource, template), context)


@pytest.mark.parametrize("question", NO, ids=spelled)
def test_a_role_may_do_nothing_else(iam: Iam, template: Template, question: tuple[str, str, str, Context]) -> None:
    role, action, resource, context = question
    assert not iam.may(role, action, with_api(resource, template), context)


def with_api(resource: str, template: Template) -> str:
    return resource.replace(":LiveApi/", f":{template.id('LiveApi', 'ApiGatewayV2::Api')}/")


def test_there_are_enough_questions_each_way_and_none_is_asked_both_ways() -> None:
    assert len(YES) >= 40 <= len(NO)
    assert not [question for question in YES if question in NO]


# -- launching: what the fleet asks for is allowed, and each word of it is needed -----------------------------------------


def parts(template: Template) -> dict[str, str]:
    ids = {name: template.id(prefix, kind) for name, prefix, kind in (
        ("launch-template", "AgentsTemplate", "EC2::LaunchTemplate"),
        ("subnet", "NetworkVpcpublicSubnet1", "EC2::Subnet"),
    )}  # fmt: skip
    group = template.id("NetworkAgents", "EC2::SecurityGroup")
    return {
        "instance": INSTANCE,
        "volume": arn("ec2", "volume/vol-1"),
        "network-interface": arn("ec2", "network-interface/eni-1"),
        "image": f"arn:aws:ec2:{REGION}::image/ami-1",
        "security-group": arn("ec2", f"security-group/{group}.GroupId"),
        **{name: arn("ec2", f"{name}/{id_}") for name, id_ in ids.items()},
    }


def test_the_fleets_own_launch_is_allowed(iam: Iam, template: Template) -> None:
    for resource in parts(template).values():
        assert iam.may(LIFECYCLE, "ec2:RunInstances", resource, launch(template)), resource
    for kind in ("instance", "volume", "network-interface"):
        assert iam.may(LIFECYCLE, "ec2:CreateTags", parts(template)[kind], {"ec2:CreateAction": "RunInstances"})
    role = f"arn:aws:iam::{ACCOUNT}:role/{iam.role(AGENT)}"
    assert iam.may(LIFECYCLE, "iam:PassRole", role, {"iam:PassedToService": "ec2.amazonaws.com"})


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("instance", {"ec2__InstanceType": "p5.48xlarge"}),
        ("instance", {"ec2__InstanceType": "t3.medium"}),
        ("instance", {"ec2__InstanceType": "m7g.16xlarge"}),
        ("instance", {"ec2__MetadataHttpTokens": "optional"}),
        ("instance", {"ec2__LaunchTemplate": ""}),
        ("instance", {"ec2__LaunchTemplate": arn("ec2", "launch-template/lt-other")}),
        ("instance", {"aws__RequestTag/Flock": "other"}),
        ("instance", {"aws__RequestTag/Flock": ""}),
        ("volume", {"ec2__Encrypted": "false"}),
        ("image", {"ec2__Owner": ACCOUNT}),
    ],
)
def test_a_launch_that_differs_is_refused(iam: Iam, template: Template, part: str, change: dict[str, str]) -> None:
    assert not iam.may(LIFECYCLE, "ec2:RunInstances", parts(template)[part], launch(template, **change))


@pytest.mark.parametrize("kind", ["subnet", "security-group", "launch-template", "key-pair"])
def test_a_launch_into_another_network_or_with_a_key_is_refused(iam: Iam, template: Template, kind: str) -> None:
    assert not iam.may(LIFECYCLE, "ec2:RunInstances", arn("ec2", f"{kind}/another"), launch(template))


def test_only_the_agents_role_is_passed_and_only_to_instances(iam: Iam) -> None:
    own = f"arn:aws:iam::{ACCOUNT}:role/{iam.role(AGENT)}"
    assert not iam.may(LIFECYCLE, "iam:PassRole", own, {"iam:PassedToService": "lambda.amazonaws.com"})
    admin = f"arn:aws:iam::{ACCOUNT}:role/Admin"
    assert not iam.may(LIFECYCLE, "iam:PassRole", admin, {"iam:PassedToService": "ec2.amazonaws.com"})


# -- policies on things ---------------------------------------------------------------------------------------------------


def test_each_queue_takes_messages_from_its_own_rule_only(iam: Iam) -> None:
    def may(target: str, rule: str) -> bool:
        return iam.service_may(
            "events.amazonaws.com", "sqs:SendMessage", queue(target), {"aws:SourceArn": arn("events", f"rule/{rule}")}
        )

    assert may("murmur-changes", "murmur-changes")
    assert may("murmur-undelivered", "murmur-wakes")
    assert not may("murmur-changes", "murmur-wakes")
    assert not may("murmur-changes", "other-changes")
    assert not may("murmur-dead", "murmur-changes")


def test_nothing_goes_without_tls(iam: Iam) -> None:
    plain = {"aws:SecureTransport": "false"}
    assert not iam.may(AGENT, "s3:GetObject", key("config.json"), plain)
    assert not iam.may(AGENT, "s3:GetObject", key("config.json"), {"s3:TlsVersion": "1.1"})
    changes = {**plain, "aws:SourceArn": arn("events", "rule/murmur-changes")}
    assert not iam.service_may("events.amazonaws.com", "sqs:SendMessage", queue("murmur-changes"), changes)


def test_the_fabric_names_its_targets_as_the_stack_does(template: Template) -> None:
    rule = template.one("Events::Rule", Name="murmur-changes")
    assert rule["Targets"][0]["Id"] == TARGET
