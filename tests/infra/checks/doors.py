"""Who comes in: the REST API, the WebSocket, sign-in, the firewall."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from tests.infra.iam import glob
from tests.infra.template import Template

_OPEN = {"/", "/{proxy+}", "/settings.json"}
"""Paths that need no sign-in: the page itself, and where to sign in. The firewall is before them all the same."""


def _paths(template: Template) -> dict[str, str]:
    """The path of each REST resource, by logical id."""
    parts = template.of("ApiGateway::Resource")
    (api,) = template.of("ApiGateway::RestApi")

    def path(name: str) -> str:
        if name not in parts:
            return ""
        return f"{path(parts[name]['ParentId'])}/{parts[name]['PathPart']}"

    return {f"{api}.RootResourceId": "/", **{name: path(name) for name in parts}}


def _methods(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    paths = _paths(template)
    for found in template.of("ApiGateway::Method").values():
        yield paths[found["ResourceId"]], found


def every_method_but_the_pages_needs_a_sign_in(template: Template) -> Iterator[str]:
    seen = set()
    for path, method in _methods(template):
        seen.add(path)
        signed_in = method.get("AuthorizationType") == "COGNITO_USER_POOLS" and method.get("AuthorizerId")
        if path in _OPEN:
            kind = method["Integration"]["Type"]
            if (
                method["HttpMethod"] != "GET"
                or (kind == "AWS" and ":s3:path/" not in method["Integration"]["Uri"])
                or kind == "AWS_PROXY"
            ):
                yield f"{method['HttpMethod']} {path} is open and does more than show a file"
        elif not signed_in:
            yield f"{method['HttpMethod']} {path} needs no sign-in"
    if seen != {*_OPEN, "/cluster/{proxy+}", "/openapi.json"}:
        yield f"paths: {sorted(seen)}"


def the_authoriser_asks_this_pool(template: Template) -> Iterator[str]:
    authoriser = template.one("ApiGateway::Authorizer")
    (pool,) = template.of("Cognito::UserPool")
    if authoriser["Type"] != "COGNITO_USER_POOLS" or not any(pool in arn for arn in authoriser["ProviderARNs"]):
        yield f"authoriser: {authoriser}"


def gateways_may_call_their_functions(template: Template) -> Iterator[str]:
    may = [
        (found["FunctionName"].rpartition(":")[2], found["Principal"], found.get("SourceArn", ""))
        for found in template.of("Lambda::Permission").values()
    ]

    def called(function: str, principal: str, source: str) -> bool:
        return any(f == function and p == principal and s and glob(s, source) for f, p, s in may)

    (rest,) = template.of("ApiGateway::RestApi")
    (live,) = template.of("ApiGatewayV2::Api")
    gateway = "arn:aws:execute-api:eu-central-1:111122223333"
    for path, method in _methods(template):
        uri = method["Integration"].get("Uri", "")
        if ":lambda:path/" in str(uri):
            source = (
                f"{gateway}:{rest}/{template.one('ApiGateway::Stage')['StageName']}/GET{path.replace('{proxy+}', 'x')}"
            )
            if not called(_function_of(uri), "apigateway.amazonaws.com", _stage_as_ref(source, template)):
                yield f"API Gateway may not call the function behind {path}"
    for route in template.of("ApiGatewayV2::Route").values():
        integration = template.of("ApiGatewayV2::Integration")[route["Target"].removeprefix("integrations/")]
        if not called(
            _function_of(integration["IntegrationUri"]),
            "apigateway.amazonaws.com",
            f"{gateway}:{live}/live/{route['RouteKey']}",
        ):
            yield f"the WebSocket may not call the function of {route['RouteKey']}"
    for name, authoriser in template.of("ApiGatewayV2::Authorizer").items():
        if not called(
            _function_of(authoriser["AuthorizerUri"]),
            "apigateway.amazonaws.com",
            f"{gateway}:{live}/authorizers/{name}",
        ):
            yield "the WebSocket may not ask its authoriser"
    for rule in template.of("Events::Rule").values():
        for target in rule["Targets"]:
            source = f"arn:aws:events:eu-central-1:111122223333:rule/{rule['Name']}"
            if ":function:" in target["Arn"] and not called(
                target["Arn"].rpartition(":")[2], "events.amazonaws.com", source
            ):
                yield f"the rule {rule['Name']} may not call its function"
    for function, principal, source in may:
        if not source:
            yield f"{principal} may call {function} from anywhere"


def _function_of(uri: str) -> str:
    return uri.rpartition(":function:")[2].removesuffix("/invocations")


def _stage_as_ref(source: str, template: Template) -> str:
    """A permission names the stage by reference, which here reads as its logical id."""
    (stage,) = template.of("ApiGateway::Stage")
    return source.replace("/app/", f"/{stage}/", 1)


def a_deployment_waits_for_every_method(template: Template) -> Iterator[str]:
    (deployment,) = (found for found in template.resources.values() if found["Type"] == "AWS::ApiGateway::Deployment")
    missing = set(template.of("ApiGateway::Method")) - set(deployment.get("DependsOn", []))
    if missing:
        yield f"deployed before {sorted(missing)}"


def the_firewall_stands_before_the_api(template: Template) -> Iterator[str]:
    (acl,), (rest,) = template.of("WAFv2::WebACL"), template.of("ApiGateway::RestApi")
    stands = template.of("WAFv2::WebACLAssociation").values()
    own = template.resolve({"Fn::GetAtt": [acl, "Arn"]})
    if [found["WebACLArn"] for found in stands] != [own]:
        yield "the firewall is before nothing"
    for found in stands:
        if f"/restapis/{rest}/stages/" not in found["ResourceArn"]:
            yield f"the firewall is before {found['ResourceArn']}"


def the_firewall_lets_nobody_in_but_the_allowed(template: Template) -> Iterator[str]:
    acl = template.one("WAFv2::WebACL")
    if acl["DefaultAction"] != {"Block": {}}:
        yield f"by default: {acl['DefaultAction']}"
    letting = [rule for rule in acl["Rules"] if "Allow" in rule.get("Action", {})]
    sets = {
        statement["IPSetReferenceStatement"]["Arn"]
        for rule in letting
        for statement in rule["Statement"]["OrStatement"]["Statements"]
    }
    if len(letting) != 1 or len(sets) != 2:
        yield f"rules that let in: {letting}"
    for found in template.of("WAFv2::IPSet").values():
        for address in found["Addresses"]:
            if "/" not in address or ipaddress.ip_network(address, strict=False).prefixlen == 0:
                yield f"{address} is no network that WAF takes"


def only_invited_people_sign_in(template: Template) -> Iterator[str]:
    pool = template.one("Cognito::UserPool")
    if not pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"]:
        yield "anybody may sign up"
    if pool["Policies"]["PasswordPolicy"]["MinimumLength"] < 12:
        yield "short passwords"
    user = template.one("Cognito::UserPoolUser")
    if user["Username"] != "you@example.org":
        yield f"first user: {user['Username']}"


def the_client_can_only_do_a_code_grant(template: Template) -> Iterator[str]:
    client = template.one("Cognito::UserPoolClient")
    (rest,) = template.of("ApiGateway::RestApi")
    page = f"https://{rest}.execute-api.eu-central-1.amazonaws.com/app/"
    if client.get("AllowedOAuthFlows") != ["code"] or not client.get("AllowedOAuthFlowsUserPoolClient"):
        yield f"flows: {client.get('AllowedOAuthFlows')}"
    if client.get("CallbackURLs") != [page, "http://localhost:8976/callback"] or client.get("LogoutURLs") != [page]:
        yield f"callbacks: {client.get('CallbackURLs')}, {client.get('LogoutURLs')}"
    if client.get("GenerateSecret") or client.get("ExplicitAuthFlows") != ["ALLOW_REFRESH_TOKEN_AUTH"]:
        yield f"a secret, or other ways to sign in: {client.get('ExplicitAuthFlows')}"
    if client.get("PreventUserExistenceErrors") != "ENABLED":
        yield "it tells who has an account"


def the_socket_opens_by_ticket_only(template: Template) -> Iterator[str]:
    routes = {found["RouteKey"]: found for found in template.of("ApiGatewayV2::Route").values()}
    authorisers = template.of("ApiGatewayV2::Authorizer")
    connect = routes.get("$connect", {})
    if set(routes) != {"$connect", "$disconnect", "$default"}:
        yield f"routes: {sorted(routes)}"
    if connect.get("AuthorizationType") != "CUSTOM" or connect.get("AuthorizerId") not in authorisers:
        yield f"$connect: {connect.get('AuthorizationType')}"
    for found in authorisers.values():
        if (
            found.get("IdentitySource") != ["route.request.querystring.ticket"]
            or "live-authorise" not in found["AuthorizerUri"]
        ):
            yield f"authoriser: {found}"


def every_answer_of_the_gateway_itself_is_hardened(template: Template) -> Iterator[str]:
    for path, method in _methods(template):
        if path not in _OPEN:
            continue
        for answer in method["Integration"]["IntegrationResponses"]:
            headers = {
                name.removeprefix("method.response.header."): v
                for name, v in answer.get("ResponseParameters", {}).items()
            }
            yield from (f"{path} {answer['StatusCode']}: {wrong}" for wrong in _soft(headers))
    refusals = template.of("ApiGateway::GatewayResponse")
    for found in refusals.values():
        headers = {
            name.removeprefix("gatewayresponse.header."): v for name, v in found.get("ResponseParameters", {}).items()
        }
        yield from (f"{found['ResponseType']}: {wrong}" for wrong in _soft(headers))
    if not {"DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED", "WAF_FILTERED"} <= {
        found["ResponseType"] for found in refusals.values()
    }:
        yield "some refusals are API Gateway's own words"


def _soft(headers: dict[str, str]) -> Iterator[str]:
    policy = headers.get("Content-Security-Policy", "").removeprefix("'").removesuffix("'")
    if (
        not policy
        or "unsafe" in policy
        or " *" in policy
        or "frame-ancestors 'none'" not in policy
        or "default-src" not in policy
    ):
        yield f"its policy is {policy!r}"
    if policy.endswith("'"):
        yield "its policy ends with a quote, which API Gateway may take for the end of the literal"
    for name in (
        "X-Content-Type-Options",
        "X-Frame-Options",
        "Referrer-Policy",
        "Strict-Transport-Security",
        "Cache-Control",
    ):
        if not headers.get(name):
            yield f"it lacks {name}"


def gateways_are_throttled_logged_and_traced(template: Template) -> Iterator[str]:
    stage = template.one("ApiGateway::Stage")
    (settings,) = stage["MethodSettings"]
    if not settings.get("ThrottlingRateLimit") or not stage.get("TracingEnabled") or "AccessLogSetting" not in stage:
        yield f"REST: {settings}"
    live = template.one("ApiGatewayV2::Stage")
    if not live.get("DefaultRouteSettings", {}).get("ThrottlingRateLimit") or "AccessLogSettings" not in live:
        yield "the WebSocket is not throttled, or not logged"
