"""The model brain over Bedrock's wire: signed requests, the event stream, its exceptions; and that boto3 reads and sends the same."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import boto3
import pytest

from agent.brains.mcp.toolbox import HttpServer
from agent.brains.model.credentials import LENT, borrow, lend
from agent.brains.model.session import ModelSession, prepare
from agent.brains.session import Cancelled, RpcError, Tell
from agent.tools.desk import Desk
from agent.tools.server import ToolServer
from murmur.memory.store import MemoryStore
from tests.stand_ins import bedrock
from tests.stand_ins.endpoint import FOR_EVER, Endpoint, Reply, endpoint

MODEL = "eu.anthropic.claude-test-v1:0"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SAID = json.dumps({"action": "wörked", "result": "done", "next_intent": "rest", "state": "idle"})


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in (
        "AWS_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_BEARER_TOKEN_BEDROCK",
        "MURMUR_MODEL_KEY",
        "HTTP_PROXY",
        "http_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in LENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("MURMUR_MODEL", f"bedrock:eu-west-1/{MODEL}")


class Stage:
    """One turn of the brain over Bedrock."""

    def __init__(self, server: ToolServer) -> None:
        self.store = MemoryStore()
        self.desk = Desk(self.store, 1, frozenset({0, 2}), 0)
        self.updates: list[tuple[str, dict[str, Any]]] = []
        bearer = ("Authorization", f"Bearer {server.open(self.desk)}")
        self.session = ModelSession([HttpServer("murmur", server.url, (bearer,))], prepare)

    async def turn(self) -> Any:
        self.session.begin()
        tell = Tell(lambda method, fields: self.updates.append((method, fields)), "s", 1)
        return await asyncio.to_thread(self.session.run, "Do it.", tell)


async def played(monkeypatch: pytest.MonkeyPatch, *replies: Reply) -> tuple[Any, Stage, Endpoint]:
    async with (
        asyncio.timeout(60),
        ToolServer() as server,
        endpoint(lambda _, number: replies[min(number, len(replies) - 1)]) as model,
    ):
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", model.url)
        stage = Stage(server)
        return await stage.turn(), stage, model


async def test_a_turn_with_parallel_calls_in_pieces_and_a_signed_request(monkeypatch: pytest.MonkeyPatch) -> None:
    first = bedrock.says(
        bedrock.text(0, "I ", "look."),
        bedrock.tool(1, "fs_list", '{"prefix": "output/"}'),
        bedrock.tool(2, "fs_write", '{"path": "output/a.md", "content": "ü"}', pieces=20),
        bedrock.tool(3, "fs_read", ""),
    )
    ending, stage, model = await played(monkeypatch, first, bedrock.says(bedrock.tool(0, "broadcast", SAID)))
    assert ending.stop_reason == "end_turn"
    assert ending.tokens == (100, 10)
    assert stage.desk.said is not None
    assert stage.desk.said.action == "wörked"
    assert stage.desk.files == ["output/a.md"]
    assert all(bedrock.signed_by(asked, SECRET) for asked in model.asked)
    assert not bedrock.signed_by(model.asked[0], "another")
    said, answered = model.asked[1].body["messages"][1:]
    assert said["content"][0] == {"text": "I look."}
    assert [block["toolUse"]["toolUseId"] for block in said["content"][1:]] == ["t1", "t2", "t3"]
    results = [block["toolResult"] for block in answered["content"]]
    assert [(r["toolUseId"], r["status"]) for r in results] == [("t1", "success"), ("t2", "success"), ("t3", "error")]


async def test_boto3s_own_client_sends_the_same_request_and_reads_the_same_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reply = bedrock.says(bedrock.tool(0, "broadcast", SAID))
    _, _, ours = await played(monkeypatch, reply)
    body = ours.asked[0].body
    async with endpoint(lambda *_: reply) as model:
        client = boto3.client("bedrock-runtime", region_name="eu-west-1", endpoint_url=model.url)

        def converse() -> list[dict[str, Any]]:
            answer = client.converse_stream(modelId=MODEL, **body)
            return list(answer["stream"])

        events = await asyncio.to_thread(converse)
        (theirs,) = model.asked
    assert "messageStart" in events[0]
    assert (
        "".join(e["contentBlockDelta"]["delta"]["toolUse"]["input"] for e in events if "contentBlockDelta" in e) == SAID
    )
    assert theirs.path == ours.asked[0].path
    assert theirs.body == body
    assert bedrock.signed_by(theirs, SECRET), "the check itself agrees with boto3"


async def test_signed_reasoning_goes_back_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    thought = b"".join(
        bedrock.event("contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": part})
        for part in ({"text": "hm"}, {"text": "m"}, {"signature": "sig"})
    )
    first = bedrock.says(thought, bedrock.tool(1, "fs_list", "{}"))
    _, stage, model = await played(monkeypatch, first, bedrock.says(bedrock.tool(0, "broadcast", SAID)))
    block = model.asked[1].body["messages"][1]["content"][0]
    assert block == {"reasoningContent": {"reasoningText": {"text": "hmm", "signature": "sig"}}}
    thoughts = [
        f["update"] for _, f in stage.updates if f.get("update", {}).get("sessionUpdate") == "agent_thought_chunk"
    ]
    assert [t["content"]["text"] for t in thoughts][:2] == ["hm", "m"]


@pytest.mark.parametrize(
    ("reply", "words", "code"),
    [
        (
            bedrock.refuses(403, "AccessDeniedException", "You don't have access"),
            "bedrock:InvokeModelWithResponseStream",
            -32000,
        ),
        (
            bedrock.refuses(400, "ValidationException", "The provided model identifier is invalid."),
            "inference profile",
            -32603,
        ),
        (
            bedrock.refuses(400, "ValidationException", "This model doesn't support tool use."),
            "cannot use tools",
            -32603,
        ),
    ],
)
async def test_what_bedrock_refuses_is_explained(
    monkeypatch: pytest.MonkeyPatch, reply: Reply, words: str, code: int
) -> None:
    with pytest.raises(RpcError, match=words) as caught:
        await played(monkeypatch, reply)
    assert caught.value.code == code


async def test_throttling_before_and_within_the_stream_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = bedrock.refuses(429, "ThrottlingException", "Too many tokens", **{"retry-after": "0.1"})
    within = Reply(
        [bedrock.text(0, "I"), bedrock.exception("throttlingException", "slow down")], headers=bedrock.HEADERS
    )
    ending, stage, model = await played(monkeypatch, busy, within, bedrock.says(bedrock.tool(0, "broadcast", SAID)))
    assert ending.stop_reason == "end_turn"
    assert len(model.asked) == 3
    assert len([1 for method, _ in stage.updates if method == "_murmur/retrying"]) == 2


async def test_throttling_without_end_is_a_rate_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MURMUR_MODEL_RETRY_SECONDS", "0")
    with pytest.raises(RpcError, match="slow down"):
        await played(monkeypatch, bedrock.refuses(429, "ThrottlingException", "Too many requests"))


async def test_a_damaged_frame_and_a_stream_that_ends_early_are_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MURMUR_MODEL_RETRY_SECONDS", "0")
    whole = bedrock.text(0, "hello")
    with pytest.raises(RpcError, match="damaged"):
        await played(monkeypatch, Reply([whole[:20] + b"X" + whole[21:]], headers=bedrock.HEADERS))
    with pytest.raises(RpcError, match="broke off"):
        await played(monkeypatch, Reply([whole], headers=bedrock.HEADERS))


async def test_a_cut_off_answer_is_partial(monkeypatch: pytest.MonkeyPatch) -> None:
    ending, _, _ = await played(monkeypatch, bedrock.says(bedrock.text(0, "bla"), stop="max_tokens"))
    assert ending.stop_reason == "max_tokens"


async def test_a_cancel_closes_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = Reply([bedrock.text(0, "I"), FOR_EVER], headers=bedrock.HEADERS)
    async with asyncio.timeout(60), ToolServer() as server, endpoint(lambda *_: quiet) as model:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", model.url)
        stage = Stage(server)
        turn = asyncio.create_task(stage.turn())
        await model.talking.wait()
        stage.session.cancel()
        with pytest.raises(Cancelled):
            await turn
        await model.hung_up.wait()


async def test_a_bedrock_api_key_is_sent_as_a_bearer_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MURMUR_MODEL_KEY", "bedrock-key-123")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    _, _, model = await played(monkeypatch, bedrock.says(bedrock.tool(0, "broadcast", SAID)))
    assert model.asked[0].headers["authorization"] == "Bearer bedrock-key-123"


async def test_without_credentials_or_region_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(RpcError, match="No AWS credentials were found") as caught:
        await played(monkeypatch, bedrock.says())
    assert caught.value.code == -32000
    monkeypatch.setenv("MURMUR_MODEL", f"bedrock:{MODEL}")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(RpcError, match="bedrock:eu-west-1/MODEL"):
        await played(monkeypatch, bedrock.says())


def test_credentials_are_lent_under_names_that_reach_the_brain_and_nothing_else() -> None:
    host = {
        "AWS_PROFILE": "me",
        "AWS_REGION": "eu-west-1",
        "HOME": "/home/me",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }
    lent = lend(host)
    assert set(lent) <= set(LENT)
    assert not any(name.startswith("AWS_") for name in lent)
    assert borrow({**lent, "HOME": "/agent"}) == {"AWS_PROFILE": "me", "AWS_REGION": "eu-west-1", "HOME": "/home/me"}
    assert borrow({"HOME": "/agent"}) == {}
