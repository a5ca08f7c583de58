"""The model brain's turns, against a scripted endpoint: what the model calls is done, and what goes wrong is said in words that help."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from agent.brains.mcp.toolbox import HttpServer
from agent.brains.model.openai import ChatCompletions
from agent.brains.model.session import ModelSession
from agent.brains.model.settings import BrainSettings
from agent.brains.session import Cancelled, Ending, RpcError, Tell
from agent.tools.desk import Desk
from agent.tools.server import ToolServer
from murmur.memory.store import MemoryStore
from tests.stand_ins.endpoint import (
    FOR_EVER,
    Endpoint,
    Reply,
    Script,
    broadcast,
    call,
    chunk,
    done,
    endpoint,
    event,
    raw_call,
    refuses,
    says,
)

PATIENCE_SECONDS = 60


class Stage:
    """A desk behind the real tool server, and one session of the brain."""

    def __init__(self, server: ToolServer, model: Endpoint, variables: dict[str, str]) -> None:
        self.store = MemoryStore()
        self.desk = Desk(self.store, 1, frozenset({0, 2}), 0)
        self.model = model
        self.updates: list[tuple[str, dict[str, Any]]] = []
        self.environment = {"MURMUR_MODEL": f"{model.url}/v1#m", "MURMUR_MODEL_CONTEXT": "20000", **variables}
        self._tools = HttpServer("murmur", server.url, (("Authorization", f"Bearer {server.open(self.desk)}"),))
        self.session = ModelSession([self._tools], self._prepare)

    def _prepare(self) -> Any:
        settings = BrainSettings.from_environment(self.environment)
        return settings, ChatCompletions(settings)

    async def turn(self, prompt: str = "Do it.") -> Ending:
        self.session.begin()
        tell = Tell(lambda method, fields: self.updates.append((method, fields)), "s", 1)
        return await asyncio.to_thread(self.session.run, prompt, tell)

    def of(self, kind: str) -> list[dict[str, Any]]:
        updates = [fields.get("update", fields) for _, fields in self.updates]
        return [update for update in updates if update.get("sessionUpdate") == kind]

    def said(self) -> str:
        return "".join(update["content"]["text"] for update in self.of("agent_message_chunk"))

    def notes(self, method: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.updates if name == method]

    def results(self, request: int) -> list[str]:
        """What the tools' results were, as the model saw them in that request."""
        return [m["content"] for m in self.model.asked[request].body["messages"] if m["role"] == "tool"]


@asynccontextmanager
async def staged(script: Script, **variables: str) -> AsyncIterator[Stage]:
    async with asyncio.timeout(PATIENCE_SECONDS), ToolServer() as server, endpoint(script) as model:
        yield Stage(server, model, variables)


def in_turn(*replies: Reply) -> Script:
    return lambda _, number: replies[min(number, len(replies) - 1)]


async def test_several_calls_of_one_answer_are_made_in_order_and_a_broadcast_ends_the_turn() -> None:
    reply = says(
        call("fs_write", 0, path="output/a.md", content="A\n"),
        call("fs_read", 1, path="output/a.md"),
        call("fs_write", 2, path="output/a.md", content="AA\n"),
        broadcast(3),
    )
    async with staged(in_turn(reply), MURMUR_MODEL_PRICES="1/10") as stage:
        ending = await stage.turn("The prompt.")
        assert (await stage.store.get("output/a.md")).body == b"AA\n"
    assert ending == Ending("end_turn", (100, 10))
    assert stage.desk.said is not None
    assert stage.desk.said.action == "worked"
    (asked,) = stage.model.asked
    assert [message["role"] for message in asked.body["messages"]] == ["system", "user"]
    assert asked.body["messages"][1]["content"] == "The prompt."
    assert {t["function"]["name"] for t in asked.body["tools"]} == {"fs_read", "fs_write", "fs_list", "broadcast"}
    assert stage.of("tool_call")[0]["title"] == "fs_write output/a.md"
    assert stage.of("usage_update")[0]["cost"] == {"amount": pytest.approx(0.0002), "currency": "USD"}


async def test_results_go_back_to_the_model_with_their_calls() -> None:
    async with staged(in_turn(says(call("fs_read", path="knowledge-base/x.md")), says(broadcast()))) as stage:
        await stage.store.put("knowledge-base/x.md", "Grüße".encode())
        ending = await stage.turn()
    assert ending.tokens == (200, 20)
    said, answered = stage.model.asked[1].body["messages"][2:]
    assert said["tool_calls"][0]["id"] == answered["tool_call_id"] == "c0"
    assert answered["content"] == "Grüße"


