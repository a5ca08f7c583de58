"""Agents under a user of their own: systemd's part is played by a listener that answers as murmur-agent@.service would."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from agent.runner.apart import RUN_AS, folder, run_as
from agent.runner.mind import AcpMind
from agent.runner.profile import RunnerProfile
from agent.tools.desk import Desk
from agent.tools.server import ToolServer
from murmur.memory.store import MemoryStore

APART = Path(__file__).parents[2] / "cdk/instance/files/bin/apart.py"
OTHER = "nobody"
PROFILE = RunnerProfile("test", (sys.executable, "-S", str(Path(__file__).parent / "misbehaving" / "agent.py"), "good"))
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process as another user")


class Listener:
    """Accepts as murmur-agent.socket does, and starts a service for each connection, as ``user`` if it is given."""

    def __init__(self, place: Path, user: str = "") -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(place))
        self._socket.listen()
        self._prefix = (
            ["setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups", "--no-new-privs"] if user else []
        )
        self.services: list[subprocess.Popen[bytes]] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                command = [*self._prefix, sys.executable, "-I", "-S", str(APART), "serve"]
                self.services.append(subprocess.Popen(command, stdin=connection))

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)
        for service in self.services:
            service.wait(20)


@contextmanager
def listening(place: Path, user: str = "") -> Iterator[Listener]:
    made = Listener(place, user)
    try:
        yield made
    finally:
        made.close()


def ask(place: Path, *command: str, **options: object) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-I", "-S", str(APART), "ask", str(place), *command]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(words, **{**pipes, **options})


def gone(pid: int, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_streams_environment_folder_and_exit_code_are_the_commands_own(tmp_path: Path) -> None:
    script = 'import os,sys; sys.stdout.write(sys.stdin.read().upper()+os.environ["WORD"]+os.getcwd()); sys.stderr.write("aside"); sys.exit(7)'
    with listening(tmp_path / "s"):
        asked = ask(tmp_path / "s", sys.executable, "-c", script, env={"WORD": "bird"}, cwd=tmp_path)
        out, err = asked.communicate(b"loud ", 20)
    assert out.decode() == f"LOUD bird{tmp_path}"
    assert err == b"aside"
    assert asked.returncode == 7


def test_nothing_of_the_service_leaks_into_the_agents_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the service")
    with listening(tmp_path / "s"):
        out, _ = ask(tmp_path / "s", "/usr/bin/env", env={"ONLY": "this"}).communicate(None, 20)
    assert set(out.split()) - {b"LC_CTYPE=C.UTF-8"} == {b"ONLY=this"}  # Python settles its own locale


def test_a_signal_that_ends_the_command_ends_the_asker_alike(tmp_path: Path) -> None:
    with listening(tmp_path / "s"):
        asked = ask(tmp_path / "s", "/bin/sh", "-c", "kill -TERM $$")
        asked.communicate(None, 20)
    assert asked.returncode == -signal.SIGTERM


def test_a_command_that_is_not_there_is_told_and_ends_with_127(tmp_path: Path) -> None:
    with listening(tmp_path / "s"):
        asked = ask(tmp_path / "s", "/nowhere/agent")
        _, err = asked.communicate(None, 20)
    assert asked.returncode == 127
    assert b"/nowhere/agent: No such file" in err


def test_killing_the_asker_kills_the_command_and_its_children(tmp_path: Path) -> None:
    script = "sleep 600 & echo $! $$; wait"
    with listening(tmp_path / "s"):
        asked = ask(tmp_path / "s", "/bin/sh", "-c", script)
        assert asked.stdout is not None
        child, shell = (int(word) for word in asked.stdout.readline().split())
        asked.kill()
        asked.communicate(None, 20)
        assert gone(shell)
        assert gone(child)


def test_a_request_that_is_no_request_starts_nothing(tmp_path: Path) -> None:
    with listening(tmp_path / "s") as listener:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(tmp_path / "s"))
            line.sendall(b"\xff\xff\xff\xff" + b"x" * 100)  # no streams came with it
            with suppress(ConnectionResetError):
                assert line.recv(100) == b""
        deadline = time.monotonic() + 20
        while not listener.services and time.monotonic() < deadline:
            time.sleep(0.02)
        assert listener.services[0].wait(20) == 1


@ROOT_ONLY
def test_the_command_runs_as_the_other_user_and_cannot_touch_the_loops_files(tmp_path: Path) -> None:
    place, secret = Path(f"/tmp/murmur-apart-{os.getpid()}"), tmp_path / "secret"
    secret.write_text("of the loop")
    secret.chmod(0o600)
    script = f"id -un; cat {secret}; kill -0 {os.getpid()}; grep NoNewPrivs /proc/self/status"
    try:
        with listening(place, OTHER):
            out, err = ask(place, "/bin/sh", "-c", script, cwd="/").communicate(None, 20)
    finally:
        place.unlink()
    assert out.split() == [OTHER.encode(), b"NoNewPrivs:", b"1"]
    assert err.count(b"ermi") == 2  # Permission denied, Operation not permitted
    assert b"of the loop" not in out + err


async def test_a_mind_takes_its_turns_through_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RUN_AS, f"{sys.executable} -I -S {APART} ask {tmp_path / 's'}")
    with listening(tmp_path / "s") as listener:
        async with ToolServer() as tools:
            mind = AcpMind(PROFILE, tools, tmp_path / "home")
            try:
                outcome = await mind.run(Desk(MemoryStore(), 0, frozenset(), 0), "go", 60.0)
                assert (outcome.stop_reason, outcome.detail) == ("end_turn", "")
                assert len(listener.services) == 1
                home = tmp_path / "home"
                assert stat.S_IMODE(home.stat().st_mode) & 0o070, "the agent's user shares the group"
            finally:
                await mind.close()
        assert listener.services[0].wait(20) == 0


def test_without_the_variable_folders_stay_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RUN_AS, raising=False)
    assert run_as() == ()
    assert stat.S_IMODE(folder(tmp_path / "home").stat().st_mode) == 0o700
