"""One turn of the scripted brain: look, do one piece of work, say what was done.

``take_turn`` is the seam: it needs nothing but tools it can call, so it runs the same in the process (``session``), in tests
and in the simulator (``inprocess``). What others wrote is data to it; the only instructions it follows are its own.
"""

from __future__ import annotations

from agent.brains.mcp.errors import ToolRefused
from agent.brains.scripted.facts import TurnFacts, cross_check
from agent.brains.scripted.report import Report
from agent.brains.scripted.tools import Tools, list_files, read_text
from agent.brains.scripted.work import documents
from agent.brains.scripted.work.checklist import Checklist
from agent.brains.scripted.work.items import parse_items
from murmur import keys


async def take_turn(tools: Tools, facts: TurnFacts, *, seed: int = 0) -> Report:
    """Do one piece of work and broadcast it; returns what was said. Raises ToolRefused only if the broadcast is refused."""
    try:
        report = await _work(tools, await cross_check(tools, facts), seed)
    except ToolRefused as refusal:
        report = Report("could not go on", refusal.message, "try again in the next turn")
    await report.say(tools)
    return report


async def _work(tools: Tools, facts: TurnFacts, seed: int) -> Report:
    items = parse_items(await _direction(tools))
    if items:
        return await Checklist(tools, facts, items, seed).work()
    files = await list_files(tools, keys.KNOWLEDGE)
    if files:
        return await documents.work(tools, facts, files, seed)
    return Report(
        "found no work",
        "knowledge-base/ is empty and the direction holds no checklist: add documents, or write a direction with "
        "two or more lines such as '- [ ] item'",
        "idle until there is something to do",
        idle=True,
    )


async def _direction(tools: Tools) -> str:
    try:
        return (await read_text(tools, keys.DIRECTION)).text
    except ToolRefused:
        return ""  # No direction was set: the documents themselves are the work.
