"""Deploying, over moto's account and a pretended CDK command: what is asked, in which order, and what a second time changes."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, SSOTokenLoadError
from moto import mock_aws

from cdk.cli import ToolkitFailed
from cdk.instance import bundle as bundles
from murmur.cli import exits
from murmur.cli.account import BOOTSTRAP, Account
from murmur.cli.aws_errors import NoAccess
from murmur.cli.deploying import Deployed, Deployer, Plan
from murmur.cli.deployment import checked_key, key_parameter, networks, pages, read_choices, upload_pages
from murmur.cli.known import recall
from murmur.cli.main import main
from murmur.cli.parser import UsageError
from murmur.errors import InvalidConfig, InvalidInput, MurmurError, WrongState
from tests.unit.quick_boto import hurry

REGION = "eu-west-1"
ACCOUNT = "123456789012"
BUCKET = f"murmur-{ACCOUNT}-{REGION}"
URL = "https://abc.execute-api.eu-west-1.amazonaws.com/app/"
KEY = "ksk_0123456789abcdef"


class FakeCdk:
    """Records what it was asked, and makes what the flock's stack would leave: its bucket, its firewall sets and its outputs."""

    def __init__(self, session: boto3.Session) -> None:
        self.session = session
        self.calls: list[list[str]] = []
        self.environments: list[dict[str, str]] = []
        self.fails: set[str] = set()
        self.seen_in_bucket: list[list[str]] = []

    def run(self, words: Any, environment: Any = None) -> None:
        self.calls.append(list(words))
        self.environments.append(dict(environment or {}))
        if words[0] in self.fails:
            raise ToolkitFailed(words, 1)
        if words[0] == "bootstrap":
            self.session.client("ssm").put_parameter(Name=BOOTSTRAP, Value="28", Type="String")
        if words[0] == "deploy":
            self._deploy(dict(word.split("=", 1) for word in words if "=" in word))

    def _deploy(self, context: dict[str, str]) -> None:
        s3, name = self.session.client("s3"), f"murmur-{context['flock']}"
        listed = s3.list_buckets()["Buckets"]
        bucket = f"{context['flock']}-{ACCOUNT}-{REGION}"
        if bucket not in [one["Name"] for one in listed]:
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.seen_in_bucket.append([one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])])
        waf, cfn = self.session.client("wafv2"), self.session.client("cloudformation")
        outputs = {"Url": URL, "LifecycleFunction": f"{context['flock']}-lifecycle"}
        known = {one["Name"]: one["Id"] for one in waf.list_ip_sets(Scope="REGIONAL", Limit=100)["IPSets"]}
        for version in ("V4", "V6"):
            made = (
                known.get(f"{name}-{version}")
                or waf.create_ip_set(
                    Name=f"{name}-{version}", Scope="REGIONAL", IPAddressVersion=f"IP{version}", Addresses=[]
                )["Summary"]["Id"]
            )
            outputs[f"IpSet{version}"] = made
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {output: {"Value": value} for output, value in outputs.items()},
        }
        try:
            cfn.create_stack(StackName=name, TemplateBody=json.dumps(template))
        except ClientError:
            cfn.update_stack(StackName=name, TemplateBody=json.dumps(template))

    def context(self) -> dict[str, str]:
        """Of the latest deployment."""
        words = next(call for call in reversed(self.calls) if call[0] == "deploy")
        return dict(word.split("=", 1) for word in words if "=" in word and not word.startswith("-"))


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Account]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "MURMUR_URL", "MURMUR_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("MURMUR_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(bundles, "fetch", lambda _cache: [])  # what is in a bundle is test_instance_bundle's business
    monkeypatch.setattr(bundles, "own_files", lambda: [("app/agent/host.py", b"")])
    hurry(monkeypatch)
    monkeypatch.chdir(tmp_path)
    with mock_aws():
        yield Account.of("", REGION)


@pytest.fixture
def cdk(account: Account) -> FakeCdk:
    return FakeCdk(account.session)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def deployer(account: Account, cdk: FakeCdk, said: list[str], tmp_path: Path) -> Deployer:
    return Deployer(account, cdk, said.append, lambda _: KEY, tmp_path / "cache", web(tmp_path))


