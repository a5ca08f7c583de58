"""TF-IDF within one document: its sentences are the collection, so one document is judged without reading any other.

A term weighs ``(1 + ln tf) * ln(1 + n / df)``: tf is how often it stands in the document, df in how many of its n sentences. A sentence
scores the weights of its different terms over their number plus a constant, which keeps very short ones from winning; one that was
cut, less.
All of it is deterministic: equal scores fall to the earlier sentence, equal counts to the alphabet.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from agent.brains.scripted.text.words import terms

_DAMPING: Final = 4
_CUT: Final = 0.75
_TOO_ALIKE: Final = 0.6


class Ranking(NamedTuple):
    """The best sentences, in the order of the document, and the most frequent terms with their counts."""

    sentences: list[str]
    terms: list[tuple[str, int]]


def rank(sentences: Sequence[str], best: int, most: int) -> Ranking:
    """At most ``best`` sentences, none much like another, and at most ``most`` terms."""
    counts: Counter[str] = Counter()
    spread: Counter[str] = Counter()
    for sentence in sentences:
        words = terms(sentence)
        counts.update(words)
        spread.update(set(words))
    weights = {
        term: (1 + math.log(count)) * math.log(1 + len(sentences) / spread[term]) for term, count in counts.items()
    }
    ranked = sorted(range(len(sentences)), key=lambda at: (-_score(sentences[at], weights), at))
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Ranking([sentences[at] for at in sorted(_unlike(sentences, ranked, best))], frequent[:most])


def _score(sentence: str, weights: dict[str, float]) -> float:
    different = sorted(set(terms(sentence)))
    score = math.fsum(weights[term] for term in different) / (len(different) + _DAMPING)
    return score * _CUT if sentence.endswith("…") else score


def _unlike(sentences: Sequence[str], ranked: Sequence[int], best: int) -> list[int]:
    chosen: list[int] = []
    bags: list[set[str]] = []
    for at in ranked:
        bag = set(terms(sentences[at]))
        if any(len(bag & other) > _TOO_ALIKE * max(1, len(bag | other)) for other in bags):
            continue
        chosen.append(at)
        bags.append(bag)
        if len(chosen) == best:
            break
    return chosen
