"""kiro-cli (https://kiro.dev): its command line, its settings, and the notifications it sends beside ACP's own.

From its documentation and from captures of its wire; what could not be tried with the program itself is listed in
docs/how-to/run-kiro.md. The stand-in that replays all this is tests/stand_ins/kiro.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from agent.runner.note import Note
from agent.runner.profile import RunnerProfile
from agent.tools.catalogue import SERVER_NAME
from murmur.entry import one_line

_NAMESPACE: Final = "kiro.dev/"
_AGENT: Final = "murmur"
_WORDS: Final = 200
_SPENT: Final = re.compile(r"monthly|usage limit|quota", re.IGNORECASE)

_AGENT_FILE: Final = {
    "name": _AGENT,
    "description": "One agent of a Murmur flock. It has the flock's tools and no others.",
    "tools": [f"@{SERVER_NAME}"],
    "allowedTools": [f"@{SERVER_NAME}"],
    "includeMcpJson": False,
}
_SETTINGS: Final = {"app.disableAutoupdates": True, "telemetry.enabled": False}


def hear(method: str, fields: Mapping[str, Any]) -> Note | None:
    """What kiro-cli tells in its own notifications."""
    if not method.startswith(_NAMESPACE):
        return None
    match method.removeprefix(_NAMESPACE):
        case "session/update":
            return _retrying(fields.get("update"))
        case "error/rate_limit":
            return _limited(_text(fields.get("message")) or "rate limit")
        case "agent/not_found":
            used = _text(fields.get("fallbackAgent")) or "its default"
            return Note(fatal=f"there is no agent {_text(fields.get('requestedAgent'))!r}, it would run {used!r}")
        case "agent/config_error":
            return Note(fatal=f"its agent file {_text(fields.get('path'))} is wrong: {_text(fields.get('error'))}")
        case "model/not_found":
            asked = _text(fields.get("requestedModel")) or _text(fields.get("message"))
            return Note(fatal=f"there is no model {asked!r}, it would run another")
        case "mcp/server_init_failure":
            return Note(warning=f"it did not reach the tools: {_text(fields.get('error'))}")
        case "metadata":
            return Note(usage=_metered(fields))
    return None


def _retrying(update: Any) -> Note | None:
    """It keeps trying by itself for up to two minutes and says so; then comes the rate limit, then a bare -32603."""
    if not isinstance(update, dict):
        return None
    if update.get("sessionUpdate") == "model_fallback":
        return Note(warning=f"it moved from {_text(update.get('from'))} to {_text(update.get('to')) or 'no model'}")
    if update.get("sessionUpdate") != "retry_warning":
        return None
    delay = update.get("delaySecs")
    return Note(warning=_text(update.get("message")) or "retrying", retry_after_seconds=_number(delay))


def _limited(message: str) -> Note:
    """A month's credits that are used up do not come back by waiting."""
    return Note(fatal=message) if _SPENT.search(message) else Note(warning=message, rate_limited=True)


def _metered(fields: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    metered = fields.get("meteringUsage")
    if isinstance(metered, list):
        found["credits"] = sum(_number(item.get("value")) for item in metered[:20] if isinstance(item, dict))
    if context := _number(fields.get("contextUsagePercentage")):
        found["context_percent"] = context
    return found


def _text(value: Any) -> str:
    return one_line(value, _WORDS) if isinstance(value, str) else ""


def _number(value: Any) -> float:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e9
    return float(value) if fits else 0.0


KIRO: Final = RunnerProfile(
    "kiro",
    # The engine is always named: the third one exits on these flags. The agent file replaces --trust-all-tools.
    ("kiro-cli", "acp", "--agent-engine", "v2", "--agent", _AGENT),
    keys=("KIRO_API_KEY",),
    home_files={
        f".kiro/agents/{_AGENT}.json": json.dumps(_AGENT_FILE, indent=2),
        ".kiro/settings/cli.json": json.dumps(_SETTINGS, indent=2),
    },
    model_arguments=("--model", "{model}"),
    model_environment={},
    terminate_method="_kiro.dev/session/terminate",  # it has no session/close, and grows by 150 MB a session without
    hear=hear,
    about="kiro-cli, with the flock's tools and no others",
    remedy="See docs/how-to/run-kiro.md for a pinned installation.",
)
