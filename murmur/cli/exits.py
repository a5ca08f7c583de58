"""The exit codes of the ``murmur`` command. Scripts may rely on them; ``murmur --help`` prints this table."""

from __future__ import annotations

from typing import Final

OK: Final = 0
ERROR: Final = 1
USAGE: Final = 2
NOT_SETTLED: Final = 3
UNREACHABLE: Final = 4
INTERRUPTED: Final = 130

TABLE: Final = """exit codes:
  0    done
  1    the flock answered with an error, or something failed
  2    the command line is not understood
  3    not settled: a limit was reached, or the flock was stopped first
  4    the flock cannot be reached
  130  interrupted (Ctrl-C)"""
