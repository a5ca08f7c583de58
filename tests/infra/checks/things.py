"""Bucket, queues, rules, network, table, alarms: what lies around."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from murmur.pattern import PATTERN_LIMIT, changes_pattern, wakes_pattern
from tests.infra.iam import Iam, listed
from tests.infra.template import ACCOUNT, REGION, Template

BUCKET = f"murmur-{ACCOUNT}-{REGION}"
_OPERATORS = {"prefix", "suffix", "anything-but", "exists", "equals-ignore-case", "wildcard", "numeric", "cidr"}


def nothing_is_a_custom_resource_or_a_container(template: Template) -> Iterator[str]:
    for name, resource in template.resources.items():
        if resource["Type"].startswith("Custom::") or resource["Type"] == "AWS::CloudFormation::CustomResource":
            yield f"{name}: {resource['Type']}"
        if resource.get("Properties", {}).get("PackageType") == "Image":
            yield f"{name} is a container"


def buckets_are_private_encrypted_and_kept(template: Template) -> Iterator[str]:
    for name, resource in template.resources.items():
        if resource["Type"] != "AWS::S3::Bucket":
            continue
        properties = resource["Properties"]
        if resource.get("DeletionPolicy") != "Retain" or resource.get("UpdateReplacePolicy") != "Retain":
            yield f"{name} goes with the stack"
        if not all(properties.get("PublicAccessBlockConfiguration", {"": False}).values()):
            yield f"{name} may be made public"
        if "BucketEncryption" not in properties:
            yield f"{name} is not encrypted"
    store = template.one("S3::Bucket", BucketName=BUCKET)
    if "LoggingConfiguration" not in store:
        yield "nobody notes who touches the store"
    if "history/" not in {rule.get("Prefix") for rule in store["LifecycleConfiguration"]["Rules"]}:
        yield "earlier runs stay in the dearest class for ever"


def everything_is_refused_without_tls(template: Template) -> Iterator[str]:
    iam = Iam(template)
    plain = {"aws:SecureTransport": "false"}
    for bucket in template.of("S3::Bucket").values():
        if iam.may("LifecycleFunctionRole", "s3:GetObject", f"arn:aws:s3:::{bucket['BucketName']}/control.json", plain):
            yield f"{bucket['BucketName']} answers without TLS"
    policies = [json.dumps(found["PolicyDocument"]) for found in template.of("SQS::QueuePolicy").values()]
    for queue in template.of("SQS::Queue").values():
        if not any(f':{queue["QueueName"]}"' in policy and "aws:SecureTransport" in policy for policy in policies):
            yield f"{queue['QueueName']} answers without TLS"


def the_store_tells_eventbridge(template: Template) -> Iterator[str]:
    store = template.one("S3::Bucket", BucketName=BUCKET)
    if not store.get("NotificationConfiguration", {}).get("EventBridgeConfiguration", {}).get("EventBridgeEnabled"):
        yield "EventBridge hears nothing of the store"


def nobody_overwrites_blindly(template: Template) -> Iterator[str]:
    iam = Iam(template)
    for role, key in (
        ("AgentsRole", "store/agent-0.ndjson"),
        ("AgentsRole", "output/a.md"),
        ("RestFunctionRole", "control.json"),
    ):
        if iam.may(role, "s3:PutObject", f"arn:aws:s3:::{BUCKET}/{key}"):
            yield f"{key} may be put without If-Match"
        if not iam.may(role, "s3:PutObject", f"arn:aws:s3:::{BUCKET}/{key}", {"s3:if-match": "e"}):
            yield f"{key} may not be put at all"


def rules_say_what_the_code_means(template: Template) -> Iterator[str]:
    for name, pattern in (("murmur-wakes", wakes_pattern(BUCKET)), ("murmur-changes", changes_pattern(BUCKET))):
        rule = template.one("Events::Rule", Name=name)
        if rule["EventPattern"] != pattern:
            yield f"{name}: {rule['EventPattern']}"
    gone = template.one("Events::Rule", Name="murmur-instances")["EventPattern"]
    if gone["source"] != ["aws.ec2"] or "terminated" not in gone["detail"]["state"]:
        yield f"instances that go: {gone}"
    tick = template.one("Events::Rule", Name="murmur-tick")
    if tick["ScheduleExpression"] != "rate(1 minute)" or json.loads(tick["Targets"][0]["Input"]) != {"action": "tick"}:
        yield f"tick: {tick}"


def patterns_are_legal(template: Template) -> Iterator[str]:
    for rule in template.of("Events::Rule").values():
        pattern = rule.get("EventPattern")
        if pattern is None:
            continue
        if len(json.dumps(pattern, separators=(",", ":"))) > PATTERN_LIMIT:
            yield f"{rule['Name']}: the pattern is longer than EventBridge takes"
        yield from (f"{rule['Name']}: {wrong}" for wrong in _illegal(pattern))


def _illegal(value: Any) -> Iterator[str]:
    """EventBridge takes one operator a matcher, and at each leaf a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(inner, dict | list):
                yield f"{key} is no list"
            yield from _illegal(inner)
    elif isinstance(value, list):
        for matcher in value:
            if isinstance(matcher, dict) and (len(matcher) != 1 or not set(matcher) <= _OPERATORS):
                yield f"one operator a matcher, not {matcher}"


