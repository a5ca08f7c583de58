"""The tools that act: start, stop, pause, resume, configuration, direction, directives, reference material."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from murmur.cli.knowledge import body, collect
from murmur.cli.mcp.call import Call
from murmur.cli.parser import UsageError
from murmur.cli.text import clean, plural
from murmur.cli.verbs.directive import told
from murmur.errors import MurmurError

_NAMED: Final = 10


def control(call: Call, action: Literal["stop", "pause", "resume"]) -> str:
    """End the run, hold it, or let it go on."""
    return _progress(call.client.control(action))


def start(call: Call, direction: str | None, config: Mapping[str, Any] | None) -> str:
    """Begin a run."""
    asked = {name: value for name, value in (("direction", direction), ("config", config)) if value is not None}
    return _progress(call.client.control("start", asked)) + "; wait_for_change tells how it goes"


def config_set(call: Call, changes: Mapping[str, Any]) -> str:
    """Merge fields into the configuration."""
    now = call.client.config(dict(changes))
    return "now: " + json.dumps({name: now.get(name) for name in changes})


def direction_set(call: Call, text: str) -> str:
    """Set the goal of the whole flock."""
    call.client.direction(text)
    return "The direction is set; a flock that runs or has settled takes it up at once."


def directive(call: Call, agent: int | None, where: str | None, text: str | None, *, clear: bool, dry_run: bool) -> str:
    """An extra instruction for one agent or for all a filter names. Raises UsageError."""
    if (agent is None) == (where is None):
        raise UsageError("A directive is for one agent, or for those a filter names.", "Give either agent or where.")
    if text is not None and clear:
        raise UsageError("A directive is set or cleared.", "Give either text or clear.")
    if text is None and not clear and not (dry_run and where):
        raise UsageError("There is nothing to set.", "Give a text, or clear.")
    if where is not None:
        asked: dict[str, Any] = {"where": where, "clear": clear, "dry_run": dry_run}
        return told(
            call.client.call("POST", "/cluster/directives", body=asked if text is None else {**asked, "text": text})
        )
    if dry_run:
        raise UsageError("dry_run is for a filter.", "Leave it out for one agent.")
    path = f"/cluster/agents/{agent}/directive"
    if clear:
        call.client.call("DELETE", path)
        return f"directive of agent-{agent} cleared"
    call.client.call("PUT", path, body={"text": text})
    return f"directive of agent-{agent} set"


def knowledge_upload(call: Call, path: str | None, name: str | None, text: str | None) -> str:
    """Add reference material: a file or folder of this machine, or a text given here. Nothing there is removed. Raises UsageError."""
    if path is not None and text is None:
        return _upload(call, path)
    if path is None and text is not None and name:
        call.client.call("PUT", "/cluster/knowledge", params={"key": name}, content=text.encode("utf-8", "replace"))
        return f"knowledge-base/{clean(name, 300)} written ({len(text)} characters)"
    raise UsageError("Reference material is a path, or a name with a text.", "Give either path, or name and text.")


def _upload(call: Call, path: str) -> str:
    """What an assistant may send is what lies in the folder it was started for: a text it read may have talked it into more."""
    chosen = (call.folder / path).expanduser().resolve()
    if not chosen.is_relative_to(call.folder):
        raise UsageError(
            f"{clean(path, 200)!r} is outside {call.folder}.",
            "Only what lies in that folder may be uploaded; a person can name another with `murmur mcp --folder`.",
        )
    if any(part.startswith(".") for part in chosen.relative_to(call.folder).parts):
        raise UsageError(f"{clean(path, 200)!r} is hidden.", "Hidden files and folders are never uploaded.")
    found = collect(chosen)
    sent, left = [], [f"{item.name}: {item.why}" for item in found.skipped]
    for document in found.documents:
        if call.cancelled.is_set():
            left.append("the rest: the call was cancelled")
            break
        try:
            call.client.call("PUT", "/cluster/knowledge", params={"key": document.name}, content=body(document))
            sent.append(document.name)
        except OSError as error:
            left.append(f"{document.name}: cannot be read: {error.strerror or error}")
        except MurmurError as error:
            if error.code == "unreachable" or getattr(error, "status", 0) in (401, 403):
                raise
            left.append(f"{document.name}: {clean(error, 200)}")
    words = f"{plural(len(sent), 'document')} uploaded: {_few(sent)}"
    return words + (f"\nnot taken ({len(left)}): {_few(left)}" if left else "")


def _few(names: list[str]) -> str:
    return ", ".join(clean(name, 200) for name in names[:_NAMED]) + (", …" if len(names) > _NAMED else "")


def _progress(answer: dict[str, Any]) -> str:
    run = f" (run {clean(answer['run'])})" if answer.get("run") else ""
    return f"{clean(answer.get('state', 'asked for'))}{run}"
