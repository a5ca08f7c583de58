"""The filter language: what it finds, what it refuses and where, and that no text makes it do anything else."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murmur.evidence import AgentStatusName
from murmur.where import BadFilter, Subject, parse

FLOCK = (
    Subject(0, "idle", 0, 1, idle=True, action="Rested", intent="wait"),
    Subject(1, "turn", 5, 6, action="Wrote the TABLE of contents", result="done"),
    Subject(2, "parked", 9, 10, action="wrote", directed=True),
    Subject(3, "starting"),
    Subject(4, "waiting", 2, 4, failed=True),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("all", (0, 1, 2, 3, 4)),
        ("idle", (0,)),
        ("IDLE AND Index < 3", (0,)),
        ("working", (1, 2)),
        ("failed or parked", (2, 4)),
        ("not all", ()),
        ("directed", (2,)),
        ("iteration < 3", (0, 3, 4)),
        ("iteration in 0..2,9", (0, 2, 4)),
        ("index in 0..1, 4", (0, 1, 4)),
        ("turns >= 6 and turns != 10", (1,)),
        ("state = parked", (2,)),
        ('state != "parked" and index > 1', (3, 4)),
        ('action contains "table"', (1,)),
        ("action contains 'WROTE' and not result contains 'done'", (2,)),
        ("intent contains ''", (0, 1, 2, 3, 4)),
        ("idle or failed and index = 0", (0,)),
        ("(idle or failed) and index == 4", (4,)),
        ("not idle and not failed and iteration > 0", (1, 2)),
        ("not (idle or failed)", (1, 2, 3)),
    ],
)
def test_an_expression_names_the_agents_it_is_true_of(text: str, found: tuple[int, ...]) -> None:
    test = parse(text)
    assert tuple(subject.index for subject in FLOCK if test(subject)) == found


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("", 1, "expected one of"),
        ("idle idle", 6, "expected 'and'"),
        ("idle and", 9, "expected one of"),
        ("(idle", 6, "expected ')'"),
        ("idle)", 5, "expected 'and'"),
        ("index", 6, "comparison"),
        ("index < x", 9, "whole number"),
        ("index < -1", 9, "not understood"),
        ("index in 5..2", 10, "empty"),
        ("iteration < 99999999999", 13, "not understood"),
        ("state = lazy", 9, "expected one of starting"),
        ("action contains wrote", 17, "quotes"),
        ('action contains "wrote', 17, "not understood"),
        ("__import__('os')", 1, "not understood"),
        ("index.__class__", 6, "not understood"),
        ("colour = red", 1, "expected one of"),
        ("(" * 40 + "idle" + ")" * 40, 33, "nested"),
        ("idle or " * 100 + "idle", 501, "at most 500"),
    ],
)
def test_a_mistake_is_shown_at_its_column(text: str, column: int, says: str) -> None:
    with pytest.raises(BadFilter) as caught:
        parse(text)
    assert caught.value.column == column
    assert says in caught.value.message
    assert caught.value.message.isprintable()


Tree = tuple[str, Callable[[Subject], bool]]


def _compare(name: str, sign: str, number: int) -> Tree:
    tests = {
        "<": lambda s: getattr(s, name) < number,
        "<=": lambda s: getattr(s, name) <= number,
        "=": lambda s: getattr(s, name) == number,
        "!=": lambda s: getattr(s, name) != number,
        ">": lambda s: getattr(s, name) > number,
        ">=": lambda s: getattr(s, name) >= number,
    }
    return f"{name} {sign} {number}", tests[sign]


def _contains(name: str, wanted: str) -> Tree:
    return f'{name} contains "{wanted}"', lambda s: wanted.casefold() in getattr(s, name).casefold()


def _state(name: str) -> Tree:
    return f"state = {name}", lambda s: s.state == name


def _range(name: str, low: int, more: int) -> Tree:
    return f"{name} in {low}..{low + more}", lambda s: low <= getattr(s, name) <= low + more


LEAVES = st.one_of(
    st.builds(
        _compare,
        st.sampled_from(("index", "iteration", "turns")),
        st.sampled_from(("<", "<=", "=", "!=", ">", ">=")),
        st.integers(0, 12),
    ),
    st.builds(_range, st.sampled_from(("index", "iteration", "turns")), st.integers(0, 9), st.integers(0, 5)),
    st.builds(_contains, st.sampled_from(("action", "result")), st.text(string.ascii_letters + " <(=", max_size=3)),
    st.builds(_state, st.sampled_from(get_args(AgentStatusName))),
)


def _both(one: Tree, other: Tree) -> Tree:
    return f"({one[0]}) and ({other[0]})", lambda s: one[1](s) and other[1](s)


def _either(one: Tree, other: Tree) -> Tree:
    return f"({one[0]} or {other[0]})", lambda s: one[1](s) or other[1](s)


def _none(one: Tree) -> Tree:
    return f"not ({one[0]})", lambda s: not one[1](s)


TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.builds(_both, inner, inner), st.builds(_either, inner, inner), st.builds(_none, inner)),
    max_leaves=5,
)
SUBJECTS = st.builds(
    Subject,
    index=st.integers(0, 14),
    state=st.sampled_from(get_args(AgentStatusName)),
    iteration=st.integers(-1, 14),
    turns=st.integers(0, 14),
    action=st.text(string.ascii_letters + " (", max_size=6),
    result=st.text(max_size=6),
)


@given(TREES, SUBJECTS)
def test_an_expression_means_what_its_tree_means(tree: Tree, subject: Subject) -> None:
    text, meaning = tree
    if len(text) <= 500:
        assert parse(text)(subject) == meaning(subject)


WORDS = (
    "and",
    "or",
    "not",
    "(",
    ")",
    "idle",
    "index",
    "in",
    "<",
    "..",
    "3",
    ",",
    "action",
    "contains",
    '"x"',
    "'",
    "é",
    "\n",
)


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)))
def test_any_text_is_a_filter_or_a_mistake_at_a_column_of_it(text: str) -> None:
    column = 1
    try:
        assert isinstance(parse(text)(FLOCK[0]), bool)
    except BadFilter as error:
        column = error.column
    assert 1 <= column <= len(text) + 1
