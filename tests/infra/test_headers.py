"""The dashboard is held to the same rules on AWS as on one machine."""

from __future__ import annotations

from cdk.headers import content_security_policy
from murmur.local.gateway.pages import policy
from tests.infra.template import Template


def directives(text: str) -> dict[str, set[str]]:
    return {words[0]: set(words[1:]) for part in text.split(";") if (words := part.split())}


def test_the_pages_policy_is_the_one_of_one_machine_but_for_where_it_connects() -> None:
    here, there = directives(policy("127.0.0.1:1")), directives(content_security_policy("wss://l", "https://s"))
    assert there.pop("connect-src") == {"'self'", "wss://l", "https://s"}
    here.pop("connect-src")
    assert there == here


def test_the_page_may_reach_its_own_socket_and_sign_in_and_nobody_else(template: Template) -> None:
    (live,) = template.of("ApiGatewayV2::Api")
    page = template.resolve(template.raw_properties("RestApiGET", "ApiGateway::Method"))["Integration"][
        "IntegrationResponses"
    ][0]
    said = directives(page["ResponseParameters"]["method.response.header.Content-Security-Policy"].strip("'"))
    assert said["connect-src"] == {
        "'self'",
        f"wss://{live}.execute-api.eu-central-1.amazonaws.com",
        template.outputs["Login"],
    }
