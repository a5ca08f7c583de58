"""Runs the tests of a module once for each mutant of it, each time in a process of its own.

The mutant never touches the working tree: the process is forked from one that has loaded the libraries but nothing of Murmur's, and
an import hook hands it the changed code in place of the module's.
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.util
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final, Literal

import pytest

from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.targets import Target

LIMIT_SECONDS: Final = 60
"""How much of a processor's time the tests of a mutant may take, however busy the machine is. One that takes more has changed an end
into an endless loop: it counts as noticed."""
_UNUSED_EXIT: Final = 77
"""A process says with it that its tests never imported the module: then they are no tests of it."""
_BROKEN_EXIT: Final = 78
"""A process says with it that the runner itself failed."""

LIBRARIES: Final = ("boto3", "botocore.session", "pydantic", "asyncio", "unittest.mock", "tomllib", "typing_extensions")
"""Loaded once, before the first fork, because every process would load them. None of them loads anything of Murmur's."""
PLUGINS: Final = (
    "hypothesis.strategies",
    "_hypothesis_pytestplugin",
    "pytest_asyncio.plugin",
    "pytest_timeout",
    "anyio.pytest_plugin",
)

Fate = Literal["killed", "timeout", "survived"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant."""

    mutant: Mutant
    fate: Fate


class TestsFail(Exception):
    """The tests of a module fail, or do not import it, before anything was changed."""


def run(
    target: Target, root: Path, *, only: Callable[[Mutant], bool] = lambda _: True, limit_seconds: int = LIMIT_SECONDS
) -> Iterator[Outcome]:
    """The fate of each mutant of the module that ``only`` lets pass, in order. Raises TestsFail if its tests are of no use."""
    for name in (*LIBRARIES, *PLUGINS):
        importlib.import_module(name)
    source = (root / target.path).read_text("utf-8")
    untouched = _tested(target, root, ast.parse(source), limit_seconds)
    if untouched != 0:
        raise TestsFail(f"{' '.join(target.tests)} with {target.path} as it is: pytest ended with {untouched}")
    for mutant in filter(only, mutants_of(source)):
        code = _tested(target, root, mutant.tree, limit_seconds)
        if code == _BROKEN_EXIT:
            raise TestsFail(f"the runner failed at {target.path}:{mutant.line} {mutant.after}")
        yield Outcome(mutant, "timeout" if code == -signal.SIGXCPU else "survived" if code == 0 else "killed")


def _tested(target: Target, root: Path, tree: ast.Module, limit_seconds: int) -> int:
    """pytest's exit code with this tree for the module; the negative number of the signal that ended it, if one did."""
    child = os.fork()
    if child == 0:
        code = _BROKEN_EXIT
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (limit_seconds, limit_seconds + 5))
            code = _in_child(target, root, compile(tree, str(root / target.path), "exec"))
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _in_child(target: Target, root: Path, code: CodeType) -> int:
    os.chdir(root)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    hook = _Hook(target.module, root / target.path, code)
    sys.meta_path.insert(0, hook)
    options = ["-x", "-q", "--tb=no", "-p", "no:xdist", "-p", "no:schemathesis"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    found = pytest.main([*options, *target.tests])
    return int(found) if hook.used else _UNUSED_EXIT


class _Hook(importlib.abc.MetaPathFinder):
    """Hands out the changed code when the module is imported."""

    def __init__(self, module: str, path: Path, code: CodeType) -> None:
        self.used = False
        self._module = module
        self._path = path
        self._code = code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        self.used = True
        return importlib.util.spec_from_file_location(
            fullname, self._path, loader=_Loader(fullname, str(self._path), self._code)
        )


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, code: CodeType) -> None:
        super().__init__(fullname, path)
        self._mutated = code

    def get_code(self, fullname: str) -> CodeType:
        return self._mutated