async def test_without_a_price_no_cost_is_invented() -> None:
    async with staged(in_turn(says(broadcast()))) as stage:
        await stage.turn()
    assert all("cost" not in update for update in stage.of("usage_update"))


async def test_what_is_thought_aloud_is_told_apart_and_not_sent_back() -> None:
    first = says(
        chunk({"content": "<th"}), chunk({"content": "ink>hmm</think>I "}), chunk({"content": "read."}), call("fs_list")
    )
    async with staged(in_turn(first, says(broadcast()))) as stage:
        await stage.turn()
    assert stage.said() == "I read."
    assert stage.of("agent_thought_chunk")[0]["content"]["text"] == "hmm"
    assert stage.model.asked[1].body["messages"][2]["content"] == "I read."


async def test_arguments_that_are_no_json_and_tools_that_are_not_there_are_told_to_the_model() -> None:
    first = says(raw_call("fs_read", '{"path": oops', 0), call("shell", 1, command="ls"), call("murmur.fs_list", 2))
    async with staged(in_turn(first, says(broadcast()))) as stage:
        await stage.turn()
    bad, unknown, prefixed = stage.results(1)
    assert "no JSON" in bad
    assert "There is no tool 'shell'. There are fs_read, fs_write, fs_list, broadcast." in unknown
    assert json.loads(prefixed)["files"] == []
    sent = stage.model.asked[1].body["messages"][2]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(sent) == {}, "what goes back must be JSON"


async def test_what_a_tool_refuses_is_told_to_the_model() -> None:
    first = says(call("fs_write", path="direction.md", content="mine"))
    async with staged(in_turn(first, says(broadcast()))) as stage:
        await stage.turn()
    assert "refused" in stage.results(1)[0]
    assert [update["status"] for update in stage.of("tool_call")] == ["failed", "completed"]


async def test_a_model_that_calls_for_ever_is_stopped_and_warned_before() -> None:
    async with staged(in_turn(says(call("fs_list"))), MURMUR_MODEL_CALLS="4") as stage:
        ending = await stage.turn()
    assert ending.stop_reason == "max_turn_requests"
    assert len(stage.model.asked) == 4
    assert "last answer" in stage.model.asked[3].body["messages"][-1]["content"]


async def test_a_model_that_calls_nothing_is_reminded_and_then_left() -> None:
    async with staged(in_turn(says(chunk({"content": "Fine."}), finish="stop"))) as stage:
        ending = await stage.turn()
    assert ending.stop_reason == "end_turn"
    assert stage.desk.said is None
    assert len(stage.model.asked) == 3
    assert "call broadcast now" in stage.model.asked[1].body["messages"][-1]["content"]


async def test_a_call_cut_off_is_not_made_and_the_model_may_write_it_in_parts() -> None:
    cut = Reply([raw_call("fs_write", '{"path": "output/a.md", "content": "very lo'), done("length")])
    async with staged(in_turn(cut, says(broadcast()))) as stage:
        ending = await stage.turn()
    assert ending.stop_reason == "end_turn"
    assert stage.desk.files == []
    assert "cut off within this call" in stage.results(1)[0]
    assert "mode append" in stage.model.asked[1].body["messages"][-1]["content"]


async def test_a_model_whose_answers_are_always_cut_off_ends_partial() -> None:
    async with staged(in_turn(says(chunk({"content": "blah"}), finish="length"))) as stage:
        ending = await stage.turn()
    assert ending.stop_reason == "max_tokens"
    assert len(stage.model.asked) == 3


async def test_a_refusal_is_one() -> None:
    async with staged(in_turn(says(chunk({"refusal": "I will not."}), finish="stop"))) as stage:
        assert (await stage.turn()).stop_reason == "refusal"
    assert stage.said() == "I will not."


async def test_asked_to_slow_down_it_waits_as_long_as_told_and_says_so() -> None:
    busy = refuses(429, "Too many", retry_after="0.2")
    async with staged(in_turn(busy, busy, says(broadcast()))) as stage:
        ending = await stage.turn()
    assert ending.stop_reason == "end_turn"
    assert len(stage.model.asked) == 3
    waits = [note["delaySeconds"] for note in stage.notes("_murmur/retrying")]
    assert len(waits) == 2
    assert all(wait >= 0.2 for wait in waits)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_rate_limit_longer_than_its_patience_is_reported_with_how_long(status: int) -> None:
    async with staged(in_turn(refuses(status, "Slow", retry_after="120"))) as stage:
        with pytest.raises(RpcError, match=r"slow down|overloaded") as caught:
            await stage.turn()
    assert caught.value.data == {"retryAfter": 120.0}
    assert len(stage.model.asked) == 1


