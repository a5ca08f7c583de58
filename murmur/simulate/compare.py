"""One design beside the other, and beside what cannot be beaten."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from murmur.simulate.costs import Bill, hosts_per_hour
from murmur.simulate.experiment import Progress, simulate
from murmur.simulate.foretell import foretell
from murmur.simulate.outcome import Outcome, Span
from murmur.simulate.question import Mode, Question

POLLING_RUN_AGENTS: Final = 64
"""Up to here both designs are run; beyond, the one that polls is computed where it stands beside."""
SAMPLE_AGENTS: Final = 16


@dataclass(frozen=True, slots=True)
class Column:
    """One design's results. None stands for what was not run."""

    mode: Mode
    run: bool
    """False: computed (murmur.simulate.foretell), without faults."""
    reach_seconds: float
    learning_seconds: tuple[float, ...]
    settle_seconds: float | None
    turns_made: int | None
    turns_needed: int | None
    turns_at_rest_per_hour: float
    gated: int | None
    rescues: int | None
    news_turns: int | None
    failed_turns: int | None
    crashes: int | None
    parked: int | None
    work: Bill | None
    work_dollars_per_hour: float | None
    rest_dollars_per_hour: float | None
    hosts_dollars_per_hour: float

    @property
    def ratio(self) -> float | None:
        """Turns made for each one needed."""
        return self.turns_made / self.turns_needed if self.turns_made is not None and self.turns_needed else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the table shows: the design asked for first."""

    question: Question
    limit_seconds: float
    """hops × (think + delivery): no design whose news goes from neighbour to neighbour is faster on average."""
    columns: tuple[Column, ...]

    def value(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "question": {**asdict(self.question), "hops": self.question.hops},
            "limit_seconds": self.limit_seconds,
            "designs": [{**asdict(column), "ratio": column.ratio} for column in self.columns],
        }


def compare(question: Question, progress: Progress) -> Comparison:
    """Run the design that is asked for, and set the other beside it. Raises InvalidConfig, NotReached."""
    asked = _ran(question, simulate(question, _of(question, progress)))
    other = replace(question, mode="event" if question.mode == "polling" else "polling")
    if other.mode == "event" or question.agents <= POLLING_RUN_AGENTS:
        beside = _ran(other, simulate(other, _of(other, progress)))
    else:
        beside = _computed(other, progress)
    return Comparison(question, question.limit_seconds, (asked, beside))


def _of(question: Question, progress: Progress) -> Progress:
    """``progress`` that also says which design it is about."""
    return lambda phase, share: progress(f"{question.mode}: {phase}", share)


def _ran(question: Question, outcome: Outcome) -> Column:
    events = question.mode == "event"
    work = Bill.of(outcome.work.requests, events=events)
    rest = Bill.of(outcome.rest.requests, events=events)
    spans: tuple[Span, ...] = (outcome.work, outcome.rest, outcome.news)
    return Column(
        question.mode,
        True,
        outcome.reach_seconds,
        outcome.learning_seconds,
        outcome.work.seconds,
        outcome.work.turns,
        outcome.needed,
        outcome.rest.turns * 3600 / outcome.rest.seconds,
        sum(span.gated for span in spans) if events else None,
        sum(span.rescues for span in spans) if events else None,
        outcome.news.turns,
        sum(span.failed for span in spans),
        outcome.crashes,
        outcome.parked,
        work,
        work.per_hour(outcome.work.seconds),
        rest.per_hour(outcome.rest.seconds),
        hosts_per_hour(question.hosts),
    )


def _computed(question: Question, progress: Progress) -> Column:
    """What hangs on the beat alone is foretold; what an agent's turns cost is measured on a few that read as many neighbours."""
    told = foretell(question)
    few = replace(question, agents=max(SAMPLE_AGENTS, 2 * question.radius + 2), faults="none")
    sample = simulate(few, _of(few, progress)).rest
    dollars = Bill.of(sample.requests, events=False).per_hour(sample.seconds) * question.agents / few.agents
    return Column(
        question.mode,
        False,
        told.reach_seconds,
        told.learning_seconds,
        None,
        None,
        None,
        told.turns_per_hour,
        None,
        None,
        round(told.turns_per_hour * told.reach_seconds / 3600),
        None,
        None,
        None,
        None,
        dollars,
        dollars,
        hosts_per_hour(question.hosts),
    )
