"""Operators who act at once: what each is told where another was first, and documents that somebody damaged meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from murmur import keys
from murmur.config import FlockConfig
from murmur.control import read_control
from murmur.entry import LogEntry
from murmur.errors import ObjectChanged, Unavailable
from murmur.memory.fabric import MemoryFabric
from murmur.memory.store import MemoryStore
from tests.unit.api_twins import RUN, AskedControl, Flock, SetClock, entry

PLAN = {"direction": "Go.", "config": {"concurrency": 4}}


class Contested(MemoryStore):
    """Somebody else is first with the next ``losses`` conditional writes of ``contested``."""

    contested = keys.CONTROL
    losses = 0
    rival = b""
    """What the other one writes; nothing if its write is undone at once."""

    async def _lost(self, key: str) -> bool:
        if key == self.contested and self.losses:
            self.losses -= 1
            if self.rival:
                await self.put(key, self.rival)
            return True
        return False

    async def replace(
        self, key: str, body: bytes, etag: str, *, content_type: str = "", metadata: Mapping[str, str] | None = None
    ) -> str:
        if await self._lost(key):
            raise ObjectChanged(key)
        return await super().replace(key, body, etag, content_type=content_type, metadata=metadata)

    async def create(
        self, key: str, body: bytes, *, content_type: str = "", metadata: Mapping[str, str] | None = None
    ) -> str:
        if await self._lost(key):
            raise ObjectChanged(key)
        return await super().create(key, body, content_type=content_type, metadata=metadata)


@pytest.fixture
def contested() -> tuple[Flock, Contested]:
    clock = SetClock()
    store = Contested(clock)
    return Flock(store, MemoryFabric(store, clock=clock), AskedControl(), clock), store


@pytest.mark.parametrize(("path", "before", "after"), [
    ("/cluster/pause", "running", "paused"),
    ("/cluster/resume", "paused", "running"),
    ("/cluster/stop", "running", "stopping"),
])  # fmt: skip
async def test_an_action_that_another_was_before_is_tried_again(
    contested: tuple[Flock, Contested], path: str, before: str, after: str
) -> None:
    here, store = contested
    await here.be(before)
    store.losses = 2
    assert (await here.call("POST", path)).json["state"] == after
    assert (await read_control(store)).control.state == after


@pytest.mark.parametrize("path", ["/cluster/pause", "/cluster/stop"])
async def test_an_action_that_never_comes_first_says_so_and_changes_nothing(
    contested: tuple[Flock, Contested], path: str
) -> None:
    here, store = contested
    await here.be("running")
    store.losses = 99
    answer = await here.call("POST", path)
    assert answer.status == 503
    assert "changing all the time" in answer.json["message"]
    assert (await read_control(store)).control.state == "running"
    assert here.control.asked == []


async def test_a_start_that_another_action_was_before_is_refused_and_asks_for_nothing(
    contested: tuple[Flock, Contested],
) -> None:
    here, store = contested
    store.losses = 1
    answer = await here.call("POST", "/cluster/start", body=PLAN)
    assert answer.status == 409
    assert "came first" in answer.json["message"]
    assert here.control.asked == []


async def test_a_start_whose_configuration_somebody_changed_meanwhile_is_taken_back(
    contested: tuple[Flock, Contested],
) -> None:
    here, store = contested
    store.contested, store.losses, store.rival = keys.CONFIG, 1, FlockConfig(concurrency=5).to_json()
    answer = await here.call("POST", "/cluster/start", body=PLAN)
    assert answer.status == 409
    control = (await read_control(store)).control
    assert control.state == "stopped"
    assert control.reason.startswith("not started:")
    assert here.control.asked == []


async def test_a_start_whose_configuration_cannot_be_written_is_over_and_the_next_one_goes_through(
    contested: tuple[Flock, Contested],
) -> None:
    here, store = contested
    store.contested, store.losses = keys.CONFIG, 99
    assert (await here.call("POST", "/cluster/start", body=PLAN)).status == 503
    assert (await read_control(store)).control.state == "stopped"
    store.losses = 1
    assert (await here.call("POST", "/cluster/start", body=PLAN)).status == 202


async def test_a_start_that_failed_and_was_stopped_by_somebody_meanwhile_is_left_to_them(
    contested: tuple[Flock, Contested],
) -> None:
    here, store = contested

    class Failing(AskedControl):
        async def request(self, action: str, run: str) -> None:  # type: ignore[override]
            store.losses = 1
            raise Unavailable("The lifecycle cannot be asked.", "Try again.")

    here.services = replace(here.services, control=Failing())
    answer = await here.call("POST", "/cluster/start", body=PLAN)
    assert answer.status == 503
    assert (await read_control(store)).control.state == "starting"


async def test_a_change_of_configuration_is_merged_with_one_that_came_first(
    contested: tuple[Flock, Contested],
) -> None:
    here, store = contested
    await here.call("PUT", "/cluster/config", body={"concurrency": 4})
    store.contested, store.losses = keys.CONFIG, 1
    assert (await here.call("PUT", "/cluster/config", body={"neighbourRadius": 2})).json["concurrency"] == 4
    store.losses = 99
    assert (await here.call("PUT", "/cluster/config", body={"neighbourRadius": 1})).status == 503


async def test_an_upload_whose_bytes_are_not_what_its_encoding_says_is_refused(
    contested: tuple[Flock, Contested], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, store = contested
    monkeypatch.setattr("tests.unit.api_twins.base64.b64encode", lambda _raw: b"no base64!")
    answer = await here.call("PUT", "/cluster/knowledge", {"key": "a.md"}, raw=b"x")
    assert answer.status == 400
    assert not (await store.list(keys.KNOWLEDGE)).objects


async def test_an_upload_over_another_keeps_the_version_before_it_and_the_same_bytes_keep_none(
    contested: tuple[Flock, Contested],
) -> None:
    here, _ = contested
    for body in (b"one", b"one", b"second"):
        assert (await here.call("PUT", "/cluster/knowledge", {"key": "a.md"}, raw=body)).status == 200
    told = (await here.call("GET", "/cluster/knowledge/versions", {"key": "a.md"})).json
    assert (told["current"]["size"], told["previous"]["size"]) == (6, 3)


async def test_what_lies_loose_in_the_history_is_no_run_and_hides_none(contested: tuple[Flock, Contested]) -> None:
    here, store = contested
    await store.put(f"{keys.HISTORY}loose.txt", b"x")
    await store.put(f"{keys.HISTORY}odd name/output/a.md", b"x")
    await store.put(keys.history(RUN, keys.log(0)), entry(0).to_line())
    runs = (await here.call("GET", "/cluster/history")).json["runs"]
    assert [run["run"] for run in runs] == ["odd name", RUN]
    assert runs[0]["started"] == ""
    assert runs[1]["entries"] == 1
    assert (await here.call("GET", "/cluster/history/20200101T000000Z")).status == 404


async def test_a_log_of_one_endless_line_is_told_apart_from_an_empty_one(contested: tuple[Flock, Contested]) -> None:
    here, _ = contested
    await here.log(0, entry(0), LogEntry(**{**entry(1).model_dump(), "trace": "x" * 40_000}))
    told = (await here.call("GET", "/cluster/agents/0/log", {"newest": "true", "limit": "1"})).json
    assert [line["iteration"] for line in told["entries"]] == [1]
