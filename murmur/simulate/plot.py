"""A picture of the news spreading: how many agents know it, over time. SVG by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from murmur.simulate.compare import Column, Comparison

WIDTH: Final = 720
HEIGHT: Final = 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 28, 84, 52
_COLOURS: Final = {"event": "#0b7285", "polling": "#c2410c"}
_LEGEND_WIDTH: Final = 300
_TICKS: Final = 6
_MOST_POINTS: Final = 600


def plot(comparison: Comparison) -> str:
    """The whole file."""
    q = comparison.question
    reached = [column.reach_seconds for column in comparison.columns]
    longest = max([comparison.limit_seconds, 1.0, *reached]) * 1.02
    title = f"One agent's news in a ring of {q.agents}, radius {q.radius}, {q.think_seconds:g} s a turn"
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            f'font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="{escape(title)}">'
        ),
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="26" font-size="15" font-weight="600" fill="#111827">{escape(title)}</text>',
        *_axes(longest, q.agents),
        *_limit(comparison.limit_seconds, longest),
    ]
    for place, column in enumerate(comparison.columns):
        parts += _legend(_LEFT + _LEGEND_WIDTH * place, column, comparison.limit_seconds)
        parts.append(_curve(column.learning_seconds, longest, q.agents, _COLOURS[column.mode]))
    return "\n".join([*parts, "</svg>", ""])


def _x(seconds: float, longest: float) -> float:
    return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * seconds / longest, 1)


def _y(share: float) -> float:
    return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * share, 1)


def _axes(longest: float, agents: int) -> list[str]:
    parts = [f'<text x="{_LEFT - 8}" y="{_TOP - 14}" text-anchor="end" fill="#4b5563">agents</text>']
    for count in sorted({round(agents * quarter / 4) for quarter in range(5)}):
        y = _y(count / agents)
        parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end" fill="#4b5563">{count:,}</text>')
    step = round_step(longest / _TICKS)
    for tick in range(int(longest / step) + 1):
        x, base = _x(tick * step, longest), HEIGHT - _BOTTOM
        parts.append(f'<line x1="{x}" x2="{x}" y1="{base}" y2="{base + 4}" stroke="#9ca3af"/>')
        parts.append(f'<text x="{x}" y="{base + 18}" text-anchor="middle" fill="#4b5563">{tick * step:,g}</text>')
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    words = "seconds after the first agent's line"
    parts.append(f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle" fill="#4b5563">{words}</text>')
    return parts


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def _limit(seconds: float, longest: float) -> list[str]:
    x = _x(seconds, longest)
    side, anchor = (-6, "end") if x > WIDTH / 3 else (6, "start")
    return [
        f'<line x1="{x}" x2="{x}" y1="{_y(0)}" y2="{_y(1)}" stroke="#6b7280" stroke-dasharray="4 4"/>',
        f'<text x="{x + side}" y="{_y(0) - 8}" text-anchor="{anchor}" fill="#6b7280">limit {seconds:,.0f} s</text>',
    ]


def _legend(x: float, column: Column, limit: float) -> list[str]:
    colour = _COLOURS[column.mode]
    times = f", {column.reach_seconds / limit:.2f} × the limit" if limit else ""
    name = column.mode if column.run else f"{column.mode} (computed)"
    label = f"{name}: {column.reach_seconds:,.0f} s{times}"
    return [
        f'<line x1="{x}" x2="{x + 18}" y1="46" y2="46" stroke="{colour}" stroke-width="3"/>',
        f'<text x="{x + 24}" y="50" fill="#111827">{escape(label)}</text>',
    ]


def _curve(learning: Sequence[float], longest: float, agents: int, colour: str) -> str:
    """Steps: at each moment as many know as have learned it by then."""
    every = max(1, len(learning) // _MOST_POINTS)
    known = [(at, place + 1) for place, at in enumerate(learning) if place % every == 0 or place == len(learning) - 1]
    steps = " ".join(f"H{_x(at, longest)} V{_y(count / agents)}" for at, count in known)
    return f'<path d="M{_x(0, longest)} {_y(0)} {steps}" fill="none" stroke="{colour}" stroke-width="2"/>'
