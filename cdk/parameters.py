"""What an operator may choose at deploy time (``-c name=value``), checked before anything is synthesised."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from murmur.config import MAX_CONCURRENCY
from murmur.errors import InvalidConfig

RETENTION_DAYS: Final = (1, 3, 5, 7, 14, 30, 60, 90, 180, 365)
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s.]{2,24}")
_RUNNER: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_MODEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:*-]{0,120}")
_FOREIGN: Final = re.compile(r"[@:]")
"""CDK's own context (feature flags, look-ups) has one of these in its names."""
_RESERVED: Final = ("aws", "amazon", "cognito")


class Parameters(BaseModel):
    """The deploy-time choices. Every one has a default that is safe: with none given, nobody is let in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flock: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9-]{0,19}$", description="Name of the flock, part of every name.")
    ] = "murmur"
    email: Annotated[str, Field(description="First user of the dashboard, and who is told of alarms.")] = ""
    allow_ip: Annotated[
        tuple[str, ...], Field(description="Networks that may reach the API, as CIDR; none: nobody may.")
    ] = ()
    concurrency_cap: Annotated[int, Field(ge=1, le=MAX_CONCURRENCY, description="Most agents a run may ask for.")] = 64
    spot: Annotated[bool, Field(description="Launch Spot instances.")] = False
    runners: Annotated[tuple[str, ...], Field(min_length=1, description="Runners config.json may choose from.")] = (
        "scripted",
    )
    bundle_sha256: Annotated[
        str,
        Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the instances' bundle that `murmur deploy` uploads."),
    ] = "0" * 64
    key_variable: Annotated[
        str,
        Field(pattern=r"^[A-Z0-9_]{0,64}$", description="Environment variable that the runner's API key belongs in."),
    ] = ""
    custom_command: Annotated[str, Field(max_length=400, description="Command of the runner `custom`.")] = ""
    bedrock_models: Annotated[
        tuple[str, ...],
        Field(description="Bedrock models the agents may invoke (ids, `*` allowed inside); none: no Bedrock."),
    ] = ()
    knowledge_writable: Annotated[bool, Field(description="Whether agents' role may write knowledge-base/ at all.")] = (
        False
    )
    log_days: Annotated[int, Field(description="Days that logs are kept.")] = 30
    history_days: Annotated[
        int, Field(ge=0, le=36_500, description="Days after which earlier runs are deleted; 0: never.")
    ] = 0
    spend_alarm: Annotated[
        float, Field(gt=0, le=100_000, description="Estimated dollars an hour above which an alarm rings.")
    ] = 5.0
    account_logging: Annotated[
        bool, Field(description="Set API Gateway's account-wide log role; false if this account and region has one.")
    ] = True

    @field_validator("allow_ip", "runners", "bedrock_models", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """The command line gives one string."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("flock")
    @classmethod
    def _flock(cls, value: str) -> str:
        if any(word in value for word in _RESERVED) or value.endswith("-"):
            raise ValueError(f"it may not contain {', '.join(_RESERVED)} (Cognito reserves them) nor end with a hyphen")
        return value

    @field_validator("email")
    @classmethod
    def _email(cls, value: str) -> str:
        if value and not _EMAIL.fullmatch(value):
            raise ValueError("it must be one e-mail address, such as you@example.org")
        return value

    @field_validator("allow_ip")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_network(text) for text in value))

    @field_validator("runners")
    @classmethod
    def _runners(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _each(value, _RUNNER, "lower-case letters, digits and hyphens, such as scripted")

    @field_validator("bedrock_models")
    @classmethod
    def _models(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _each(value, _MODEL, "a model id, such as anthropic.claude-*")

    @field_validator("log_days")
    @classmethod
    def _days(cls, value: int) -> int:
        if value not in RETENTION_DAYS:
            raise ValueError(f"CloudWatch keeps logs for {', '.join(map(str, RETENTION_DAYS))} days")
        return value

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Self:
        """Take the parameters from CDK's context, where hyphens and underscores are the same. Raises InvalidConfig."""
        own = {name: value for name, value in context.items() if not _FOREIGN.search(name) and value is not None}
        given = {name.replace("-", "_"): value for name, value in own.items()}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            field = str(first["loc"][0])
            if first["type"] == "extra_forbidden":
                rule = f"there is no such parameter; there are {', '.join(cls.model_fields)}"
                raise InvalidConfig(field[:40], first["input"], rule, "Correct its spelling.") from None
            rule = first["msg"].removeprefix("Value error, ")
            raise InvalidConfig(field, first["input"], rule, f"Pass -c {field}=… anew.") from None


def _each(values: tuple[str, ...], rule: re.Pattern[str], words: str) -> tuple[str, ...]:
    for value in values:
        if not rule.fullmatch(value):
            raise ValueError(f"{value[:60]!r} is none: {words}")
    return tuple(dict.fromkeys(values))


def _network(text: str) -> str:
    """One CIDR as WAF takes it. Raises ValueError saying what to write instead."""
    if "/" not in text:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise ValueError(
                f"{text[:60]!r} is no network: write an address and its length, such as 203.0.113.7/32"
            ) from None
        raise ValueError(f"{text!r} has no length: write {address}/{address.max_prefixlen} for this one address")
    try:
        network = ipaddress.ip_network(text, strict=True)
    except ValueError as error:
        raise ValueError(f"{text[:60]!r} is no network ({error}): write it such as 203.0.113.0/24") from None
    if network.prefixlen == 0:
        raise ValueError(
            f"{text!r} is the whole internet, which WAF refuses in an allowlist: name the networks you use"
        )
    return str(network)
