"""Small changes to a module, each of which some test should notice.

Written here because neither kept tool sees all that these modules are made of (tried in November 2026): mutmut 3.8 leaves out
what stands outside functions (limits, regular expressions, defaults of fields) and whatever has a decorator (``ring_neighbours``,
every property); cosmic-ray 8.7 changes neither strings nor returned values, removes no statements, and changes type annotations,
which nothing evaluates.

Left alone: docstrings, decorators, annotations (but for calls in them, which pydantic evaluates: ``Field(ge=0)``), imports.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
"""The boundary moved, and the opposite."""
ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
TWINS: Final = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
"""Functions whose neighbour is as easily written."""

Change = Callable[[Any], ast.AST | None]
"""Makes the new node of (a copy of) the old one; None removes a statement."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: ``before`` and ``after`` are the statement it lies in, ``where`` the function or class."""

    kind: str
    line: int
    where: str
    before: str
    after: str
    tree: ast.Module


def mutants_of(source: str) -> Iterator[Mutant]:
    """All mutants of a module, in the order of its lines."""
    tree = ast.parse(source)
    seen: set[tuple[int, str]] = set()
    for steps, node in _walk(tree, ()):
        for kind, change in _changes(node):
            copied = copy.deepcopy(tree)
            statement, where = _statement(copied, steps)
            before = ast.unparse(statement)
            replaced = _apply(copied, steps, change)
            after = "" if replaced and replaced is statement else ast.unparse(_statement(copied, steps)[0])
            if (statement.lineno, after) in seen or before == after:
                continue
            seen.add((statement.lineno, after))
            line = getattr(node, "lineno", statement.lineno)
            yield Mutant(kind, line, where, _first(before), _first(after), ast.fix_missing_locations(copied))


Step = tuple[str, int]
"""A field of a node, and the place in it (-1: it is no list)."""


def _walk(node: ast.AST, steps: tuple[Step, ...], *, typed: bool = False) -> Iterator[tuple[tuple[Step, ...], ast.AST]]:
    """Every node that may be changed, with the way to it. ``typed``: inside an annotation, where only calls count."""
    if not typed:
        yield steps, node
    for name, value in ast.iter_fields(node):
        if name == "decorator_list":
            continue
        inside = name in ("annotation", "returns") or typed
        if isinstance(value, ast.AST):
            yield from _walk(value, (*steps, (name, -1)), typed=inside and not isinstance(value, ast.Call))
        elif isinstance(value, list):
            for place, item in enumerate(value):
                if isinstance(item, ast.AST) and not (name == "body" and _is_docstring(item)):
                    yield from _walk(item, (*steps, (name, place)), typed=inside and not isinstance(item, ast.Call))


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Compare():
            for place, operator in enumerate(node.ops):
                for other in COMPARISONS[type(operator)]:
                    yield "comparison", _with(ops=_replaced(node.ops, place, other()))
        case ast.BoolOp():
            yield "and/or", _with(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
            for place in range(len(node.values)):
                yield "operand left out", partial(_without_operand, place)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield "sign or not left out", lambda unary: unary.operand
        case ast.BinOp() if type(node.op) in ARITHMETIC:
            yield "arithmetic", _with(op=ARITHMETIC[type(node.op)]())
        case ast.Constant():
            for value in _other_values(node.value):
                yield "constant", _with(value=value)
        case ast.Return(value=ast.expr()) if not _is_none(node.value):
            yield "nothing returned", _with(value=ast.Constant(None))
        case ast.If() | ast.IfExp() | ast.While() if not _turns_by_itself(node.test):
            yield "condition negated", _with(test=ast.UnaryOp(ast.Not(), node.test))
        case ast.comprehension():
            for place in range(len(node.ifs)):
                yield "filter left out", _with(ifs=_less(node.ifs, place))
        case ast.Call():
            yield from _of_call(node)
        case ast.Continue():
            yield "continue", lambda _: ast.Break()
        case ast.Expr() | ast.Assign() | ast.AugAssign() | ast.Raise():
            yield "statement left out", lambda _: None
            if isinstance(node, ast.AugAssign) and type(node.op) in ARITHMETIC:
                yield "arithmetic", _with(op=ARITHMETIC[type(node.op)]())


def _of_call(node: ast.Call) -> Iterator[tuple[str, Change]]:
    if isinstance(node.func, ast.Name) and node.func.id in TWINS:
        yield "other function", _with(func=ast.Name(TWINS[node.func.id], ast.Load()))
    if isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:
        yield "call left out", lambda call: call.func.value
    for place in range(len(node.keywords)):
        yield "argument left out", _with(keywords=_less(node.keywords, place))


def _other_values(value: object) -> tuple[object, ...]:
    match value:
        case bool():
            return (not value,)
        case int() | float():
            return (value + 1, value - 1)
        case str():
            return ("",) if value else ("mutant",)
        case bytes():
            return (b"",) if value else (b"mutant",)
    return ()


def _with(**fields: object) -> Change:
    """The same node with these fields instead of its own."""

    def changed(node: Any) -> ast.AST:
        for name, value in fields.items():
            setattr(node, name, value)
        return cast("ast.AST", node)

    return changed


def _without_operand(place: int, node: Any) -> ast.AST:
    values = _less(node.values, place)
    return values[0] if len(values) == 1 else ast.BoolOp(node.op, values)


def _less(items: list[Any], place: int) -> list[Any]:
    return items[:place] + items[place + 1 :]


def _replaced(items: list[Any], place: int, item: object) -> list[Any]:
    return [*items[:place], item, *items[place + 1 :]]


def _apply(tree: ast.Module, steps: tuple[Step, ...], change: Change) -> ast.AST | None:
    """Change the node at the end of the way; the statement that was removed, if one was."""
    parent: ast.AST = tree
    for name, place in steps[:-1]:
        parent = getattr(parent, name) if place < 0 else getattr(parent, name)[place]
    name, place = steps[-1]
    old = getattr(parent, name) if place < 0 else getattr(parent, name)[place]
    new = change(old)
    if place < 0:
        setattr(parent, name, new)
    else:
        getattr(parent, name)[place] = ast.Pass() if new is None else new
    return old if new is None else None


def _statement(tree: ast.Module, steps: tuple[Step, ...]) -> tuple[ast.stmt, str]:
    """The innermost statement on the way, and the names of the functions and classes around it."""
    node: ast.AST = tree
    found: ast.stmt | None = None
    names: list[str] = []
    for name, place in steps:
        node = getattr(node, name) if place < 0 else getattr(node, name)[place]
        if isinstance(node, ast.stmt):
            found = node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
    assert found is not None, "everything that is changed lies in a statement"
    return found, ".".join(names)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _turns_by_itself(test: ast.expr) -> bool:
    """Whether the opposite of a condition is among the changes of the condition itself already."""
    return isinstance(test, ast.UnaryOp) or (isinstance(test, ast.Compare) and len(test.ops) == 1)


def _is_none(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _first(statement: str) -> str:
    """A compound statement by its head alone."""
    head, _, rest = statement.partition("\n")
    return head if rest and head.endswith(":") else statement
