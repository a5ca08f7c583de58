"""docs/reference/iam.md says what the template says."""

from __future__ import annotations

from tests.docs.iam_page import REASONS, ROLES, TARGET, everywhere, page
from tests.infra.template import Template


def test_the_page_is_up_to_date(template: Template) -> None:
    assert TARGET.read_text("utf-8") == page(template), "run: python -m tests.docs.iam_page"


def test_every_role_with_a_policy_is_on_the_page(template: Template) -> None:
    roles = {role[:-8] for role, _ in template.statements()}
    assert roles == set(ROLES)


def test_everything_that_is_allowed_on_everything_has_its_reason(template: Template) -> None:
    assert everywhere(template) == set(REASONS)
