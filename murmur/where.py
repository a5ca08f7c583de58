"""Naming agents by what they are and do: ``idle and iteration < 3 and index in 0..7``. A small language with its own parser.

    expression = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation = "not" negation | "(" expression ")" | test
    test = flag                                    all idle failed parked working missing directed
         | number ( "<" "<=" "=" "!=" ">=" ">" ) INTEGER    index iteration turns
         | number "in" range { "," range }         range = INTEGER [ ".." INTEGER ], both ends included
         | "state" ( "=" | "!=" ) WORD             a status as the dashboard names it
         | words "contains" TEXT                   action result intent; TEXT in quotes, upper and lower case alike

Nothing is ever evaluated but these tests: an expression becomes a tree of closures over one ``Subject``. Errors name the column.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn, get_args

from murmur.errors import InvalidInput
from murmur.evidence import AgentStatusName
from murmur.status import AgentStatus

TEXT_LIMIT: Final = 500
"""Characters of an expression, at most."""
_DEPTH: Final = 32
_FLAGS: Final = ("all", "idle", "failed", "parked", "working", "missing", "directed")
_NUMBERS: Final = ("index", "iteration", "turns")
_WORDS: Final = ("action", "result", "intent")
_COMPARE: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "<": operator.lt, "<=": operator.le, "=": operator.eq, "==": operator.eq,
    "!=": operator.ne, ">=": operator.ge, ">": operator.gt,
}  # fmt: skip
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>\"[^\"]*\"|'[^']*')|(?P<number>\d{1,9}(?!\d))|(?P<sign>\.\.|<=|>=|!=|==|[<>=(),])|(?P<word>[A-Za-z][A-Za-z_-]*))"
)

Test = Callable[["Subject"], bool]


class BadFilter(InvalidInput):
    """An expression that names no agents. Remedy: correct it at the column given; docs/reference/filters.md has the grammar."""

    code = "bad_filter"

    def __init__(self, message: str, column: int, text: str) -> None:
        rest = text[column - 1 : column + 19]
        found = f"at {rest!a}" if rest.strip() else "where the expression ends"
        super().__init__(
            f"Column {column}: {message} ({found}).", "Write, for example: idle and iteration < 3 and index in 0..7."
        )
        self.column = column


@dataclass(frozen=True, slots=True)
class Subject:
    """What may be asked of one agent. ``iteration`` is -1 before its first entry."""

    index: int
    state: AgentStatusName
    iteration: int = -1
    turns: int = 0
    idle: bool = False
    failed: bool = False
    directed: bool = False
    action: str = ""
    result: str = ""
    intent: str = ""

    @classmethod
    def of(cls, agent: AgentStatus) -> Subject:
        """The subject a status tells of. ``idle`` is what its newest entry says, whatever the agent does just now."""
        last = agent.last
        about = (agent.id, agent.status)
        if last is None:
            return cls(*about, turns=agent.counters.turns, directed=agent.directive)
        return cls(
            *about,
            iteration=last.iteration,
            turns=agent.counters.turns,
            idle=last.is_idle,
            failed=last.failed,
            directed=agent.directive,
            action=last.action,
            result=last.result,
            intent=last.next_intent,
        )

    def flag(self, name: str) -> bool:
        """A flag of the language."""
        match name:
            case "all":
                return True
            case "parked" | "missing":
                return self.state == name
            case "working":
                return self.iteration >= 0 and not self.idle and not self.failed
        return bool(getattr(self, name))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


def parse(text: str) -> Test:
    """The test an expression stands for. Raises BadFilter."""
    if len(text) > TEXT_LIMIT:
        raise BadFilter(f"an expression has at most {TEXT_LIMIT} characters", TEXT_LIMIT + 1, text)
    return _Parser(text).parse()


class _Parser:
    """Recursive descent, one method a rule of the grammar."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split())
        self._at = 0
        self._depth = 0

    def parse(self) -> Test:
        test = self._or()
        if self._token.kind != "end":
            self._fail("expected 'and', 'or' or the end")
        return test

    def _split(self) -> list[_Token]:
        found: list[_Token] = []
        place = 0
        while self._text[place:].strip():
            match = _TOKEN.match(self._text, place)
            if match is None:
                start = place + len(self._text[place:]) - len(self._text[place:].lstrip())
                raise BadFilter(f"{self._text[start]!a} is not understood here", start + 1, self._text)
            kind = match.lastgroup or ""
            word = match[kind]
            found.append(_Token(kind, word.lower() if kind == "word" else word, match.start(kind) + 1))
            place = match.end()
        found.append(_Token("end", "", len(self._text) + 1))
        return found

    @property
    def _token(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._token
        self._at += 1
        return token

    def _is(self, text: str) -> bool:
        """Whether the next token is this one, which is then taken."""
        if self._token.kind not in ("word", "sign") or self._token.text != text:
            return False
        self._at += 1
        return True

    def _fail(self, message: str) -> NoReturn:
        raise BadFilter(message, self._token.column, self._text)

    def _or(self) -> Test:
        tests = [self._and()]
        while self._is("or"):
            tests.append(self._and())
        return tests[0] if len(tests) == 1 else lambda subject: any(test(subject) for test in tests)

    def _and(self) -> Test:
        tests = [self._not()]
        while self._is("and"):
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else lambda subject: all(test(subject) for test in tests)

    def _not(self) -> Test:
        self._depth += 1
        if self._depth > _DEPTH:
            self._fail(f"at most {_DEPTH} brackets and 'not's may be nested")
        try:
            if self._is("not"):
                inner = self._not()
                return lambda subject: not inner(subject)
            if self._is("("):
                inner = self._or()
                if not self._is(")"):
                    self._fail("expected ')'")
                return inner
            return self._test()
        finally:
            self._depth -= 1

    def _test(self) -> Test:
        name = self._token.text if self._token.kind == "word" else ""
        if name not in (*_FLAGS, *_NUMBERS, *_WORDS, "state"):
            self._fail(f"expected one of {', '.join((*_FLAGS, *_NUMBERS, 'state', *_WORDS))}, 'not' or '('")
        self._take()
        if name in _FLAGS:
            return lambda subject: subject.flag(name)
        return self._number(name) if name in _NUMBERS else self._state() if name == "state" else self._contains(name)

    def _number(self, name: str) -> Test:
        if self._is("in"):
            ranges = [self._range()]
            while self._is(","):
                ranges.append(self._range())
            return lambda subject: any(low <= getattr(subject, name) <= high for low, high in ranges)
        compare = _COMPARE.get(self._token.text) if self._token.kind == "sign" else None
        if compare is None:
            self._fail(f"expected 'in' or a comparison such as '<' after {name!r}")
        self._take()
        number = self._integer()
        return lambda subject: compare(getattr(subject, name), number)

    def _range(self) -> tuple[int, int]:
        column, low = self._token.column, self._integer()
        high = self._integer() if self._is("..") else low
        if high < low:
            raise BadFilter(f"the range {low}..{high} is empty", column, self._text)
        return low, high

    def _integer(self) -> int:
        if self._token.kind != "number":
            self._fail("expected a whole number")
        return int(self._take().text)

    def _state(self) -> Test:
        equal = self._is("=") or self._is("==")
        if not equal and not self._is("!="):
            self._fail("expected '=' or '!=' after 'state'")
        known = get_args(AgentStatusName)
        word = self._token.text.strip("'\"").lower()
        if word not in known:
            self._fail(f"expected one of {', '.join(known)}")
        self._take()
        return lambda subject: (subject.state == word) is equal

    def _contains(self, name: str) -> Test:
        if not self._is("contains"):
            self._fail(f"expected 'contains' after {name!r}")
        if self._token.kind != "text":
            self._fail("expected a text in quotes")
        wanted = self._take().text[1:-1].casefold()
        return lambda subject: wanted in getattr(subject, name).casefold()
