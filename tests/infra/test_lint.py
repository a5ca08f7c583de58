"""cfn-lint, and CDK's own validator."""

from __future__ import annotations

from tests.infra.assembly import Assembly
from tests.infra.lint import findings
from tests.infra.template import Template


def test_cfn_lint_finds_nothing(template: Template) -> None:
    assert findings(template.raw) == []


def test_cdks_own_rules_find_nothing(assembly: Assembly) -> None:
    assert assembly.reports.keys() <= {"AwsSolutions", "Serverless"}, "a rule of CDK's own found something"
