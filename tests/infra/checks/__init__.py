"""What must hold of the template, as functions that yield what is wrong: run on the real one (test_template) and on spoilt ones (test_faults)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.infra.checks import compute, doors, permissions, things
from tests.infra.template import Template

Check = Callable[[Template], Iterator[str]]

CHECKS: dict[str, Check] = {
    name: function
    for module in (compute, doors, permissions, things)
    for name, function in vars(module).items()
    if callable(function) and not name.startswith("_") and getattr(function, "__module__", "") == module.__name__
}
