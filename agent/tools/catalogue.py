"""The four tools as a model sees them: names, words, parameters. The same for every agent and every turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.tools.desk import READ_LIMIT_BYTES, WRITE_LIMIT_BYTES, Desk
from agent.tools.listing import LIST_LIMIT
from murmur.errors import InvalidInput

SERVER_NAME: Final = "murmur"
INSTRUCTIONS: Final = (
    "Murmur: the shared bucket of a flock of agents. Read your neighbours' logs and the flock's files, write to output/, "
    "and end every turn with exactly one broadcast."
)


class _Arguments(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", title="")


class ReadArguments(_Arguments):
    """Arguments of fs_read."""

    path: Annotated[str, Field(description="For example output/index.md, store/agent-2.ndjson, direction.md.")]
    offset: Annotated[int, Field(description="Byte to start from; a negative one counts from the end.")] = 0
    limit: Annotated[int, Field(description=f"Most bytes to return, up to {READ_LIMIT_BYTES}.")] = 65_536


class WriteArguments(_Arguments):
    """Arguments of fs_write."""

    path: Annotated[str, Field(description="Under output/, for example output/digests/licence.md.")]
    content: Annotated[str, Field(description=f"UTF-8 text, at most {WRITE_LIMIT_BYTES} bytes a call.")]
    mode: Annotated[
        Literal["write", "create", "append"],
        Field(
            description="write: a new file, or overwrite one you have read in this turn if nobody changed it since. "
            "create: only if it does not exist; use it to claim work. append: add to the end."
        ),
    ] = "write"


class ListArguments(_Arguments):
    """Arguments of fs_list."""

    prefix: Annotated[str, Field(description="For example output/ or knowledge-base/; empty: everything.")] = ""
    after: Annotated[str, Field(description="Path to go on behind, from the previous page.")] = ""
    limit: Annotated[int, Field(description=f"Most files to return, up to {LIST_LIMIT}.")] = 200


class BroadcastArguments(_Arguments):
    """Arguments of broadcast."""

    action: Annotated[str, Field(description="What you did in this turn; one line, at most 200 characters.")]
    result: Annotated[str, Field(description="What came of it; one line, at most 200 characters.")]
    next_intent: Annotated[str, Field(description="What you mean to do next; one line, at most 200 characters.")]
    state: Annotated[
        Literal["working", "idle"],
        Field(description="idle: you have nothing left to do until something changes. It lets the flock settle."),
    ] = "working"


A = TypeVar("A", bound=_Arguments)


@dataclass(frozen=True, slots=True)
class Spec(Generic[A]):
    """One tool: its words, its parameters, and what it does on a desk."""

    name: str
    description: str
    arguments: type[A]
    act: Callable[[Desk, A], Awaitable[str]]

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the parameters."""
        schema = self.arguments.model_json_schema()
        for part in (schema, *schema["properties"].values()):
            part.pop("title", None)
        schema.pop("description", None)
        return schema

    async def call(self, desk: Desk, given: Mapping[str, Any]) -> str:
        """Check the arguments and act. Raises InvalidInput naming the argument, and what the desk raises."""
        try:
            arguments = self.arguments.model_validate(dict(given))
        except ValidationError as error:
            first = error.errors()[0]
            where = str(first["loc"][0]) if first["loc"] else "the arguments"
            names = ", ".join(self.arguments.model_fields)
            raise InvalidInput(f"{where}: {first['msg']}.", f"{self.name} takes {names}.") from None
        return await self.act(desk, arguments)


def _read(desk: Desk, a: ReadArguments) -> Awaitable[str]:
    return desk.fs_read(a.path, a.offset, a.limit)


def _write(desk: Desk, a: WriteArguments) -> Awaitable[str]:
    return desk.fs_write(a.path, a.content, a.mode)


def _list(desk: Desk, a: ListArguments) -> Awaitable[str]:
    return desk.fs_list(a.prefix, a.after, a.limit)


def _broadcast(desk: Desk, a: BroadcastArguments) -> Awaitable[str]:
    return desk.broadcast(a.action, a.result, a.next_intent, a.state)


SPECS: Final[Mapping[str, Spec[Any]]] = {
    spec.name: spec
    for spec in (
        Spec(
            "fs_read",
            "Read a text file of the flock: direction.md, config.json, knowledge-base/, output/, your own log and your "
            "neighbours' logs (store/agent-N.ndjson, one JSON object a line), your own store/agent-N.directive.md. A long "
            "file comes in pages: the last line then says '[murmur] bytes A-B of SIZE; next offset B'; read on from there.",
            ReadArguments,
            _read,
        ),
        Spec(
            "fs_write",
            "Write a text file under output/. Nothing of others is ever overwritten unseen: a file that exists must be read "
            "in this turn first, and if somebody changed it since, the write is refused and says who did. Appending is safe "
            "while others append; if the file does not end in a line break one is put before your text, so every append "
            "begins on a line of its own. To log this turn use broadcast, not fs_write.",
            WriteArguments,
            _write,
        ),
        Spec(
            "fs_list",
            'List files you may read, ascending by path, as JSON {"files": [{"path", "size", "modified"}], "more", "after"}. '
            "If more is true, call again with that after.",
            ListArguments,
            _list,
        ),
        Spec(
            "broadcast",
            "Tell your neighbours what you did: exactly once, at the end of the turn. It becomes your one line in your log "
            "and wakes your neighbours when your turn has ended. A second call is refused.",
            BroadcastArguments,
            _broadcast,
        ),
    )
}
