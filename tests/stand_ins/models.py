"""A scripted model behind four wires: OpenAI's Responses and Chat Completions, Anthropic's Messages, Gemini's generateContent.

It does what a good model would in its first turn (write a file, broadcast) and nothing in later ones. Every request is kept, so
that a test can see what an agent really sent: which tools it offered under which names, and our prompt.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_BLOCK = re.compile(r"```murmur-turn\\?n?\s*(\{.*?\})\s*(?:\\n)?```", re.DOTALL)


@dataclass
class Seen:
    """One request an agent made."""

    path: str
    tools: dict[str, Any]
    results: int
    facts: dict[str, Any] | None
    text: str = ""


@dataclass
class Model:
    """The script, and what was asked of it. ``refuse_with``: an HTTP status that every request is answered with; 0: none."""

    seen: list[Seen] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    refuse_with: int = 0
    refused: int = 0

    def answer(self, path: str, text: str, tools: dict[str, Any], results: int) -> tuple[str, dict[str, Any]] | str:
        """The tool to call with its arguments, or what to say. ``tools``: full name → whatever the wire needs to call it."""
        block = _BLOCK.search(text)
        facts = json.loads(block[1].replace('\\"', '"')) if block else None
        self.seen.append(Seen(path, tools, results, facts, text))
        if facts is None:
            return "A title."
        steps = self.script(facts)
        if results >= len(steps):
            return "Done."
        name, arguments = steps[results]
        full = next((tool for tool in tools if tool.endswith(name)), None)
        return (full, arguments) if full else f"I have no tool {name}."

    @staticmethod
    def script(facts: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """What it does in a turn."""
        agent, first = facts["agent"], facts["iteration"] == 0
        key = f"output/agent-{agent}.md"
        write = ("fs_write", {"path": key, "content": f"# Written by agent {agent}\n", "mode": "create"})
        said = {
            "action": f"wrote {key}" if first else "looked, found nothing to do",
            "result": "one file" if first else "nothing new",
            "next_intent": "rest",
            "state": "working" if first else "idle",
        }
        return [write, ("broadcast", said)] if first else [("broadcast", said)]


def _events(*events: dict[str, Any], named: bool = True, end: str = "") -> Response:
    lines = [(f"event: {e['type']}\n" if named else "") + f"data: {json.dumps(e)}\n\n" for e in events]
    return Response("".join(lines) + end, media_type="text/event-stream")


def _openai_responses(model: Model, body: dict[str, Any]) -> Response:
    tools: dict[str, Any] = {}
    for tool in body.get("tools", []):
        if tool.get("type") == "function":
            tools[tool["name"]] = {"name": tool["name"]}
        for inner in tool.get("tools", []) if tool.get("type") == "namespace" else []:
            tools[f"{tool['name']}__{inner['name']}"] = {"name": inner["name"], "namespace": tool["name"]}
    items = body.get("input", [])
    results = sum(item.get("type") == "function_call_output" for item in items)
    said = model.answer("responses", json.dumps(items), tools, results)
    if isinstance(said, str):
        content = [{"type": "output_text", "text": said, "annotations": []}]
        item = {"type": "message", "role": "assistant", "id": "msg_1", "content": content}
    else:
        item = {"type": "function_call", "id": "fc_1", "call_id": f"call_{results}", "arguments": json.dumps(said[1])}
        item |= tools[said[0]]
    usage = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}
    usage |= {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    return _events(
        {"type": "response.created", "response": {"id": "resp_1"}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"id": "resp_1", "output": [item], "usage": usage}},
    )


def _openai_chat(model: Model, body: dict[str, Any]) -> Response:
    tools = {tool["function"]["name"]: tool for tool in body.get("tools", [])}
    messages = body["messages"]
    results = sum(message["role"] == "tool" for message in messages)
    said = model.answer("chat", json.dumps(messages), tools, results)
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": body.get("model", "m")}
    if isinstance(said, str):
        delta: dict[str, Any] = {"role": "assistant", "content": said}
    else:
        function = {"name": said[0], "arguments": json.dumps(said[1])}
        call = {"index": 0, "id": f"call_{results}", "type": "function", "function": function}
        delta = {"role": "assistant", "tool_calls": [call]}
    reason = "stop" if isinstance(said, str) else "tool_calls"
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return _events(
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": usage},
        named=False,
        end="data: [DONE]\n\n",
    )


def _anthropic(model: Model, body: dict[str, Any]) -> Response:
    tools = {tool["name"]: tool for tool in body.get("tools", [])}
    parts = [part for m in body["messages"] if isinstance(m["content"], list) for part in m["content"]]
    results = sum(part.get("type") == "tool_result" for part in parts)
    said = model.answer("messages", json.dumps(body["messages"]), tools, results)
    if isinstance(said, str):
        block: dict[str, Any] = {"type": "text", "text": ""}
        delta = {"type": "text_delta", "text": said}
    else:
        block = {"type": "tool_use", "id": f"toolu_{results}", "name": said[0], "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(said[1])}
    reason = "end_turn" if isinstance(said, str) else "tool_use"
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "content": []}
    head |= {"stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 100, "output_tokens": 1}}
    if not body.get("stream"):
        whole = {**block, "text": said} if isinstance(said, str) else {**block, "input": said[1]}
        return JSONResponse({**head, "content": [whole], "stop_reason": reason})
    return _events(
        {"type": "message_start", "message": head},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": {"output_tokens": 10},
        },
        {"type": "message_stop"},
    )


def _gemini(model: Model, body: dict[str, Any], *, stream: bool) -> Response:
    declared = [d for tool in body.get("tools", []) for d in tool.get("functionDeclarations", [])]
    tools = {d["name"]: d for d in declared}
    parts = [part for content in body["contents"] for part in content.get("parts", [])]
    results = sum("functionResponse" in part for part in parts)
    said = model.answer("gemini", json.dumps(body["contents"]), tools, results)
    part = {"text": said} if isinstance(said, str) else {"functionCall": {"name": said[0], "args": said[1]}}
    answer = {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110},
        "modelVersion": "scripted",
    }
    return _events(answer, named=False) if stream else JSONResponse(answer)


def _refusal(model: Model) -> Response:
    model.refused += 1
    said = {401: "Incorrect API key provided", 429: "Rate limit reached: too many requests"}[model.refuse_with]
    kind = {401: "authentication_error", 429: "rate_limit_error"}[model.refuse_with]
    error = {"message": said, "type": kind, "code": model.refuse_with, "status": kind.upper()}
    return JSONResponse({"type": "error", "error": error}, model.refuse_with)


def _app(model: Model) -> Starlette:
    def wire(act: Callable[[Model, dict[str, Any]], Response]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            body = json.loads(await request.body())
            return _refusal(model) if model.refuse_with else act(model, body)

        return endpoint

    async def generate(request: Request) -> Response:
        body = json.loads(await request.body())
        if model.refuse_with:
            return _refusal(model)
        stream = "streamGenerateContent" in request.url.path
        if "enerateContent" in request.url.path:
            return _gemini(model, body, stream=stream)
        return JSONResponse({"totalTokens": 100})

    async def anything(request: Request) -> Response:
        model.other.append(f"{request.method} {request.url.path}")
        return JSONResponse({"data": [], "models": []})

    return Starlette(
        routes=[
            Route("/v1/responses", wire(_openai_responses), methods=["POST"]),
            Route("/v1/chat/completions", wire(_openai_chat), methods=["POST"]),
            Route("/v1/messages", wire(_anthropic), methods=["POST"]),
            Route("/v1beta/models/{rest:path}", generate, methods=["POST"]),
            Route("/{rest:path}", anything, methods=["GET", "POST", "HEAD", "PUT"]),
        ]
    )


@asynccontextmanager
async def scripted_model(model: Model) -> AsyncIterator[str]:
    """Serve it on a free loopback port; yields its address, ``http://127.0.0.1:PORT``."""
    config = uvicorn.Config(_app(model), host="127.0.0.1", port=0, log_level="warning", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve)
        while not server.started:
            await anyio.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True
