"""The API of a really running flock, against its own /openapi.json: whatever is sent, the answer is one that was promised.

The stack of ``murmur up`` runs in a thread: embedded endpoint, gateway, lifecycle, host processes. Runs are started, paused and
stopped by what schemathesis makes of the document, so requests meet the flock in every state.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from functions.api.app import openapi_document
from murmur.local.stack import Stack


def can_be_wrong(operation: dict[str, Any]) -> bool:
    """Whether a request can break the document's rules: any text will do for a name in a path."""
    named = [
        part for part in operation.get("parameters", []) if part["in"] != "path" or part["schema"]["type"] != "string"
    ]
    return bool(named) or "application/json" in operation.get("requestBody", {}).get("content", {})


OPERATIONS = [
    (mode, method.upper(), path)
    for path, operations in json.loads(openapi_document())["paths"].items()
    for method, operation in operations.items()
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or can_be_wrong(operation)
]
EXAMPLES = max(10, settings().max_examples // 8)
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
]
REFUSALS = {400, 403, 404, 405, 409, 413}
KNOWN = {"n": [0, 1, 2], "key": ["a note.md", "knowledge-base/a note.md", "results/one.md"], "after": [-1, "output/"]}
"""What is there, so that not every request ends at a 404."""


class Running:
    """A stack in a thread of its own."""

    def __init__(self, home: Path) -> None:
        self.url = ""
        self._home = home
        self._up = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="stack")

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._live())
        finally:
            self._loop.close()
            self._up.set()

    async def _live(self) -> None:
        stack = Stack(self._home)
        stack.settings = stack.settings.model_copy(update={"concurrency_cap": 8})
        async with stack:
            self.url = stack.url
            self._up.set()
            await self._over.wait()

    def __enter__(self) -> Running:
        self._thread.start()
        self._up.wait(120)
        assert self.url, "the stack did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(120)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A stack with a past: a run in the history, another one just stopped, documents, results, directives."""
    with Running(tmp_path_factory.mktemp("home")) as found, httpx.Client(base_url=found.url, timeout=60) as http:
        http.put("/cluster/knowledge", params={"key": "a note.md"}, content=b"# A note\n\nThe heron waits.\n")
        http.put("/cluster/config", json={"concurrency": 3, "agentsPerInstance": 3, "staggerSeconds": 0.0})
        for awaited in ("settled", "running"):
            assert http.post("/cluster/start", json={"direction": "Digest every document."}).status_code == 202
            http.put("/cluster/agents/1/directive", json={"text": "Be quick."})
            wait(http, awaited)
            assert http.post("/cluster/stop").status_code == 202
            wait(http, "stopped")
        KNOWN["run"] = [run["run"] for run in http.get("/cluster/history").json()["runs"]]
        KNOWN["key"] += [file["key"] for file in http.get("/cluster/habitat").json()["files"]][:3]
        yield found


def wait(http: httpx.Client, state: str) -> None:
    pause = threading.Event()
    for _ in range(600):
        if http.get("/cluster/status").json()["state"] == state:
            return
        pause.wait(0.2)
    pytest.fail(f"never {state}")


@pytest.fixture(scope="module")
def schema(running: Running) -> Any:
    return schemathesis.openapi.from_url(f"{running.url}/openapi.json")


@pytest.mark.parametrize(
    ("mode", "method", "path"), OPERATIONS, ids=[f"{o[1]} {o[2]} {o[0].value}" for o in OPERATIONS]
)
def test_every_answer_is_one_that_was_promised(schema: Any, mode: GenerationMode, method: str, path: str) -> None:
    operation = schema[path][method]
    statuses: Counter[int] = Counter()

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def attempt(case: Any, data: st.DataObject) -> None:
        if mode is GenerationMode.POSITIVE:
            make_some_known(case, data)
        answer = case.call(timeout=60)
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)
        check_shape(answer)

    attempt()
    assert statuses


def make_some_known(case: Any, data: st.DataObject) -> None:
    """Put what is there in place of some of what was made up."""
    for container in (case.path_parameters, case.query):
        for name in container or {}:
            if name in KNOWN and data.draw(st.booleans()):
                container[name] = data.draw(st.sampled_from(KNOWN[name]))


def check_shape(answer: Any) -> None:
    assert answer.headers["cache-control"] == ["no-store"]
    assert answer.headers["x-content-type-options"] == ["nosniff"]
    assert b"Traceback" not in answer.content
    if answer.status_code < 400:
        if answer.headers["content-type"] == ["application/json"] and "content-disposition" not in answer.headers:
            json.loads(answer.content, parse_constant=pytest.fail)
        return
    assert answer.status_code in REFUSALS
    body = json.loads(answer.content)
    assert set(body) >= {"error", "code", "message", "remedy"}
    assert all(isinstance(body[name], str) and body[name] for name in ("error", "code", "message", "remedy"))
    assert body["error"] == f"{body['message']} {body['remedy']}"
    assert len(answer.content) < 20_000


def test_the_flock_is_well_after_all_that(running: Running) -> None:
    with httpx.Client(base_url=running.url, timeout=60) as http:
        if http.get("/cluster/status").json()["state"] != "stopped":
            http.post("/cluster/stop")
            wait(http, "stopped")
        fields = {"concurrency": 2, "agentsPerInstance": 2, "neighbourRadius": 1, "staggerSeconds": 0.0}
        begun = http.post("/cluster/start", json={"direction": "Digest every document.", "config": fields})
        assert begun.status_code == 202, begun.text
        wait(http, "settled")
        assert http.get("/cluster/status").json()["run"] == begun.json()["run"]
        http.post("/cluster/stop")
        wait(http, "stopped")