def rules_reach_their_targets_or_keep_what_they_could_not(template: Template) -> Iterator[str]:
    iam = Iam(template)
    for rule in template.of("Events::Rule").values():
        source = {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule['Name']}"}
        if rule.get("State") != "ENABLED":
            yield f"{rule['Name']} is off"
        for target in rule["Targets"]:
            dead = target.get("DeadLetterConfig", {}).get("Arn", "")
            for queue in [dead, *([target["Arn"]] if ":sqs:" in target["Arn"] else [])]:
                if not iam.service_may("events.amazonaws.com", "sqs:SendMessage", queue, source):
                    yield f"{rule['Name']} may not send to {queue or 'a dead-letter queue'}"
            if ":event-bus/" in target["Arn"]:
                role = target.get("RoleArn", "").rpartition("/")[2]
                if not role or not iam.may(role[:-8], "events:PutEvents", target["Arn"]):
                    yield f"{rule['Name']} may not forward to the bus"


def queues_keep_what_fails(template: Template) -> Iterator[str]:
    changes = template.one("SQS::Queue", QueueName="murmur-changes")
    if not changes.get("RedrivePolicy", {}).get("deadLetterTargetArn", "").endswith(":murmur-dead"):
        yield "a change that cannot be told is tried for ever"
    for queue in template.of("SQS::Queue").values():
        if not queue.get("SqsManagedSseEnabled"):
            yield f"{queue['QueueName']} is not encrypted"


def nothing_comes_in_and_only_https_goes_out(template: Template) -> Iterator[str]:
    for name, group in template.of("EC2::SecurityGroup").items():
        if group.get("SecurityGroupIngress"):
            yield f"{name} lets in {group['SecurityGroupIngress']}"
        out = [(rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort")) for rule in group["SecurityGroupEgress"]]
        if out != [("tcp", 443, 443)]:
            yield f"{name} lets out {out}"
    for kind in ("EC2::SecurityGroupIngress", "EC2::SecurityGroupEgress"):
        if template.of(kind):
            yield f"{kind} beside the group"


def the_gateway_to_s3_leads_to_this_bucket_only(template: Template) -> Iterator[str]:
    endpoint = template.one("EC2::VPCEndpoint")
    reached = {resource for s in endpoint["PolicyDocument"]["Statement"] for resource in listed(s["Resource"])}
    wanted = {f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*", "arn:aws:s3:::al2023-repos-*-de612dc2/*"}
    if reached != wanted:
        yield f"through the gateway: {sorted(reached ^ wanted)}"


def tickets_and_connections_expire(template: Template) -> Iterator[str]:
    table = template.one("DynamoDB::Table")
    if table.get("TimeToLiveSpecification") != {"AttributeName": "expires", "Enabled": True}:
        yield f"expiry: {table.get('TimeToLiveSpecification')}"
    if table["KeySchema"] != [{"AttributeName": "pk", "KeyType": "HASH"}]:
        yield f"key: {table['KeySchema']}"


def alarms_ring_somewhere(template: Template) -> Iterator[str]:
    topic = template.resolve({"Ref": template.id("WatchAlarms", "SNS::Topic")})
    watched = set()
    for alarm in template.of("CloudWatch::Alarm").values():
        watched.add((alarm["MetricName"], *(d["Value"] for d in alarm.get("Dimensions", ()))))
        if topic not in alarm.get("AlarmActions", ()):
            yield f"{alarm['AlarmName']} rings nowhere"
    wanted = {("Errors", f["FunctionName"]) for f in template.of("Lambda::Function").values()}
    wanted |= {("ApproximateNumberOfMessagesVisible", q) for q in ("murmur-dead", "murmur-undelivered")}
    wanted |= {(name, "murmur") for name in ("Rescues", "AgentsMissing", "EstimatedDollarsPerHour")}
    if wanted != watched:
        yield f"alarms: {sorted(wanted ^ watched)}"
    iam, alarm = Iam(template), f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:murmur-spend"
    told = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": alarm}
    if not iam.service_may(
        "cloudwatch.amazonaws.com", "sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:murmur-alarms", told
    ):
        yield "alarms may not publish to their topic"
    mail = template.one("SNS::Subscription")
    if (mail["Protocol"], mail["Endpoint"]) != ("email", "you@example.org"):
        yield f"alarms go to {mail}"


def the_dashboard_tells_health_and_wake_latency(template: Template) -> Iterator[str]:
    board = json.loads(template.one("CloudWatch::Dashboard")["DashboardBody"])
    text = json.dumps(board)
    for word in (
        "WakeLatency",
        "p50",
        "p95",
        "p99",
        "Wakes",
        "Gated",
        "Turns",
        "Rescues",
        "AgentsMissing",
        "murmur-undelivered",
    ):
        if f'"{word}"' not in text:
            yield f"the dashboard does not show {word}"
