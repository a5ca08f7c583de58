"""Amazon Bedrock's ConverseStream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from agent.brains.mcp.client import Tool
from agent.brains.model.dialect import Draft, Gathered, Piece, Reading, Request, count
from agent.brains.model.failure import ModelFailure, refused
from agent.brains.model.settings import KEY, BrainSettings
from agent.brains.model.talk import Answer, Result, Stop, Talk
from agent.brains.model.thinking import Thinking, said_only
from murmur.aws.bedrock import Bedrock, Frames, MalformedFrame
from murmur.errors import MurmurError

_STOPS: Final[Mapping[str, Stop]] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "refusal",
    "content_filtered": "refusal",
}
_STATUSES: Final = {
    "throttlingException": 429,
    "serviceUnavailableException": 503,
    "modelTimeoutException": 408,
    "modelStreamErrorException": 500,
    "internalServerException": 500,
    "validationException": 400,
}


class Converse:
    """See ``Dialect``."""

    def __init__(self, settings: BrainSettings, environment: Mapping[str, str]) -> None:
        """``environment``: for a Bedrock API key of its own. Raises InvalidInput where no region is known."""
        self._settings = settings
        token = settings.key or environment.get("AWS_BEARER_TOKEN_BEDROCK", "")
        self._bedrock = Bedrock(settings.model.region, token)

    def request(self, talk: Talk, tools: Sequence[Tool]) -> Request:
        """See ``Dialect``."""
        body: dict[str, Any] = {
            "messages": _messages(talk),
            "system": [{"text": talk.system}],
            "toolConfig": {
                "tools": [
                    {"toolSpec": {"name": t.name, "description": t.description, "inputSchema": {"json": t.schema}}}
                    for t in tools
                ]
            },
        }
        if self._settings.output_tokens:
            body["inferenceConfig"] = {"maxTokens": self._settings.output_tokens}
        try:
            url, headers, content = self._bedrock.converse_stream(self._settings.model.name, body)
        except MurmurError as error:
            remedy = f"{error.remedy} A Bedrock API key goes into {KEY}."
            raise ModelFailure(error.message, remedy, key_refused=True) from error
        return Request(url, headers, content)

    def reading(self) -> Reading:
        """See ``Dialect``."""
        return _Reading(self._settings)


def _messages(talk: Talk) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": [{"text": talk.prompt}]}]
    for step in talk.steps:
        said: list[dict[str, Any]] = [dict(block) for block in step.answer.reasoning]
        said += [{"text": step.answer.text}] if step.answer.text else []
        said += [
            {"toolUse": {"toolUseId": c.id, "name": c.name, "input": dict(c.arguments or {})}}
            for c in step.answer.calls
        ]
        # No message may be empty, and the two sides take turns.
        messages.append({"role": "assistant", "content": said or [{"text": "(nothing)"}]})
        answered = [_result(result) for result in step.results]
        answered += [{"text": step.aside}] if step.aside else []
        messages.append({"role": "user", "content": answered or [{"text": "Go on."}]})
    return messages


def _result(result: Result) -> dict[str, Any]:
    content = [{"text": result.text or "(empty)"}]
    status = "success" if result.well else "error"
    return {"toolResult": {"toolUseId": result.call.id, "content": content, "status": status}}


class _Reading:
    """See ``Reading``."""

    def __init__(self, settings: BrainSettings) -> None:
        self._settings = settings
        self._frames = Frames()
        self._got = Gathered()
        self._thinking = Thinking()
        self._drafts: dict[int, Draft] = {}
        self._signed: dict[int, dict[str, Any]] = {}
        self._reason = ""
        self._usage = (0, 0)

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """See ``Reading``."""
        try:
            for frame in self._frames.feed(chunk):
                if frame.kind != "event":
                    status = _STATUSES.get(frame.name, 500)
                    raise refused(self._settings, status, str(frame.value.get("message", frame.name)), {})
                yield from self._event(frame.name, frame.value)
        except MalformedFrame as error:
            raise ModelFailure(error.message, passing=True) from error

    def answer(self) -> Answer:
        """See ``Reading``."""
        for _ in self._got.keep(self._thinking.rest()):
            pass
        if not self._reason:
            raise ModelFailure("The model's answer broke off before its end.", passing=True)
        calls = self._got.calls()
        stop = _STOPS.get(self._reason, "calls" if calls else "end")
        blocks = tuple({"reasoningContent": block} for _, block in sorted(self._signed.items()) if _whole(block))
        return Answer(said_only("".join(self._got.text)), calls, stop, *self._usage, reasoning=blocks)

    def _event(self, name: str, value: dict[str, Any]) -> Iterator[Piece]:
        index = value.get("contentBlockIndex")
        index = index if isinstance(index, int) else 0
        match name:
            case "contentBlockStart":
                tool = _object(_object(value.get("start")).get("toolUse"))
                if tool:
                    draft = self._drafts[index] = Draft(str(tool.get("toolUseId", "")), str(tool.get("name", "")))
                    self._got.drafts.append(draft)
                    yield Piece("arguments", "")
            case "contentBlockDelta":
                yield from self._delta(index, _object(value.get("delta")))
            case "messageStop":
                self._reason = str(value.get("stopReason") or "end_turn")
            case "metadata":
                usage = _object(value.get("usage"))
                self._usage = (count(usage.get("inputTokens")), count(usage.get("outputTokens")))

    def _delta(self, index: int, delta: dict[str, Any]) -> Iterator[Piece]:
        if isinstance(delta.get("text"), str):
            yield from self._got.keep(self._thinking.feed(delta["text"]))
        tool = _object(delta.get("toolUse"))
        if isinstance(tool.get("input"), str) and index in self._drafts:
            self._drafts[index].parts.append(self._got.grow(tool["input"]))
            yield Piece("arguments", tool["input"])
        reasoning = _object(delta.get("reasoningContent"))
        if reasoning:
            yield self._reasoning(index, reasoning)

    def _reasoning(self, index: int, delta: dict[str, Any]) -> Piece:
        """Thought that is signed must go back as it was, or the next request is refused."""
        block = self._signed.setdefault(index, {})
        if isinstance(delta.get("redactedContent"), str):
            block["redactedContent"] = self._got.grow(delta["redactedContent"])
            return Piece("thought", "")
        part = self._got.grow(delta["text"]) if isinstance(delta.get("text"), str) else ""
        thought = block.setdefault("reasoningText", {"text": ""})
        thought["text"] += part
        if isinstance(delta.get("signature"), str):
            thought["signature"] = delta["signature"]
        return Piece("thought", part)


def _whole(block: dict[str, Any]) -> bool:
    return "redactedContent" in block or "signature" in block.get("reasoningText", {})


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
