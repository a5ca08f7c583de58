"""Every fault is noticed by the check that is there for it. The checks are worth as much as this."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk.cloudformation_include import CfnInclude
from cdk_nag import AwsSolutionsChecks

from cdk.app import SETTINGS
from tests.infra import faults, test_iam
from tests.infra.checks import CHECKS
from tests.infra.faults import FAULTS, Fault
from tests.infra.iam import Iam
from tests.infra.lint import findings
from tests.infra.template import Template

BY_HAND = [fault for fault in FAULTS if fault.caught_by != "cfn-lint"]
BY_LINT = [fault for fault in FAULTS if fault.caught_by == "cfn-lint"]


def problems(check: str, template: Template) -> list[str]:
    """What the named check says of a template."""
    if check != "iam questions":
        return list(CHECKS[check](template))
    iam = Iam(template)
    return [
        test_iam.spelled(question)
        for questions, right in ((test_iam.YES, True), (test_iam.NO, False))
        for question in questions
        if iam.may(question[0], question[1], test_iam.with_api(question[2], template), question[3]) is not right
    ]


def spoilt(template: Template, *all_: Fault) -> Template:
    """A copy with these faults in it."""
    copy = template.copy()
    for fault in all_:
        fault.spoil(copy)
    return Template(copy.raw)  # read anew: what was looked up while spoiling is of before


def test_there_are_enough_faults_and_each_has_its_name() -> None:
    assert len(FAULTS) >= 25
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("fault", BY_HAND, ids=lambda fault: fault.name.replace(" ", "-"))
def test_the_fault_is_caught(template: Template, fault: Fault) -> None:
    assert problems(fault.caught_by, spoilt(template, fault)), f"{fault.caught_by} did not notice {fault.name}"


def test_cfn_lint_catches_the_faults_that_are_its(template: Template) -> None:
    found = {where for _, where, _ in findings(spoilt(template, *BY_LINT).raw)}
    assert len(found) == len(BY_LINT), "each of them lies in a resource of its own"


def test_cdk_nag_and_cdks_own_validator_notice_too(template: Template, tmp_path: Path) -> None:
    chosen = [fault for fault in FAULTS if fault.name in faults.NOTICED]
    source = tmp_path / "spoilt.json"
    source.write_text(json.dumps(spoilt(template, *chosen).raw), "utf-8")
    app = App(context=json.loads(SETTINGS.read_text("utf-8"))["context"], outdir=str(tmp_path / "out"))
    CfnInclude(Stack(app, "Spoilt"), "Template", template_file=str(source))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    reports = json.loads((tmp_path / "out" / "validation-report.json").read_text("utf-8"))["pluginReports"]
    noticed = {violation["ruleName"] for report in reports for violation in report["violations"]}
    assert set().union(*faults.NOTICED.values()) <= noticed


def test_every_check_has_a_fault_that_it_alone_is_there_for() -> None:
    """A check that nothing tests might as well say yes always."""
    tested = {fault.caught_by for fault in FAULTS}
    assert set(CHECKS) - tested == set()
    assert tested <= {*CHECKS, *faults.OTHERS}
