"""What an agent may name, and what it is told when it may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.tools.paths import NAME_LIMIT_BYTES, PATH_LIMIT_BYTES, ROOTS, Rights, normalise
from murmur.errors import PathRefused

RIGHTS = Rights(3, frozenset({2, 4}))


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("output/a.md", "output/a.md"),
        ("/output/a.md", "output/a.md"),
        ("./output/a.md", "output/a.md"),
        ("output/zwei Wörter/日本語 🐦.md", "output/zwei Wörter/日本語 🐦.md"),
        ("output/...", "output/..."),
        ("knowledge-base/x", "knowledge-base/x"),
        ("direction.md", "direction.md"),
        ("config.json", "config.json"),
        ("store/agent-3.ndjson", "store/agent-3.ndjson"),
        ("store/agent-4.ndjson", "store/agent-4.ndjson"),
        ("store/agent-3.directive.md", "store/agent-3.directive.md"),
    ],
)
def test_what_may_be_read(path, key):
    assert RIGHTS.key_to_read(path) == key


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        ".",
        "..",
        "//output/a",
        ".//output/a",
        "output",
        "output/",
        "output//a",
        "output/../control.json",
        "output/..",
        "output/./a",
        "../output/a",
        "/etc/passwd",
        "C:\\x",
        "output\\a",
        "output/a\\..\\b",
        "output/a\0b",
        "output/a\nb",
        "output/a\u2028b",
        "output/a\u202eb",
        "output/\ud800",
        "Output/a",
        "store/agent-5.ndjson",
        "store/agent-03.ndjson",
        "store/agent-4.directive.md",
        "store/agent-4.ndjson/x",
        "store/other",
        "control.json",
        "roster.json",
        "state/agent-3.json",
        "segments/agent-3.00001.ndjson",
        "history/20260101T000000Z/output/a",
        "web/index.html",
        "direction.md.bak",
        "output/" + "x" * PATH_LIMIT_BYTES,
        "output/" + "ü" * (NAME_LIMIT_BYTES // 2 + 1),
    ],
)
def test_what_may_not_be_read_or_written(path):
    with pytest.raises(PathRefused):
        RIGHTS.key_to_read(path)
    with pytest.raises(PathRefused):
        RIGHTS.key_to_write(path)


@pytest.mark.parametrize(
    "path", ["direction.md", "config.json", "store/agent-4.ndjson", "store/agent-3.directive.md", "knowledge-base/x"]
)
def test_what_may_be_read_but_not_written(path):
    with pytest.raises(PathRefused):
        RIGHTS.key_to_write(path)


def test_the_knowledge_base_may_be_written_where_configured():
    assert Rights(0, frozenset(), knowledge_writable=True).key_to_write("knowledge-base/x") == "knowledge-base/x"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("store/agent-5.ndjson", "not your neighbour"),
        ("output/../x", '".."'),
        ("output//x", "double slash"),
        ("control.json", "you may read"),
        ("output/", "names a folder"),
    ],
)
def test_a_refusal_says_which_rule_was_broken(path, words):
    with pytest.raises(PathRefused) as refused:
        RIGHTS.key_to_read(path)
    assert words in refused.value.message


@pytest.mark.parametrize(
    "prefix", ["", "/", ".", "./", "output", "output/", "/output/a", "store/", "knowledge-base/x y/"]
)
def test_what_may_be_listed(prefix):
    RIGHTS.prefix_to_list(prefix)


@pytest.mark.parametrize("prefix", ["history/", "state/", "web", "../", "output/../", "output//", "control.json"])
def test_what_may_not_be_listed(prefix):
    with pytest.raises(PathRefused):
        RIGHTS.prefix_to_list(prefix)


@given(st.text(max_size=60) | st.text("./\\a-output", max_size=30).map(lambda s: "output/" + s))
def test_whatever_passes_is_a_plain_key_under_a_root(path):
    try:
        key = RIGHTS.key_to_read(path)
    except PathRefused:
        return
    assert key.startswith(ROOTS)
    assert not {"", ".", ".."} & set(key.split("/"))
    assert normalise(key) == key
