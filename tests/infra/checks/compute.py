"""Functions and instances: what runs."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from murmur.aws.cloud import CloudSettings
from murmur.settings import Settings
from tests.infra.template import Template

_NEEDS = {
    "api": ("connections_table", "lifecycle_function"),
    "lifecycle": ("launch_template", "subnets"),
    "live-authorise": ("connections_table",),
    "live-connect": ("connections_table",),
    "live-disconnect": ("connections_table",),
    "live-default": ("connections_table", "connections_endpoint"),
    "live-push": ("connections_table", "connections_endpoint"),
}
"""Variables that each function's code asks for beside the flock's own (functions/*/main.py)."""


def _functions(template: Template) -> dict[str, dict[str, Any]]:
    """Properties by what the function is for."""
    return {found["FunctionName"].removeprefix("murmur-"): found for found in template.of("Lambda::Function").values()}


def every_function_is_there(template: Template) -> Iterator[str]:
    if set(_functions(template)) != set(_NEEDS):
        yield f"functions: {sorted(_functions(template))}"


def handlers_exist(template: Template) -> Iterator[str]:
    for name, found in _functions(template).items():
        module, _, attribute = found["Handler"].rpartition(".")
        try:
            if not callable(getattr(importlib.import_module(module), attribute)):
                yield f"{name}: {found['Handler']} cannot be called"
        except (ImportError, AttributeError) as error:
            yield f"{name}: {error}"


def functions_run_on_arm_with_the_python_of_their_wheels(template: Template) -> Iterator[str]:
    for name, found in _functions(template).items():
        if found.get("Architectures") != ["arm64"] or found["Runtime"] != "python3.13":
            yield f"{name}: {found.get('Architectures')} {found['Runtime']}"


def functions_are_told_what_they_need(template: Template) -> Iterator[str]:
    for name, found in _functions(template).items():
        # Ids are CloudFormation's to give; here each stands as its logical id, so they get a shape that AWS's have.
        told = dict(found["Environment"]["Variables"])
        told |= dict.fromkeys(told.keys() & {"MURMUR_LAUNCH_TEMPLATE"}, "lt-0a")
        told |= dict.fromkeys(told.keys() & {"MURMUR_SUBNETS"}, "subnet-0a")
        try:
            Settings.from_environment(told)
            CloudSettings.from_environment(told).require(*_NEEDS[name])
        except Exception as error:  # noqa: BLE001 - whatever is wrong is what this check is about
            yield f"{name}: {error}"
        if told.get("POWERTOOLS_METRICS_NAMESPACE") != "Murmur" or "POWERTOOLS_SERVICE_NAME" not in told:
            yield f"{name}: Powertools is not told of"


def functions_hold_no_secret(template: Template) -> Iterator[str]:
    for name, found in _functions(template).items():
        for variable in found["Environment"]["Variables"]:
            if any(word in variable for word in ("SECRET", "PASSWORD", "API_KEY", "TOKEN")):
                yield f"{name}: {variable}"


def functions_log_with_an_end_and_are_traced(template: Template) -> Iterator[str]:
    groups = {found["LogGroupName"]: found for found in template.of("Logs::LogGroup").values()}
    for name, found in _functions(template).items():
        group = found.get("LoggingConfig", {}).get("LogGroup", "")
        if group != f"/aws/lambda/murmur-{name}" or not groups.get(group, {}).get("RetentionInDays"):
            yield f"{name}: log group {group!r}"
        if found.get("TracingConfig") != {"Mode": "Active"}:
            yield f"{name}: not traced"
    for group, found in groups.items():
        if not found.get("RetentionInDays"):
            yield f"{group} is kept for ever"


def the_api_answers_before_the_gateway_gives_up(template: Template) -> Iterator[str]:
    if _functions(template)["api"]["Timeout"] > 29:
        yield "the API's function may run longer than API Gateway waits"


def the_lifecycle_is_tried_again_and_never_lost(template: Template) -> Iterator[str]:
    config = template.one("Lambda::EventInvokeConfig")
    if config.get("MaximumRetryAttempts") != 2 or "murmur-undelivered" not in str(config.get("DestinationConfig")):
        yield f"asynchronous invocations: {config}"


def changes_feed_the_live_view(template: Template) -> Iterator[str]:
    source = template.one("Lambda::EventSourceMapping")
    queue = template.one("SQS::Queue", QueueName="murmur-changes")
    if not source["EventSourceArn"].endswith(":murmur-changes") or source["FunctionName"] != "murmur-live-push":
        yield f"{source['EventSourceArn']} feeds {source['FunctionName']}"
    if source.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
        yield "one bad message would hold up its whole batch"
    if queue["VisibilityTimeout"] < 6 * _functions(template)["live-push"]["Timeout"]:
        yield "a change may come again while it is still being told"


def instances_are_hardened(template: Template) -> Iterator[str]:
    data = template.one("EC2::LaunchTemplate")["LaunchTemplateData"]
    metadata = data.get("MetadataOptions", {})
    if metadata.get("HttpTokens") != "required" or metadata.get("HttpPutResponseHopLimit") != 1:
        yield f"metadata service: {metadata}"
    if metadata.get("InstanceMetadataTags") != "enabled":
        yield "an instance cannot read its own tags, and so not find its place"
    disks = [disk["Ebs"] for disk in data["BlockDeviceMappings"]]
    if not disks or not all(disk.get("Encrypted") and disk.get("DeleteOnTermination") for disk in disks):
        yield f"disks: {disks}"
    if "KeyName" in data or data.get("NetworkInterfaces"):
        yield "an SSH key, or an interface of its own"
    if data.get("InstanceInitiatedShutdownBehavior") != "terminate":
        yield "an instance that shuts itself down would go on costing"
    group = template.id("NetworkAgents", "EC2::SecurityGroup")
    if data.get("SecurityGroupIds") != [f"{group}.GroupId"]:
        yield f"security groups: {data.get('SecurityGroupIds')}"


def instances_are_told_of_their_flock_and_of_nothing_secret(template: Template) -> Iterator[str]:
    data = template.one("EC2::LaunchTemplate")["LaunchTemplateData"]
    script = data["UserData"]
    for word in (
        "MURMUR_FLOCK=murmur",
        "MURMUR_KEY_PARAMETER=/murmur/murmur/api-key",
        "agent/bundle-",
        "MURMUR_BUS=murmur",
        "MURMUR_EMF=1",
    ):
        if word not in script:
            yield f"the user data lacks {word}"
    if len(script.encode()) > 16_384:
        yield f"the user data has {len(script)} characters"
    for specification in data["TagSpecifications"]:
        tags = {tag["Key"]: tag["Value"] for tag in specification["Tags"]}
        if (tags.get("Project"), tags.get("Flock")) != ("murmur", "murmur"):
            yield f"{specification['ResourceType']}: {tags}"
    if {s["ResourceType"] for s in data["TagSpecifications"]} != {"instance", "volume", "network-interface"}:
        yield "something an instance is made of has no tags"


def an_instances_role_is_the_agents(template: Template) -> Iterator[str]:
    profile = template.one("IAM::InstanceProfile")
    if not profile["Roles"][0].startswith("AgentsRole"):
        yield f"instance profile: {profile['Roles']}"
