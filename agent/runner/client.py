"""Murmur as an ACP client: answers whatever an agent asks, and remembers what it says on the side."""

from __future__ import annotations

from typing import Any, Final

from acp import RequestError

from murmur.entry import Usage, one_line

_CHOICES: Final = ("allow_once", "allow_always", "reject_once", "reject_always")
_TEXT_LIMIT: Final = 2000
_FATAL_NOTES: Final = ("agent/not_found", "agent/config_error", "model/not_found")


class Client:
    """One turn's view of the agent's side talk. ``handle`` is the SDK's method handler."""

    def __init__(self) -> None:
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
        self.wrong_setup = ""
        """Why the agent would run something else than it was told to; empty if it does not say so."""
        self._cost: float | None = None

    async def handle(self, method: str, params: Any, is_notification: bool) -> Any:
        """Answer a request, or take a notification. Raises RequestError "method not found" for what we do not offer."""
        fields = params if isinstance(params, dict) else {}
        if is_notification:
            self._hear(method, fields)
            return None
        if method == "session/request_permission":
            return {"outcome": self._permission(fields.get("options"))}
        raise RequestError.method_not_found(method[:100])

    def usage(self, result: dict[str, Any]) -> Usage | None:
        """What the turn used, from the answer to the prompt and from updates; None if the agent said nothing."""
        given = result.get("usage")
        given = given if isinstance(given, dict) else {}
        tokens_in, tokens_out = _count(given.get("inputTokens")), _count(given.get("outputTokens"))
        if tokens_in is None and tokens_out is None and self._cost is None:
            return None
        return Usage(input_tokens=tokens_in or 0, output_tokens=tokens_out or 0, cost=self._cost or 0.0)

    def _permission(self, options: Any) -> dict[str, str]:
        offered: dict[str, str] = {}
        for option in options if isinstance(options, list) else []:
            if isinstance(option, dict) and isinstance(option.get("optionId"), str):
                offered.setdefault(str(option.get("kind")), option["optionId"])
        for kind in _CHOICES:
            if kind in offered and not self.cancelling:
                return {"outcome": "selected", "optionId": offered[kind]}
        return {"outcome": "cancelled"}

    def _hear(self, method: str, fields: dict[str, Any]) -> None:
        if method == "session/update":
            update = fields.get("update")
            self._update(update if isinstance(update, dict) else {})
        elif method.endswith("error/rate_limit"):
            self.rate_limited = True
            self.warning = _message(fields) or "rate limit"
        elif method.endswith(_FATAL_NOTES):
            self.wrong_setup = f"{method.removeprefix('_')}: {_message(fields)}"
        elif method.endswith("/session/update") and "retry_warning" in str(fields)[:_TEXT_LIMIT]:
            self.warning = _message(fields) or "retrying"

    def _update(self, update: dict[str, Any]) -> None:
        kind, content, cost = update.get("sessionUpdate"), update.get("content"), update.get("cost")
        if kind == "agent_message_chunk" and isinstance(content, dict) and isinstance(content.get("text"), str):
            self.text = (self.text + content["text"][-_TEXT_LIMIT:])[-_TEXT_LIMIT:]
        elif kind == "usage_update" and isinstance(cost, dict):
            amount = cost.get("amount")
            if isinstance(amount, (int, float)) and not isinstance(amount, bool) and 0 <= amount < 1e9:
                self._cost = float(amount)


def _message(fields: dict[str, Any]) -> str:
    found = fields.get("message")
    if not isinstance(found, str):
        inner = fields.get("update")
        found = inner.get("message") if isinstance(inner, dict) else None
    return one_line(found, 160) if isinstance(found, str) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12 else None
