"""The bundle: the same input makes the same bytes, it holds what an instance needs and nothing else, and its loop takes a turn."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import cryptography
import pytest

from cdk.instance import wheels
from cdk.instance.bundle import CACHE, Bundle, build, own_files
from cdk.instance.runners import choose
from cdk.instance.user_data import user_data
from functions.lifecycle import Lifecycle
from functions.lifecycle.settle import SettleWatch
from murmur import keys
from murmur.aws.adapters import open_adapters
from murmur.clock import SystemClock
from murmur.config import FlockConfig
from murmur.control import Control
from murmur.entry import LogEntry
from murmur.errors import InvalidInput, ObjectMissing, Unavailable
from murmur.ports import HostInfo
from tests.conftest import Cloud
from tests.unit.test_instance_apart import listening

RUN = "20261123T090000Z"
COMPILED = ("cryptography", "pydantic_core", "rpds", "psutil")
"""In the bundle these are for arm64 and Python 3.13; the test takes this machine's own instead."""
LIMIT_BYTES = 20_000_000


@pytest.fixture(scope="session")
def fetched() -> list[Path]:
    try:
        return wheels.fetch(CACHE)
    except Unavailable as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no package index: {error.message[:200]}")


@pytest.fixture(scope="session")
def bundle(fetched: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    target = tmp_path_factory.mktemp("bundle") / "bundle.zip"
    return build(target, wheels=fetched, more=choose(["scripted"]).files)


def names(made: Bundle) -> set[str]:
    with zipfile.ZipFile(made.path) as archive:
        return set(archive.namelist())


def test_the_same_input_makes_the_same_bytes_and_another_input_another_key(
    bundle: Bundle, fetched: list[Path], tmp_path: Path
) -> None:
    again = build(tmp_path / "b.zip", wheels=list(reversed(fetched)), more=choose(["scripted"]).files)
    other = build(tmp_path / "c.zip", wheels=fetched, more=choose(["scripted", "kiro"]).files)
    assert (again.sha256, again.key) == (bundle.sha256, bundle.key)
    assert hashlib.sha256(again.path.read_bytes()).hexdigest() == again.sha256
    assert other.key != bundle.key
    assert bundle.key == f"agent/bundle-{bundle.sha256[:16]}.zip"


def test_it_holds_what_an_instance_runs_and_nothing_that_only_one_machine_needs(bundle: Bundle) -> None:
    held = names(bundle)
    assert {"bootstrap.sh", "bin/apart.py", "units/murmur-host.service", "runners.json", "app/agent/host.py"} <= held
    assert "app/agent/prompts/loop.md" in held
    assert not [name for name in held if "ministack" in name or "__pycache__" in name]
    assert not [name for name in held if name.startswith(("app/murmur/cli", "app/murmur/local", "app/functions"))]
    assert "user-data.sh" not in held
    assert bundle.size < LIMIT_BYTES


def test_its_compiled_parts_are_for_graviton_and_the_interpreter_that_is_installed(bundle: Bundle) -> None:
    libraries = [name for name in names(bundle) if name.endswith(".so")]
    assert libraries
    with zipfile.ZipFile(bundle.path) as archive:
        for name in libraries:
            head = archive.read(name)[:20]
            assert head[:4] == b"\x7fELF"
            assert int.from_bytes(head[18:20], "little") == 0xB7, f"{name} is not for aarch64"
            assert "cpython-313" in name or "abi3" in name
    assert f"install python{wheels.PYTHON}" in (Path(own_script("bootstrap.sh"))).read_text()


def own_script(name: str) -> Path:
    return Path(__file__).parents[2] / "cdk/instance/files" / name


def test_wheels_are_taken_at_the_locks_versions_and_hashes_only() -> None:
    lines = wheels.requirements().splitlines()
    assert len(lines) == len(wheels.PACKAGES)
    for line in lines:
        name, version = line.split()[0].split("==")
        assert f"{name}=={version} " in wheels.LOCK.read_text()
        assert "--hash=sha256:" in line
        assert ";" not in line


def test_a_package_that_the_lock_does_not_know_is_an_error(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    lock.write_text("anyio==1.0 \\\n    --hash=sha256:00\n")
    with pytest.raises(InvalidInput, match="does not list"):
        wheels.requirements(lock)


def test_a_wheel_that_would_write_outside_its_folder_is_refused(tmp_path: Path) -> None:
    evil = tmp_path / "evil.whl"
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("../../etc/passwd", "x")
    with pytest.raises(InvalidInput, match="outside"):
        list(wheels.unpacked(evil))


def test_no_secret_and_no_state_of_this_machine_gets_in() -> None:
    held = [name for name, _ in own_files()]
    assert all(not name.startswith((".", "app/.", "/")) for name in held)
    assert all(".murmur" not in name and ".venv" not in name for name in held)


def settings_in(script: str) -> dict[str, str]:
    """What systemd's EnvironmentFile makes of the settings in the user data."""
    block = script.partition("<<'SETTINGS'\n")[2].partition("\nSETTINGS\n")[0]
    return dict(line.split("=", 1) for line in block.splitlines())


class UnpackedFleet:
    """Hosts as units of an instance would start them, from an unpacked bundle."""

    def __init__(self, python: Path, environment: dict[str, str], scratch: Path) -> None:
        self._python, self._environment, self._scratch = python, environment, scratch
        self.processes: list[subprocess.Popen[bytes]] = []

    async def launch(self, run: str, names: Sequence[str]) -> list[HostInfo]:
        for name in names:
            place = {"MURMUR_RUN": run, "MURMUR_HOST": name, "MURMUR_AGENT_HOME": str(self._scratch / "agents")}
            with (self._scratch / "host.log").open("ab") as log:
                self.processes.append(
                    subprocess.Popen(
                        [str(self._python), "-m", "agent.host"],
                        env={"PATH": "/usr/bin:/bin", **self._environment, **place},
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        cwd="/",
                        start_new_session=True,
                    )
                )
        return await self.hosts(run)

    async def hosts(self, run: str) -> list[HostInfo]:
        return [HostInfo(str(p.pid), f"host-{i}", "running", datetime.now(UTC)) for i, p in enumerate(self.processes)]

    async def terminate(self, run: str) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                await asyncio.to_thread(process.wait, 30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def set_up(bundle: Bundle, root: Path) -> Path:
    """What the user data and bootstrap.sh do that needs neither root nor AL2023; returns the interpreter."""
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(bundle.path), str(root / "bundle")], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root / "venv")], check=True)
    shim = root / "compiled"
    for name in COMPILED:
        found = __import__(name)
        shutil.copytree(Path(found.__file__).parent, shim / name)
        shutil.rmtree(root / "bundle/app/lib" / name)
    for library in Path(cryptography.__file__).parents[1].glob("_cffi_backend*.so"):
        shutil.copy(library, shim)
    python = root / "venv/bin/python"
    asked = [str(python), "-c", 'import sysconfig; print(sysconfig.get_path("purelib"))']
    site = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    (Path(site) / "murmur.pth").write_text(f"{root / 'bundle/app'}\n{root / 'bundle/app/lib'}\n{shim}\n")
    return python


