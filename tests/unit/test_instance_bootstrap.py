"""The set-up script of an instance, run in a scratch folder with pretended system tools: what is made, in which order, and what a failure stops."""

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

FILES = Path(__file__).parents[2] / "cdk/instance/files"
PLACES = ("/etc/systemd/system", "/etc/murmur", "/opt/murmur", "/var/lib/murmur", "/var/lib/cloud")
TOOLS = {
    "dnf": "",
    "getent": "exit 2",
    "groupadd": "",
    "useradd": "",
    "systemctl": '[ "$REFUSE" = "" ] || case "$*" in *"$REFUSE"*) exit 1 ;; esac',
    "python3.13": f'exec {sys.executable} "$@"',
}
INSTALL = """
words=()
while [ $# -gt 0 ]; do
    case $1 in -o | -g) shift 2 ;; *) words+=("$1"); shift ;; esac
done
exec /usr/bin/install "${words[@]}"
"""


class Machine:
    """A scratch root. ``calls`` is what was asked of the system's tools, in order."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._tools = root / "tools"
        self._tools.mkdir()
        self.bundle = root / "opt/murmur/bundle"
        shutil.copytree(FILES, self.bundle, ignore=shutil.ignore_patterns("__pycache__"))
        (self.bundle / "app/lib").mkdir(parents=True)
        (self.bundle / "app/house.py").write_text("HERE = __file__\n")
        (self.bundle / "runners.json").write_text("{}")
        script = (self.bundle / "bootstrap.sh").read_text()
        for place in PLACES:
            (root / place[1:]).mkdir(parents=True, exist_ok=True)
            script = script.replace(place, f"{root}{place}")
        (self.bundle / "bootstrap.sh").write_text(script)
        (root / "var/lib/cloud/data").mkdir()
        (root / "var/lib/cloud/data/instance-id").write_text("i-0abc\n")
        for name, body in {**TOOLS, "install": INSTALL, "id": "exit 1"}.items():
            note = "" if name in ("install", "python3.13", "id") else f'echo "{name} $*" >>{root}/calls'
            (self._tools / name).write_text(f"#!/bin/bash\n{note}\n{body}\n")
            (self._tools / name).chmod(0o755)

    def bootstrap(self, refuse: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(self.bundle / "bootstrap.sh")],
            env={"PATH": f"{self._tools}:/usr/bin:/bin", "REFUSE": refuse},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    @property
    def calls(self) -> list[str]:
        return (self.root / "calls").read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_it_makes_users_interpreter_and_units_and_starts_them_with_the_guard_before_the_agents(
    machine: Machine,
) -> None:
    done = machine.bootstrap()
    assert done.returncode == 0, done.stderr
    started = [unit for call in machine.calls if call.startswith("systemctl enable --now") for unit in call.split()[3:]]
    assert set(started) == {
        f"murmur-{name}" for name in ("logs.service", "guard.service", "key.service", "agent.socket", "host.service")
    }
    assert started.index("murmur-guard.service") < min(
        started.index(u) for u in ("murmur-agent.socket", "murmur-host.service")
    )
    assert machine.calls.index("systemctl daemon-reload") < machine.calls.index(
        "systemctl enable --now murmur-guard.service"
    )
    users = [call.split()[-1] for call in machine.calls if call.startswith("useradd")]
    assert users == ["murmur", "murmur-agent"]
    assert all(
        "--gid murmur-work" in call and "nologin" in call for call in machine.calls if call.startswith("useradd")
    )
    assert {path.name for path in (machine.root / "etc/systemd/system").iterdir()} == {
        p.name for p in (FILES / "units").iterdir()
    }
    assert (machine.root / "etc/murmur/instance.env").read_text() == "MURMUR_HOST_ID=i-0abc\n"
    assert stat.S_IMODE((machine.root / "var/lib/murmur/agents").stat().st_mode) == 0o770


def test_its_interpreter_finds_the_bundle_and_nothing_is_installed_from_the_internet(machine: Machine) -> None:
    assert machine.bootstrap().returncode == 0
    python = machine.root / "opt/murmur/venv/bin/python"
    asked = subprocess.run(
        [str(python), "-c", "import house; print(house.HERE)"], capture_output=True, text=True, check=True, cwd="/"
    )
    assert Path(asked.stdout.strip()).is_relative_to(machine.bundle)
    assert not (python.parent / "pip").exists()
    assert [call for call in machine.calls if call.startswith("dnf")] == [
        "dnf --assumeyes --quiet --setopt=install_weak_deps=False install python3.13"
    ]


def test_a_guard_that_does_not_hold_keeps_every_agent_from_starting(machine: Machine) -> None:
    done = machine.bootstrap(refuse="murmur-guard")
    assert done.returncode != 0
    assert not [call for call in machine.calls if "murmur-host" in call or "murmur-agent.socket" in call]


def test_a_runner_that_cannot_be_installed_ends_it_before_anything_is_started(machine: Machine) -> None:
    (machine.bundle / "x").write_text("not what was pinned")
    entry = {"archive": "x", "sha256": "0" * 64, "programs": ["a"]}
    (machine.bundle / "runners.json").write_text(json.dumps({"kiro": entry}))
    done = machine.bootstrap()
    assert done.returncode != 0
    assert "pinned is 0000" in done.stderr
    assert not [call for call in machine.calls if call.startswith("systemctl")]


def test_doing_it_again_changes_nothing(machine: Machine) -> None:
    assert machine.bootstrap().returncode == 0
    first = machine.calls
    assert machine.bootstrap().returncode == 0
    assert machine.calls[len(first) :] == first
