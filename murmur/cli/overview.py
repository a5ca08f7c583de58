"""Every command of ``murmur``: what it is for, in groups, and what usually comes after it. No verb's module is loaded for this."""

from __future__ import annotations

from typing import Final

from murmur.cli import exits

GROUPS: Final[dict[str, dict[str, str]]] = {
    "on this machine": {
        "up": "start the server and its dashboard, until Ctrl-C",
        "run": "one shot: give documents and a direction, get the results in a folder",
        "doctor": "check that everything a flock needs is here, and works",
        "runners": "which agents can think for a flock here, and what others are missing",
    },
    "the flock": {
        "status": "state of the flock and of every agent",
        "start": "start a run",
        "stop": "end the run",
        "pause": "let agents finish their turn, and take no other",
        "resume": "go on after a pause",
        "watch": "live view in the terminal",
        "mcp": "the flock as tools for your assistant (Kiro, Claude, Cursor)",
    },
    "what it is told": {
        "direction": "show or set the goal",
        "directive": "set or clear an extra instruction for one agent, or for those a filter names",
        "config": "show or change the configuration",
    },
    "on AWS": {
        "deploy": "put a flock into your own AWS account, or bring it up to date",
        "diff": "what `murmur deploy` would change, without changing it",
        "allow-ip": "let more networks reach a deployed flock",
        "login": "sign in to a deployed flock",
        "logout": "forget that sign-in",
        "destroy": "take a deployed flock away; its results stay unless told otherwise",
    },
    "beforehand": {
        "cost": "what a flock costs an hour on AWS, by size and packing",
        "simulate": "what events save over polling, for a flock of any size, in simulated time",
    },
    "what it did": {
        "logs": "what one agent did, turn by turn",
        "prompt": "what an agent would be told if it took a turn now",
        "files": "list, print, download what the flock produced",
        "queues": "what waits in the agents' inboxes, and what became of it",
        "history": "earlier runs",
        "analyse": "what a run was like: convergence, influence, duplicate work, idle time, tokens",
    },
}
FIRST: Final = {"--flock": "NAME", "--url": "http://127.0.0.1:7777", "--home": "FOLDER"}
"""Options that may also stand before the command."""
OPTIONS: Final = (*FIRST, "--help", "--version")
VERBS: Final = {verb: about for group in GROUPS.values() for verb, about in group.items()}

NEXT: Final = {
    "up": "open the address it prints, or, in another terminal: murmur start --direction '…'",
    "run": "read what is in --out; murmur up, then murmur logs N or murmur analyse, to see how it came about",
    "doctor": "mend what it names, then: murmur up",
    "runners": "murmur doctor --runner NAME, which takes one real turn",
    "status": "murmur logs N for one agent, murmur queues N for its inbox",
    "start": "murmur watch; when it has settled: murmur files",
    "stop": "murmur files pull FOLDER; murmur start begins a new run",
    "pause": "murmur resume",
    "resume": "murmur watch",
    "watch": "murmur logs N for one agent; murmur direction set '…' to turn the flock",
    "mcp": "give the assistant skills/murmur/SKILL.md, and ask it for the flock's status",
    "direction": "murmur watch: every agent is woken by it",
    "directive": "murmur logs N --follow: that agent is woken by it",
    "config": "murmur status; fields that a running flock cannot change wait for the next murmur start",
    "deploy": "murmur login, then murmur --flock NAME start --direction '…'",
    "diff": "murmur deploy",
    "allow-ip": "murmur login; within seconds the dashboard answers there",
    "login": "murmur --flock NAME status",
    "logout": "murmur login, to come back",
    "destroy": "murmur deploy of the same name takes over a bucket that stayed",
    "cost": "murmur deploy; --concurrency-cap bounds what a run may ask for",
    "simulate": "murmur run with the size you chose",
    "logs": "murmur directive N '…' to tell that agent something",
    "prompt": "murmur directive N '…' to add to it",
    "files": "murmur analyse, to see how they came about",
    "queues": "murmur logs N, where the turn of a delivery stands",
    "history": "murmur analyse RUN; in the dashboard it can be replayed",
    "analyse": "murmur logs N for an agent that stands out",
}
"""What usually comes after each command, as its help says it."""


def overview() -> str:
    """What ``murmur --help`` prints."""
    lines = ["usage: murmur COMMAND [ARGUMENTS]      (murmur COMMAND --help shows examples)", ""]
    for group, verbs in GROUPS.items():
        lines += [f"{group}:", *(f"  {verb:<11}{about}" for verb, about in verbs.items()), ""]
    lines += [
        "first: murmur up, or, all at once: murmur run --knowledge FOLDER --direction '…' --out result",
        "",
        exits.TABLE,
        "",
        "environment: MURMUR_URL, MURMUR_TOKEN (a deployed flock), MURMUR_DEBUG=1, NO_COLOR",
        "",
    ]
    return "\n".join(lines)
