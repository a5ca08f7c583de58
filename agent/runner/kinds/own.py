"""The runners that need nobody else's program: the scripted brain, the model brain, and a command of the operator's own."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from agent.brains.model.settings import HANDED_ON, KEYS
from agent.brains.scripted.settings import THINK
from agent.runner.note import Note
from agent.runner.profile import RunnerProfile
from murmur.errors import InvalidInput

CUSTOM_COMMAND: Final = "MURMUR_CUSTOM_COMMAND"
CUSTOM_PASSES: Final = "MURMUR_CUSTOM_PASSES"
_OURS: Final = {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
_DAMAGED: Final = "It is part of Murmur: this installation is damaged; install it again."

SCRIPTED: Final = RunnerProfile(
    "scripted",
    (sys.executable, "-m", "agent.brains.scripted"),
    _OURS,
    passes=(THINK,),
    scripted=True,
    about="no model: deterministic work on documents and checklists, offline and free",
    module="agent.brains.scripted",
    remedy=_DAMAGED,
)


def _hear_model(method: str, fields: Mapping[str, Any]) -> Note | None:
    """What the model brain tells beside ACP's own messages (agent/brains/model): our own words, so they are taken as they are."""
    message = str(fields.get("message", ""))
    match method.removeprefix("murmur/"):
        case "wrong_setup":
            return Note(fatal=message)
        case "retrying":
            return Note(warning=message)
        case "usage":
            return Note(
                usage={"input_tokens": fields.get("inputTokens", 0), "output_tokens": fields.get("outputTokens", 0)}
            )
    return None


MODEL: Final = RunnerProfile(
    "model",
    (sys.executable, "-m", "agent.brains.model"),
    _OURS,
    passes=HANDED_ON,
    keys=KEYS,
    keys_optional=True,
    hear=_hear_model,
    about="any model without an agent: an OpenAI-compatible endpoint (Ollama, vLLM, LM Studio, hosted) or Bedrock",
    module="agent.brains.model",
    remedy=_DAMAGED,
)


def custom(source: Mapping[str, str]) -> RunnerProfile:
    """The local operator's own command, from the environment. Raises InvalidInput."""
    try:
        command = tuple(shlex.split(source[CUSTOM_COMMAND]))
    except ValueError as error:
        raise InvalidInput(f"{CUSTOM_COMMAND} is not a command line: {error}.", "Close every quote in it.") from None
    passes = tuple(name.strip() for name in source.get(CUSTOM_PASSES, "").split(",") if name.strip())
    return RunnerProfile(
        "custom",
        command,
        passes=passes,
        about=f"your own: {command[0]}",
        remedy=f"Set {CUSTOM_COMMAND} to a command that exists on this machine.",
    )
