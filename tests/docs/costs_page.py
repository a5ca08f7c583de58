"""Writes docs/how-to/costs.md from the prices and the simulator (`./dev docs`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from murmur.cli.costing import EXTRAS, PACKINGS, SIZES, STANDING, THINK_SECONDS, Fabric, fabric_of, table_of

TARGET = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "costs.md"
HEAD = f"""# What a flock costs

This page is made from `murmur cost` by `./dev docs`. List prices of us-east-1, November 2026, without any free tier; other regions differ by some per cent.
`murmur cost --spot` asks EC2 for the Spot prices of your region; `--agents`, `--type`, `--per-instance` for other flocks; `--json` for scripts.

**The model comes on top, and above all of it.** A turn that was not needed costs more than everything on this page: that is what the gate is for.

Dollars an hour. *Fabric*: S3 requests, EventBridge events, SQS requests, counted by running the flock's own code in the simulator with turns of {THINK_SECONDS:.0f} seconds and priced.
*Settled*: everybody idle, instances still up (after `idleTimeoutSeconds` they go).

| agents | instance type | agents on each | instances | GiB an agent | instances | disk, address, monitoring | fabric | **working** | settled |
|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|
"""


def tail() -> str:
    """What comes after the table."""
    extras = ", ".join(f"{name} ${dollars:.4f}" for name, dollars in EXTRAS.items())
    standing = ", ".join(f"{name} ${dollars:.4f}" for name, dollars in STANDING.items())
    return f"""
With each instance come, an hour: {extras}. A deployed stack in which nothing runs costs ${sum(STANDING.values()):.3f} an hour ({standing}), about
${sum(STANDING.values()) * 730:.0f} a month; `murmur destroy` ends that, too. Not counted: dashboards that are open (a few hundredths of a cent an hour), logs, storage.

How many agents fit on an instance is a question of the runner's memory: a scripted agent takes some tens of MB, goose 120, gemini 260, codex 280, kiro-cli 310 and 150 more in a long session, claude 340,
opencode 640. Leave 0.5 GiB for the system and 0.15 for the loops. So eight kiro agents want a `t4g.large`, and eight scripted ones a `t4g.small` would do.
T instances are for agents that wait for a model most of the time, as ours do; watch `CPUCreditBalance` if yours compute.
"""


def page(fabric: Callable[[int], Fabric] = fabric_of) -> str:
    """The page as it should stand."""
    rows = [
        f"| {row.agents} | `{row.type}` | {row.per_instance} | {row.instances} | {row.memory_gib:.1f} | {row.instance_dollars:.3f} | {row.extra_dollars:.3f} "
        f"| {row.fabric.working:.3f} | **{row.working:.3f}** | {row.resting:.3f} |"
        for row in table_of(SIZES, PACKINGS, fabric=fabric)
    ]
    return HEAD + "\n".join(rows) + "\n" + tail()


if __name__ == "__main__":
    TARGET.write_text(page(), "utf-8")
