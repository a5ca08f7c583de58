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


READABLE = "you may read output/, knowledge-base/, direction.md, config.json, your own log and your neighbours' logs"
OWN, LEFT, RIGHT = "store/agent-3.ndjson", "store/agent-2.ndjson", "store/agent-4.ndjson"
FORM = [
    ("", "the path is empty; name a file such as output/notes.md"),
    ("output/a\nb", "control characters, line breaks and text-direction marks are not allowed in a path"),
    ("output/" + "x" * PATH_LIMIT_BYTES, "a path may be at most 900 bytes long"),
    ("output/" + "ü" * 450, "a path may be at most 900 bytes long"),
    ("output\\a", "a path is written with forward slashes"),
    ("output/", "it names a folder; name a file in it"),
    ("output//x", "a path has no empty segments (no double slash)"),
    ("output/../x", 'a path has no "." or ".." segments'),
    ("output/" + "x" * 241, "each part of a path may be at most 240 bytes long"),
]
"""What is wrong with a path whoever names it for whatever, and how that is told."""


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        *FORM,
        ("control.json", READABLE),
        ("store/agent-4.directive.md", "it is another agent's directive; you may read only your own"),
        (
            "store/agent-5.ndjson",
            f"it is the log of an agent that is not your neighbour; you may read {OWN}, {LEFT}, {RIGHT}",
        ),
    ],
)
def test_a_refusal_to_read_says_which_rule_was_broken(path, rule):
    with pytest.raises(PathRefused) as refused:
        RIGHTS.key_to_read(path)
    assert refused.value.message.endswith(f" is refused: {rule}.")


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        *FORM,
        ("knowledge-base/x", "knowledge-base/ is read-only in this flock; write to output/"),
        ("store/agent-4.ndjson", "it is another agent's log; only that agent writes it"),
        ("store/agent-3.directive.md", "only the operator writes it; you may write to output/"),
        ("direction.md", "only the operator writes it; you may write to output/"),
        ("config.json", "only the operator writes it; you may write to output/"),
        ("control.json", "only the operator writes it; you may write to output/"),
        ("roster.json", "only the operator writes it; you may write to output/"),
        ("state/agent-3.json", "you may write to output/ only"),
    ],
)
def test_a_refusal_to_write_says_which_rule_was_broken(path, rule):
    with pytest.raises(PathRefused) as refused:
        RIGHTS.key_to_write(path)
    assert refused.value.message.endswith(f" is refused: {rule}.")


def test_where_the_knowledge_base_is_open_a_refusal_names_it_too():
    with pytest.raises(PathRefused, match=r"you may write to output/ and knowledge-base/ only\."):
        Rights(0, frozenset(), knowledge_writable=True).key_to_write("web/index.html")


def test_a_refusal_names_eight_neighbours_at_most_and_counts_the_rest():
    for count, end in [(8, "store/agent-8.ndjson."), (9, "store/agent-8.ndjson and 1 more."), (10, " and 2 more.")]:
        with pytest.raises(PathRefused) as refused:
            Rights(0, frozenset(range(count, 0, -1))).key_to_read("store/agent-99.ndjson")
        assert refused.value.message.endswith(end)
        assert "read store/agent-0.ndjson, store/agent-1.ndjson, store/agent-2.ndjson, " in refused.value.message


def test_neighbours_are_named_in_ascending_order():
    with pytest.raises(PathRefused, match=r"agent-0\.ndjson, store/agent-1\.ndjson, store/agent-8\.ndjson\."):
        Rights(0, frozenset({8, 1})).key_to_read("store/agent-99.ndjson")


def test_a_refusal_repeats_the_path_as_it_was_given_bounded_and_readable():
    with pytest.raises(PathRefused) as refused:
        RIGHTS.key_to_read("/output/a\ud800" + "é" * 300)
    assert refused.value.path == "/output/a?" + "é" * 190
    with pytest.raises(PathRefused) as refused:
        RIGHTS.prefix_to_list("./history/")
    assert refused.value.path == "./history/"


