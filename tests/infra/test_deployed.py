"""The synthesised template deployed on an emulator, and a run from start to stop through its front door."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from murmur.config import FlockConfig
from murmur.pattern import wiring_for
from tests.infra.assembly import Assembly
from tests.infra.emulator import LACKS, Deployed, Emulator

AGENTS = 6
pytestmark = pytest.mark.timeout(420)
"""Functions start as processes here, on a machine that may be busy."""
ENTRY = {
    "ts": "2026-11-23T09:00:00.000Z",
    "iteration": 0,
    "action": "counted",
    "result": "seven",
    "next_intent": "count on",
    "state": "working",
    "cause": "start",
}


@pytest.fixture(scope="module")
def deployed(assembly: Assembly, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with Emulator(Path(tmp_path_factory.mktemp("emulator"))) as emulator:
        yield Deployed(emulator, assembly)


@pytest.fixture
async def dashboard(deployed: Deployed) -> AsyncIterator[ClientConnection]:
    """A WebSocket that came in by a ticket."""
    ticket = deployed.ask("POST", "/cluster/ticket").json()["ticket"]
    async with connect(deployed.socket_url(ticket), open_timeout=60) as socket:
        yield socket


def until(true: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.2)


def rules(deployed: Deployed) -> dict[str, Any]:
    found = deployed.emulator.client("events").list_rules(EventBusName="murmur")["Rules"]
    return {rule["Name"]: json.loads(rule["EventPattern"]) for rule in found}


def queues(deployed: Deployed) -> dict[str, str]:
    found = deployed.emulator.client("sqs").list_queues(QueueNamePrefix="murmur-2").get("QueueUrls", [])
    return {url.rpartition("/")[2]: url for url in found}


def heard(deployed: Deployed, url: str, wait: int = 0) -> list[str]:
    """Keys that a queue tells of, taken out of it."""
    sqs, keys = deployed.emulator.client("sqs"), []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=wait).get("Messages"):
        for message in messages:
            keys.append(json.loads(message["Body"])["detail"]["object"]["key"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        wait = 0
    return keys


def test_everything_is_created_but_what_the_emulator_lacks(deployed: Deployed) -> None:
    assert deployed.status == "CREATE_COMPLETE"
    assert deployed.dropped == set(LACKS)
    page = (Path(__file__).resolve().parents[2] / "docs/explanation/aws.md").read_text("utf-8")
    assert [kind for kind in LACKS if kind not in page] == []


def test_nobody_is_let_in_without_a_sign_in(deployed: Deployed) -> None:
    for headers in ({}, {"Authorization": "x"}, {"Authorization": deployed.token[:-4] + "AAAA"}):
        for method, path in (("GET", "/cluster/status"), ("POST", "/cluster/start"), ("GET", "/openapi.json")):
            answer = httpx.request(method, deployed.base + path, headers=headers, timeout=60)
            assert answer.status_code == 401, (path, headers)
            assert answer.json()["code"] == "unauthorised"
            assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_learns_where_to_sign_in_and_where_to_listen(deployed: Deployed) -> None:
    answer = httpx.get(f"{deployed.base}/settings.json", timeout=60)
    told = answer.json()
    assert told["aws"] is True
    assert told["live"] == deployed.outputs["LiveUrl"]
    assert told["auth"]["client"] == deployed.outputs["Client"]
    assert told["auth"]["authorize"].startswith(deployed.outputs["Login"])
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none';"
    assert answer.headers["cache-control"] == "no-store"


def test_the_api_answers_behind_the_sign_in(deployed: Deployed) -> None:
    status = deployed.ask("GET", "/cluster/status")
    assert status.status_code == 200
    assert status.json()["runners"] == ["scripted", "kiro"]
    assert deployed.ask("GET", "/cluster/nothing").status_code == 404
    too_many = deployed.ask("PUT", "/cluster/config", json={"concurrency": 33})
    assert too_many.status_code == 400, "the deployment's cap is 32"


async def test_a_dashboard_is_answered_on_its_own_connection(dashboard: ClientConnection) -> None:
    await dashboard.send(json.dumps({"type": "snapshot"}))
    assert (await told(dashboard, "snapshot"))["status"]["runners"] == ["scripted", "kiro"]
    await dashboard.send("not JSON")
    assert (await told(dashboard, "error"))["code"] == "invalid_input"


async def test_the_socket_opens_to_a_fresh_ticket_only(deployed: Deployed) -> None:
    ticket = deployed.ask("POST", "/cluster/ticket").json()["ticket"]
    async with connect(deployed.socket_url(ticket), open_timeout=60):
        pass
    for refused in (ticket, "made-up"):
        with pytest.raises(InvalidStatus):
            await connect(deployed.socket_url(refused), open_timeout=60)


async def test_a_run_from_start_to_stop(deployed: Deployed, dashboard: ClientConnection) -> None:
    """One test, for each step is made of the one before."""
    run = start(deployed)
    each_reader_is_wired_to_exactly_its_neighbours(deployed, run)
    an_instance_was_launched_from_the_template(deployed, run)
    a_write_reaches_exactly_its_neighbours_queues(deployed, run)
    await the_write_is_told_to_the_dashboard(dashboard)
    stop(deployed)
    nothing_of_the_run_is_left_but_what_it_made(deployed)


def test_taking_the_stack_away_keeps_what_was_made(assembly: Assembly, tmp_path: Path) -> None:
    with Emulator(tmp_path) as emulator:
        deployed = Deployed(emulator, assembly)
        s3, bucket = emulator.client("s3"), deployed.outputs["Bucket"]
        s3.put_object(Bucket=bucket, Key="output/report.md", Body=b"seven", IfNoneMatch="*")
        deployed.take_away()
        assert s3.get_object(Bucket=bucket, Key="output/report.md")["Body"].read() == b"seven"
        assert [bus["Name"] for bus in emulator.client("events").list_event_buses()["EventBuses"]] == ["default"]
        assert emulator.client("lambda").list_functions()["Functions"] == []
        assert emulator.client("sqs").list_queues().get("QueueUrls", []) == []


def start(deployed: Deployed) -> str:
    """POST /cluster/start, and wait until it runs; the run's name."""
    answer = deployed.ask("POST", "/cluster/start", json={"direction": "Count.", "config": {"concurrency": AGENTS}})
    assert answer.status_code == 202, answer.text
    until(lambda: bool(deployed.ask("GET", "/cluster/status").json()["state"] == "running"))
    return str(answer.json()["run"])


