"""Why a mutant that survived is no hole in the tests: by module, then by function and what its statement became."""

from __future__ import annotations

from typing import Final

WHY: Final[dict[str, dict[str, str]]] = {
    "gate": {
        "Verdict: cause: Cause = ''": (
            "The cause of a verdict that is not due, which by its docstring means nothing: every verdict that is due names its own."
        ),
    },
    "quiet": {
        "_waits_for: return None": "What is waited for is asked for its truth alone; None is as untrue as the empty text.",
        "_waits_for: if facts.seen.get(other, -1) < news.get(other, -2):": (
            "For an agent that is not in the flock. Nobody has seen an iteration below -1, so neither number is ever above what was seen."
        ),
    },
    "ring": {
        "ring_neighbours: reach = min(radius, size * 2)": (
            "Going further than half-way round meets the same agents again, and a set holds each once. The bound spares work."
        ),
        "ring_neighbours: reach = min(radius, size // 1)": "The same.",
        "ring_neighbours: return tuple(sorted({(agent - step) % size for d in range(1, reach + 1) for step in (d, -d)} - {agent}))": (
            "Each step is taken in both directions, so its sign does not matter."
        ),
        "ring_neighbours: return tuple(sorted({(agent + step) % size for d in range(0, reach + 1) for step in (d, -d)} - {agent}))": (
            "A step of 0 leads to the agent itself, who is taken out."
        ),
    },
    "entry": {
        """LogEntry.from_value: raise InvalidEntry(f"{where}: {first['msg']}", 'An entry has ts, iteration, action, result and next_intent.') from None""": (
            "An error makes its message a sentence itself, full stop included (`murmur/errors.py`)."
        ),
    },
    "paths": {
        "_broken_segments: return None": "What is wrong is asked for its truth alone; None is as untrue as the empty text.",
        "Rights.may_read: return key == keys.directive(self.agent) or (author == self.agent or author in self.readable)": (
            "Where there is no author there is None, which is no agent's number and among no neighbours. The check is there for the type checker."
        ),
        "Rights.prefix_to_list: text = prefix if prefix not in ('mutant', '.', './', '/') else ''": (
            "The empty prefix stays empty either way; the other word is the mutant's own."
        ),
    },
}
