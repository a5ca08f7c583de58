"""Answers of models that are odd, cut short or without end, and what a request says of limits. No network: bytes in, an answer out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from agent.brains.mcp.client import Tool
from agent.brains.model import openai
from agent.brains.model.bedrock import Converse
from agent.brains.model.dialect import Dialect
from agent.brains.model.failure import ModelFailure
from agent.brains.model.name import OPENAI, ModelId
from agent.brains.model.openai import ChatCompletions
from agent.brains.model.settings import BrainSettings
from agent.brains.model.talk import Answer, Talk
from murmur.aws.bedrock import Bedrock
from murmur.errors import InvalidInput
from tests.stand_ins import bedrock
from tests.stand_ins.endpoint import chunk, done

SETTINGS = BrainSettings(ModelId("address", "m", "http://127.0.0.1:1/v1"))
CLOUD = BrainSettings(ModelId("bedrock", "eu.some-model", "", "eu-west-1"))
KEYED = {"AWS_BEARER_TOKEN_BEDROCK": "token"}
TOOLS = [Tool("fs_list", "List.", {"type": "object"})]
TALK = Talk("Be brief.", "Do it.")


@pytest.fixture(autouse=True)
def _place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:1")


def converse(settings: BrainSettings = CLOUD, environment: Mapping[str, str] = KEYED) -> Converse:
    return Converse(settings, environment)


def read(dialect: Dialect, *pieces: bytes) -> Answer:
    reading = dialect.reading()
    for piece in pieces:
        for _ in reading.feed(piece):
            pass
    return reading.answer()


@pytest.mark.parametrize(("base", "name"), [(OPENAI, "max_completion_tokens"), ("http://127.0.0.1:1/v1", "max_tokens")])
def test_a_limit_on_what_is_written_goes_by_the_name_its_server_knows(base: str, name: str) -> None:
    settings = replace(SETTINGS, model=ModelId("address", "m", base), output_tokens=500, key="k-1")
    request = ChatCompletions(settings).request(TALK, TOOLS)
    assert json.loads(request.body)[name] == 500
    assert request.headers["Authorization"] == "Bearer k-1"
    plain = ChatCompletions(SETTINGS).request(TALK, TOOLS)
    assert "Authorization" not in plain.headers
    assert not {"max_tokens", "max_completion_tokens"} & json.loads(plain.body).keys()


def test_the_same_limit_on_bedrock() -> None:
    body = json.loads(converse(replace(CLOUD, output_tokens=500)).request(TALK, TOOLS).body)
    assert body["inferenceConfig"] == {"maxTokens": 500}
    assert "inferenceConfig" not in json.loads(converse().request(TALK, TOOLS).body)


def test_a_line_without_end_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "_LINE_BYTES", 1000)
    with pytest.raises(ModelFailure, match="a line without end"):
        read(ChatCompletions(SETTINGS), b"data: " + b"x" * 2000)


@pytest.mark.parametrize(
    "value",
    [[1], 7, {"choices": 3}, {"choices": [3]}, {"choices": [{"delta": 3}]}, {"choices": []}, {"usage": 5},
     {"choices": [{"delta": {"tool_calls": [3], "reasoning": "", "refusal": ""}}]}],
)  # fmt: skip
def test_events_that_hold_nothing_of_use_are_passed_over(value: object) -> None:
    odd = b"data: " + json.dumps(value).encode() + b"\n\n"
    answer = read(ChatCompletions(SETTINGS), odd, chunk({"content": "Yes."}), done("stop"))
    assert (answer.text, answer.stop, answer.calls) == ("Yes.", "end", ())


def test_words_with_which_a_model_declines_are_a_refusal() -> None:
    answer = read(ChatCompletions(SETTINGS), chunk({"refusal": "I will not."}), done("stop"))
    assert (answer.text, answer.stop) == ("I will not.", "refusal")


@pytest.mark.parametrize(
    ("body", "passing"),
    [(chunk({"content": "Yes"}), True), (b"data: {broken\n\n", False), (b"<html>busy</html>\n", False)],
)
def test_an_answer_that_breaks_off_may_be_asked_for_again_and_one_that_is_none_not(body: bytes, passing: bool) -> None:
    with pytest.raises(ModelFailure) as caught:
        read(ChatCompletions(SETTINGS), body)
    assert caught.value.passing is passing


def test_an_error_inside_a_stream_without_a_number_is_the_servers() -> None:
    with pytest.raises(ModelFailure, match="overloaded"):
        read(ChatCompletions(SETTINGS), b'data: {"error": "overloaded"}\n\n')


# ── Bedrock ──


def ended(*events: bytes) -> tuple[bytes, ...]:
    return (*events, bedrock.event("messageStop", stopReason="end_turn"))


def delta(**value: Any) -> bytes:
    return bedrock.event("contentBlockDelta", contentBlockIndex=0, delta=value)


def test_thought_that_is_signed_or_hidden_goes_back_as_it_came() -> None:
    answer = read(
        converse(),
        *ended(
            delta(reasoningContent={"text": "so "}),
            delta(reasoningContent={"text": "then", "signature": "sig"}),
            bedrock.event(
                "contentBlockDelta", contentBlockIndex=1, delta={"reasoningContent": {"redactedContent": "AA"}}
            ),
            bedrock.text(2, "Yes."),
        ),
    )
    assert answer.text == "Yes."
    assert answer.reasoning == (
        {"reasoningContent": {"reasoningText": {"text": "so then", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": "AA"}},
    )


def test_events_bedrock_may_add_later_are_passed_over() -> None:
    odd = [
        bedrock.event("contentBlockStart", contentBlockIndex="x", start={}),
        bedrock.event("somethingNew", value=1),
        delta(toolUse={"input": "{}"}),  # of a call that never began
        bedrock.event("metadata", usage={"inputTokens": -1, "outputTokens": True}),
    ]
    answer = read(converse(), *ended(*odd, bedrock.text(0, "Yes.")))
    assert (answer.text, answer.calls, answer.tokens_in, answer.tokens_out) == ("Yes.", (), 0, 0)


def test_a_stream_that_ends_early_or_is_damaged_may_be_asked_for_again() -> None:
    damaged = bytearray(bedrock.text(0, "Yes."))
    damaged[-1] ^= 0xFF
    no_json = bedrock.frame({":event-type": "metadata", ":message-type": "event"}, b"{broken")
    for pieces in ([bedrock.text(0, "Yes.")], [bytes(damaged)], [no_json]):
        with pytest.raises(ModelFailure) as caught:
            read(converse(), *pieces)
        assert caught.value.passing


@pytest.mark.parametrize(
    "message",
    [
        bedrock.exception("throttlingException", "Too many tokens."),
        bedrock.frame({":message-type": "error", ":error-code": "internalError", ":error-message": "It broke."}, b""),
    ],
)
def test_what_bedrock_says_in_the_middle_of_an_answer_is_a_failure_with_its_words(message: bytes) -> None:
    with pytest.raises(ModelFailure, match=r"Too many tokens|It broke"):
        read(converse(), bedrock.text(0, "Yes"), message)


def test_without_credentials_the_remedy_says_where_a_key_goes(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ModelFailure) as caught:
        converse(environment={}).request(TALK, TOOLS)
    assert caught.value.key_refused
    assert "MURMUR_MODEL_KEY" in str(caught.value)


@pytest.mark.filterwarnings("ignore:Fetching the endpoint_resolver component:DeprecationWarning")  # of botocore itself
def test_bedrock_without_a_region_or_with_a_profile_that_is_not_there_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(InvalidInput, match="No AWS region"):
        Bedrock()
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    with pytest.raises(InvalidInput, match="cannot be used"):
        Bedrock()
    monkeypatch.delenv("AWS_PROFILE")
    url, headers, _ = Bedrock("xx-nowhere-1", "token").converse_stream("a/b", {})
    assert url == "https://bedrock-runtime.xx-nowhere-1.amazonaws.com/model/a%2Fb/converse-stream"
    assert headers["Authorization"] == "Bearer token"
