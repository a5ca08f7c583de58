"""A picture of the news spreading: how many agents know it, over time. SVG by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from murmur.simulate.compare import Comparison

WIDTH: Final = 720
HEIGHT: Final = 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 48, 48
_COLOURS: Final = {"event": "#0b7285", "polling": "#c2410c"}
_STEPS: Final = 5
_MOST_POINTS: Final = 600


def plot(comparison: Comparison) -> str:
    """The whole file."""
    q = comparison.question
    longest = max([comparison.limit_seconds, 1.0, *(column.reach_seconds for column in comparison.columns)])
    title = f"One agent's news in a ring of {q.agents}, radius {q.radius}, {q.think_seconds:g} s a turn"
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            f'font-family="system-ui, sans-serif" font-size="12" role="img">'
        ),
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="22" font-size="15">{escape(title)}</text>',
        *_axes(longest, q.agents),
        _limit(comparison.limit_seconds, longest),
    ]
    for place, column in enumerate(comparison.columns):
        label = f"{column.mode}: {column.reach_seconds:,.0f} s" + ("" if column.run else " (computed)")
        colour = _COLOURS[column.mode]
        parts.append(_line(column.learning_seconds, longest, q.agents, colour))
        parts.append(f'<text x="{_LEFT + 170 * place}" y="40" fill="{colour}">{escape(label)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _x(seconds: float, longest: float) -> float:
    return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * seconds / longest, 1)


def _y(share: float) -> float:
    return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * share, 1)


def _axes(longest: float, agents: int) -> list[str]:
    parts = []
    for step in range(_STEPS + 1):
        share = step / _STEPS
        x, y = _x(longest * share, longest), _y(share)
        parts += [
            f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="#e5e7eb"/>',
            f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end" fill="#4b5563">{agents * share:,.0f}</text>',
            f'<text x="{x}" y="{HEIGHT - _BOTTOM + 18}" text-anchor="middle" fill="#4b5563">{longest * share:,.0f}</text>',
        ]
    parts.append(f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - 10}" text-anchor="end" fill="#4b5563">seconds</text>')
    parts.append(f'<text x="{_LEFT}" y="{HEIGHT - 10}" fill="#4b5563">agents that know</text>')
    return parts


def _limit(seconds: float, longest: float) -> str:
    x = _x(seconds, longest)
    return (
        f'<line x1="{x}" x2="{x}" y1="{_y(0)}" y2="{_y(1)}" stroke="#6b7280" stroke-dasharray="4 4"/>'
        f'<text x="{x - 4}" y="{_y(0) - 6}" text-anchor="end" fill="#6b7280">limit {seconds:,.0f} s</text>'
    )


def _line(learning: Sequence[float], longest: float, agents: int, colour: str) -> str:
    every = max(1, len(learning) // _MOST_POINTS)
    known = [(at, place + 1) for place, at in enumerate(learning) if place % every == 0 or place == len(learning) - 1]
    points = " ".join(f"{_x(at, longest)},{_y(count / agents)}" for at, count in known)
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
