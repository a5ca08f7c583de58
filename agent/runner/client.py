"""Murmur as an ACP client: answers whatever an agent asks, and remembers what it says on the side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from acp import RequestError

from agent.runner.note import Hear, Note, deaf, everything
from murmur.entry import Usage

_REFUSING: Final = ("reject_once", "reject_always")
_GRANTING: Final = ("allow_once", "allow_always", *_REFUSING)
_TEXT_LIMIT: Final = 2000


class Client:
    """One turn's view of the agent's side talk. ``handle`` is the SDK's method handler."""

    def __init__(self, hear: Hear = deaf, allows: Callable[[Mapping[str, Any]], bool] = everything) -> None:
        """``hear`` understands what is not ACP's own; ``allows`` says what is granted."""
        self._dialect = hear
        self._allows = allows
        self.wrong_setup = ""
        """Why no turn of this process can come to anything; empty if it does not say so. What is wrong stays wrong."""
        self.begin()

    def begin(self) -> None:
        """Forget the last turn."""
        self.cancelling = False
        """Set before a cancel is sent: permissions asked for after it are answered "cancelled"."""
        self.text = ""
        """The end of what the agent said."""
        self.warning = ""
        """The last thing the agent warned of outside its text."""
        self.rate_limited = False
        self.retry_after_seconds = 0.0
        """How long the agent itself last meant to wait."""
        self._cost: float | None = None
        self._further: dict[str, float] = {}

    async def handle(self, method: str, params: Any, is_notification: bool) -> Any:
        """Answer a request, or take a notification. Raises RequestError "method not found" for what we do not offer."""
        fields = params if isinstance(params, dict) else {}
        if is_notification:
            self._hear(method, fields)
            return None
        if method == "session/request_permission":
            choices = _GRANTING if self._allows(fields) else _REFUSING
            return {"outcome": self._permission(fields.get("options"), choices)}
        raise RequestError.method_not_found(method[:100])

    def usage(self, result: dict[str, Any]) -> Usage | None:
        """What the turn used, from the answer to the prompt and from updates; None if the agent said nothing."""
        tokens_in, tokens_out = _tokens(result)
        if tokens_in is None and tokens_out is None and self._cost is None and not self._further:
            return None
        standard = {"input_tokens": tokens_in or 0, "output_tokens": tokens_out or 0, "cost": self._cost or 0.0}
        return Usage.model_validate({**standard, **self._further})

    def _permission(self, options: Any, choices: tuple[str, ...]) -> dict[str, str]:
        offered: dict[str, str] = {}
        for option in options if isinstance(options, list) else []:
            if isinstance(option, dict) and isinstance(option.get("optionId"), str):
                offered.setdefault(str(option.get("kind")), option["optionId"])
        for kind in choices:
            if kind in offered and not self.cancelling:
                return {"outcome": "selected", "optionId": offered[kind]}
        return {"outcome": "cancelled"}

    def _hear(self, method: str, fields: dict[str, Any]) -> None:
        if method == "session/update":
            update = fields.get("update")
            self._update(update if isinstance(update, dict) else {})
        else:
            self._take(self._dialect(method.removeprefix("_"), fields) or Note())

    def _take(self, note: Note) -> None:
        self.warning = note.warning or self.warning
        self.rate_limited = self.rate_limited or note.rate_limited
        self.retry_after_seconds = note.retry_after_seconds or self.retry_after_seconds
        self.wrong_setup = self.wrong_setup or note.fatal
        self._further.update(note.usage)

    def _update(self, update: dict[str, Any]) -> None:
        kind, content, cost = update.get("sessionUpdate"), update.get("content"), update.get("cost")
        if kind == "agent_message_chunk" and isinstance(content, dict) and isinstance(content.get("text"), str):
            self.text = (self.text + content["text"][-_TEXT_LIMIT:])[-_TEXT_LIMIT:]
        elif kind == "usage_update" and isinstance(cost, dict):
            amount = cost.get("amount")
            if isinstance(amount, (int, float)) and not isinstance(amount, bool) and 0 <= amount < 1e9:
                self._cost = float(amount)


def _tokens(result: dict[str, Any]) -> tuple[int | None, int | None]:
    """Tokens in and out: from ``usage`` (the protocol's draft), or from ``_meta.quota.token_count``, which several agents send."""
    given = result.get("usage")
    if not isinstance(given, dict):
        quota = _object(_object(result.get("_meta")).get("quota"))
        given = _object(quota.get("token_count"))
    tokens_in = _count(given.get("inputTokens", given.get("input_tokens")))
    return tokens_in, _count(given.get("outputTokens", given.get("output_tokens")))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12 else None