def web(folder: Path) -> Path:
    """A dashboard of one page."""
    (folder / "web").mkdir(exist_ok=True)
    (folder / "web/index.html").write_text("<!doctype html>")
    return folder / "web"


FIRST = {"email": "you@example.org", "allow_ip": "203.0.113.7/32"}


def first(deployer: Deployer, **more: str) -> Deployed:
    return deployer.deploy(Plan("murmur", {**FIRST, **more}))


def stored(account: Account, name: str) -> str:
    found = account.client("ssm").get_parameter(Name=name, WithDecryption=True)
    assert found["Parameter"]["Type"] == "SecureString"
    return str(found["Parameter"]["Value"])


def test_the_first_time_prepares_the_account_deploys_and_fills_the_bucket(
    deployer: Deployer, cdk: FakeCdk, account: Account
) -> None:
    made = first(deployer)
    assert [call[0] for call in cdk.calls] == ["bootstrap", "deploy"]
    assert cdk.calls[0][1] == f"aws://{ACCOUNT}/{REGION}"
    assert made.url == URL
    held = account.keys_under(BUCKET, "")
    assert made.bundle.key in held
    assert "web/index.html" in held
    page = account.client("s3").head_object(Bucket=BUCKET, Key="web/index.html")
    assert page["ContentType"] == "text/html; charset=utf-8"
    context = cdk.context()
    assert context["email"] == "you@example.org"
    assert context["allow_ip"] == "203.0.113.7/32"
    assert context["bundle_sha256"] == made.bundle.sha256
    credentials = account.session.get_credentials()
    assert credentials
    assert cdk.environments[-1]["AWS_ACCESS_KEY_ID"] == credentials.access_key
    assert cdk.environments[-1]["AWS_REGION"] == REGION


def test_a_second_time_without_options_keeps_the_choices_and_uploads_nothing_anew(
    deployer: Deployer, cdk: FakeCdk, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    first(deployer, concurrency_cap="128", spot="true")
    before = cdk.context()
    sent: list[str] = []
    s3 = account.client("s3")
    put = s3.put_object
    monkeypatch.setattr(s3, "put_object", lambda **more: (sent.append(more["Key"]), put(**more))[1])
    deployer.deploy(Plan("murmur"))
    assert sent == []
    assert cdk.context() == before
    assert [call[0] for call in cdk.calls] == ["bootstrap", "deploy", "deploy"]


def test_what_is_given_replaces_what_was_chosen_and_nothing_else(deployer: Deployer, cdk: FakeCdk) -> None:
    first(deployer, spot="true")
    deployer.deploy(Plan("murmur", {"concurrency_cap": "16"}))
    context = cdk.context()
    assert (context["concurrency_cap"], context["spot"], context["email"]) == ("16", "true", "you@example.org")


def test_a_new_bundle_is_in_the_bucket_before_anything_names_it(deployer: Deployer, cdk: FakeCdk) -> None:
    first(deployer)
    second = deployer.deploy(Plan("murmur", {"runners": "scripted,kiro"}))
    assert second.bundle.key in cdk.seen_in_bucket[-1]


def test_an_account_whose_apis_have_a_log_role_keeps_it(deployer: Deployer, cdk: FakeCdk, account: Account) -> None:
    change = {"op": "replace", "path": "/cloudwatchRoleArn", "value": "arn:aws:iam::123456789012:role/logs"}
    account.client("apigateway").update_account(patchOperations=[change])
    first(deployer)
    assert cdk.context()["account_logging"] == "false"
    deployer.deploy(Plan("murmur"))
    assert cdk.context()["account_logging"] == "false"


def test_without_an_email_the_first_time_nothing_is_done(deployer: Deployer, cdk: FakeCdk) -> None:
    with pytest.raises(UsageError, match="--email") as caught:
        deployer.deploy(Plan("murmur", {"allow_ip": "203.0.113.7/32"}))
    assert caught.value.remedy == "Give --email you@example.org."
    assert cdk.calls == []


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"concurrency_cap": "many"}, "concurrency_cap"),
        ({"allow_ip": "0.0.0.0/0"}, "allow_ip"),
        ({"email": "nobody"}, "email"),
        ({"typo": "x"}, "typo"),
    ],
)
def test_a_choice_that_is_off_is_refused_before_anything_is_done(
    deployer: Deployer, cdk: FakeCdk, given: dict[str, str], word: str
) -> None:
    with pytest.raises(InvalidConfig, match=word):
        deployer.deploy(Plan("murmur", {**FIRST, **given}))
    assert cdk.calls == []


