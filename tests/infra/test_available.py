"""Where the tools of the AWS stack are not installed, this tier says so instead of being silently absent."""

from __future__ import annotations

import importlib.util
import os

import pytest


def test_the_tools_of_the_stack_are_installed() -> None:
    there = importlib.util.find_spec("aws_cdk") is not None
    if not there and os.environ.get("CI") != "true":
        pytest.skip("the stack's tools are not installed; `./dev test infra` installs them")
    assert there, "in CI the stack is always checked"
