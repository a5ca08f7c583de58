"""What ``murmur run`` says at the end, for people and for scripts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from murmur.cli import exits
from murmur.cli.find import Target
from murmur.cli.knowledge import Upload
from murmur.cli.mission import Mission, Outcome, Tally
from murmur.cli.results import Results
from murmur.cli.screen import console, styled
from murmur.cli.shapes import Status
from murmur.cli.text import duration, plural, size
from murmur.errors import MurmurError


@dataclass(frozen=True, slots=True)
class Report:
    """A run, told afterwards."""

    run: str
    outcome: Outcome
    tally: Tally
    upload: Upload | None
    """None: no --knowledge was given."""
    results: Results | None
    """None: nothing was to be copied, or it could not be."""
    out: Path | None
    where: Target
    elapsed_seconds: float

    @classmethod
    def of(
        cls,
        mission: Mission,
        outcome: Outcome,
        *,
        upload: Upload | None,
        results: Results | None,
        out: Path | None,
        where: Target,
        elapsed_seconds: float,
    ) -> Self:
        """Put it together; what cannot be asked any more is left empty, and the outcome says that the flock was lost."""
        try:
            tally = mission.tally()
        except MurmurError as error:
            tally = Tally(0, {}, Status.parse({}))
            if outcome.code == exits.OK:
                outcome = replace(outcome, kind="lost", reason=str(error), code=exits.UNREACHABLE)
        return cls(mission.run, outcome, tally, upload, results, out, where, elapsed_seconds)

    @property
    def code(self) -> int:
        """The exit code: the outcome's, or 1 if a settled flock's results did not all arrive."""
        incomplete = self.out is not None and (self.results is None or bool(self.results.left))
        return exits.ERROR if self.outcome.code == exits.OK and incomplete else self.outcome.code

    @property
    def turns(self) -> int:
        """Turns taken; more than there are entries, because an agent idle again does not say so again."""
        return max(self.tally.status.totals.turns, self.tally.entries)

    def value(self) -> dict[str, Any]:
        """The report for ``--json``."""
        sums = self.tally.status.totals
        files = self.results.copied if self.results else ()
        return {
            "outcome": self.outcome.kind,
            "reason": self.outcome.reason,
            "exit_code": self.code,
            "run": self.run,
            "elapsed_seconds": round(self.elapsed_seconds, 3),
            "agents": self.tally.status.concurrency,
            "scripted": self.tally.status.scripted,
            "turns": self.turns,
            "entries": self.tally.entries,
            "turns_by_cause": dict(self.tally.causes),
            "failed_turns": sums.failed_turns,
            "wakes": sums.wakes,
            "gated": sums.gated,
            "rescues": sums.rescues,
            "tokens": sums.tokens,
            "cost": sums.cost,
            "knowledge": {
                "taken": [document.name for document in self.upload.taken] if self.upload else [],
                "not_taken": [{"name": i.name, "why": i.why} for i in self.upload.skipped] if self.upload else [],
                "removed": list(self.upload.removed) if self.upload else [],
            },
            "files": [{"path": file.path, "size": file.size} for file in files],
            "not_copied": [{"key": i.key, "why": i.why} for i in self.results.left] if self.results else [],
            "out": str(self.out) if self.out else None,
            "home": str(self.where.home) if self.where.home else None,
            "url": self.where.url,
        }


def print_report(report: Report) -> None:
    """The report for people, on standard output."""
    from rich.text import Text  # noqa: PLC0415 - only drawn for people

    out = console()
    status, sums = report.tally.status, report.tally.status.totals
    causes = " · ".join(f"{cause} {count}" for cause, count in report.tally.causes.items())
    out.print(Text.assemble(styled(report.outcome.kind), f" after {duration(report.elapsed_seconds)}"), end="")
    out.print(f": {report.outcome.reason}" if report.outcome.reason else "", soft_wrap=True)
    scripted = " (scripted, no model)" if status.scripted else ""
    failed = f", {sums.failed_turns} failed" if sums.failed_turns else ""
    silent = report.turns - report.tally.entries
    quiet = f", {silent} of them with nothing new to say" if silent else ""
    rows = [
        ("run", report.run),
        ("agents", f"{status.concurrency}{scripted}"),
        ("turns", f"{report.turns}{failed}{quiet}" + (f": {causes}" if causes else "")),
        ("wakes", f"{sums.wakes}, {sums.gated} of them gated; {plural(sums.rescues, 'rescue')}"),
        ("files", _files(report)),
        ("logs", _logs(report.where)),
    ]
    if sums.tokens:
        rows.insert(4, ("tokens", f"{sums.tokens:,}" + (f", cost {sums.cost:.4f}" if sums.cost else "")))
    for name, text in rows:
        out.print(f"  {name:<8}{text}", soft_wrap=True)
    for item in report.results.left if report.results else ():
        out.print(f"  not copied: {item.key}: {item.why}", style="yellow", soft_wrap=True)


def _logs(where: Target) -> str:
    if where.home is None:
        return f"murmur logs N --url {where.url}"
    return f"`murmur logs N` while `murmur up` runs; of the processes: {where.home / 'logs'}"


def _files(report: Report) -> str:
    if report.out is None:
        return f"{report.tally.status.files}, kept in the flock (`murmur up`, then `murmur files`; or give --out)"
    if report.results is None:
        return f"could not be copied to {report.out}"
    total = size(sum(file.size for file in report.results.copied))
    return f"{len(report.results.copied)} in {report.out} ({total})"
