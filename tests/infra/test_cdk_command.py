"""The real CDK command: installed from its pin without a system Node, and it reads this app with what `murmur deploy` passes."""

import os
from pathlib import Path

import pytest

from cdk.cli import Toolkit
from cdk.instance.runners import choose
from murmur.cli.deploying import Deployer, Plan
from murmur.errors import Unavailable


@pytest.fixture(scope="module")
def toolkit(tmp_path_factory: pytest.TempPathFactory) -> Toolkit:
    made = Toolkit(tmp_path_factory.mktemp("cdk"))
    try:
        made.installed()
    except Unavailable as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no package registry: {error.message[:200]}")
    return made


@pytest.mark.slow
def test_it_lists_the_flocks_stack_with_the_parameters_of_a_deployment(
    toolkit: Toolkit, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    deployer = Deployer(None, toolkit, lambda _: None, lambda _: "", tmp_path)  # type: ignore[arg-type]
    given = {"email": "you@example.org", "allow_ip": "203.0.113.7/32", "concurrency_cap": "16", "spot": "true"}
    bundle = type("B", (), {"sha256": "a" * 64})()
    context = deployer.context(
        Plan("docs"), {**given, "runners": "scripted,kiro"}, choose(["scripted", "kiro"]), bundle
    )
    words = ["list", *(word for name, value in context.items() for word in ("-c", f"{name}={value}"))]
    toolkit.run(words)
    assert "(murmur-docs)" in capfd.readouterr().out
    assert (tmp_path / "home").exists() is False
