"""A turn that an agent process did not deliver, and how the turn's outcome tells of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from acp import RequestError

from agent.ports import TurnOutcome
from murmur.entry import Usage, one_line
from murmur.errors import RunnerError

DETAIL_LIMIT: Final = 400
AUTHENTICATION_REQUIRED: Final = -32000
_RATE_LIMIT: Final = re.compile(
    r"\b429\b|rate.?limit|too many requests|throttl|overloaded|quota exceeded|resource.?exhausted", re.IGNORECASE
)
_BAD_KEY: Final = re.compile(
    r"(invalid|incorrect|expired).{0,12}api.?key|api.?key.{0,12}(invalid|incorrect|not valid|expired)", re.IGNORECASE
)
"""Not "401" or "unauthorised": our own tool server answers so to a call that comes too late."""
_LONGEST_RETRY_SECONDS: Final = 3600.0


class AgentFailure(RunnerError):
    """The turn failed. ``lost``: the process cannot be used again and is replaced. Remedy: see the message; ``murmur doctor``."""

    def __init__(
        self,
        stop_reason: str,
        message: str,
        remedy: str = "",
        *,
        lost: bool = True,
        fatal: bool = False,
        rate_limited: bool = False,
        retry_after_seconds: float = 0.0,
    ) -> None:
        super().__init__(
            message, remedy, fatal=fatal, rate_limited=rate_limited, retry_after_seconds=retry_after_seconds
        )
        self.stop_reason = stop_reason
        self.lost = lost

    def outcome(self, usage: Usage | None = None) -> TurnOutcome:
        """The failure as the loop takes it."""
        return TurnOutcome(
            self.stop_reason,
            usage=usage,
            detail=one_line(f"{self.message} {self.remedy}", DETAIL_LIMIT),
            rate_limited=self.rate_limited,
            fatal=self.fatal,
            retry_after_seconds=self.retry_after_seconds,
        )


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret blotted out."""
    for secret in secrets:
        text = text.replace(secret, "•••")
    return text


def speaks_of_rate_limit(text: str) -> bool:
    """Whether an error text says that the provider asked to slow down."""
    return _RATE_LIMIT.search(text) is not None


def refusal_of(
    error: RequestError,
    during: str,
    warning: str = "",
    *,
    rate_limited: bool = False,
    retry_after_seconds: float = 0.0,
) -> AgentFailure:
    """What an agent's JSON-RPC error means. The process lives on.

    ``warning``, ``rate_limited`` and ``retry_after_seconds``: what the agent told on the side before it.
    """
    said = one_line(error, 200)
    more = one_line(_words_of(error.data), 160)
    text = "; ".join(part for part in (said, more, warning) if part)
    if error.code == AUTHENTICATION_REQUIRED or _BAD_KEY.search(text):
        return AgentFailure(
            "error",
            f"The agent is not signed in: {text}.",
            "Give it its API key, or sign it in.",
            lost=False,
            fatal=True,
        )
    limited = rate_limited or speaks_of_rate_limit(text)
    return AgentFailure(
        "error",
        f"The agent answered {during} with an error: {text}.",
        lost=False,
        rate_limited=limited,
        retry_after_seconds=_retry_after(error.data) or (retry_after_seconds if limited else 0.0),
    )


def _words_of(data: Any) -> str:
    if isinstance(data, dict):
        return "; ".join(f"{key}: {value}" for key, value in list(data.items())[:6] if isinstance(value, (str, int)))
    return data if isinstance(data, str) else ""


def _retry_after(data: Any) -> float:
    if isinstance(data, dict):
        for name in ("retryAfter", "retry_after", "retryAfterSeconds", "retry_after_seconds"):
            value = data.get(name)
            if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
                return min(float(value), _LONGEST_RETRY_SECONDS)
    return 0.0