async def test_a_stream_that_breaks_off_is_asked_for_again() -> None:
    broken = Reply([chunk({"content": "I wi"})])
    async with staged(in_turn(broken, says(broadcast()))) as stage:
        assert (await stage.turn()).stop_reason == "end_turn"
    assert stage.notes("_murmur/retrying")[0]["message"] == "The model's answer broke off before its end."


async def test_silence_ends_the_turn_with_its_length() -> None:
    quiet = Reply([chunk({"content": "I"}), FOR_EVER])
    async with staged(in_turn(quiet), MURMUR_MODEL_SILENCE_SECONDS="0.3") as stage:
        with pytest.raises(RpcError, match=r"silent for 0\.3 seconds"):
            await stage.turn()
        await stage.model.hung_up.wait()


@pytest.mark.parametrize(
    "parts", [[FOR_EVER], [chunk({"content": "I"}), FOR_EVER]], ids=["before a word", "in mid-stream"]
)
async def test_a_cancel_closes_the_stream_at_once(parts: list[bytes | float]) -> None:
    async with staged(in_turn(Reply(parts))) as stage:
        turn = asyncio.create_task(stage.turn())
        await stage.model.talking.wait()
        stage.session.cancel()
        with pytest.raises(Cancelled):
            await turn
        await stage.model.hung_up.wait()


async def test_a_cancel_ends_the_wait_for_a_rate_limit() -> None:
    async with staged(in_turn(refuses(429, "Slow", retry_after="50"))) as stage:
        turn = asyncio.create_task(stage.turn())
        while not stage.notes("_murmur/retrying"):
            await asyncio.sleep(0.02)
        stage.session.cancel()
        with pytest.raises(Cancelled):
            await turn


async def test_a_cancel_before_the_first_request_is_not_lost() -> None:
    async with staged(in_turn(says(broadcast()))) as stage:
        stage.session.begin()
        stage.session.cancel()
        with pytest.raises(Cancelled):
            await asyncio.to_thread(stage.session.run, "x", Tell(lambda *_: None, "s", 1))
    assert stage.desk.said is None


@pytest.mark.parametrize(
    ("reply", "model", "words", "fatal"),
    [
        (refuses(404, 'model "m" not found, try pulling it first'), "ollama:m", "ollama pull m", True),
        (refuses(404, "The model `m` does not exist"), "", "/v1/models", True),
        (refuses(400, "registry.ollama.ai/library/m does not support tools"), "ollama:m", "such as qwen3", True),
        (refuses(400, '"auto" tool choice requires --enable-auto-tool-choice'), "", "--tool-call-parser", True),
        (refuses(429, "You exceeded your current quota (insufficient_quota)"), "", "nothing left to spend", True),
        (refuses(400, "This model's maximum context length is 4096 tokens"), "", "--model-context", False),
    ],
)
async def test_what_an_endpoint_refuses_is_explained(reply: Reply, model: str, words: str, fatal: bool) -> None:
    async with staged(in_turn(reply)) as stage:
        if model:
            stage.environment |= {"MURMUR_MODEL": model, "OLLAMA_HOST": stage.model.url}
        with pytest.raises(RpcError) as caught:
            await stage.turn()
    assert words in str(caught.value)
    assert bool(stage.notes("_murmur/wrong_setup")) is fatal


async def test_a_refused_key_asks_for_another_and_is_not_shown() -> None:
    key = "sk-0123456789"
    async with staged(in_turn(refuses(401, f"Incorrect API key provided: {key}")), MURMUR_MODEL_KEY=key) as stage:
        with pytest.raises(RpcError, match="MURMUR_MODEL_KEY") as caught:
            await stage.turn()
    assert caught.value.code == -32000
    assert stage.model.asked[0].headers["authorization"] == f"Bearer {key}"
    assert key not in str(caught.value)
    assert key not in repr(stage.session._prepare()[0])


