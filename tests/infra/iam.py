"""A small IAM: may this role do this to that? After AWS's rules: an explicit deny wins, then an allow, else no.

Knows what the template uses: globs in Action and Resource, the conditions below, identity policies, and the policies of buckets and
queues. An unknown condition is an error, not a yes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from tests.infra.template import ACCOUNT, Template

Context = Mapping[str, str | tuple[str, ...]]
ALWAYS: Context = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3", "aws:PrincipalAccount": ACCOUNT}
CONDITIONAL_WRITE: Context = {"s3:if-match": '"e1"'}


class Iam:
    """Answers questions about the roles of one template."""

    def __init__(self, template: Template) -> None:
        self._identity: dict[str, list[dict[str, Any]]] = {}
        for role, statement in template.statements():
            self._identity.setdefault(role, []).append(statement)
        self._roles = list(template.of("IAM::Role"))
        self._resource = [
            statement
            for kind in ("S3::BucketPolicy", "SQS::QueuePolicy", "SNS::TopicPolicy")
            for policy in template.of(kind).values()
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    def role(self, prefix: str) -> str:
        """The role whose logical id begins so, and goes on with CDK's hash."""
        found = [role for role in self._roles if re.fullmatch(f"{prefix}[0-9A-F]{{8}}", role)]
        assert len(found) == 1, f"{prefix}: {found}"
        return found[0]

    def may(self, role: str, action: str, resource: str, context: Context | None = None) -> bool:
        """Whether the role may call ``action`` (``s3:GetObject``) on ``resource`` (an ARN) under these condition keys."""
        asked = {**ALWAYS, **(context or {})}
        own = self._identity.get(self.role(role), [])
        # Policies on things name a principal; of those here, only "everybody" can mean a role.
        others = [s for s in self._resource if s["Principal"] in ("*", {"AWS": "*"})]
        fitting = [s for s in (*own, *others) if matches(s, action, resource, asked)]
        if any(s["Effect"] == "Deny" for s in fitting):
            return False
        return any(s["Effect"] == "Allow" for s in fitting)

    def service_may(self, service: str, action: str, resource: str, context: Context) -> bool:
        """Whether an AWS service may do it, by the policy on the thing itself."""
        asked = {**ALWAYS, **context}
        fitting = [
            s
            for s in self._resource
            if (s["Principal"] == {"Service": service} or s["Principal"] in ("*", {"AWS": "*"}))
            and matches(s, action, resource, asked)
        ]
        return any(s["Effect"] == "Allow" for s in fitting) and not any(s["Effect"] == "Deny" for s in fitting)


def matches(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    """Whether a statement speaks of this request."""
    assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement), (
        "statements say what they mean, not what they do not"
    )
    return (
        any(glob(pattern.lower(), action.lower()) for pattern in listed(statement["Action"]))
        and any(glob(pattern, resource) for pattern in listed(statement["Resource"]))
        and all(
            _holds(operator, key, listed(wanted), context)
            for operator, pairs in statement.get("Condition", {}).items()
            for key, wanted in pairs.items()
        )
    )


def _holds(operator: str, key: str, wanted: Iterable[Any], context: Context) -> bool:
    values = context.get(key)
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in wanted]
    if operator == "Null":
        return (values is None) is (texts == ["true"])
    if operator.startswith("ForAllValues:"):
        # As in AWS, true when the request carries no such key at all.
        return all(_compare(operator.removeprefix("ForAllValues:"), value, texts) for value in listed(values or ()))
    return values is not None and any(_compare(operator, value, texts) for value in listed(values))


def _compare(operator: str, value: str, wanted: Iterable[str]) -> bool:
    if operator in ("StringEquals", "Bool"):
        return value in wanted
    if operator in ("StringLike", "ArnLike", "ArnEquals"):
        return any(glob(pattern, value) for pattern in wanted)
    if operator == "NumericLessThan":
        return any(float(value) < float(limit) for limit in wanted)
    raise AssertionError(f"the condition operator {operator} is not understood here")


def glob(pattern: str, text: str) -> bool:
    """IAM's wildcards: ``*`` for anything, ``?`` for one character, both across colons and slashes."""
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern), re.DOTALL)


def listed(value: Any) -> list[Any]:
    """One or many, as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]
