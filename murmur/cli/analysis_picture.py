"""An analysis as a picture: how the flock came to rest, who woke whom, and each agent's share. SVG by hand, no script, no outside reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from murmur.analysis.report import AgentWork, Analysis, Step
from murmur.cli.text import clean, duration, plural

WIDTH: Final = 1120
HEIGHT: Final = 720
_INK, _GREY, _LINE = "#111827", "#4b5563", "#e5e7eb"
_WORKING, _IDLE, _FAILED, _REST = "#0b7285", "#a5d8e0", "#c2410c", "#7c3aed"
_MOST_BARS: Final = 160
_MOST_EDGES: Final = 600
_ARROWS_UP_TO: Final = 24
_BEND: Final = 0.18


def picture(found: Analysis) -> str:
    """The whole file."""
    title = f"Run {clean(found.run, 60) or 'none'}: {plural(found.agents, 'agent')}, {plural(found.entries, 'entry')}"
    facts = [
        duration(found.span_seconds),
        plural(found.files, "file"),
        f"{found.duplicate_share:.0%} of them by more than one agent",
        f"agents idle {found.idle_share:.0%} of the time",
        f"longest chain of wakes {found.deepest}",
    ]
    if found.median_wake_ms is not None:
        facts.append(f"median wake {found.median_wake_ms:,} ms")
    tokens = found.input_tokens + found.output_tokens
    facts += [f"{tokens:,} tokens"] if tokens else []
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            f'font-family="system-ui, sans-serif" font-size="12" role="img" aria-label={quoteattr(title)}>'
        ),
        f"<title>{escape(title)}</title>",
        (
            f'<defs><marker id="tip" viewBox="0 0 6 6" refX="5.5" refY="3" markerWidth="5" markerHeight="5" markerUnits="userSpaceOnUse" '
            f'orient="auto"><path d="M0 0L6 3L0 6z" fill="{_WORKING}"/></marker></defs>'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#ffffff"/>',
        _text(32, 34, title, size=17, weight=600),
        _text(32, 56, " · ".join(facts), fill=_GREY),
        *_convergence(found, 72, 96, 560, 250),
        *_graph(found, 890, 256, 128),
        *_shares(found, 72, 446, 990, 210),
    ]
    return "\n".join([*parts, "</svg>", ""])


def _text(
    x: float, y: float, words: str, *, fill: str = _INK, anchor: str = "start", size: int = 12, weight: int = 400
) -> str:
    style = f'fill="{fill}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def _rect(x: float, y: float, width: float, height: float, fill: str, *, about: str = "") -> str:
    inner = f"<title>{escape(about)}</title>" if about else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}">{inner}</rect>'


def _legend(x: float, y: float, entries: Sequence[tuple[str, str]]) -> list[str]:
    parts = []
    for name, colour in entries:
        parts += [_rect(x, y - 9, 10, 10, colour), _text(x + 15, y, name, fill=_GREY)]
        x += 30 + 6.2 * len(name)
    return parts


def _convergence(found: Analysis, left: float, top: float, width: float, height: float) -> list[str]:
    """Stacked bars: what the agents that got to an iteration did in it; and a line: who is at rest by then."""
    parts = [_text(left - 40, top, "Convergence: entries at each iteration", size=14, weight=600)]
    parts += _legend(left + 290, top, [("working", _WORKING), ("idle", _IDLE), ("failed", _FAILED), ("at rest", _REST)])
    top, base = top + 22, top + height
    most = max([1, *(step.agents for step in found.steps)])

    def height_of(count: float) -> float:
        return (base - top) * count / most

    for count in sorted({0, round(most / 2), most}):
        y = base - height_of(count)
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_LINE}"/>')
        parts.append(_text(left - 8, y + 4, str(count), fill=_GREY, anchor="end"))
    for share in (0, 50, 100):
        parts.append(_text(left + width + 8, base - (base - top) * share / 100 + 4, f"{share}%", fill=_REST))
    steps = _spread(found.steps, _MOST_BARS)
    if not steps:
        return [*parts, _text(left + width / 2, (top + base) / 2, "no entries", fill=_GREY, anchor="middle")]
    pitch = width / len(steps)
    bar, points = max(1.0, min(34.0, pitch * 0.78)), []
    for place, step in enumerate(steps):
        x, y = left + pitch * (place + 0.5), base
        about = f"iteration {step.iteration}: {step.working} working, {step.idle} idle, {step.failed} failed"
        for count, colour in ((step.working, _WORKING), (step.idle, _IDLE), (step.failed, _FAILED)):
            if count:
                y -= height_of(count)
                parts.append(_rect(x - bar / 2, y, bar, height_of(count), colour, about=about))
        points.append((x, base - (base - top) * step.at_rest))
        if place % max(1, math.ceil(len(steps) / 14)) == 0:
            parts.append(_text(x, base + 17, str(step.iteration), fill=_GREY, anchor="middle"))
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts.append(f'<polyline points="{path}" fill="none" stroke="{_REST}" stroke-width="2" stroke-linejoin="round"/>')
    if len(points) <= 40:
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{_REST}"/>' for x, y in points]
    return [*parts, _text(left + width / 2, base + 36, "iteration", fill=_GREY, anchor="middle")]


def _spread(steps: Sequence[Step], most: int) -> Sequence[Step]:
    if len(steps) <= most:
        return steps
    return [steps[round(place * (len(steps) - 1) / (most - 1))] for place in range(most)]


def _graph(found: Analysis, x: float, y: float, radius: float) -> list[str]:
    """Agents on a circle as in the ring; an arc bends from who wrote to who woke, the thicker the oftener."""
    parts = [_text(x - radius - 52, 96, "Influence: who woke whom", size=14, weight=600)]
    numbers = [agent.agent for agent in found.work]
    if not numbers:
        return parts
    place = {
        agent: (
            x + radius * math.sin(2 * math.pi * i / len(numbers)),
            y - radius * math.cos(2 * math.pi * i / len(numbers)),
        )
        for i, agent in enumerate(numbers)
    }
    most = max([1, *(edge.wakes for edge in found.influence)])
    dot = max(2.0, min(9.0, 200 / len(numbers)))
    tip = ' marker-end="url(#tip)"' if len(numbers) <= _ARROWS_UP_TO else ""
    for edge in found.influence[:_MOST_EDGES]:
        if edge.source in place and edge.target in place:
            share = edge.wakes / most
            curve = _arc(place[edge.source], place[edge.target], (x, y), dot + 2)
            about = escape(f"agent-{edge.source} woke agent-{edge.target} {edge.wakes} times")
            parts.append(
                f'<path d="{curve}" fill="none" stroke="{_WORKING}" stroke-width="{0.6 + 2.6 * share:.2f}" '
                f'stroke-opacity="{0.25 + 0.6 * share:.2f}"{tip}><title>{about}</title></path>'
            )
    strongest = max([1, *(agent.caused for agent in found.work)])
    every = max(1, math.ceil(len(numbers) / 48))
    for index, agent in enumerate(found.work):
        cx, cy = place[agent.agent]
        size = dot * (0.55 + 0.45 * agent.caused / strongest)
        about = escape(f"agent-{agent.agent}: {agent.turns} turns, woke others {agent.caused} times")
        parts.append(
            f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="{size:.1f}" fill="{_WORKING}" stroke="#ffffff"><title>{about}</title></circle>'
        )
        if index % every == 0:
            out = 1 + (dot + 10) / radius
            parts.append(
                _text(x + (cx - x) * out, y + (cy - y) * out + 4, str(agent.agent), fill=_GREY, anchor="middle")
            )
    if not found.influence:
        parts.append(_text(x, y + 4, "no entry was woken by another", fill=_GREY, anchor="middle"))
    words = f"{plural(len(found.influence), 'pair')}; thickest line: {plural(most, 'wake')}"
    return [*parts, _text(x, y + radius + 44, words if found.influence else "", fill=_GREY, anchor="middle")]


def _arc(start: tuple[float, float], end: tuple[float, float], middle: tuple[float, float], gap: float) -> str:
    """A curve pulled towards the middle and to its own right, so that both ways of a pair are seen; it ends before the dot."""
    (x1, y1), (x2, y2) = start, end
    mx, my = (x1 + x2) / 2, (y1 + y2) / 2
    pull = min(0.25, 0.5 * math.hypot(x2 - x1, y2 - y1) / (math.hypot(middle[0] - mx, middle[1] - my) or 1.0))
    cx, cy = (
        mx + (middle[0] - mx) * pull - (y2 - y1) * _BEND,
        my + (middle[1] - my) * pull + (x2 - x1) * _BEND,
    )
    length = math.hypot(x2 - cx, y2 - cy) or 1.0
    x2, y2 = x2 - (x2 - cx) / length * gap, y2 - (y2 - cy) / length * gap
    return f"M{x1:.1f} {y1:.1f}Q{cx:.1f} {cy:.1f} {x2:.1f} {y2:.1f}"


def _shares(found: Analysis, left: float, top: float, width: float, height: float) -> list[str]:
    """Small bars for every agent, a row a measure."""
    rows: list[tuple[str, Callable[[AgentWork], float], Callable[[float], str]]] = [
        ("turns", lambda agent: agent.turns, lambda value: f"{value:,.0f}"),
        ("time in turns", lambda agent: agent.busy_ms / 1000, duration),
        ("files", lambda agent: agent.files, lambda value: f"{value:,.0f}"),
    ]
    if found.input_tokens + found.output_tokens:
        rows.append(("tokens", lambda agent: agent.input_tokens + agent.output_tokens, lambda value: f"{value:,.0f}"))
    parts = [_text(left - 40, top, "Each agent's share", size=14, weight=600)]
    if not found.work:
        return parts
    top, tall = top + 14, (height - 14) / len(rows)
    begin, room = left + 70, width - 70
    pitch = room / len(found.work)
    bar = max(0.6, min(26.0, pitch * 0.75))
    for row, (name, value_of, spelled) in enumerate(rows):
        base = top + tall * (row + 1) - 8
        most = max(value_of(agent) for agent in found.work)
        parts.append(_text(begin - 12, base - tall / 2 + 8, name, anchor="end"))
        parts.append(
            _text(begin - 12, base - tall / 2 + 22, f"up to {spelled(most)}", fill=_GREY, anchor="end", size=10)
        )
        parts.append(f'<line x1="{begin}" x2="{begin + room}" y1="{base:.1f}" y2="{base:.1f}" stroke="{_LINE}"/>')
        for index, agent in enumerate(found.work):
            size = (tall - 18) * value_of(agent) / most if most else 0.0
            about = f"agent-{agent.agent}: {name} {spelled(value_of(agent))}"
            parts.append(_rect(begin + pitch * (index + 0.5) - bar / 2, base - size, bar, size, _WORKING, about=about))
    every = max(1, math.ceil(len(found.work) / 40))
    for index, agent in enumerate(found.work):
        if index % every == 0:
            parts.append(
                _text(begin + pitch * (index + 0.5), top + height + 4, str(agent.agent), fill=_GREY, anchor="middle")
            )
    return [*parts, _text(begin + room / 2, top + height + 26, "agent", fill=_GREY, anchor="middle")]