def test_a_key_is_asked_for_once_stored_encrypted_and_never_shown(
    account: Account, cdk: FakeCdk, said: list[str], tmp_path: Path
) -> None:
    asked: list[str] = []

    def ask(variable: str) -> str:
        asked.append(variable)
        return f" {KEY}\n"

    deployer = Deployer(account, cdk, said.append, ask, tmp_path / "cache", web(tmp_path))
    first(deployer, runners="scripted,kiro")
    deployer.deploy(Plan("murmur"))
    assert asked == ["KIRO_API_KEY"]
    assert stored(account, key_parameter("murmur")) == KEY
    assert cdk.context()["key_variable"] == "KIRO_API_KEY"
    assert KEY not in json.dumps([said, cdk.calls, read_choices(account, "murmur")])
    deployer.deploy(Plan("murmur", new_key=True))
    assert len(asked) == 2


def test_scripted_agents_need_no_key(deployer: Deployer, account: Account, cdk: FakeCdk) -> None:
    first(deployer)
    assert account.parameter(key_parameter("murmur")) is None
    assert cdk.context()["key_variable"] == ""


@pytest.mark.parametrize("text", ["", "short", "has space in it", "quo'te12345", "line\nbreak12345", "$(id)12345"])
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_key(text)
    assert not text or text not in f"{caught.value}"


def test_a_runner_that_cannot_be_installed_is_refused_with_those_that_can(deployer: Deployer, cdk: FakeCdk) -> None:
    with pytest.raises(InvalidInput, match="codex") as caught:
        first(deployer, runners="scripted,codex")
    assert "kiro" in caught.value.remedy
    assert cdk.calls == []


def test_an_agent_of_ones_own_goes_into_the_bundle_and_must_be_given_again(
    deployer: Deployer, cdk: FakeCdk, tmp_path: Path
) -> None:
    archive = tmp_path / "mine.tar.gz"
    archive.write_bytes(b"agent")
    given = {**FIRST, "runners": "scripted,custom", "custom_command": "mine --acp", "custom_key": "MY_KEY"}
    plan = Plan("murmur", given, archive, ["bin/mine"])
    with_it = deployer.deploy(plan)
    assert cdk.context()["key_variable"] == "MY_KEY"
    assert cdk.context()["custom_command"] == "mine --acp"
    assert "custom_key" not in cdk.context()
    with pytest.raises(UsageError, match=r"mine\.tar\.gz"):
        deployer.deploy(Plan("murmur"))
    archive.write_bytes(b"another")
    assert deployer.deploy(plan).bundle.sha256 != with_it.bundle.sha256


def test_a_bucket_that_an_earlier_deployment_left_is_taken_over(
    deployer: Deployer, cdk: FakeCdk, account: Account
) -> None:
    account.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    first(deployer)
    assert "--import-existing-resources" in cdk.calls[-1]
    deployer.deploy(Plan("murmur"))
    assert "--import-existing-resources" not in cdk.calls[-1]