async def first_entry(store, agent: int, fleet: UnpackedFleet, log: Path, seconds: float = 60.0) -> LogEntry:
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            body = (await store.get(keys.log(agent))).body
            if body.strip():
                return LogEntry.from_line(body.splitlines()[0])
        except ObjectMissing:
            pass
        waiting = asyncio.get_running_loop().time() < deadline and fleet.processes[0].poll() is None
        assert waiting, f"no turn was taken: {log.read_text()[-3000:]}"
        await asyncio.sleep(0.1)


async def test_unpacked_into_an_empty_root_its_loop_takes_a_turn(bundle: Bundle, cloud: Cloud, tmp_path: Path) -> None:
    python = set_up(bundle, tmp_path)
    settings = cloud.settings
    script = user_data(
        region="us-east-1",
        bucket=settings.bucket,
        flock=settings.flock,
        bus=settings.bus,
        bundle_key=bundle.key,
        bundle_sha256=bundle.sha256,
        runners=["scripted"],
        concurrency_cap=8,
        log_group=f"/murmur/{settings.flock}/agents",
        key_parameter=f"/murmur/{settings.flock}/api-key",
    )
    endpoint = {name: value for name, value in cloud.environment.items() if name.startswith("AWS_")}
    ask = f"{python} -I -S {tmp_path}/bundle/bin/apart.py ask {tmp_path}/agent.sock"
    fleet = UnpackedFleet(python, {**settings_in(script), **endpoint, "MURMUR_RUN_AS": ask}, tmp_path)
    adapters = open_adapters(settings, cloud.environment)
    store, clock = adapters.store, SystemClock()
    try:
        config = FlockConfig(concurrency=2, runner="scripted", loopIntervalSeconds=2.0, staggerSeconds=0.0)
        await store.put(keys.CONFIG, config.to_json())
        await store.put(keys.DIRECTION, b"Digest every document.")
        await store.put(f"{keys.KNOWLEDGE}birds.md", b"# Starlings\n\nThey watch their nearest neighbours.\n")
        control = Control(state="starting", run=RUN, since="2026-11-23T09:00:00.000Z")
        await store.put(keys.CONTROL, control.model_dump_json().encode())
        lifecycle = Lifecycle(
            settings.bucket, store, adapters.fabric, fleet, clock, SettleWatch(store, adapters.fabric)
        )
        with listening(tmp_path / "agent.sock") as systemd:
            try:
                await lifecycle.start(RUN)
                entries = [await first_entry(store, agent, fleet, tmp_path / "host.log") for agent in (0, 1)]
            finally:
                await fleet.terminate(RUN)
        assert len(systemd.services) >= 2, "both agents were started by whoever listens, not by the loop itself"
    finally:
        adapters.close()
    said = (tmp_path / "host.log").read_text()
    assert all(entry.iteration == 0 and not entry.failed for entry in entries), f"{entries}\n{said}"
    assert all(process.returncode == 0 for process in fleet.processes), said
    # What ran was the bundle and nothing of this repository.
    where = subprocess.run(
        [str(python), "-c", "import agent, mcp, boto3; print(agent.__file__, mcp.__file__, boto3.__file__)"],
        check=True,
        capture_output=True,
        text=True,
        cwd="/",
    ).stdout.split()
    assert all(Path(path).is_relative_to(tmp_path) for path in where)


def test_runners_json_in_the_bundle_is_what_the_repository_pins() -> None:
    installed = json.loads(choose(["scripted", "kiro"]).files["runners.json"])
    assert list(installed) == ["kiro"]
    assert len(installed["kiro"]["sha256"]) == 64
    assert installed["kiro"]["version"] in installed["kiro"]["url"]
