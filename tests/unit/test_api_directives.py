"""Directives to many: whom a filter reaches, that a dry run writes nothing, and that a mistake changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from murmur import keys
from murmur.config import FlockConfig
from murmur.errors import ObjectMissing
from tests.unit.api_twins import Flock, entry, flock


async def begun() -> Flock:
    world = flock()
    await world.store.put(keys.CONFIG, FlockConfig(concurrency=4).to_json())
    await world.be("running")
    for agent, state in enumerate(("idle", "working", "idle")):
        await world.log(agent, *(entry(n, state=state) for n in range(agent + 1)))
        await world.heartbeat(agent)
    return world


async def directives(world: Flock) -> dict[int, str]:
    found = {}
    for agent in range(4):
        try:
            found[agent] = (await world.store.get(keys.directive(agent))).body.decode()
        except ObjectMissing:
            continue
    return found


async def ask(world: Flock, **body: Any) -> Any:
    answer = await world.call("POST", "/cluster/directives", body=body)
    assert answer.status == 200, answer.body
    return answer.json


async def test_a_filter_reaches_those_it_is_true_of_and_nobody_else() -> None:
    world = await begun()
    answer = await ask(world, where="idle and iteration < 3 and index in 0..7", text="Check the index.")
    assert (answer["agents"], answer["of"], answer["dry_run"]) == ([0, 2], 4, False)
    assert await directives(world) == {0: "Check the index.", 2: "Check the index."}


async def test_a_dry_run_tells_whom_it_would_reach_and_writes_nothing() -> None:
    world = await begun()
    for more in ({}, {"text": "x"}, {"clear": True}):
        answer = await ask(world, where="not idle", dry_run=True, **more)
        assert (answer["agents"], answer["dry_run"]) == ([1, 3], True)
    assert await directives(world) == {}


async def test_clearing_takes_back_only_what_the_filter_names() -> None:
    world = await begun()
    await ask(world, where="all", text="Stop.")
    answer = await ask(world, where="directed and index > 1", clear=True)
    assert (answer["agents"], answer["cleared"]) == ([2, 3], True)
    assert await directives(world) == {0: "Stop.", 1: "Stop."}


async def test_the_direction_stays_as_it_is() -> None:
    world = await begun()
    await world.call("PUT", "/cluster/direction", body={"text": "The goal."})
    await ask(world, where="all", text="More.")
    assert (await world.call("GET", "/cluster/direction")).json["text"] == "The goal."


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"where": "idle and", "text": "x"}, "Column 9"),
        ({"where": "idle"}, "either a text or clear"),
        ({"where": "idle", "text": "x", "clear": True}, "either a text or clear"),
        ({"where": "idle", "text": "  "}, "empty"),
        ({"where": "idle", "text": "x" * 70_000}, "64"),
        ({"where": "", "text": "x"}, "where"),
        ({"text": "x"}, "where"),
        ({"where": "idle", "text": "x", "agents": [1]}, "agents"),
    ],
)
async def test_a_mistake_is_answered_and_changes_nothing(body: dict[str, Any], says: str) -> None:
    world = await begun()
    answer = await world.call("POST", "/cluster/directives", body=body)
    assert answer.status == 400
    assert says in answer.json["message"].replace("65,536", "64")
    assert await directives(world) == {}