def test_a_deployment_that_failed_leaves_the_choices_of_before(
    deployer: Deployer, cdk: FakeCdk, account: Account
) -> None:
    first(deployer)
    cdk.fails.add("deploy")
    with pytest.raises(ToolkitFailed) as caught:
        deployer.deploy(Plan("murmur", {"concurrency_cap": "16"}))
    assert "same command again" in caught.value.remedy
    assert "concurrency_cap" not in read_choices(account, "murmur")


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("ROLLBACK_FAILED", "murmur destroy"),
        ("UPDATE_ROLLBACK_FAILED", "murmur destroy"),
        ("DELETE_FAILED", "murmur destroy"),
        ("UPDATE_IN_PROGRESS", "Wait until it is done"),
    ],
)
def test_a_stack_that_cannot_be_updated_is_told_with_the_way_out(
    deployer: Deployer, cdk: FakeCdk, account: Account, monkeypatch: pytest.MonkeyPatch, status: str, remedy: str
) -> None:
    first(deployer)
    client = account.client("cloudformation")
    broken = {"StackName": "murmur-murmur", "StackStatus": status, "StackStatusReason": "it broke"}
    monkeypatch.setattr(client, "describe_stacks", lambda **_: {"Stacks": [broken]})
    with pytest.raises(WrongState) as caught:
        deployer.deploy(Plan("murmur"))
    assert status in caught.value.message
    assert remedy in caught.value.remedy
    assert len(cdk.calls) == 2


def test_pages_are_brought_up_to_date_and_the_page_itself_comes_last(tmp_path: Path, account: Account) -> None:
    account.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    (tmp_path / "w/app").mkdir(parents=True)
    for name in ("index.html", "zebra.css", "app/main.js", "app/.hidden"):
        (tmp_path / "w" / name).write_text(name)
    assert [key for key, _, _ in pages(tmp_path / "w")] == ["web/app/main.js", "web/zebra.css", "web/index.html"]
    assert {kind for _, _, kind in pages(tmp_path / "w")} == {
        f"text/{k}; charset=utf-8" for k in ("html", "css", "javascript")
    }
    assert upload_pages(account, BUCKET, tmp_path / "w") == 3
    (tmp_path / "w/zebra.css").unlink()
    (tmp_path / "w/index.html").write_text("new")
    assert upload_pages(account, BUCKET, tmp_path / "w") == 2
    assert account.keys_under(BUCKET, "web/") == ["web/app/main.js", "web/index.html"]


def test_networks_are_made_exact_and_auto_is_asked_for() -> None:
    assert networks(["203.0.113.7", "auto", "203.0.113.7/32", "2001:db8::/48"], lambda: "198.51.100.1") == [
        "203.0.113.7/32",
        "198.51.100.1/32",
        "2001:db8::/48",
    ]
    for word in ("0.0.0.0/0", "::/0", "203.0.113.7/24", "home"):
        with pytest.raises(InvalidInput):
            networks([word])


# ── what AWS may say instead ──


def denied(code: str, message: str = "no", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Call"
    )


@pytest.mark.parametrize(
    ("error", "message", "remedy"),
    [
        (EndpointConnectionError(endpoint_url="https://sts"), "did not answer", "Check --region"),
        (SSOTokenLoadError(error_msg="gone"), "has expired", "aws sso login"),
        (denied("ThrottlingException"), "busy", "Try again"),
        (denied("ExpiredToken"), "expired", "aws sso login"),
        (denied("InvalidClientTokenId"), "does not know these credentials", "AWS_PROFILE"),
        (denied("AccessDenied", "User: x is not authorized", 403), "You may not Call", "docs/how-to/deploy.md"),
        (denied("UnauthorizedOperation", "You are not authorized", 403), "You may not Call", "docs/how-to/deploy.md"),
    ],
)
def test_what_aws_refuses_says_what_and_what_next(
    account: Account, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str, remedy: str
) -> None:
    def refuse(**_: Any) -> None:
        raise error

    monkeypatch.setattr(account.client("sts"), "get_caller_identity", refuse)
    with pytest.raises(MurmurError, match=message) as caught:
        account.identity()
    assert remedy in caught.value.remedy


def test_no_credentials_no_region_and_no_such_profile_say_what_to_set(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    assert main(["allow-ip", "--profile", "nobodys", "--region", REGION]) == exits.ERROR
    assert "list-profiles" in capsys.readouterr().err
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert main(["allow-ip"]) == exits.ERROR
    assert "Give --region" in capsys.readouterr().err
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NoAccess, match="no AWS credentials"):
        Account.of("", REGION).environment()