def test_the_limits_are_those_of_s3_and_of_file_systems_less_what_a_runs_archive_needs():
    longest = "output/" + "/".join(["x" * 240, "y" * 240, "z" * 240, "w" * 170])
    assert (PATH_LIMIT_BYTES, NAME_LIMIT_BYTES, len(longest)) == (900, 240, 900)
    assert RIGHTS.key_to_write(longest) == longest
    assert RIGHTS.key_to_write("output/" + "ü" * 120) == "output/" + "ü" * 120
    with pytest.raises(PathRefused, match="900 bytes"):
        RIGHTS.key_to_write(longest + "w")


def test_a_control_character_is_named_before_the_length_even_at_the_very_limit():
    with pytest.raises(PathRefused, match="control characters"):
        RIGHTS.key_to_write("o" * PATH_LIMIT_BYTES + "\n")
    with pytest.raises(PathRefused, match="900 bytes"):
        RIGHTS.key_to_write("o" * (PATH_LIMIT_BYTES + 1) + "\n")


def test_half_a_character_far_behind_the_limit_is_a_path_too_long_and_no_fault():
    with pytest.raises(PathRefused, match="900 bytes"):
        RIGHTS.key_to_write("output/" + "x" * PATH_LIMIT_BYTES + "\ud800")


@pytest.mark.parametrize(
    "mark",
    [
        *"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff",
        *"\0\x7f\x85\u2028\u2029\ud800",
    ],
    ids=ascii,
)
def test_every_mark_that_turns_breaks_or_spoils_text_is_refused(mark):
    with pytest.raises(PathRefused, match="control characters"):
        RIGHTS.key_to_read(f"output/a{mark}b")


def test_one_leading_sign_of_the_top_is_dropped_and_no_more():
    assert normalise("./a") == normalise("/a") == "a"
    for path in ("././a", "//a", "/./a", ".//a"):
        with pytest.raises(PathRefused):
            normalise(path)


def test_a_folder_may_be_named_where_folders_are_asked_for():
    assert normalise("output/", folder=True) == "output/"
    assert normalise("/output/x", folder=True) == "output/x"
    with pytest.raises(PathRefused, match="folder"):
        normalise("output//", folder=True)
    with pytest.raises(PathRefused, match="folder"):
        normalise("output/")


def test_without_being_told_otherwise_the_knowledge_base_is_read_only():
    assert not Rights(0, frozenset()).knowledge_writable


def test_the_folders_themselves_are_no_files():
    for folder in ("output/", "knowledge-base/"):
        assert not RIGHTS.may_read(folder)
        assert RIGHTS.may_read(folder + "a")


def test_an_agent_reads_its_own_log_even_without_neighbours_and_writes_it_alone():
    alone = Rights(3, frozenset())
    assert alone.key_to_read("store/agent-3.ndjson") == alone.key_to_write("store/agent-3.ndjson")
    with pytest.raises(PathRefused):
        alone.key_to_read("store/agent-4.ndjson")


@pytest.mark.parametrize(
    "prefix", ["", "/", ".", "./", "output", "output/", "/output/a", "store/", "knowledge-base/x y/"]
)
def test_what_may_be_listed(prefix):
    RIGHTS.prefix_to_list(prefix)


@pytest.mark.parametrize(
    ("prefix", "key"),
    [
        ("", ""),
        (".", ""),
        ("./", ""),
        ("/", ""),
        ("/output/a", "output/a"),
        ("out", "out"),
        ("config.json", "config.json"),
    ],
)
def test_a_listing_begins_where_its_prefix_says(prefix, key):
    assert RIGHTS.prefix_to_list(prefix) == key


def test_a_refusal_to_list_names_what_may_be_listed_and_the_places_are_in_key_order():
    rule = (
        "you may list config.json, direction.md, knowledge-base/, output/, store/, or everything with an empty prefix"
    )
    with pytest.raises(PathRefused) as refused:
        RIGHTS.prefix_to_list("history/")
    assert refused.value.message == f"'history/' is refused: {rule}."
    assert list(ROOTS) == sorted(ROOTS)


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
