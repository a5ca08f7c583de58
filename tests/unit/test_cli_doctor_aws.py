"""`murmur doctor --aws` finds what stands in the way, and says what to do about it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from murmur.cli import aws_checks, exits
from murmur.cli.account import BOOTSTRAP, Account
from murmur.cli.aws_checks import examine_aws
from murmur.cli.aws_errors import NoAccess
from murmur.cli.checks import Check
from murmur.cli.deployment import write_choices
from murmur.cli.main import main
from murmur.cli.signin import Directory
from tests.unit.quick_boto import hurry

REGION = "eu-west-1"
BUCKET = f"murmur-123456789012-{REGION}"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Account]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("MURMUR_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(aws_checks, "directory", lambda _url: Directory("https://a", "https://b", "c", "d"))
    hurry(monkeypatch)
    with mock_aws():
        yield Account.of("", REGION)


def deployed(account: Account, **choices: str) -> None:
    template = {
        "Resources": {"T": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"Url": {"Value": "https://x.example/app/"}},
    }
    account.client("cloudformation").create_stack(StackName="murmur-murmur", TemplateBody=json.dumps(template))
    s3 = account.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for key in ("agent/bundle-0.zip", "web/index.html"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    account.put_parameter(BOOTSTRAP, "28")
    write_choices(account, "murmur", {"allow_ip": "203.0.113.0/24", "runners": "scripted,kiro", **choices})


def found(account: Account, address: str = "203.0.113.7") -> dict[str, Check]:
    return {check.name: check for check in examine_aws(account, "murmur", lambda: address)}


def test_an_empty_account_is_told_what_deploying_will_do(account: Account) -> None:
    checks = found(account)
    assert checks["credentials"].state == "ok"
    assert checks["bootstrap"].state == "warning"
    assert (checks["stack"].state, checks["stack"].remedy) == ("warning", "Deploy it with `murmur deploy`.")
    assert "bucket" not in checks
    assert not [check for check in checks.values() if check.state == "failed"]


def test_a_deployed_flock_is_looked_at_from_all_sides(account: Account) -> None:
    deployed(account)
    checks = found(account)
    assert (checks["api key"].state, checks["sign-in"].state) == ("failed", "warning")
    assert "--new-key" in checks["api key"].remedy
    for name in ("bootstrap", "stack", "bucket", "allowlist", "reachable"):
        assert checks[name].state == "ok", checks[name]
    account.put_parameter("/murmur/murmur/api-key", "secret-secret", secret=True)
    assert found(account)["api key"].state == "ok"


def test_an_address_that_is_not_let_in_is_told(account: Account) -> None:
    deployed(account)
    check = found(account, "198.51.100.1")["allowlist"]
    assert (check.state, check.remedy) == ("warning", "`murmur allow-ip auto`.")
    assert found(account, "2001:db8::1")["allowlist"].state == "warning"


def test_a_bucket_without_pages_is_told(account: Account) -> None:
    deployed(account)
    account.delete_object(BUCKET, "web/index.html")
    check = found(account)["bucket"]
    assert (check.state, check.remedy) == ("failed", "Run `murmur deploy` again.")


def test_a_quota_that_is_too_small_is_told(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Account, "quota", lambda *_: 8.0)
    write_choices(account, "murmur", {"concurrency_cap": "64"})
    check = found(account)["quota"]
    assert (check.state, check.detail) == ("warning", "8 vCPUs; 64 agents need 16")
    monkeypatch.setattr(Account, "quota", lambda *_: 16.0)
    assert found(account)["quota"].state == "ok"


def test_without_credentials_there_is_one_finding_and_the_verb_fails(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody(_: Account) -> None:
        raise NoAccess("There are no AWS credentials.", "Sign in.")

    monkeypatch.setattr(Account, "identity", nobody)
    assert list(found(account)) == ["credentials"]
    assert main(["doctor", "--aws", "--json"]) == exits.ERROR
    assert json.loads(capsys.readouterr().out)["checks"][0]["remedy"] == "Sign in."