# ── the verbs ──


@pytest.fixture
def by_verb(monkeypatch: pytest.MonkeyPatch, cdk: FakeCdk, tmp_path: Path) -> FakeCdk:
    monkeypatch.setattr("murmur.cli.verbs.deploy.cdk_command", lambda **_: cdk)
    monkeypatch.setattr("murmur.cli.verbs.diff.cdk_command", lambda: cdk)
    monkeypatch.setattr("murmur.cli.deployment.my_address", lambda: "198.51.100.1")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return cdk


def test_the_verb_lets_in_where_one_comes_from_and_remembers_the_flock(
    by_verb: FakeCdk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["deploy", "--email", "you@example.org", "--region", REGION]) == exits.OK
    said = capsys.readouterr()
    assert f"dashboard  {URL}" in said.out
    assert "only 198.51.100.1/32 is let in" in said.err
    assert by_verb.context()["allow_ip"] == "198.51.100.1/32"
    assert (recall("murmur").url, recall("murmur").region) == (URL, REGION)
    assert main(["deploy"]) == exits.OK  # nobody is asked where it comes from again
    assert "is let in" not in capsys.readouterr().err
    assert by_verb.context()["allow_ip"] == "198.51.100.1/32"


def test_a_key_nobody_can_be_asked_for_comes_from_a_file(
    by_verb: FakeCdk, account: Account, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["deploy", "--email", "you@example.org", "--runner", "kiro"]
    assert main(words) == exits.USAGE
    assert "--api-key-file" in capsys.readouterr().err
    (tmp_path / "key").write_text(KEY + "\n")
    assert main([*words, "--api-key-file", str(tmp_path / "key"), "--json"]) == exits.OK
    said = capsys.readouterr()
    assert json.loads(said.out)["url"] == URL
    assert KEY not in said.out + said.err
    assert stored(account, key_parameter("murmur")) == KEY


def test_diff_changes_nothing(by_verb: FakeCdk, account: Account) -> None:
    assert main(["deploy", "--email", "you@example.org"]) == exits.OK
    assert main(["diff", "--concurrency-cap", "16"]) == exits.OK
    assert by_verb.calls[-1][0] == "diff"
    assert "concurrency_cap=16" in by_verb.calls[-1]
    assert "concurrency_cap" not in read_choices(account, "murmur")


def test_networks_are_let_in_at_once_and_kept_for_the_next_deployment(
    by_verb: FakeCdk, account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["deploy", "--email", "you@example.org"]) == exits.OK
    outputs = account.stack("murmur-murmur").outputs

    def allowed(version: str) -> list[str]:
        found = account.client("wafv2").get_ip_set(
            Name=f"murmur-murmur-{version}", Scope="REGIONAL", Id=outputs[f"IpSet{version}"]
        )
        return sorted(found["IPSet"]["Addresses"])

    assert main(["allow-ip", "203.0.113.0/24", "2001:db8::/48"]) == exits.OK
    assert allowed("V4") == ["198.51.100.1/32", "203.0.113.0/24"]
    assert allowed("V6") == ["2001:db8::/48"]
    assert main(["allow-ip", "203.0.113.0/24", "--remove"]) == exits.OK
    assert allowed("V4") == ["198.51.100.1/32"]
    capsys.readouterr()
    assert main(["allow-ip", "--json"]) == exits.OK
    assert json.loads(capsys.readouterr().out) == {"allowed": ["198.51.100.1/32", "2001:db8::/48"]}
    assert main(["deploy"]) == exits.OK
    assert by_verb.context()["allow_ip"] == "198.51.100.1/32,2001:db8::/48"
    assert main(["allow-ip", "192.0.2.1", "--remove"]) == exits.USAGE
    assert main(["allow-ip", "192.0.2.1", "--flock", "other"]) == exits.ERROR
    assert "no flock 'other'" in capsys.readouterr().err