async def test_nobody_at_the_address_is_told_with_what_to_start() -> None:
    async with staged(in_turn(says(broadcast()))) as stage:
        stage.environment |= {"MURMUR_MODEL": "ollama:qwen3", "OLLAMA_HOST": "127.0.0.1:1"}
        with pytest.raises(RpcError, match=r"Nothing answers at http://127\.0\.0\.1:1/v1.*`ollama serve`"):
            await stage.turn()


async def test_without_a_model_it_says_how_to_name_one() -> None:
    async with staged(in_turn(says(broadcast()))) as stage:
        stage.environment["MURMUR_MODEL"] = ""
        with pytest.raises(RpcError, match=r"--model: ollama:qwen3"):
            await stage.turn()
    assert stage.notes("_murmur/wrong_setup")


@pytest.mark.parametrize(
    "body",
    [b"<html>hello</html>", event(b"{broken"), b'{"error": {"message": "boom", "code": 400}}'],
    ids=["a web page", "no JSON in the stream", "an error as the answer"],
)
async def test_an_answer_that_is_none_is_a_failure_and_no_trace(body: bytes) -> None:
    headers = {"content-type": "text/event-stream" if body.startswith(b"data") else "application/json"}
    async with staged(in_turn(Reply([body], headers=headers)), MURMUR_MODEL_RETRY_SECONDS="0") as stage:
        with pytest.raises(RpcError, match=r"no JSON|boom"):
            await stage.turn()


async def test_a_long_file_comes_in_pages_the_window_has_room_for_and_old_pages_are_left_out() -> None:
    def script(asked: Any, number: int) -> Reply:
        results = [m["content"] for m in asked.body["messages"] if m["role"] == "tool"]
        note = results[-1].rpartition("next offset ")[2] if results else "0"
        if number and not note.strip().isdecimal():
            return says(broadcast())
        return says(call("fs_read", path="knowledge-base/long.md", offset=int(note)))

    text = "".join(f"Line {n} of a long file.\n" for n in range(4000))
    async with staged(script, MURMUR_MODEL_CONTEXT="8000") as stage:
        await stage.store.put("knowledge-base/long.md", text.encode())
        assert (await stage.turn()).stop_reason == "end_turn"
    last = stage.results(-1)
    assert max(map(len, last)) <= 8000 * 3 / 4 + 200
    assert "bytes 0-6000 of" in last[0]
    assert "left out to save room" in last[0]
    assert "Line 3999" in last[-1], "the newest page stays whole"
    largest = max(len(asked.raw) for asked in stage.model.asked)
    assert largest < 8000 * 4, "every request fits the window"


async def test_files_read_at_once_share_the_room_of_one_page() -> None:
    many = says(*[call("fs_read", number, path="knowledge-base/long.md") for number in range(5)])
    async with staged(in_turn(many, says(broadcast())), MURMUR_MODEL_CONTEXT="20000") as stage:
        await stage.store.put("knowledge-base/long.md", b"word " * 20_000)
        await stage.turn()
    results = stage.results(1)
    assert len(results) == 5
    assert all(len(result) < 20_000 * 3 / 4 / 5 + 200 for result in results)
    assert all("next offset 3000" in result for result in results)


@pytest.mark.parametrize("loaded", ["m", "m:latest", "other", ""])
async def test_ollama_is_asked_how_large_the_window_is_that_it_has_given_the_model(loaded: str) -> None:
    models = [{"model": loaded, "context_length": 16_384}] if loaded else "nonsense"

    def script(asked: Any, number: int) -> Reply:
        if asked.path == "/api/ps":
            return Reply([json.dumps({"models": models}).encode()], headers={"content-type": "application/json"})
        return says(broadcast())

    async with staged(script, MURMUR_MODEL_CONTEXT="") as stage:
        stage.environment |= {"MURMUR_MODEL": "ollama:m", "OLLAMA_HOST": stage.model.url}
        assert (await stage.turn()).stop_reason == "end_turn"
    assert stage.of("usage_update")[0]["size"] == (16_384 if loaded.startswith("m") else 4096)


async def test_a_prompt_larger_than_the_window_is_told_before_it_costs_anything() -> None:
    async with staged(in_turn(says(broadcast())), MURMUR_MODEL_CONTEXT="2048") as stage:
        with pytest.raises(RpcError, match="--model-context"):
            await stage.turn("word " * 4000)
    assert stage.model.asked == []


async def test_turns_leave_no_thread_behind() -> None:
    before = set(threading.enumerate())
    async with staged(in_turn(says(broadcast()))) as stage:
        await stage.turn()
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if not thread.name.startswith("asyncio")]
