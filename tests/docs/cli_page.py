"""Writes docs/reference/cli.md from the argument parsers (`./dev docs`)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from murmur.cli import exits
from murmur.cli.main import parser_of, verb_of
from murmur.cli.overview import GROUPS, NEXT

TARGET = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md"
HEAD: Final = """# The murmur command

Made from the command's own parsers by `./dev docs`; `murmur COMMAND --help` prints the same. In the repository it is `./dev murmur COMMAND`, from any folder: state is looked for in the
nearest `.murmur` above the folder you are in.

A text may be `@file` or `-` (standard input). An agent is `3` or `agent-3`. Lengths of time are seconds, unless the option's name or its value says otherwise. `--json` prints to standard
output what a script may rely on; notes for people go to standard error.

"""
ENVIRONMENT: Final = """## Environment

| variable | meaning |
|---|---|
| `MURMUR_URL` | the flock's address, where neither `--url`, `--flock` nor `--home` is given |
| `MURMUR_TOKEN` | bearer token for it; sent over https and to this machine only |
| `MURMUR_CONFIG_HOME` | where deployed flocks and sign-ins are kept; default `murmur` in `$XDG_CONFIG_HOME` or `~/.config` |
| `MURMUR_DEBUG=1` | show the trace of an error, too |
| `NO_COLOR` | no colours |

Those of the runner `model`: [bring your own model](../how-to/bring-your-model.md#all-settings).
"""
SHARED: Final = ("which flock", "which flock, in which account")
"""Groups of options that many commands have: told once."""


def page() -> str:
    """The page as it should stand."""
    parts = [HEAD]
    for group, verbs in GROUPS.items():
        links = " · ".join(f"[{verb}](#murmur-{verb}): {about}" for verb, about in verbs.items())
        parts.append(f"- *{group}* — {links}\n")
    parts.append("\n" + codes())
    parts.append(
        "\n## Which flock\n\nOptions of every command that speaks to a flock; they may also stand before the command.\n\n"
    )
    parts.append(rows("status", only=SHARED[0]))
    parts.append("\nOptions of the commands that speak to an AWS account.\n\n" + rows("destroy", only=SHARED[1]))
    for verbs in GROUPS.values():
        parts += [section(verb, about) for verb, about in verbs.items()]
    return "".join(parts) + "\n" + ENVIRONMENT


def codes() -> str:
    """The exit codes, as a table."""
    told = [line.split(None, 1) for line in exits.TABLE.splitlines()[1:]]
    return "## Exit codes\n\n| code | meaning |\n|---|---|\n" + "".join(
        f"| `{code}` | {what} |\n" for code, what in told
    )


def section(verb: str, about: str) -> str:
    """One command."""
    found = rows(verb)
    table = f"\n{found}" if found else ""
    shared = [title for title in SHARED if any(group.title == title for group in parser_of(verb)._action_groups)]
    more = "\nand [which flock](#which-flock)\n" if shared else ""
    examples, _, remark = verb_of(verb).EXAMPLES.rstrip().partition("\n\n")
    lines = "\n".join(line.removeprefix("  ") for line in examples.splitlines())
    remark = f"\n```text\n{remark}\n```\n" if remark else ""
    return f"\n## murmur {verb}\n\n{about[0].upper()}{about[1:]}.\n{table}{more}\n```sh\n{lines}\n```\n{remark}\nNext: {NEXT[verb]}.\n"


def rows(verb: str, only: str = "") -> str:
    """The arguments of a command, or of one group of them, as a table."""
    found = []
    for group in parser_of(verb)._action_groups:
        if (group.title == only) if only else (group.title not in SHARED):
            found += [row(action) for action in group._group_actions if action.dest != "help"]
    return "| argument | meaning |\n|---|---|\n" + "".join(found) if found else ""


def row(action: argparse.Action) -> str:
    """One argument."""
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    value = "\\|".join(map(str, action.choices)) if action.choices else metavar or action.dest.upper()
    names = ", ".join(f"`{name}`" for name in action.option_strings)
    if action.nargs != 0:
        shown = value.replace("|", "\\|") if not action.choices else value
        shown = f"[{shown}]" if action.nargs == "?" and action.option_strings else shown
        names = f"{names} `{shown}`" if names else f"`{shown}`"
    words = (action.help or "").replace("|", "\\|").replace("*", "\\*")
    return f"| {names} | {words} |\n"


if __name__ == "__main__":
    TARGET.write_text(page(), "utf-8")
