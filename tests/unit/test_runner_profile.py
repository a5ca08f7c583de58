"""Runners by name, and the environment their processes get."""

import sys

import pytest

from agent.runner.environment import agent_environment
from agent.runner.profile import RunnerProfile, profile_named, profiles
from murmur.errors import InvalidInput, NotFound


def test_the_scripted_runner_is_always_there_and_labelled():
    scripted = profile_named("scripted", {})
    assert scripted.scripted
    assert scripted.command == (sys.executable, "-m", "agent.brains.scripted")


def test_a_custom_runner_comes_from_the_environment():
    source = {"MURMUR_CUSTOM_COMMAND": "my-agent --flag 'two words'", "MURMUR_CUSTOM_PASSES": "MY_KEY, OTHER"}
    custom = profiles(source)["custom"]
    assert custom.command == ("my-agent", "--flag", "two words")
    assert custom.passes == ("MY_KEY", "OTHER")
    assert not custom.scripted


@pytest.mark.parametrize(
    ("name", "source", "error", "words"),
    [
        ("custom", {}, NotFound, "MURMUR_CUSTOM_COMMAND"),
        ("custom", {"MURMUR_CUSTOM_COMMAND": " "}, NotFound, "MURMUR_CUSTOM_COMMAND"),
        ("custom", {"MURMUR_CUSTOM_COMMAND": "agent 'open"}, InvalidInput, "not a command line"),
        ("goose", {}, NotFound, "Choose one of: scripted"),
    ],
)
def test_a_runner_that_is_not_there_says_what_to_do(name, source, error, words):
    with pytest.raises(error, match=words):
        profile_named(name, source)


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
