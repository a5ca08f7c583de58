"""What the docs show is so: commands are understood, documents are valid, links lead somewhere, generated pages are current."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from agent.vitals import _COUNTED
from murmur.cli.main import parser_of
from murmur.cli.overview import FIRST, VERBS
from murmur.config import FlockConfig
from murmur.entry import LogEntry
from tests.docs.examples import PAGES, ROOT, Block, Command, anchors, blocks, commands, links, mentioned

OTHERS = {
    "aws": "an AWS account is needed",
    "curl": "downloads kiro-cli, which this suite does not",
    "echo": "part of the check of that download",
    "sha256sum": "as above",
    "unzip": "as above",
    "ls": "as above",
    "tee": "as above",
    "export": "sets a variable of the reader's shell",
    "jq": "reads what the command before it printed",
    "ollama": "a program of others",
    "npm": "a program of others",
    "cat": "shows a file of the reader's",
    "wc": "counts what the command before it printed",
}
"""Commands that are not ours, and why they are not run."""
DEV = re.findall(r"^(\w+)\)$", (ROOT / "dev").read_text("utf-8"), re.MULTILINE)
GENERATED = ("cli_page", "config_page", "rest_page", "asyncapi_page")
"""Pages made from the code alone; those that need the stack or the simulator are checked beside those."""
PLACEHOLDERS = {"N": "3", "PORT": "7777", "line": "mesh"}
"""What a page leaves to its reader; `line` is the algorithm that add-an-algorithm.md adds."""


def accepted(words: tuple[str, ...]) -> None:
    """Parse as the command itself would. Raises SystemExit where the line is not understood."""
    if words and words[0] in FIRST:
        words = (words[2], words[0], words[1], *words[3:])
    if not words or words[0] in ("--help", "--version", "help", "COMMAND", "…"):
        return
    assert words[0] in VERBS, f"there is no command {words[0]!r}"
    if "--help" not in words:
        parser_of(words[0]).read([PLACEHOLDERS.get(word, word) for word in words[1:]])


@pytest.mark.parametrize("command", [*commands()], ids=str)
def test_every_command_in_the_docs_is_understood(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    words, first = command.murmur, command.words[0]
    if words is not None:
        try:
            accepted(words)
        except SystemExit:
            pytest.fail(capsys.readouterr().err)
    elif first == "./dev":
        assert command.words[1] in DEV
        named = [word.partition("::")[0] for word in command.words[2:] if word.startswith("tests/")]
        assert all((ROOT / name).exists() for name in named) or "/add-" in command.where  # there the reader makes it
    elif first in ("python", ".venv/bin/python"):
        assert command.words[1] == "-m"
        assert importlib.util.find_spec(command.words[2])
    elif first.startswith("tests/"):
        assert (ROOT / first).exists()
    else:
        assert first in OTHERS, "neither ours, nor listed with a reason"


@pytest.mark.parametrize("command", [*mentioned()], ids=str)
def test_every_command_that_a_page_speaks_of_exists_with_its_options(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    words = command.murmur
    assert words is not None
    try:
        accepted(tuple(word for word in words if word != "…"))
    except SystemExit:
        said = capsys.readouterr().err
        assert re.search(r"are required|expected one argument", said), said  # it is named, not written out
        known = parser_of(words[0])._option_string_actions
        assert all(word in known for word in words if word.startswith("--"))


@pytest.mark.parametrize("block", [*blocks("json"), *blocks("yaml")], ids=str)
def test_every_document_in_the_docs_is_valid(block: Block) -> None:
    assert block.language == "json", "no YAML is read anywhere in Murmur"
    value = json.loads(block.text)
    if "concurrency" in value or "neighbourRadius" in value:
        FlockConfig.model_validate(value)
    if "next_intent" in value:
        LogEntry.model_validate(value)
    for server in value.get("mcpServers", {}).values():
        assert server["args"][0] == "murmur"
        accepted(tuple(server["args"][1:]))
    if "error" in value:
        assert set(value) == {"error", "code", "message", "remedy"}


def test_every_block_says_what_it_is() -> None:
    kinds = {"sh", "json", "text", "python", "js", "javascript", "html", "css", "diff", "ini"}
    unnamed = [str(block) for block in blocks() if block.language not in kinds and not _drawn(block)]
    assert unnamed == []


def _drawn(block: Block) -> bool:
    """A picture, a table or a grammar in letters needs no language; a command line must say that it is one."""
    return not block.language and not re.search(r"^\$? ?(\./dev|murmur) ", block.text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_picture_and_anchor_of_a_page_leads_somewhere(page: Path) -> None:
    for source, target in links():
        if source != page or re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        found = (page.parent / name).resolve() if name else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


def test_every_page_is_reached_from_the_contents() -> None:
    contents = ROOT / "docs" / "README.md"
    decisions = ROOT / "docs" / "decisions" / "README.md"
    reached = {
        (source.parent / target.partition("#")[0]).resolve()
        for source, target in links()
        if source in (contents, decisions, ROOT / "README.md") and not target.startswith("http")
    }
    assert [str(page) for page in PAGES if page not in reached and page != PAGES[0]] == []


@pytest.mark.parametrize("name", GENERATED)
def test_pages_made_from_the_code_are_current_and_renewed_by_dev_docs(name: str) -> None:
    module = importlib.import_module(f"tests.docs.{name}")
    assert module.TARGET.read_text("utf-8") == module.page(), "run: ./dev docs"
    assert name in (ROOT / "dev").read_text("utf-8")


def test_every_field_of_an_entry_is_in_its_reference() -> None:
    page = (ROOT / "docs/reference/bucket.md").read_text("utf-8").partition("## A log entry")[2]
    told = {name for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert told == set(LogEntry.model_fields)


def test_every_metric_is_in_its_reference_and_no_other() -> None:
    page = (ROOT / "docs/reference/metrics.md").read_text("utf-8").partition("## Alarms")[0]
    told = {name for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    sources = [*(ROOT / "functions").rglob("*.py"), ROOT / "murmur/aws/telemetry.py", ROOT / "agent/vitals.py"]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    calls = re.findall(r"(?:telemetry|self)\.(?:count|took)\(([^,]+),", text)
    sent = {name for call in calls for name in re.findall(r'"([A-Z]\w+)"', call)}
    sent |= {*_COUNTED.values(), *re.findall(r'values\["([A-Z]\w+)"\]', text), "Turns"}
    assert told == sent


def test_the_readme_shows_the_command_for_each_of_the_three_uses() -> None:
    text = PAGES[0].read_text("utf-8")
    for use in ("./dev murmur deploy", "./dev up", "./dev murmur queues"):
        section = next(part for part in text.split("\n## ")[1:4] if use in part)
        assert "![" in section
    assert text.index("![") < text.index("```sh")  # what it looks like, then the two commands
