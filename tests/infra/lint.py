"""cfn-lint over a template, in this process."""

from __future__ import annotations

import json
from typing import Any

from cfnlint.api import ManualArgs, lint

ACCEPTED = {"W3005": "CDK names a role in DependsOn beside the reference to it; saying it twice does no harm"}


def findings(template: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Rule, logical id and words of everything cfn-lint says, but for what is accepted."""
    found = lint(json.dumps(template), config=ManualArgs(regions=["us-east-1", "eu-central-1"]))
    return [
        (match.rule.id, str(match.path[1]) if match.path and len(match.path) > 1 else "", match.message)
        for match in found
        if match.rule.id not in ACCEPTED
    ]
