"""``--model`` and its company: what is wrong is found before anything starts, and what the brain needs is handed on."""

from __future__ import annotations

import json
import os

import pytest

from agent.brains.model.settings import HANDED_ON, KEYS
from agent.runner.environment import agent_environment
from agent.runner.kinds import runner_named
from murmur.cli import exits
from murmur.cli.brain import offer_model
from murmur.cli.main import main
from murmur.cli.parser import UsageError


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The process's environment, with nothing about models in it, and put back afterwards."""
    clean = {n: v for n, v in os.environ.items() if n not in {*HANDED_ON, *KEYS} and not n.startswith("AWS_")}
    monkeypatch.setattr(os, "environ", clean)
    return clean


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--runner", "model", "--model", "qwen3", "--direction", "x"],
        ["run", "--runner", "model", "--model", "ollama:", "--direction", "x"],
        ["run", "--runner", "model", "--model", "ollama:m", "--model-context", "tiny", "--direction", "x"],
        ["run", "--model-prices", "1/2", "--direction", "x"],
        ["up", "--model", "ollama:m", "--model-prices", "cheap"],
        ["doctor", "--runner", "scripted", "--model-context", "9000"],
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_starts(
    words: list[str],
    environment: dict[str, str],
    tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(str(tmp_path))
    assert main(words) == exits.USAGE
    assert "→" in capsys.readouterr().err
    assert "MURMUR_MODEL" not in environment


def test_what_was_given_reaches_the_brain_and_no_other_agent(environment: dict[str, str], tmp_path: object) -> None:
    offer_model("model", "ollama:qwen3", "32768", "0.25/2")
    home = tmp_path
    given = agent_environment(environment, runner_named("model", {}), home, {})  # type: ignore[arg-type]
    assert given["MURMUR_MODEL"] == "ollama:qwen3"
    assert (given["MURMUR_MODEL_CONTEXT"], given["MURMUR_MODEL_PRICES"]) == ("32768", "0.25/2")
    others = agent_environment(environment, runner_named("goose", {}), home, {})  # type: ignore[arg-type]
    assert not any(name.startswith("MURMUR_MODEL") for name in others)


def test_an_aws_sign_in_is_lent_for_a_bedrock_model_only(environment: dict[str, str]) -> None:
    environment |= {"AWS_PROFILE": "me", "HOME": "/home/me"}
    offer_model("model", "ollama:qwen3", None, None)
    assert "MURMUR_MODEL_AWS_PROFILE" not in environment
    offer_model("model", "bedrock:eu-west-1/m", None, None)
    assert environment["MURMUR_MODEL_AWS_PROFILE"] == "me"
    assert environment["MURMUR_MODEL_AWS_HOME"] == "/home/me"


def test_without_a_key_openais_endpoint_is_warned_of(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    offer_model("model", "openai:gpt-5-mini", None, None)
    assert "OPENAI_API_KEY" in capsys.readouterr().err
    environment["OPENAI_API_KEY"] = "sk-0123456789"
    offer_model("model", "openai:gpt-5-mini", None, None)
    assert capsys.readouterr().err == ""


def test_settings_stay_readable_in_logs_and_keys_do_not(environment: dict[str, str]) -> None:
    environment |= {"OPENAI_API_KEY": "sk-0123456789", "MURMUR_MODEL_AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI"}
    environment |= {"MURMUR_MODEL": "ollama:qwen3", "MURMUR_MODEL_AWS_REGION": "eu-central-1"}
    assert sorted(runner_named("model", {}).secrets(environment)) == ["sk-0123456789", "wJalrXUtnFEMI"]


def test_a_flock_that_names_its_model_itself_needs_none_here(environment: dict[str, str]) -> None:
    offer_model("model", None, None, None)
    with pytest.raises(UsageError, match="go with --runner model"):
        offer_model("codex", "m", "9000", None)


def test_the_doctor_says_what_is_wrong(environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    environment["OLLAMA_HOST"] = "127.0.0.1:1"
    assert main(["doctor", "--runner", "model", "--model", "ollama:qwen3", "--json"]) == exits.ERROR
    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert check["state"] == "failed"
    assert "Is Ollama running? Start it with `ollama serve`." in check["detail"]
