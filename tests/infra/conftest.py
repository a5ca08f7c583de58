"""The stack, synthesised once for the whole session, with two cdk-nag packs looking on."""

from __future__ import annotations

import importlib.util

import pytest

import cdk  # noqa: F401 - says which Node jsii is to use, before anything imports aws_cdk
from tests.infra.assembly import CONTEXT, Assembly
from tests.infra.template import Template

if importlib.util.find_spec("aws_cdk") is None:  # test_available says so
    collect_ignore_glob = ["test_[!a]*.py"]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The stack with an e-mail, two networks and two runners."""
    from aws_cdk import Validations  # noqa: PLC0415 - not installed on every machine
    from cdk_nag import AwsSolutionsChecks, ServerlessChecks  # noqa: PLC0415

    from cdk.app import make_app  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("assembly") / "cdk.out"
    app = make_app(CONTEXT, folder)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    # cdk-nag finds what the reviewed set accepts (test_nag), and CDK says so by failing after it has written everything.
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    return Assembly(folder)


@pytest.fixture(scope="session")
def template(assembly: Assembly) -> Template:
    """The template. Take a copy to change it."""
    return assembly.template
