"""What may be chosen at deploy time, and what is said to who chooses badly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cdk.agents import agent_statements
from cdk.launching import launching
from cdk.names import Names
from cdk.parameters import Parameters
from murmur.errors import InvalidConfig
from tests.infra.assembly import CONTEXT

NAMES = Names("murmur", "aws", "eu-central-1", "111122223333")


def said(statements: list[Any]) -> str:
    return json.dumps([statement.to_statement_json() for statement in statements])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"allow_ip": "203.0.113.7"}, "write 203.0.113.7/32"),
        ({"allow_ip": "2001:db8::1"}, "write 2001:db8::1/128"),
        ({"allow_ip": "203.0.113.7/24"}, "host bits"),
        ({"allow_ip": "0.0.0.0/0"}, "the whole internet"),
        ({"allow_ip": "home"}, "no network"),
        ({"allow_ip": "203.0.113.0/24,300.0.0.1/32"}, "300.0.0.1/32"),
        ({"flock": "Murmur"}, "pattern"),
        ({"flock": "my-aws-flock"}, "Cognito reserves"),
        ({"flock": "a" * 21}, "pattern"),
        ({"email": "you"}, "you@example.org"),
        ({"concurrency_cap": "1501"}, "1500"),
        ({"concurrency_cap": "many"}, "integer"),
        ({"runners": "rm -rf /"}, "lower-case"),
        ({"runners": ""}, "at least 1"),
        ({"bedrock_models": "a/b"}, "model id"),
        ({"log_days": "31"}, "30"),
        ({"spend_alarm": "0"}, "greater than 0"),
        ({"bundle_sha256": "abc"}, "pattern"),
        ({"allow-ips": "203.0.113.0/24"}, "there is no such parameter"),
    ],
)
def test_a_bad_choice_is_refused_with_what_to_do(given: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        Parameters.from_context(given)
    assert says in str(refused.value)
    assert refused.value.remedy


def test_choices_are_read_as_the_command_line_gives_them() -> None:
    chosen = Parameters.from_context(
        {"allow-ip": "203.0.113.7/32, 2001:db8::/32", "spot": "true", "@aws-cdk/x": True, "aws:cdk:y": 1}
    )
    assert chosen.allow_ip == ("203.0.113.7/32", "2001:db8::/32")
    assert chosen.spot


def test_with_nothing_chosen_nobody_is_let_in() -> None:
    assert Parameters().allow_ip == ()
    assert Parameters().email == ""
    assert Parameters().bedrock_models == ()


def test_the_tests_own_choices_are_legal() -> None:
    assert Parameters.from_context(CONTEXT).runners == ("scripted", "kiro")


def test_bedrock_is_opened_for_the_models_that_were_named_only() -> None:
    assert "bedrock" not in said(agent_statements(NAMES, Parameters()))
    models = said(agent_statements(NAMES, Parameters(bedrock_models=("anthropic.claude-*",))))
    assert "arn:aws:bedrock:*::foundation-model/anthropic.claude-*" in models
    assert "foundation-model/*" not in models


def test_agents_write_reference_material_only_where_that_was_chosen() -> None:
    closed = [s.to_statement_json() for s in agent_statements(NAMES, Parameters())]
    assert [s["Effect"] for s in closed if "knowledge-base/*" in str(s) and "s3:PutObject" in str(s)] == ["Deny"]
    opened = [s.to_statement_json() for s in agent_statements(NAMES, Parameters(knowledge_writable=True))]
    assert [s["Effect"] for s in opened if "knowledge-base/*" in str(s) and "s3:PutObject" in str(s)] == ["Allow"]


def test_spot_brings_its_own_permissions_and_no_others() -> None:
    def of(spot: bool) -> str:
        return said(launching(NAMES, template="lt-1", role="arn:role", subnets=["subnet-1"], group="sg-1", spot=spot))

    assert "spot-instances-request" not in of(False)
    assert "CreateServiceLinkedRole" not in of(False)
    assert "spot-instances-request" in of(True)
    assert "AWSServiceRoleForEC2Spot" in of(True)
