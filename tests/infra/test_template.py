"""The template as it is: every check holds."""

from __future__ import annotations

import pytest

from tests.infra.checks import CHECKS
from tests.infra.template import Template


@pytest.mark.parametrize("check", CHECKS)
def test_it_holds(template: Template, check: str) -> None:
    assert list(CHECKS[check](template)) == []
