"""Protective headers on everything that API Gateway answers by itself: pages, settings, refusals. The functions put their own on theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from aws_cdk import aws_apigateway as gateway

_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "Cache-Control": "no-store",
}
NO_PAGE: Final = {**_ALWAYS, "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none';"}
"""For an answer that is no page. The semicolon at the end keeps the quote before it apart from the quote of ``quoted``."""


def content_security_policy(live: str, login: str) -> str:
    """The dashboard's own scripts, styles and images, its API, its WebSocket (``live``) and the sign-in page's token endpoint; no more."""
    return (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'none'; connect-src 'self' {live} {login}"
    )


def quoted(values: Mapping[str, str]) -> dict[str, str]:
    """Values as API Gateway's mappings want them: a literal stands in single quotes (those inside it stay as they are)."""
    return {name: f"'{value}'" for name, value in values.items()}


def on_method(values: Mapping[str, str]) -> dict[str, str]:
    """The same, by the names that a method's response gives them."""
    return {f"method.response.header.{name}": value for name, value in quoted(values).items()}


def page_answers(policy: str) -> list[gateway.IntegrationResponse]:
    """How S3's answers become the page's: 200 with its type, everything else 404, for the bucket tells nothing about itself."""
    given = {
        "method.response.header.Content-Type": "integration.response.header.Content-Type",
        "method.response.header.ETag": "integration.response.header.ETag",
    }
    safe = on_method({**_ALWAYS, "Content-Security-Policy": policy})
    refusal = refusal_body(
        "no_route", "There is no such page.", "The dashboard is at the address the deployment printed."
    )
    return [
        gateway.IntegrationResponse(status_code="200", response_parameters={**safe, **given}),
        gateway.IntegrationResponse(
            status_code="404",
            selection_pattern=r"[45]\d\d",
            content_handling=gateway.ContentHandling.CONVERT_TO_TEXT,  # everything counts as binary, and a template makes text
            response_parameters={**on_method(NO_PAGE), "method.response.header.Content-Type": "'application/json'"},
            response_templates={"application/json": refusal, "application/xml": refusal},
        ),
    ]


def page_shapes() -> list[gateway.MethodResponse]:
    """The headers those answers may carry."""
    names = [*on_method(NO_PAGE), "method.response.header.Content-Type"]
    return [
        gateway.MethodResponse(
            status_code="200", response_parameters=dict.fromkeys([*names, "method.response.header.ETag"], True)
        ),
        gateway.MethodResponse(status_code="404", response_parameters=dict.fromkeys(names, True)),
    ]


def refusal_body(code: str, message: str, remedy: str) -> str:
    """An error in the API's own shape."""
    return json.dumps({"error": f"{message} {remedy}", "code": code, "message": message, "remedy": remedy})


_T: Final = gateway.ResponseType
REFUSALS: Final = (
    (_T.UNAUTHORIZED, 401, refusal_body("unauthorised", "You are not signed in.", "Sign in and try again.")),
    (_T.EXPIRED_TOKEN, 401, refusal_body("unauthorised", "Your sign-in has expired.", "Sign in again.")),
    (_T.ACCESS_DENIED, 403, refusal_body("refused", "This sign-in may not operate the flock.", "Sign in as its user.")),
    (
        _T.WAF_FILTERED,
        403,
        refusal_body("refused", "Your network is not on the allowlist.", "Run `murmur allow-ip` there."),
    ),
    (_T.THROTTLED, 429, refusal_body("unavailable", "Too many requests.", "Wait a moment and try again.")),
    (_T.REQUEST_TOO_LARGE, 413, refusal_body("too_large", "The request is larger than 10 MB.", "Send less at once.")),
    (_T.INTEGRATION_TIMEOUT, 504, refusal_body("unavailable", "The function did not answer in time.", "Try again.")),
    (_T.DEFAULT_4_XX, 0, refusal_body("refused", "The request was refused.", "GET /openapi.json lists all routes.")),
    (_T.DEFAULT_5_XX, 0, refusal_body("unavailable", "The request failed.", "Try again; the API's log says why.")),
)
"""What API Gateway refuses by itself: kind, status (0: as it is), body."""
