"""docs/benchmarks.md: written whole after a whole run, or one section of it renewed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from tests.bench.machine import OTHERS_ABOVE, ROOT
from tests.bench.sections import SECTIONS
from tests.bench.supervise import Ran

TARGET: Final = ROOT / "docs" / "benchmarks.md"
_ADDRESS: Final = re.compile(r"\b[a-z]+://\S+")
_TIME: Final = re.compile(r"^\| (\w+) \| (\d+) \| [^|]* \| [^|]* \| [^|]* \|$", re.MULTILINE)
"""A row of the last table: the section's name, and its seconds."""
_INTRODUCTION: Final = """\
# Benchmarks

Written by `./dev bench`, which runs every section below on one machine and stops what it starts; `./dev bench NAME` runs and prints one,
`./dev bench NAME --write` renews it here. Nothing is asserted: these are measurements, with the way each was made. Times are wall-clock;
p50 is the median. The cloud is the embedded endpoint (S3, EventBridge, SQS on loopback) unless a section says that it is simulated."""


def section(ran: Ran, machine: Mapping[str, str]) -> str:
    """One section between its marks, by which it is found when it is renewed."""
    return f"{_mark(ran.name)}\n{shown(ran, machine)}\n{_end(ran.name)}"


def shown(ran: Ran, machine: Mapping[str, str]) -> str:
    """One section as it is read. One that failed says so, and how."""
    loaded = " · **loaded: not to be trusted**" if ran.loaded else ""
    facts = (
        f"`./dev bench {ran.name}` · {machine['date']} · commit {machine['commit']} · {ran.seconds:.0f} s · "
        f"load average at its start {ran.load:.2f}, others used {ran.others:.2f} cores meanwhile{loaded}"
    )
    body = ran.findings.markdown() if ran.findings else f"**It failed.**\n\n```\n{_fenced(ran.error)}\n```"
    return f"## {SECTIONS[ran.name].title}\n\n{facts}\n\n{body}"


def page(runs: Iterable[Ran], machine: Mapping[str, str]) -> str:
    """The whole page."""
    runs = list(runs)
    about = "\n".join(
        ("| machine | |", "|---|---|", *(f"| {name} | {_cell(value)} |" for name, value in machine.items()))
    )
    sections = "\n\n".join(section(ran, machine) for ran in runs)
    return f"{_INTRODUCTION}\n\n{about}\n\n{sections}\n\n{_times(runs)}\n"


def renewed(text: str, ran: Ran, machine: Mapping[str, str]) -> str:
    """The page with one section anew; what it says of the others stands. Raises ValueError if the page has no such section."""
    pattern = re.compile(f"{re.escape(_mark(ran.name))}.*?{re.escape(_end(ran.name))}", re.DOTALL)
    found, count = pattern.subn(lambda _: section(ran, machine), text)
    if count != 1:
        raise ValueError(f"the page has {count} sections {ran.name!r}: run ./dev bench to write it whole")
    found = _TIME.sub(lambda row: _row(ran) if row[1] == ran.name else row[0], found)
    seconds = [int(row[2]) for row in _TIME.finditer(found) if row[1] in SECTIONS]
    return re.sub(r"^\| all \| \d+ \|.*$", _sum(sum(seconds)), found, flags=re.MULTILINE)


def holds(names: Iterable[str]) -> bool:
    """Whether the page is there, with all these sections."""
    text = TARGET.read_text("utf-8") if TARGET.is_file() else ""
    return all(_mark(name) in text and _end(name) in text for name in names)


def _times(runs: list[Ran]) -> str:
    rows = [_row(ran) for ran in runs]
    return "\n".join(
        (
            "## How long it took",
            "",
            f"A section is *loaded* if processes other than its own used more than {OTHERS_ABOVE} cores while it ran (or if the load average was",
            "above 1.5 before anything had run): the load average alone would show the section before it.",
            "",
            "| section | seconds | load average at its start | others' cores | |",
            "|---|---:|---:|---:|---|",
            *rows,
            _sum(sum(round(ran.seconds) for ran in runs)),
        )
    )


def _row(ran: Ran) -> str:
    return f"| {ran.name} | {ran.seconds:.0f} | {ran.load:.2f} | {ran.others:.2f} | {_verdict(ran)} |"


def _sum(seconds: int) -> str:
    return f"| all | {seconds} | | | {seconds / 60:.1f} minutes |"


def _verdict(ran: Ran) -> str:
    if ran.findings is None:
        return "failed"
    return "loaded" if ran.loaded else ""


def _fenced(text: str) -> str:
    """Words of an error that cannot end the fence they stand in, nor show where this machine keeps or fetches things."""
    return _ADDRESS.sub("(address)", text.replace("```", "'''").replace(str(ROOT), ".").replace(str(Path.home()), "~"))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _mark(name: str) -> str:
    return f"<!-- section {name} -->"


def _end(name: str) -> str:
    return f"<!-- end of {name} -->"
