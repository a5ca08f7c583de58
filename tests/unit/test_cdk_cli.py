"""The pinned CDK command: what it is run with, and that nothing but the pin can be installed."""

import hashlib
import json
import os
import re
from pathlib import Path

import pytest

from cdk import cli
from cdk.cli import PINNED, Toolkit, ToolkitFailed
from cdk.deploy import main
from murmur.errors import Unavailable

VERSION = "2.1148.1"
SCRIPT = """
const fs = require("fs");
const { CDK_DISABLE_CLI_TELEMETRY, CDK_HOME, AWS_REGION, JSII_NODE } = process.env;
const said = { words: process.argv.slice(2), cwd: process.cwd(), CDK_DISABLE_CLI_TELEMETRY, CDK_HOME, AWS_REGION, JSII_NODE };
fs.writeFileSync(process.env.SAID, JSON.stringify(said));
process.exit(process.argv[2] === "fail" ? 3 : 0);
"""


def test_the_lock_pins_one_version_by_its_integrity_and_names_no_registry() -> None:
    text = (PINNED / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert json.loads((PINNED / "package.json").read_text())["dependencies"] == {"aws-cdk": VERSION}
    assert set(packages) == {"", "node_modules/aws-cdk"}
    assert packages["node_modules/aws-cdk"]["version"] == VERSION
    assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", packages["node_modules/aws-cdk"]["integrity"])
    assert "resolved" not in text
    assert "://" not in text


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAID", str(tmp_path / "said.json"))
    return tmp_path / "said.json"


@pytest.fixture
def toolkit(tmp_path: Path) -> Toolkit:
    """With a stand-in for the installed program."""
    made = Toolkit(tmp_path)
    try:
        made.node()
    except Unavailable as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(error.message)
    digest = hashlib.sha256((PINNED / "package-lock.json").read_bytes()).hexdigest()[:12]
    folder = tmp_path / f"cli-{digest}"
    (folder / "node_modules/aws-cdk/bin").mkdir(parents=True)
    (folder / "node_modules/aws-cdk/bin/cdk").write_text(SCRIPT)
    (folder / "complete").touch()
    return made


def test_it_runs_over_this_app_without_telemetry_and_with_the_given_credentials(
    toolkit: Toolkit, said: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.environ.get("JSII_NODE"):
        pytest.skip("There is a Node on PATH only; the one that deploying installs (./dev synth does) is not here.")
    monkeypatch.setenv("PATH", "/nonexistent")
    toolkit.run(["deploy", "-c", "flock=docs"], {"AWS_REGION": "eu-west-1"})
    heard = json.loads(said.read_text())
    assert heard["words"][:3] == ["deploy", "-c", "flock=docs"]
    app = heard["words"][heard["words"].index("--app") + 1]
    assert app.endswith("-m cdk.app")
    assert "--no-notices" in heard["words"]
    assert heard["CDK_DISABLE_CLI_TELEMETRY"] == "true"
    assert heard["CDK_HOME"] == str(tmp_path / "home")
    assert heard["AWS_REGION"] == "eu-west-1"
    assert Path(heard["cwd"]) == cli.ROOT
    assert Path(heard["JSII_NODE"]).exists()


def test_what_it_prints_leaves_standard_output_to_the_caller_where_asked(
    toolkit: Toolkit, said: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = next(tmp_path.glob("cli-*/node_modules/aws-cdk/bin/cdk"))
    program.write_text("console.log('an ARN');")
    toolkit.run(["deploy"])
    assert capfd.readouterr().out == "an ARN\n"
    Toolkit(tmp_path, aside=True).run(["deploy"])
    assert capfd.readouterr() == ("", "an ARN\n")


def test_its_failure_is_ours_and_keeps_its_status(toolkit: Toolkit, said: Path) -> None:
    with pytest.raises(ToolkitFailed, match="status 3") as caught:
        toolkit.run(["fail"])
    assert caught.value.status == 3


def test_without_any_node_it_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JSII_NODE", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Unavailable) as caught:
        Toolkit(tmp_path).run(["list"])
    assert "./dev murmur deploy" in caught.value.remedy


def test_an_installation_that_fails_is_tried_again_the_next_time(
    toolkit: Toolkit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = Toolkit(tmp_path / "other")
    monkeypatch.setattr(cli, "_npm", lambda node: [node, "-e", "console.error('no network'); process.exit(1)", "--"])
    for _ in range(2):
        with pytest.raises(Unavailable, match="no network"):
            fresh.installed()


def test_without_words_it_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "python -m cdk.deploy list" in capsys.readouterr().err
