"""The operator's tools as an assistant sees them: names, words, parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from murmur.cli.mcp import looking, steering, waiting
from murmur.cli.mcp.call import Call
from murmur.cli.mcp.waiting import Until
from murmur.errors import InvalidInput

_Agent = Annotated[int, Field(ge=0, le=999_999, description="The agent's number, from 0.")]
_OneAgent = Annotated[int | None, Field(ge=0, le=999_999, description="One agent's number; left out: all.")]


class Nothing(BaseModel):
    """No arguments."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OneAgent(Nothing):
    """All, or one."""

    agent: _OneAgent = None


class StartArguments(Nothing):
    """Arguments of start."""

    direction: Annotated[
        str | None, Field(description="The goal of the whole flock: outcome, files to make, when it is done.")
    ] = None
    config: Annotated[
        dict[str, Any] | None,
        Field(description='Fields of config.json to change, such as {"concurrency": 8, "neighbourRadius": 1}.'),
    ] = None


class ChangesArguments(Nothing):
    """Arguments of config_set."""

    changes: Annotated[dict[str, Any], Field(min_length=1, description='For example {"algorithm": "mesh"}.')]


class TextArguments(Nothing):
    """Arguments of direction_set."""

    text: Annotated[str, Field(min_length=1, description="The whole new goal; it replaces the present one.")]


class DirectiveArguments(Nothing):
    """Arguments of directive."""

    agent: Annotated[int | None, Field(ge=0, le=999_999, description="One agent's number.")] = None
    where: Annotated[
        str | None,
        Field(
            max_length=500,
            description="Instead of agent: a filter, such as: idle and iteration < 3 and index in 0..7. Tests: all, idle, failed, "
            "parked, working, missing, directed; index, iteration, turns with < <= = != >= > or in 0..3,7; state = parked; "
            "action, result, intent contains 'text'; and, or, not, brackets.",
        ),
    ] = None
    text: Annotated[str | None, Field(description="What the agents are told beside the direction.")] = None
    clear: Annotated[bool, Field(description="Take the instruction back.")] = False
    dry_run: Annotated[bool, Field(description="With where: only tell whom it would reach.")] = False


class LogsArguments(Nothing):
    """Arguments of logs."""

    agent: _Agent
    after: Annotated[int, Field(ge=-1, description="Entries behind this iteration; left out: the newest.")] = -1
    limit: Annotated[int, Field(ge=1, le=100)] = 10


class WaitArguments(Nothing):
    """Arguments of wait_for_change."""

    cursor: Annotated[str, Field(max_length=40, description="From the answer before; empty: from now on.")] = ""
    until: Annotated[
        Until,
        Field(
            description="change: anything new. state: the flock's state, or an agent in trouble, changed. "
            "settled: the flock has come to rest or stopped; returns at once if it has already."
        ),
    ] = "change"
    timeout_seconds: Annotated[
        float, Field(ge=0, le=300, description="Many assistants give a tool a minute: stay below, and call again.")
    ] = 45


class ListArguments(Nothing):
    """Arguments of files_list."""

    after: Annotated[str, Field(max_length=1100, description="Go on behind this file.")] = ""


class ReadArguments(Nothing):
    """Arguments of file_read."""

    path: Annotated[str, Field(min_length=1, max_length=1100, description="As files_list names it.")]
    offset: Annotated[int, Field(ge=0, le=2**40, description="First byte.")] = 0
    limit: Annotated[int, Field(ge=1, le=20_000, description="Bytes, at most.")] = 20_000


class KnowledgeArguments(Nothing):
    """Arguments of knowledge_upload."""

    path: Annotated[
        str | None, Field(description="A file or folder inside the folder this server was started for.")
    ] = None
    name: Annotated[str | None, Field(max_length=900, description="With text: what the document is called.")] = None
    text: Annotated[str | None, Field(description="With name: the document itself.")] = None


class RunArguments(Nothing):
    """Arguments of history and analyse."""

    run: Annotated[str, Field(max_length=64, description="A run as history names it; empty: see the tool.")] = ""


A = TypeVar("A", bound=Nothing)


