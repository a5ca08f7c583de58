"""Runners by name, and the environment their processes get."""

import json
import sys

import pytest

from agent.runner.client import Client
from agent.runner.environment import agent_environment
from agent.runner.home import furnish
from agent.runner.kinds import known_runners, offered_runners, runner_named
from agent.runner.profile import RunnerProfile
from murmur.errors import InvalidInput, NotFound


def test_the_scripted_runner_is_always_there_and_labelled():
    scripted = runner_named("scripted", {})
    assert scripted.scripted
    assert scripted.command == (sys.executable, "-m", "agent.brains.scripted")


def test_a_custom_runner_comes_from_the_environment():
    source = {"MURMUR_CUSTOM_COMMAND": "my-agent --flag 'two words'", "MURMUR_CUSTOM_PASSES": "MY_KEY, OTHER"}
    custom = known_runners(source)["custom"]
    assert custom.command == ("my-agent", "--flag", "two words")
    assert custom.passes == ("MY_KEY", "OTHER")
    assert not custom.scripted


@pytest.mark.parametrize(
    ("name", "source", "error", "words"),
    [
        ("custom", {}, NotFound, "MURMUR_CUSTOM_COMMAND"),
        ("custom", {"MURMUR_CUSTOM_COMMAND": " "}, NotFound, "MURMUR_CUSTOM_COMMAND"),
        ("custom", {"MURMUR_CUSTOM_COMMAND": "agent 'open"}, InvalidInput, "not a command line"),
        ("geese", {}, NotFound, "Choose one of: scripted, model, kiro"),
    ],
)
def test_a_runner_that_is_not_there_says_what_to_do(name, source, error, words):
    with pytest.raises(error, match=words):
        runner_named(name, source)


def test_an_agent_gets_a_short_list_and_its_own_home(tmp_path):
    host = {
        "PATH": "/bin",
        "HOME": "/root",
        "SSH_AUTH_SOCK": "x",
        "AWS_PROFILE": "p",
        "MURMUR_BUCKET": "b",
        "LANG": "C",
    }
    profile = RunnerProfile("p", ("x",), {"MODE": "auto", "AWS_REGION": "r"})
    given = agent_environment(host, profile, tmp_path, {"MODE": "other"})
    assert given == {"PATH": "/bin", "LANG": "C", "MODE": "other", "HOME": str(tmp_path)}


def test_a_proxy_is_handed_on_but_never_stands_before_the_tools(tmp_path):
    host = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "corp.example"}
    given = agent_environment(host, RunnerProfile("p", ("x",)), tmp_path, {})
    assert given["HTTPS_PROXY"] == "http://proxy:3128"
    assert given["NO_PROXY"] == given["no_proxy"] == "corp.example,127.0.0.1,localhost"


def program(folder, name):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)
    return str(folder)


def test_a_flock_is_offered_what_is_installed_here(tmp_path):
    assert "goose" not in offered_runners({"PATH": str(tmp_path)})
    offered = offered_runners({"PATH": program(tmp_path / "bin", "goose")})
    assert "goose" in offered
    assert "codex" not in offered


def test_a_command_the_operator_named_is_offered_whether_it_is_there_or_not():
    """Its turns say what is wrong with it, which a name that is missing from a list would not."""
    assert "custom" in offered_runners({"MURMUR_CUSTOM_COMMAND": "/no/such/agent"})


def test_a_runner_that_is_part_of_murmur_but_not_built_is_not_offered():
    profile = RunnerProfile("x", (sys.executable,), module="agent.brains.nowhere")
    assert not profile.installed()


def test_every_runner_says_what_it_is_and_how_to_get_it():
    for name, profile in known_runners({}).items():
        assert profile.name == name
        assert profile.about
        assert profile.remedy
        assert not any(variable.startswith("AWS_") for variable in profile.handed_on)


def test_without_a_model_nothing_of_it_is_said():
    profile = RunnerProfile("x", ("x",), model_arguments=("--model", "{model}"), model_environment={"M": "<{model}>"})
    assert profile.argv("") == ("x",)
    assert profile.variables("") == {}
    assert profile.argv("big") == ("x", "--model", "big")
    assert profile.variables("big") == {"M": "<big>"}


def test_a_line_of_settings_that_names_the_model_is_left_out_without_one():
    codex = runner_named("codex", {})
    assert "model = 'gpt-6'" in codex.files("gpt-6")[".codex/config.toml"].splitlines()
    assert "model" not in codex.files("")[".codex/config.toml"]


