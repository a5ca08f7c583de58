"""LogEntry: one NDJSON line of an agent's log, and reading a log that may hold lines that are none."""

from __future__ import annotations

import json
import math
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from murmur.errors import InvalidEntry

TEXT_LIMIT: Final = 200
State = Literal["working", "idle"]
Cause = Literal["start", "neighbour", "direction", "directive", "config", "resume", "interval", "repair"]


def one_line(text: object, limit: int = TEXT_LIMIT) -> str:
    """Text made fit for one line of a log: control characters and line breaks become spaces, the rest is cut at ``limit``."""
    given = str(text)
    flat = " ".join((given if given.isprintable() else "".join(c if c.isprintable() else " " for c in given)).split())
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


def _finite(number: str) -> float:
    """A JSON number. NaN and Infinity are none: browsers and other readers of what we hand on would choke on them."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number[:20]} is no JSON number")
    return value


_STRICT: Final = json.JSONDecoder(parse_constant=_finite, parse_float=_finite)
Line = Annotated[str, BeforeValidator(one_line)]
Cost = Annotated[float, AfterValidator(lambda cost: cost if math.isfinite(cost) else 0.0)]
"""What a runner reports may be NaN; a log line may not hold that."""


class Waker(BaseModel):
    """Which entry woke the agent."""

    model_config = ConfigDict(frozen=True, extra="allow")
    agent: int
    iteration: int


class Usage(BaseModel):
    """What the runner says the turn used; zero where it does not say."""

    model_config = ConfigDict(frozen=True, extra="allow")
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Cost = 0.0


class LogEntry(BaseModel):
    """What an agent did in one turn. ``action``, ``result``, ``next_intent``: at most 200 characters, one line each.

    ``seen`` is the newest iteration of every neighbour this turn took into account; ``seen_documents`` the versions of the
    operator's documents and of output/ (see ``murmur.cursor``). Unknown fields are kept.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    ts: str
    iteration: Annotated[int, Field(ge=0)]
    action: Line
    result: Line
    next_intent: Line
    state: State = "working"
    cause: Cause = "start"
    woken_by: tuple[Waker, ...] = ()
    seen: Mapping[int, int] = Field(default_factory=dict)
    seen_documents: Mapping[str, str] = Field(default_factory=dict)
    wake_ms: int | None = None
    """Milliseconds from the neighbour's append to this turn's start; None when no neighbour woke it."""
    turn_ms: int = 0
    files: tuple[str, ...] = ()
    stop_reason: str = "end_turn"
    failed: bool = False
    """The turn brought no broadcast: it will be tried again, and is no news to anybody."""
    usage: Usage | None = None
    """None where the runner reports nothing."""
    refused: tuple[Line, ...] = ()
    """What the tools refused in this turn, in the runtime's words: a mistake, a lost race, or an attempt."""
    doubts: tuple[Line, ...] = ()
    """What the agent's words claim and the runtime did not find so."""
    trace: str = ""

    @property
    def is_news(self) -> bool:
        """Whether a neighbour must know of it: it says what its agent did and is not idle, or it leaves files."""
        return bool(self.files) or (self.state == "working" and not self.failed)

    @property
    def is_idle(self) -> bool:
        """Whether its agent has nothing more to do, by its own word: a turn that failed says nothing of the kind."""
        return self.state == "idle" and not self.failed

    def to_line(self) -> bytes:
        """The line as it stands in the log, line break included."""
        return (
            json.dumps(self.model_dump(exclude_none=True), ensure_ascii=False, separators=(",", ":")).encode(
                "utf-8", "replace"
            )
            + b"\n"
        )

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """Parse one line. Raises InvalidEntry."""
        try:
            value = _STRICT.decode(line.removeprefix(BOM_UTF8).decode("utf-8", "surrogatepass"))
        except (ValueError, RecursionError) as error:
            raise InvalidEntry("The line is not JSON.", "Write one JSON object a line.") from error
        return cls.from_value(value)

    @classmethod
    def from_value(cls, value: Any) -> Self:
        """Check a decoded line. Raises InvalidEntry naming the field."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the line"
            raise InvalidEntry(
                f"{where}: {first['msg']}.", "An entry has ts, iteration, action, result and next_intent."
            ) from None


@dataclass(frozen=True, slots=True)
class ParsedLog:
    """The entries of a log, or of its tail, in order; and how many lines were none."""

    entries: tuple[LogEntry, ...]
    bad_lines: int

    @property
    def last(self) -> LogEntry | None:
        """The newest entry; None in an empty log."""
        return self.entries[-1] if self.entries else None

    def after(self, iteration: int) -> tuple[LogEntry, ...]:
        """Entries newer than ``iteration``."""
        return tuple(entry for entry in self.entries if entry.iteration > iteration)


def parse_log(body: bytes, *, partial: bool = False) -> ParsedLog:
    """Parse a log. ``partial``: it is the tail of one, so what stands before the first line break is not judged."""
    if partial:
        body = body.partition(b"\n")[2]
    entries: list[LogEntry] = []
    bad = 0
    for line in body.split(b"\n"):
        if not line.strip():
            continue
        try:
            entries.append(LogEntry.from_line(line))
        except InvalidEntry:
            bad += 1
    return ParsedLog(tuple(entries), bad)


def join(parts: Iterable[bytes]) -> tuple[LogEntry, ...]:
    """The entries of a log kept in several parts, oldest part first; a line that stands in two parts counts once."""
    newest = -1
    found: list[LogEntry] = []
    for part in parts:
        for entry in parse_log(part).entries:
            if entry.iteration > newest:
                found.append(entry)
                newest = entry.iteration
    return tuple(found)


def timestamp(moment: datetime) -> str:
    """ISO-8601 in UTC with milliseconds: the form of ``ts``."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def last_written(entries: Sequence[LogEntry]) -> float:
    """When a log was last written, in seconds since 1970, as its newest entry says; 0.0 for an empty log.

    A swarm ranks agents by this, never by when S3 says the object was modified: that is told in whole seconds by one call and
    in milliseconds by another, and who reads whom must be the same for whoever asks.
    """
    when = moment(entries[-1].ts) if entries else None
    return when.timestamp() if when else 0.0


def moment(ts: str) -> datetime | None:
    """The time a ``ts`` names; None if it is none (a foreign writer's)."""
    try:
        parsed = datetime.fromisoformat(ts)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
