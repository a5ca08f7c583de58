"""Whatever is sent, the answer is a clear error in one shape: never a trace, never a 500."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.api.app import openapi_document
from functions.api.proxy import serve
from murmur.aws.warm import Warm
from murmur.errors import InvalidInput
from murmur.services import Limits
from tests.unit.api_twins import flock

ROUTES = [
    (method, path) for path, operations in json.loads(openapi_document())["paths"].items() for method in operations
]


def check_error(answer):
    assert set(answer.json) == {"error", "code", "message", "remedy"}
    assert answer.json["error"] == f"{answer.json['message']} {answer.json['remedy']}".strip()
    assert answer.json["remedy"]
    assert "Traceback" not in answer.body.decode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"7",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"text":' + b"9" * 5000 + b"}",
        b'{"text": NaN}',
    ],
    ids=["empty", "cut", "null", "list", "string", "number", "bytes", "deep", "digits", "nan"],
)
@pytest.mark.parametrize("path", ["/cluster/config", "/cluster/direction", "/cluster/agents/0/directive"])
async def test_a_body_that_is_no_json_object_is_refused(path, raw):
    world = flock()
    answer = await world.call("PUT", path, raw=raw, content_type="application/json")
    assert answer.status == 400
    check_error(answer)
    assert world.store.put_keys == []


async def test_a_body_of_another_type_is_refused():
    answer = await flock().call("PUT", "/cluster/direction", raw=b'{"text":"x"}', content_type="text/plain")
    assert answer.status == 400
    assert "application/json" in answer.json["remedy"]


@pytest.mark.parametrize("etag", ["a\rX-Evil: 1", "a b", "é", "\0", "x" * 129, "\ud800"])
@pytest.mark.parametrize("path", ["/cluster/direction", "/cluster/agents/0/directive"])
async def test_a_version_that_could_be_no_header_is_refused(path, etag):
    world = flock()
    answer = await world.call("PUT", path, body={"text": "x", "etag": etag})
    assert answer.status == 400
    check_error(answer)
    assert world.store.put_keys == []


async def test_unknown_routes_and_methods_say_where_to_look():
    world = flock()
    for path in (
        "/cluster/nope",
        "/cluster",
        "/",
        "/cluster/agents/1",
        "/cluster/agents/1/log/x",
        "/cluster/🐝",
        "/cluster/%00",
    ):
        answer = await world.call("GET", path)
        assert answer.status == 404
        check_error(answer)
    answer = await world.call("DELETE", "/cluster/config")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, PUT")
    check_error(answer)


async def test_instance_types_that_nobody_knows_of_are_an_answer_with_a_remedy():
    answer = await flock().call("GET", "/cluster/instance-types")
    assert answer.status == 404
    check_error(answer)


@pytest.mark.parametrize("n", ["x", "-1", "1.5", "1e3", "99999999999999999999", "²", "0x1"])
async def test_an_agent_that_is_no_number_is_refused(n):
    answer = await flock().call("GET", f"/cluster/agents/{n}/log")
    assert answer.status in (400, 404)
    check_error(answer)


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "1001"}, {"limit": "x"}, {"after": "-2"}, {"after": "1.5"}, {"newest": "maybe"}]
)
async def test_queries_out_of_range_name_the_field(query):
    answer = await flock().call("GET", "/cluster/agents/0/log", query)
    assert answer.status == 400
    assert next(iter(query)) in answer.json["message"]


@pytest.mark.parametrize(
    "key",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "a//b",
        ".",
        "..",
        "a\\b",
        "a\nb",
        "a\x00b",
        "x" * 1000,
        "output/../config.json",
        "half\ud800",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/cluster/habitat/file"),
        ("GET", "/cluster/knowledge/file"),
        ("PUT", "/cluster/knowledge"),
        ("DELETE", "/cluster/knowledge"),
        ("GET", "/cluster/history/20261123T053236Z/file"),
    ],
)
async def test_names_that_lead_elsewhere_are_refused(method, path, key):
    world = flock()
    await world.store.put("config.json", b"{}")
    answer = await world.call(method, path, {"key": key}, raw=b"x")
    assert answer.status == 400
    check_error(answer)
    assert world.store.put_keys == ["config.json"]


@pytest.mark.parametrize("run", ["..", ".", "a%2Fb", "x" * 80, "a b", "ü"])
async def test_a_run_that_cannot_be_one_is_refused(run):
    for path in (f"/cluster/history/{run}", f"/cluster/history/{run}/agents/0/log"):
        answer = await flock().call("GET", path)
        assert answer.status in (400, 404)
        check_error(answer)


async def test_bodies_too_large_are_refused_with_the_limit():
    world = flock(limits=Limits(json=1000, upload=2000))
    answer = await world.call("PUT", "/cluster/direction", body={"text": "x" * 2000})
    assert answer.status == 413
    assert "1,000" in answer.json["message"]
    assert (await world.call("PUT", "/cluster/knowledge", {"key": "a"}, raw=b"x" * 1900)).status == 200
    assert (await world.call("PUT", "/cluster/knowledge", {"key": "b"}, raw=b"x" * 2001)).status == 413


async def test_damaged_documents_are_named_not_hidden():
    world = flock()
    await world.store.put("config.json", b"{broken")
    answer = await world.call("GET", "/cluster/status")
    assert answer.status == 400
    assert "config.json" in answer.json["message"]


async def test_a_fault_nobody_foresaw_is_not_shown():
    world = flock()

    async def explode(*_args: object, **_more: object) -> None:
        raise RuntimeError("secret detail")

    world.store.get = explode
    answer = await world.call("GET", "/cluster/status")
    assert answer.status == 500
    check_error(answer)
    assert b"secret" not in answer.body


def test_a_lambda_that_cannot_be_built_says_so_and_is_built_at_the_next_event():
    world = flock()
    built = []

    def build():
        if not built:
            built.append(1)
            raise InvalidInput("MURMUR_BUCKET: missing.", "Set it.")
        return world.services

    api = Warm(build)
    event = {
        "httpMethod": "GET",
        "path": "/cluster/config",
        "headers": {},
        "requestContext": {"path": "/", "stage": ""},
        "body": None,
    }
    assert [serve(event, api)["statusCode"] for _ in range(3)] == [400, 200, 200]
    api.close()


def test_the_description_covers_every_route_and_its_errors():
    document = json.loads(openapi_document())
    for path in (
        "/cluster/status",
        "/cluster/start",
        "/cluster/agents/{n}/log",
        "/cluster/habitat.zip",
        "/cluster/knowledge",
        "/cluster/queues/{n}/peek",
    ):
        assert path in document["paths"]
    for operations in document["paths"].values():
        for operation in operations.values():
            assert "default" in operation["responses"]
            assert "422" not in operation["responses"]
    assert {"Status", "FlockConfig", "LogEntry", "Error"} <= set(document["components"]["schemas"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=12) | st.sampled_from(["text", "config", "direction", "etag", "concurrency"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    route=st.sampled_from(ROUTES),
    part=st.text(min_size=1, max_size=12) | st.integers(0, 9).map(str),
    key=st.text(max_size=30),
    number=st.text(max_size=6) | st.integers().map(str),
    body=JSON,
)
async def test_no_request_whatever_ends_in_a_500(route, part, key, number, body):
    method, path = route
    for name in ("{n}", "{run}"):
        path = path.replace(name, part)
    world = flock()
    query = {"key": key, "after": number, "limit": number, "offset": number, "rendered": "html"}
    answer = await world.call(method.upper(), path, query, body=body)
    assert answer.status < 500, answer.body
    if answer.status >= 400:
        check_error(answer)
