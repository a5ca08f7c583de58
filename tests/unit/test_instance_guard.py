"""Agents cannot reach the metadata service: the real script against a real address, in a network namespace of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GUARD = Path(__file__).parents[2] / "cdk/instance/files/bin/guard.sh"
USER = "nobody"
SERVICE = f"""
set -eu
ip link set lo up
ip addr add 169.254.169.254/32 dev lo
# On EC2 the address is somebody else's. Here it is this machine's own, so what is local must not be looked up before anything else.
ip rule add priority 1000 lookup local
ip rule del priority 0
cd "$SCRATCH"; echo credentials >index.html
{sys.executable} -m http.server --bind 169.254.169.254 80 >/dev/null 2>&1 &
server=$!
trap 'kill $server' EXIT
reach() {{ setpriv --reuid "$1" --clear-groups curl --noproxy '*' --silent --max-time 3 http://169.254.169.254/; }}
for _ in $(seq 200); do reach root >/dev/null && break; sleep 0.05; done
"""


def able() -> str:
    """Why the scripts cannot be run here; "" if they can."""
    absent = [name for name in ("ip", "unshare", "setpriv", "curl") if shutil.which(name) is None]
    if absent:
        return f"{', '.join(absent)} not installed"
    made = subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True)
    return "" if made.returncode == 0 else "network namespaces may not be made here (root only)"


@pytest.fixture(autouse=True)
def _possible() -> None:
    why = able()
    if why and os.environ.get("CI") != "true":
        pytest.skip(why)
    assert not why


def apart(script: str, scratch: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["unshare", "--net", "bash", "-c", SERVICE + script],
        env={"PATH": os.environ["PATH"], "SCRATCH": str(scratch), "GUARD": str(GUARD), "USER": USER, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_agents_user_reached_it_before_and_does_not_after_while_the_loop_does(tmp_path: Path) -> None:
    script = """
    echo "before $(reach "$USER")"
    bash "$GUARD" "$USER"
    bash "$GUARD" "$USER"   # a second time changes nothing
    echo "after $(reach "$USER" || echo refused)"
    echo "loop $(reach root)"
    ip rule | grep -c prohibit
    """
    ended = apart(script, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["before credentials", "after refused", "loop credentials", "1"]


def test_a_guard_that_has_no_effect_is_an_error(tmp_path: Path) -> None:
    fake = tmp_path / "bin/ip"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\ncase "$*" in *del*) exit 2;; esac\nexit 0\n')
    fake.chmod(0o755)
    ended = apart(f'PATH="{fake.parent}:$PATH" bash "$GUARD" "$USER"', tmp_path)
    assert ended.returncode == 1
    assert "still reaches the metadata service" in ended.stderr


def test_a_user_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert apart('bash "$GUARD" murmur-nobody-here', tmp_path).returncode != 0
