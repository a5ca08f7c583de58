"""What requests and answers look like, beyond what the core already defines."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from murmur.config import FlockConfig
from murmur.control import FlockState, Pause
from murmur.entry import LogEntry
from murmur.files import FileInfo


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("unicode", "half a character (a lone surrogate) is no Unicode") from None
    return text


Text = Annotated[str, AfterValidator(_unicode)]
Agent = Annotated[int, Path(ge=0, le=999_999, description="Which agent, counted from 0.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many, at most.")]
Key = Annotated[Text, Query(min_length=1, description="The file's name, with or without its folder.")]
AfterKey = Annotated[Text, Query(description="Keys behind this one.")]
AfterIteration = Annotated[int, Query(ge=-1, description="Entries newer than this iteration; -1: from the beginning.")]
Newest = Annotated[bool, Query(description="The newest entries instead of the first after ``after``.")]


class FileQuery(BaseModel):
    """Which file, and how."""

    model_config = ConfigDict(frozen=True)

    key: Annotated[Text, Field(min_length=1, description="The file, as the listing names it.")]
    version: Annotated[
        Literal["", "previous"], Field(description="previous: what it was before it was last written.")
    ] = ""
    rendered: Annotated[Literal["", "html"], Field(description="html: Markdown as sanitised HTML.")] = ""
    download: Annotated[bool, Field(description="Whether the browser is to save it instead of showing it.")] = False
    offset: Annotated[int, Field(ge=0, le=2**40, description="First byte.")] = 0
    length: Annotated[int | None, Field(ge=0, le=2**40, description="Bytes, at most; left out: to the end.")] = None


class StartRequest(_Request):
    """What to start with; what is left out stays as it is."""

    direction: Text | None = None
    config: dict[str, Any] | None = None


class TextRequest(_Request):
    """A text to set. With ``etag``, only if the present text is still that version."""

    text: Text
    etag: Annotated[str, Field(pattern=r"^[!-~]{0,128}$")] = ""


class DirectivesRequest(_Request):
    """Whom, and what: a text to set, or ``clear``. ``dry_run`` alone, or beside either, only tells whom it would reach."""

    where: Annotated[Text, Field(min_length=1, description="A filter, such as: idle and iteration < 3.")]
    text: Text | None = None
    clear: bool = False
    dry_run: bool = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        asked = (self.text is not None) + self.clear
        if asked > 1 or (asked == 0 and not self.dry_run):
            raise PydanticCustomError("one", "give either a text or clear")
        return self


class Progress(_Answer):
    """What an action led to."""

    state: FlockState
    run: str


class Directive(_Answer):
    """One agent's extra instruction."""

    agent: int
    text: str
    etag: str


class Directed(_Answer):
    """The agents the filter named when it was asked, and whether anything was done. Later changes of theirs change nothing."""

    where: str
    agents: tuple[int, ...]
    of: int
    """How many agents the flock has."""
    dry_run: bool
    cleared: bool = False


class Done(_Answer):
    """It is so now, whether or not it was before."""

    ok: bool = True


class EntryPage(_Answer):
    """Some entries of one agent's log, ascending. ``bad_lines``: lines among those read that are no entries."""

    agent: int
    entries: tuple[LogEntry, ...]
    more: bool
    bad_lines: int


class Ticket(_Answer):
    """Opens one WebSocket: /live?ticket=…"""

    ticket: str
    expires_seconds: int


class Run(_Answer):
    """An earlier run. ``started`` is empty if its name tells no time; ``ended``, ``reason`` and ``direction`` where nobody noted them."""

    run: str
    started: str
    entries: int
    files: int
    agents: int = 0
    ended: str = ""
    reason: str = ""
    direction: str = ""


class RunList(_Answer):
    """GET /cluster/history: newest first."""

    runs: tuple[Run, ...]
    more: bool = False


class RunAgent(_Answer):
    """One agent of an earlier run, and how many entries its log has."""

    id: int
    entries: int


class RunDetail(_Answer):
    """GET /cluster/history/{run}. ``current``: the flock's own run, which may still go on; ``config`` is null where it was not noted."""

    run: str
    current: bool = False
    started: str = ""
    ended: str = ""
    reason: str = ""
    direction: str = ""
    config: FlockConfig | None = None
    pauses: tuple[Pause, ...] = ()
    agents: tuple[RunAgent, ...]
    files: tuple[FileInfo, ...]
    more: bool = False
    after: str = ""
