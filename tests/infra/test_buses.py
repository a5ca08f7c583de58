"""A flock of more agents than a bus takes rules has several buses, and a wake reaches every one of them."""

import pytest

import cdk  # noqa: F401 - says which Node jsii is to use, before anything imports aws_cdk
from murmur.settings import Settings

aws_cdk = pytest.importorskip("aws_cdk")


def synthesised(agents: int) -> dict:
    from aws_cdk import assertions  # noqa: PLC0415 - not installed on every machine

    from cdk.fabric import Fabric  # noqa: PLC0415
    from cdk.names import Names  # noqa: PLC0415

    stack = aws_cdk.Stack(aws_cdk.App(), "Test")
    Fabric(stack, "Fabric", names=Names("murmur", "aws", "eu-central-1", "111122223333", agents), bucket="flock")
    return assertions.Template.from_stack(stack).to_json()["Resources"]


def of(resources: dict, kind: str) -> dict[str, dict]:
    return {name: found["Properties"] for name, found in resources.items() if found["Type"] == kind}


@pytest.mark.parametrize(("agents", "rules"), [(290, [1]), (1500, [5, 1])])
def test_every_bus_the_function_will_use_is_there_and_is_forwarded_to(agents: int, rules: list[int]):
    resources = synthesised(agents)
    buses = of(resources, "AWS::Events::EventBus")
    wanted = Settings(bucket="flock", bus="murmur", concurrency_cap=agents).buses
    assert {found["Name"] for found in buses.values()} == set(wanted)
    forwarding = [
        found for found in of(resources, "AWS::Events::Rule").values() if found["Name"].startswith("murmur-wakes")
    ]
    assert [len(found["Targets"]) for found in sorted(forwarding, key=lambda rule: rule["Name"])] == rules
    reached = [target["Arn"]["Fn::GetAtt"][0] for found in forwarding for target in found["Targets"]]
    assert sorted(reached) == sorted(buses)
    (statement,) = [
        each
        for policy in of(resources, "AWS::IAM::Policy").values()
        for each in policy["PolicyDocument"]["Statement"]
        if each["Action"] == "events:PutEvents"
    ]
    allowed = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
    assert sorted(each["Fn::GetAtt"][0] for each in allowed) == sorted(buses)


def test_the_lifecycle_may_make_rules_on_exactly_those_buses():
    from cdk.names import Names  # noqa: PLC0415

    names = Names("murmur", "aws", "eu-central-1", "111122223333", 600)
    assert [arn.split("/")[1] for arn in names.agent_rules] == ["murmur", "murmur-2", "murmur-3"]