@dataclass(frozen=True, slots=True)
class Spec(Generic[A]):
    """One tool: its words, its parameters, what it does, and whether it only looks or takes something away."""

    name: str
    description: str
    arguments: type[A]
    act: Callable[[Call, A], str]
    looks: bool = True
    ends: bool = False
    """Whether it may end or replace something."""

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the parameters."""
        schema = self.arguments.model_json_schema()
        for part in (schema, *schema.get("properties", {}).values()):
            part.pop("title", None)
        schema.pop("description", None)
        schema.setdefault("properties", {})
        return schema

    def check(self, given: Mapping[str, Any]) -> A:
        """The arguments, checked. Raises InvalidInput naming the wrong one."""
        try:
            return self.arguments.model_validate(dict(given))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])[:60] or "the arguments"
            names = ", ".join(self.arguments.model_fields) or "no arguments"
            raise InvalidInput(f"{where!a}: {first['msg']}.", f"{self.name} takes {names}.") from None


def _specs() -> tuple[Spec[Any], ...]:
    return (
        Spec("status", "State of the flock and its agents: who works, who rests, who is in trouble and why; or all about one agent.",
             OneAgent, lambda call, a: looking.status(call, a.agent)),
        Spec("start", "Start a run: agents begin to work on the direction. What the last run made is archived first. Fails while a run goes on.",
             StartArguments, lambda call, a: steering.start(call, a.direction, a.config), looks=False, ends=True),
        Spec("stop", "End the run. Results and logs stay.",
             Nothing, lambda call, _: steering.control(call, "stop"), looks=False, ends=True),
        Spec("pause", "No agent begins another turn until resume; turns going on end.",
             Nothing, lambda call, _: steering.control(call, "pause"), looks=False),
        Spec("resume", "Go on after a pause.",
             Nothing, lambda call, _: steering.control(call, "resume"), looks=False),
        Spec("config_get", "The configuration as JSON.", Nothing, lambda call, _: looking.config_get(call)),
        Spec("config_set", "Change fields of the configuration. During a run concurrency, runner and machines are fixed; "
             "algorithm, neighbourRadius, swarmK and limits take effect at once.",
             ChangesArguments, lambda call, a: steering.config_set(call, a.changes), looks=False, ends=True),
        Spec("direction_get", "The goal of the whole flock.", Nothing, lambda call, _: looking.direction_get(call)),
        Spec("direction_set", "Replace the goal of the whole flock; every agent wakes for it.",
             TextArguments, lambda call, a: steering.direction_set(call, a.text), looks=False, ends=True),
        Spec("directive", "An extra instruction beside the direction, for one agent (agent) or all a filter names (where); clear takes it "
             "back and leaves them to organise themselves. Try a filter with dry_run first.",
             DirectiveArguments,
             lambda call, a: steering.directive(call, a.agent, a.where, a.text, clear=a.clear, dry_run=a.dry_run),
             looks=False, ends=True),
        Spec("logs", "What one agent did, an entry a line: iteration, state, why it acted, what it did, what came of it, files.",
             LogsArguments, lambda call, a: looking.logs(call, a.agent, a.after, a.limit)),
        Spec("wait_for_change", "Wait until the flock changes, then tell what is new. It is told the moment it happens: use this "
             "instead of asking status again and again, and hand back the cursor so that nothing is missed in between.",
             WaitArguments, lambda call, a: waiting.wait_for_change(call, a.cursor, a.until, a.timeout_seconds)),
        Spec("files_list", "What the flock produced in output/.", ListArguments, lambda call, a: looking.files_list(call, a.after)),
        Spec("file_read", "Read a text file the flock produced, or a part of it.",
             ReadArguments, lambda call, a: looking.file_read(call, a.path, a.offset, a.limit)),
        Spec("knowledge_upload", "Give the flock reference material: a file or folder of this machine (path), or a text (name and text). "
             "Upload before start. A document of the same name is replaced, nothing else is removed.",
             KnowledgeArguments, lambda call, a: steering.knowledge_upload(call, a.path, a.name, a.text), looks=False, ends=True),
        Spec("queues", "What waits in the agents' inboxes; for one agent also what became of its last messages.",
             OneAgent, lambda call, a: looking.queues(call, a.agent)),
        Spec("history", "Earlier runs, newest first; with run: its files and how it ended.",
             RunArguments, lambda call, a: looking.history(call, a.run)),
        Spec("analyse", "What a run was like: convergence, who influenced whom, duplicate work, idle share, time and tokens. Without run: the present one.",
             RunArguments, lambda call, a: looking.analyse(call, a.run)),
    )  # fmt: skip


SPECS: Final[Mapping[str, Spec[Any]]] = {spec.name: spec for spec in _specs()}
