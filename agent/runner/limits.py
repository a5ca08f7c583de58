"""How long and how large things may get around an agent process. The defaults come from measuring real agents."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, bytes and counts. Tests shorten them."""

    start_seconds: float = 60.0
    """Spawn to the answer to ``initialize``; a first start from a cold disk took 13 s."""
    session_seconds: float = 120.0
    """``session/new``; typically milliseconds, with some agents minutes."""
    write_seconds: float = 30.0
    """A message must be read by the agent within this time."""
    contact_seconds: float = 3.0
    """Before the prompt: how long to wait until the agent first calls the tool server …"""
    list_seconds: float = 1.0
    """… and how much longer until it has listed the tools."""
    idle_seconds: float = 240.0
    """Silence during a prompt after which the turn is cancelled."""
    grace_seconds: float = 10.0
    """What an agent has to end a cancelled turn before it is killed."""
    exit_seconds: float = 2.0
    """What an agent has to exit after its stdin was closed before it is killed."""
    recycle_turns: int = 100
    """Turns after which the process is replaced: most agents grow with every session."""
    rss_bytes: int = 2 * 1024**3
    """Resident memory, children included, above which the process is replaced after the turn."""
    rss_every_turns: int = 5
    """How often memory is looked at."""
    line_bytes: int = 64 * 1024**2
    """Longest message accepted from an agent."""