@pytest.mark.parametrize("name", [name for name, profile in known_runners({}).items() if not profile.scripted])
def test_every_runner_is_told_the_model(name):
    profile = runner_named(name, {})
    told = (*profile.argv("big-1"), *profile.variables("big-1").values(), *profile.files("big-1").values())
    assert any("big-1" in text for text in told)


def test_opencodes_settings_stay_when_a_model_is_named():
    settings = json.loads(runner_named("opencode", {}).variables("loop/m")["OPENCODE_CONFIG_CONTENT"])
    assert settings["model"] == "loop/m"
    assert settings["tools"]["bash"] is False
    assert "model" not in json.loads(runner_named("opencode", {}).variables("")["OPENCODE_CONFIG_CONTENT"])


def test_codex_is_granted_calls_of_the_flocks_tools_and_nothing_else():
    codex = runner_named("codex", {})
    assert codex.allows({"_meta": {"is_mcp_tool_approval": True}, "toolCall": {"kind": "execute"}})
    for asked in ({}, {"_meta": None}, {"_meta": {"is_mcp_tool_approval": "yes"}}, {"toolCall": {"kind": "edit"}}):
        assert not codex.allows(asked)


async def test_what_is_not_granted_is_rejected():
    options = [{"optionId": "y", "kind": "allow_once"}, {"optionId": "n", "kind": "reject_once"}]
    request = ("session/request_permission", {"options": options}, False)
    granting, refusing = Client(), Client(allows=lambda _: False)
    assert (await granting.handle(*request))["outcome"]["optionId"] == "y"
    assert (await refusing.handle(*request))["outcome"]["optionId"] == "n"
    granting.cancelling = True
    assert (await granting.handle(*request))["outcome"] == {"outcome": "cancelled"}


@pytest.mark.parametrize(
    "result",
    [
        {"usage": {"inputTokens": 3, "outputTokens": 4}},
        {"_meta": {"quota": {"token_count": {"input_tokens": 3, "output_tokens": 4}}}},
        {"usage": None, "_meta": {"quota": {"token_count": {"inputTokens": 3, "outputTokens": 4}}}},
    ],
)
def test_tokens_are_counted_in_either_dialect(result):
    usage = Client().usage(result)
    assert (usage.input_tokens, usage.output_tokens) == (3, 4)


@pytest.mark.parametrize("result", [{}, {"_meta": 7}, {"_meta": {"quota": []}}, {"usage": {"inputTokens": "many"}}])
def test_no_tokens_told_is_no_usage(result):
    assert Client().usage(result) is None


def test_a_home_has_the_settings_of_its_kind_and_they_are_written_anew(tmp_path):
    home = tmp_path / "home"
    profile = RunnerProfile("x", ("x",), home_files={".x/settings.json": "{}"})
    furnish(home, profile, {})
    (home / ".x/settings.json").write_text("tampered")
    furnish(home, profile, {})
    assert (home / ".x/settings.json").read_text() == "{}"
    assert home.stat().st_mode & 0o077 == 0


def test_a_persons_sign_in_is_linked_where_no_key_is_set(tmp_path):
    mine = tmp_path / "me" / ".x"
    mine.mkdir(parents=True)
    (mine / "auth.json").write_text("secret")
    profile = RunnerProfile("x", ("x",), keys=("X_KEY",), sign_in=(".x/auth.json", ".x/absent.json"))
    host = {"HOME": str(tmp_path / "me")}
    furnish(tmp_path / "with-key", profile, {**host, "X_KEY": "k"})
    assert not (tmp_path / "with-key" / ".x").exists()
    for _ in range(2):
        furnish(tmp_path / "without", profile, host)
    assert (tmp_path / "without/.x/auth.json").resolve() == mine / "auth.json"
    assert not (tmp_path / "without/.x/absent.json").is_symlink()
    assert profile.key_found(host) == "~/.x/auth.json"


def test_every_folder_of_a_home_is_open_to_an_agent_of_another_user(tmp_path, monkeypatch):
    monkeypatch.setenv("MURMUR_RUN_AS", "ask")
    furnish(tmp_path / "home", RunnerProfile("x", ("x",), home_files={".x/agents/deep/a.json": "{}"}), {})
    for folder in (".x", ".x/agents", ".x/agents/deep"):
        assert (tmp_path / "home" / folder).stat().st_mode & 0o777 == 0o770
