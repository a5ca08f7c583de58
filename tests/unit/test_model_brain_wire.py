"""How the model brain reads what endpoints really send, and the ids and settings it takes."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.model.dialect import Piece, call_of
from agent.brains.model.failure import ModelFailure, retry_after
from agent.brains.model.name import ModelId, parse_model
from agent.brains.model.openai import ChatCompletions
from agent.brains.model.settings import BrainSettings, Prices
from agent.brains.model.talk import Answer, Call, Result, Step, Talk
from agent.brains.model.thinking import Thinking
from murmur.errors import InvalidInput
from tests.stand_ins.endpoint import call, chunk, done, event, raw_call, usage

SETTINGS = BrainSettings(ModelId("address", "m", "http://127.0.0.1:1/v1"))


def read(body: bytes, size: int = 10**9) -> tuple[Answer, list[Piece]]:
    reading = ChatCompletions(SETTINGS).reading()
    pieces = [piece for at in range(0, len(body), size) for piece in reading.feed(body[at : at + size])]
    return reading.answer(), pieces


STREAM = b"".join(
    [
        b": a comment\n\n",
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning_content": "so …"}),
        chunk({"content": "Grüße, <thi"}),
        chunk({"content": "nk>ah</think>Welt"}),
        raw_call("fs_write", '{"path": "out'),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": 'put/ü.md", "content": "x"}'}}]}),
        call("broadcast", 1, action="a"),
        done(),
    ]
)


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_a_stream_is_read_the_same_in_whatever_pieces_it_comes(size: int) -> None:
    answer, pieces = read(STREAM, size)
    assert answer.text == "Grüße, Welt"
    assert [(c.name, c.arguments) for c in answer.calls] == [
        ("fs_write", {"path": "output/ü.md", "content": "x"}),
        ("broadcast", {"action": "a"}),
    ]
    assert (answer.stop, answer.tokens_in, answer.tokens_out) == ("calls", 100, 10)
    assert "".join(p.text for p in pieces if p.kind == "thought") == "so …ah"


def test_windows_line_ends_and_a_missing_last_line_break_do_not_matter() -> None:
    answer, _ = read(STREAM.replace(b"\n", b"\r\n").rstrip())
    assert len(answer.calls) == 2


@pytest.mark.parametrize(
    "deltas",
    [
        [
            {"index": 0, "id": "a", "function": {"name": "fs_list", "arguments": "{}"}},
            {"index": 0, "id": "b", "function": {"name": "broadcast", "arguments": "{}"}},
        ],
        [
            {"id": "", "function": {"name": "fs_list", "arguments": {}}},
            {"function": {"name": "broadcast", "arguments": None}},
        ],
    ],
    ids=["every call has the index 0", "no index, no id, arguments as an object"],
)
def test_calls_are_told_apart_where_a_server_numbers_them_wrongly(deltas: list[dict[str, Any]]) -> None:
    parts = (
        [chunk({"tool_calls": [delta]}) for delta in deltas]
        if "index" in deltas[0]
        else [chunk({"tool_calls": deltas})]
    )
    answer, _ = read(b"".join([*parts, done("stop")]))
    assert [c.name for c in answer.calls] == ["fs_list", "broadcast"]
    assert len({c.id for c in answer.calls}) == 2
    assert answer.stop == "calls"


def test_a_server_that_does_not_stream_is_understood() -> None:
    function = {"name": "fs_list", "arguments": "{}"}
    message = {"content": None, "tool_calls": [{"id": "x", "type": "function", "function": function}]}
    body = {
        "choices": [{"message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    }
    answer, _ = read(json.dumps(body, indent=1).encode(), 5)
    assert [c.name for c in answer.calls] == ["fs_list"]
    assert answer.tokens_in == 3


def test_an_end_of_thought_whose_beginning_was_never_marked_is_cut_away() -> None:
    answer, _ = read(chunk({"content": "hmm</think>Yes."}) + done("stop"))
    assert answer.text == "Yes."


def test_an_error_inside_the_stream_keeps_its_meaning() -> None:
    with pytest.raises(ModelFailure, match="slow down") as caught:
        read(chunk({"content": "a"}) + event({"error": {"message": "Rate limit", "code": 429}}))
    assert caught.value.rate_limited


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["choices", "usage", "x"]),
            st.one_of(
                st.none(),
                st.integers(),
                st.text(),
                st.lists(
                    st.one_of(
                        st.none(),
                        st.dictionaries(
                            st.sampled_from(["delta", "finish_reason", "message"]),
                            st.one_of(
                                st.none(),
                                st.text(),
                                st.dictionaries(
                                    st.sampled_from(["content", "tool_calls", "refusal"]),
                                    st.one_of(
                                        st.none(),
                                        st.integers(),
                                        st.text(),
                                        st.lists(
                                            st.dictionaries(
                                                st.sampled_from(["index", "id", "function"]),
                                                st.one_of(st.none(), st.integers(), st.text()),
                                            )
                                        ),
                                    ),
                                ),
                            ),
                        ),
                    )
                ),
            ),
        ),
        max_size=4,
    )
)
def test_whatever_json_a_stream_holds_it_is_an_answer_or_a_failure(values: list[Any]) -> None:
    with suppress(ModelFailure):
        read(b"".join(map(event, values)) + usage())


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", "a<b", "</thin", "k>", "text "])))
def test_no_text_is_lost_between_thought_and_speech(parts: list[str]) -> None:
    def merged(given: list[str]) -> list[tuple[str, str]]:
        thinking, found = Thinking(), []
        for piece in [*(p for part in given for p in thinking.feed(part)), *thinking.rest()]:
            if found and found[-1][0] == piece.kind:
                found[-1] = (piece.kind, found[-1][1] + piece.text)
            else:
                found.append((piece.kind, piece.text))
        return found

    whole = "".join(parts)
    assert merged(list(whole)) == merged(parts) == merged([whole])
    assert sum(len(text) for _, text in merged(parts)) >= len(whole) - 8 * (
        whole.count("<think>") + whole.count("</think>")
    )


def test_arguments_may_be_empty_or_packed_twice() -> None:
    assert call_of("1", "t", " ").arguments == {}
    assert call_of("1", "t", json.dumps('{"a": 1}')).arguments == {"a": 1}
    assert call_of("1", "t", "[1]").arguments is None
    assert call_of("1", "t", "[" * 100_000).arguments is None


def test_only_what_is_old_is_shortened_and_only_as_far_as_needed() -> None:
    def step(number: int) -> Step:
        made = Call(f"c{number}", "fs_read", {"path": f"output/{number}.md"})
        text = f"{'x' * 3000}\n[murmur] bytes {number}-{number + 3000} of 9000; next offset 3000"
        return Step(Answer("", (made,), "calls"), [Result(made, text, well=True)])

    talk = Talk("s", "p", [step(n) for n in range(4)])
    assert talk.fit(4000, 0)
    texts = [s.results[0].text for s in talk.steps]
    assert (
        texts[0]
        == "[fs_read output/0.md: bytes 0-3000 of 9000 stood here, left out to save room. Call it again if you need it.]"
    )
    assert [len(t) > 3000 for t in texts] == [False, False, True, True]
    assert not Talk("s", "p" * 50_000).fit(4000, 0)


@pytest.mark.parametrize(
    ("text", "environment", "found"),
    [
        ("ollama:qwen3", {}, ModelId("ollama", "qwen3", "http://127.0.0.1:11434/v1")),
        ("ollama:qwen3:8b", {"OLLAMA_HOST": "0.0.0.0"}, ModelId("ollama", "qwen3:8b", "http://127.0.0.1:11434/v1")),
        ("ollama:m", {"OLLAMA_HOST": "https://box.example/"}, ModelId("ollama", "m", "https://box.example:443/v1")),
        ("ollama:m", {"OLLAMA_HOST": "box:9"}, ModelId("ollama", "m", "http://box:9/v1")),
        ("openai:gpt-5-mini", {}, ModelId("openai", "gpt-5-mini", "https://api.openai.com/v1")),
        ("openai:a/b", {"OPENAI_BASE_URL": "http://h/v1/"}, ModelId("openai", "a/b", "http://h/v1")),
        ("bedrock:anthropic.claude-x-v1:0", {}, ModelId("bedrock", "anthropic.claude-x-v1:0")),
        ("bedrock:eu-west-1/eu.claude", {}, ModelId("bedrock", "eu.claude", region="eu-west-1")),
        (
            "bedrock:arn:aws:bedrock:us-east-1:1:inference-profile/x",
            {},
            ModelId("bedrock", "arn:aws:bedrock:us-east-1:1:inference-profile/x", region="us-east-1"),
        ),
        ("http://127.0.0.1:8000/v1#org/model:tag", {}, ModelId("address", "org/model:tag", "http://127.0.0.1:8000/v1")),
    ],
)
def test_model_ids(text: str, environment: dict[str, str], found: ModelId) -> None:
    assert parse_model(text, environment) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "qwen3",
        "ollama:",
        "openai:a b",
        "http://127.0.0.1:8000/v1",
        "http://#m",
        "http://k@h/v1#m",
        "ftp://h#m",
        "http://h:99999/v1#m",
    ],
)
def test_what_names_no_model_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"#qwen3|#name"):
        parse_model(text, {})


def test_keys_go_only_where_they_belong() -> None:
    def key(model: str, **more: str) -> str:
        return BrainSettings.from_environment({"MURMUR_MODEL": model, "OPENAI_API_KEY": "sk-o", **more}).key

    assert key("openai:m") == "sk-o"
    assert key("openai:m", MURMUR_MODEL_KEY="own") == "own"
    assert key("http://elsewhere.example/v1#m") == ""
    assert key("ollama:m") == ""
    assert key("bedrock:eu-west-1/m") == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MURMUR_MODEL_CONTEXT", "many"),
        ("MURMUR_MODEL_CONTEXT", "nan"),
        ("MURMUR_MODEL_CALLS", "0"),
        ("MURMUR_MODEL_PRICES", "cheap"),
    ],
)
def test_settings_that_make_no_sense_are_named(name: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name}|prices"):
        BrainSettings.from_environment({"MURMUR_MODEL": "ollama:m", name: value})


def test_prices_are_per_million_tokens() -> None:
    assert Prices.parse("0.25/2").of(2_000_000, 500_000) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, 0.0),
        ({"retry-after": "nan"}, 0.0),
        ({"retry-after": "1e12"}, 3600.0),
        ({}, 0.0),
    ],
)
def test_how_long_an_endpoint_asks_to_wait(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers) == seconds
