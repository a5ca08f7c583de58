"""The digest of a text: outline, sentences, TF-IDF, and that a document never becomes anything but quoted data."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.brains.scripted.text.digest import Digest, code_span, make_digest, neutral, render, unreadable
from agent.brains.scripted.text.outline import MOST_HEADINGS, outline
from agent.brains.scripted.text.sentences import SENTENCE_LIMIT, sentences
from agent.brains.scripted.text.tfidf import rank
from agent.brains.scripted.text.words import terms

PROSE = """# The lighthouse

The keeper of the lighthouse lit the lamp every evening. He never missed a single night in forty years!

## The storm

In the winter of 1911 a storm broke the lamp of the lighthouse. The keeper, i.e. the old one, held a lantern until morning.
See [the log](logs/1911.md) for details about the lantern and the storm. It is signed by Dr. Brown of the harbour office.
"""


def heads(text: str, *, code: bool = False) -> list[tuple[int, str]]:
    return [(h.level, h.text) for h in outline(text.splitlines(), code=code)]


def test_outline_takes_markdown_headings_and_leaves_code_blocks_and_front_matter_out() -> None:
    text = "---\ntitle: x\n---\n# One #\ntext\n```sh\n# no heading\n```\n### Three\n#hashtag\n"
    assert heads(text) == [(1, "One"), (3, "Three")]


def test_outline_takes_underlined_headings_but_no_tables_and_no_rules() -> None:
    text = "Title\r\n=====\r\n\r\nPart\r\n----\r\ntext\r\n\r\na | b\r\n----|---\r\n1 | 2\r\n\r\n------\r\n\r\nfoot\r\n"
    assert heads(text) == [(1, "Title"), (2, "Part")]


def test_outline_takes_numbered_and_capital_headings_of_plain_text_only_where_they_stand_alone() -> None:
    text = (
        "TERMS AND CONDITIONS\n\n  0. Definitions.\n\n1. This is an item\nof a list.\n\n2.1 Grants\n\n3 apples\nfell\n"
    )
    assert heads(text) == [(1, "TERMS AND CONDITIONS"), (1, "0. Definitions."), (2, "2.1 Grants")]


def test_outline_of_source_code_is_its_definitions() -> None:
    code = "# a comment, no heading\nclass Lamp:\n    def light(self) -> None:\n        pass\n"
    assert heads(code, code=True) == [(1, "class Lamp"), (2, "def light(self) -> None")]


def test_a_file_of_nothing_but_headings_is_bounded() -> None:
    assert len(outline(["# h"] * (MOST_HEADINGS + 100))) == MOST_HEADINGS


def test_sentences_end_where_they_end_and_not_at_abbreviations() -> None:
    found = sentences(PROSE.splitlines(), {0, 4})
    assert found == [
        "The keeper of the lighthouse lit the lamp every evening.",
        "He never missed a single night in forty years!",
        "In the winter of 1911 a storm broke the lamp of the lighthouse.",
        "The keeper, i.e. the old one, held a lantern until morning.",
        "See the log for details about the lantern and the storm.",
        "It is signed by Dr. Brown of the harbour office.",
    ]


def test_sentences_leave_out_code_tables_and_numbers_and_repeat_nothing() -> None:
    text = "```\nThis sentence stands in a code block here.\n```\n| This one | stands in a table row here. |\n"
    text += "12 34 56 78 90 12 34 56.\n\nThis one is said twice in here.\n\nThis one is said twice in here.\n"
    assert sentences(text.splitlines()) == ["This one is said twice in here."]


def test_a_script_without_spaces_has_sentences_and_terms() -> None:
    assert sentences(["灯台守は毎晩ランプを灯した。嵐の夜も休まなかった。"]) == [
        "灯台守は毎晩ランプを灯した。",
        "嵐の夜も休まなかった。",
    ]
    assert terms("灯台守") == ["灯台", "台守"]


def test_terms_fold_case_and_leave_out_common_words_and_addresses() -> None:
    assert terms("The LAMP and the Straße of https://example.org/lamp 42") == ["lamp", "strasse"]


def test_rank_prefers_sentences_about_the_topic_and_no_two_alike() -> None:
    topic = "The lighthouse keeper repaired the broken lighthouse lamp."
    found = rank(
        [
            "Some other matter was mentioned briefly yesterday.",
            topic,
            topic.replace("The", "A"),
            "Lamp oil for the lighthouse keeper came by boat.",
            "The weather stayed fine throughout.",
            "Every lighthouse keeper trims the lamp.",
        ],
        best=2,
        most=2,
    )
    assert topic in found.sentences
    assert topic.replace("The", "A") not in found.sentences
    assert found.terms == [("lighthouse", 6), ("keeper", 4)]


def test_digest_names_title_outline_sentences_and_terms() -> None:
    digest = make_digest("knowledge-base/lighthouse.md", PROSE)
    assert digest.title == "The lighthouse"
    assert [h.text for h in digest.headings] == ["The lighthouse", "The storm"]
    assert len(digest.key_sentences) == 5
    assert dict(digest.terms)["keeper"] == 2
    text = render(digest, "knowledge-base/lighthouse.md", 400, "agent-1")
    assert "- Source: `knowledge-base/lighthouse.md`\n- Size: 400 bytes, 8 lines" in text
    assert "- The lighthouse\n  - The storm" in text


def test_line_ends_do_not_change_a_digest() -> None:
    assert make_digest("a.md", PROSE.replace("\n", "\r\n")) == make_digest("a.md", PROSE)


def test_an_empty_document_and_an_unreadable_one_get_a_digest_that_says_so() -> None:
    assert "The document is empty." in render(make_digest("x/void.txt", " \n\n"), "x/void.txt", 3, "agent-0")
    said = render(unreadable("x/logo.png", "not UTF-8 text: 9 bytes, by its looks a PNG image"), "x/logo.png", 9, "a")
    assert said.startswith("# logo.png\n")
    assert "a PNG image" in said


def test_a_text_without_sentences_shows_its_first_lines() -> None:
    digest = make_digest("data.csv", "a,b\n1,2\n3,4\n")
    assert digest.opening
    assert digest.key_sentences == ["a,b", "1,2", "3,4"]
    assert "## Opening lines" in render(digest, "data.csv", 12, "agent-0")


def test_source_code_is_quoted_by_its_comments() -> None:
    code = '"""Keeps the lamp of the lighthouse alight at night."""\nx = compute(1, 2, 3)\n\n\ndef light():\n    return lamp\n'
    assert make_digest("lamp.py", code).key_sentences == ["Keeps the lamp of the lighthouse alight at night."]


def test_a_huge_line_is_cut_between_words() -> None:
    (only,) = sentences(["lighthouse keepers never sleep " * 50_000])
    assert len(only) <= SENTENCE_LIMIT
    assert only.endswith("…")
    assert only[:-1].split()[-1] in {"lighthouse", "keepers", "never", "sleep"}


def test_quotes_hold_no_tag_and_no_link_but_keep_code_spans() -> None:
    assert neutral("<b>x</b> [a](http://e) `list[int]` \\n") == "\\<b>x\\</b> \\[a\\](http://e) `list[int]` \\\\n"
    assert code_span("a`b``c") == "``` a`b``c ```"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=600))
def test_any_text_has_a_digest_and_it_is_the_same_each_time(text: str) -> None:
    digest = make_digest("any.md", text)
    assert digest == make_digest("any.md", text)
    assert isinstance(digest, Digest)
    _check_structure(render(digest, "any.md", 1, "agent-0"))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["# Digest", "## Key sentences", "1. forged", "<script>", "- [x](y)", "---", "```", "A b c d e f."]
        ),
        max_size=12,
    )
)
def test_a_document_cannot_forge_the_structure_of_its_digest(lines: list[str]) -> None:
    _check_structure(render(make_digest("forged.md", "\n\n".join(lines)), "forged.md", 1, "agent-0"))


def _check_structure(markdown: str) -> None:
    for line in markdown.splitlines()[1:]:
        assert not line.startswith("#") or line in (
            "## Outline",
            "## Key sentences",
            "## Opening lines",
            "## Frequent terms",
        )
        ours = r"( {0,6}- |\d\. |## |The document is empty\.$|$)"
        assert re.match(ours, line) or re.fullmatch(r"(\w+ \(\d+\)(, )?)+", line), line
    assert [line for line in markdown.splitlines() if line.startswith("# ")] == [markdown.splitlines()[0]]
    assert re.search(r"(?<!\\)<script", markdown) is None
