"""OpenAI's Chat Completions, as spoken by Ollama, vLLM, LM Studio and hosted endpoints, with what they do differently."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from agent.brains.mcp.client import Tool
from agent.brains.model.dialect import Draft, Gathered, Piece, Reading, Request, count
from agent.brains.model.failure import ModelFailure, brief, refused
from agent.brains.model.name import OPENAI
from agent.brains.model.settings import BrainSettings
from agent.brains.model.talk import Answer, Step, Stop, Talk
from agent.brains.model.thinking import Thinking, said_only

_STOPS: Final[Mapping[str, Stop]] = {
    "stop": "end",
    "tool_calls": "calls",
    "function_call": "calls",
    "length": "length",
    "content_filter": "refusal",
}
_LINE_BYTES: Final = 16_000_000
_FIELDS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")
_LONGEST_FIELD: Final = 6


class ChatCompletions:
    """See ``Dialect``."""

    def __init__(self, settings: BrainSettings) -> None:
        self._settings = settings

    def request(self, talk: Talk, tools: Sequence[Tool]) -> Request:
        """See ``Dialect``."""
        settings = self._settings
        body: dict[str, Any] = {
            "model": settings.model.name,
            "messages": _messages(talk),
            "tools": [
                {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": t.schema}}
                for t in tools
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if settings.output_tokens:
            # OpenAI's newer models refuse the older name, most other servers know only that.
            limit = "max_completion_tokens" if settings.model.base_url == OPENAI else "max_tokens"
            body[limit] = settings.output_tokens
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        if settings.key:
            headers["Authorization"] = f"Bearer {settings.key}"
        return Request(f"{settings.model.base_url}/chat/completions", headers, json.dumps(body).encode())

    def reading(self) -> Reading:
        """See ``Dialect``."""
        return _Reading(self._settings)


def _messages(talk: Talk) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": talk.system},
        {"role": "user", "content": talk.prompt},
    ]
    for step in talk.steps:
        messages += _step(step)
    return messages


def _step(step: Step) -> Iterator[dict[str, Any]]:
    said: dict[str, Any] = {"role": "assistant", "content": step.answer.text}
    if step.answer.calls:
        said["tool_calls"] = [
            # Arguments that were no JSON go back as an empty object: some servers parse them again and fail.
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": json.dumps(c.arguments or {})}}
            for c in step.answer.calls
        ]
    yield said
    for result in step.results:
        yield {"role": "tool", "tool_call_id": result.call.id, "content": result.text}
    if step.aside:
        yield {"role": "user", "content": step.aside}


class _Reading:
    """See ``Reading``."""

    def __init__(self, settings: BrainSettings) -> None:
        self._settings = settings
        self._streamed: bool | None = None
        """Whether events come, or plain JSON, as some servers answer all the same. None: not known yet."""
        self._rest = b""
        self._got = Gathered()
        self._thinking = Thinking()
        self._slots: dict[int, Draft] = {}
        self._reason = ""
        self._refusing = False
        self._done = False
        self._usage = (0, 0)

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """See ``Reading``."""
        self._rest += chunk
        if len(self._rest) > _LINE_BYTES:
            raise ModelFailure("The model's endpoint sends a line without end.")
        if self._streamed is None and len(self._rest.lstrip()) >= _LONGEST_FIELD:
            self._streamed = self._rest.lstrip().startswith(_FIELDS)
        if not self._streamed:
            return
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            yield from self._line(line)

    def answer(self) -> Answer:
        """See ``Reading``."""
        for _ in [*self._line(self._rest), *self._got.keep(self._thinking.rest())]:
            pass  # the last line of a stream needs no line break, and a body of plain JSON is one line
        calls = self._got.calls()
        if not self._reason and not self._done:
            raise ModelFailure("The model's answer broke off before its end.", passing=True)
        stop = _STOPS.get(self._reason, "end")
        if stop in ("end", "calls"):
            stop = "calls" if calls else "end"
        if self._refusing and not calls:
            stop = "refusal"
        return Answer(said_only("".join(self._got.text)), calls, stop, *self._usage)

    def _line(self, line: bytes) -> Iterator[Piece]:
        line = line.strip()
        if self._streamed:
            if not line.startswith(b"data:"):
                return  # comments, event names, the blank line between events
            line = line[5:].strip()
        if line == b"[DONE]":
            self._done = True
            return
        if not line:
            return
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise ModelFailure(
                f"The model's endpoint sent no JSON: {brief(line[:120].decode('utf-8', 'replace'))}."
            ) from None
        if isinstance(value, dict):
            yield from self._value(value)

    def _value(self, value: dict[str, Any]) -> Iterator[Piece]:
        if value.get("error"):
            raise self._failed(value["error"])
        usage = value.get("usage")
        if isinstance(usage, dict):
            self._usage = (count(usage.get("prompt_tokens")), count(usage.get("completion_tokens")))
        choices = value.get("choices")
        for choice in choices[:1] if isinstance(choices, list) else []:
            if not isinstance(choice, dict):
                continue
            said = choice.get("delta") or choice.get("message")
            if isinstance(said, dict):
                yield from self._said(said)
            if isinstance(choice.get("finish_reason"), str):
                self._reason = choice["finish_reason"]

    def _said(self, said: dict[str, Any]) -> Iterator[Piece]:
        thought = said.get("reasoning_content") or said.get("reasoning")
        if isinstance(thought, str) and thought:
            yield Piece("thought", self._got.grow(thought))
        if isinstance(said.get("refusal"), str) and said["refusal"]:
            self._refusing = True
            yield from self._got.keep(iter([Piece("text", said["refusal"])]))
        if isinstance(said.get("content"), str):
            yield from self._got.keep(self._thinking.feed(said["content"]))
        calls = said.get("tool_calls")
        for position, delta in enumerate(calls if isinstance(calls, list) else []):
            if isinstance(delta, dict):
                yield self._call(delta, position)

    def _call(self, delta: dict[str, Any], position: int) -> Piece:
        """A piece of a tool call. Some servers leave the index away, or give every call the same one but its own id."""
        index = delta.get("index")
        index = index if isinstance(index, int) else position
        name = delta.get("id") if isinstance(delta.get("id"), str) else ""
        draft = self._slots.get(index)
        if draft is None or (name and draft.id and name != draft.id):
            draft = self._slots[index] = Draft(name or "")
            self._got.drafts.append(draft)
        draft.id = draft.id or name or ""
        function = delta.get("function")
        function = function if isinstance(function, dict) else {}
        draft.name += function["name"] if isinstance(function.get("name"), str) else ""
        arguments = function.get("arguments")
        part = arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments is not None else ""
        draft.parts.append(self._got.grow(part))
        return Piece("arguments", part)

    def _failed(self, error: Any) -> ModelFailure:
        """An error that came inside the stream, after a status of 200."""
        words = error.get("message", error) if isinstance(error, dict) else error
        code = error.get("code") or error.get("status") if isinstance(error, dict) else None
        number = str(code)
        status = int(number) if number.isdecimal() and 400 <= int(number[:4]) < 600 else 500
        return refused(self._settings, status, str(words), {})