def stop(deployed: Deployed) -> None:
    assert deployed.ask("POST", "/cluster/stop").status_code == 202
    until(lambda: bool(deployed.ask("GET", "/cluster/status").json()["state"] == "stopped"))


def each_reader_is_wired_to_exactly_its_neighbours(deployed: Deployed, run: str) -> None:
    config, bucket = FlockConfig(concurrency=AGENTS), deployed.outputs["Bucket"]
    expected = {f"murmur-{run}-agent-{n}": wiring_for(bucket, config, n).pattern() for n in range(AGENTS)}
    assert rules(deployed) == expected
    assert set(queues(deployed)) == set(expected)


def an_instance_was_launched_from_the_template(deployed: Deployed, run: str) -> None:
    ec2 = deployed.emulator.client("ec2")
    found = [one for part in ec2.describe_instances()["Reservations"] for one in part["Instances"]]
    assert len(found) == 1, "six agents share one instance"
    tags = {tag["Key"]: tag["Value"] for tag in found[0]["Tags"]}
    assert (tags["Project"], tags["Flock"], tags["Run"]) == ("murmur", "murmur", run)
    assert tags["AgentIndex"] == "0-5"
    assert found[0]["InstanceType"] == "t4g.medium"


def a_write_reaches_exactly_its_neighbours_queues(deployed: Deployed, run: str) -> None:
    places = queues(deployed)
    for url in places.values():
        heard(deployed, url)  # the start itself woke everyone
    body = (json.dumps(ENTRY) + "\n").encode()
    deployed.emulator.client("s3").put_object(
        Bucket=deployed.outputs["Bucket"], Key="store/agent-0.ndjson", Body=body, IfNoneMatch="*"
    )
    near = (1, AGENTS - 1)
    got = {n: heard(deployed, places[f"murmur-{run}-agent-{n}"], wait=10 if n in near else 0) for n in range(AGENTS)}
    assert got == {n: ["store/agent-0.ndjson"] if n in near else [] for n in range(AGENTS)}


async def the_write_is_told_to_the_dashboard(dashboard: ClientConnection) -> None:
    message = await told(dashboard, "entry")
    assert message["agent"] == 0
    assert [entry["result"] for entry in message["entries"]] == ["seven"]


def nothing_of_the_run_is_left_but_what_it_made(deployed: Deployed) -> None:
    assert rules(deployed) == {}
    assert queues(deployed) == {}
    found = deployed.emulator.client("ec2").describe_instances()["Reservations"]
    assert {one["State"]["Name"] for part in found for one in part["Instances"]} <= {"shutting-down", "terminated"}
    kept = deployed.emulator.client("s3").get_object(Bucket=deployed.outputs["Bucket"], Key="store/agent-0.ndjson")
    assert json.loads(kept["Body"].read())["result"] == "seven", "what was made stays"


async def told(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of this type."""
    async with asyncio.timeout(60):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["type"] == kind:
                return message
