"""The words of a text that carry meaning, in any script."""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 40
_ADDRESS: Final = re.compile(r"https?://\S+")
_RUN: Final = re.compile(r"[^\W\d_]+")
_NO_SPACES: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_COMMON: Final = frozenset(
    """
    about above after again all also although always and any are because been before being below between both but can cannot
    could did does doing done down during each either else etc even every few for from further had has have having her here hers
    him his how however into its itself just like may might more most much must neither nor not now off once one only other our
    ours out over own per same shall she should since some such than that the their theirs them then there these they this those
    through thus too two under unless until upon use used using very was way were what when where whether which while who whom
    whose why will with within without would yet you your yours
    aber als auch auf aus bei das dass dem den der des die durch ein eine einem einen einer für hat ich ihr ist kann mit nach nicht
    nur oder sein sich sie sind und uns von vor war was wenn werden wie wird zum zur über
    con del elle est les los las mais nous par para pas pour por qui que sans ses sont sur une vous
    """.split()  # noqa: SIM905  # one word a line would take two hundred
)


def terms(text: str) -> list[str]:
    """The terms of ``text`` in order: words of three letters or more, folded, without common ones.

    Web addresses hold none. Scripts written without spaces are cut into overlapping pairs of characters.
    """
    found: list[str] = []
    for run in _RUN.findall(_ADDRESS.sub(" ", text) if "//" in text else text):
        if _NO_SPACES.match(run):
            found += [run[i : i + 2] for i in range(len(run) - 1)]
            continue
        word = run.casefold()
        if 3 <= len(word) <= _LONGEST and word not in _COMMON:
            found.append(word)
    return found


def letters(text: str) -> int:
    """How many letters ``text`` has."""
    return sum(map(len, _RUN.findall(text)))


def spaceless(text: str) -> bool:
    """Whether ``text`` is written in a script that puts no spaces between words."""
    return _NO_SPACES.search(text) is not None
