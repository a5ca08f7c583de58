"""The first tutorial, followed word by word on a flock of this machine; on the same flock, what the other pages have one look at."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.examples import ROOT, Command, commands

TUTORIAL = ROOT / "docs" / "tutorial" / "first-flock.md"
KNOWLEDGE = ("steer-a-run.md", "troubleshooting.md", "harden.md", "replay.md")
"""Of the documents that the tutorial hands to the flock, as many as make a run of a few seconds."""
LOOKING = {"status", "logs", "queues", "files", "config", "history", "analyse", "prompt", "runners", "direction"}
ELSEWHERE = {
    "up": "a server; the tutorial's is this test's own",
    "run": "the tutorial's is run; others name folders of the reader's, tests/unit/test_cli_run.py",
    "start": "changes the run; the tutorial's are run in order",
    "stop": "as above",
    "pause": "as above",
    "resume": "as above",
    "watch": "until Ctrl-C; the tutorial's ends by itself",
    "directive": "changes the run, tests/e2e and tests/unit/test_cli_commands.py",
    "doctor": "starts a flock of its own, or asks AWS; tests/unit/test_cli_doctor_aws.py and tests/e2e",
    "mcp": "speaks MCP on standard input, tests/unit/test_mcp_operator.py",
    "simulate": "in simulated time, tests/unit/test_cli_simulate.py",
    "cost": "in simulated time, tests/unit/test_cli_cost.py",
    **dict.fromkeys(("deploy", "diff", "allow-ip", "login", "logout", "destroy"), "needs an AWS account"),
}
"""Commands that are not run here, and why. All are read by the real parser in test_examples.py."""
_THE_READERS = re.compile(
    r"…|@|20\d{6}T\d{6}Z|example\.org|^--(follow|narrate|runner|model|flock|spot|aws|reset)$|^-f?$"
)


def kept_back(words: tuple[str, ...]) -> str:
    """Why a command of another page is not run; "" if it is."""
    if words[0] in ELSEWHERE:
        return ELSEWHERE[words[0]]
    if any(_THE_READERS.search(word) for word in words):
        return "names something of the reader's: a text, a run, a deployed flock, an agent; or follows until Ctrl-C"
    if {"set", "peek", "redrive", "purge"} & set(words) or any("=" in word for word in words):
        return "changes something"
    return ""


OTHERS = sorted({words for command in commands() if command.where.rpartition(":")[0] != "docs/tutorial/first-flock.md"
                 and (words := command.murmur) and words[0] not in ("--help", "--flock", "COMMAND")})  # fmt: skip


class Reader:
    """Somebody at a terminal in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers: list[subprocess.Popen[str]] = []
        hidden = ("MURMUR_", "AWS_")
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        self._environment |= {"PYTHONPATH": str(ROOT), "MURMUR_CONFIG_HOME": str(folder / "config"), "NO_COLOR": "1"}

    def run(self, words: tuple[str, ...], folder: Path | None = None) -> str:
        """One command, to its end; what it printed. It must succeed."""
        done = subprocess.run(
            self._command(words),
            check=False,
            cwd=folder or self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def serve(self, words: tuple[str, ...]) -> None:
        """One command that stays in the foreground of another terminal; returns when it has said where the dashboard is."""
        server = subprocess.Popen(
            self._command((*words, "--port", "0")),
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.servers.append(server)
        assert server.stdout is not None
        assert server.stdout.readline().startswith("dashboard  http://127.0.0.1:")

    def leave(self) -> None:
        """Ctrl-C in each of the terminals."""
        for server in self.servers:
            server.send_signal(signal.SIGINT)
            assert server.wait(60) == 0
            assert server.stdout is not None
            server.stdout.close()

    def _command(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "murmur.cli.main", *words]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("reader")
    (folder / "docs/how-to").mkdir(parents=True)
    for name in KNOWLEDGE:
        shutil.copy(ROOT / "docs/how-to" / name, folder / "docs/how-to")
    someone = Reader(folder)
    try:
        yield someone
    finally:
        someone.leave()


def steps() -> list[Command]:
    return list(commands(TUTORIAL))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_first_tutorial_works_as_it_is_written_and_other_pages_look_at_its_flock(
    reader: Reader, subtests: pytest.Subtests
) -> None:
    said: dict[tuple[str, ...], str] = {}
    for step in steps():
        words = step.murmur
        assert words is not None, f"{step}: the tutorial is made of our commands alone"
        if words[0] == "up":
            reader.serve(words)
            continue
        if words[0] == "stop":
            look_around(reader, subtests)
        said[words] = reader.run(words)
    run = next(text for words, text in said.items() if words[0] == "run")
    assert "settled" in run
    assert "4 documents" in (reader.folder / "result/index.md").read_text("utf-8")
    assert (reader.folder / "result/digests").is_dir()
    assert said["status",].count("agent-") == 8
    assert (reader.folder / "result-2/index.md").exists()
    assert len(re.findall(r"20\d{6}T\d{6}Z", said["history",])) >= 1


def look_around(reader: Reader, subtests: pytest.Subtests) -> None:
    """What other pages look at, each in a fresh folder below the flock's."""
    looked = 0
    for number, words in enumerate(OTHERS):
        if kept_back(words):
            continue
        with subtests.test(command=" ".join(words)):
            folder = reader.folder / f"look-{number}"
            folder.mkdir()
            assert reader.run(words, folder) or words[:2] in (("direction",), ("files",))
            looked += 1
    assert looked >= len(LOOKING)


def test_every_command_that_is_not_run_has_a_reason() -> None:
    verbs = {words[0] for words in OTHERS}
    assert verbs <= LOOKING | set(ELSEWHERE)
    assert set(ELSEWHERE) <= verbs, "a reason for a command that no page shows"
