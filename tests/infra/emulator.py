"""The stack on an emulator: MiniStack, all of it, as a child of the test; the synthesised template by a CloudFormation call.

What MiniStack lacks is in LACKS, which docs/explanation/aws.md repeats for people.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx

from tests.infra.assembly import Assembly

ACCOUNT: Final = "000000000000"  # that of a request without credentials, such as a browser's
REGION: Final = "us-east-1"
LACKS: Final = {
    "AWS::WAFv2::IPSet": "no such type",
    "AWS::WAFv2::WebACL": "has the type, but this one names the two sets",
    "AWS::WAFv2::WebACLAssociation": "no such type",
    "AWS::Cognito::UserPoolUser": "no such type: the test makes the user by Cognito's API",
}
PASSWORD: Final = "Correct-horse-1234!"
_STAGING: Final = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
_OWN: Final = ("murmur", "functions")
_STACK: Final = "murmur-murmur"
_IMAGE: Final = "/test/image"


class Emulator:
    """Use as a context manager. ``client`` gives boto3 clients of it."""

    def __init__(self, home: Path) -> None:
        self._home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._session = boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="x", region_name=REGION)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        environment |= {
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "PERSIST_STATE": "0",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "LAMBDA_EXECUTOR": "local",
            "DOCKER_HOST": "unix:///nonexistent",
            "TMPDIR": str(self._home),
        }
        with (self._home / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ministack"], env=environment, stdout=log, stderr=log, cwd=self._home
            )
        self._wait_until_up()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def client(self, service: str) -> Any:
        """A boto3 client."""
        return self._session.client(service, endpoint_url=self.url)  # type: ignore[call-overload]

    @property
    def log(self) -> str:
        """What it said."""
        return (self._home / "log").read_text("utf-8", "replace")

    def _wait_until_up(self) -> None:
        assert self._process is not None
        end = time.monotonic() + 60
        while time.monotonic() < end:
            assert self._process.poll() is None, self.log
            try:
                httpx.get(f"{self.url}/_ministack/health", timeout=2)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"the emulator did not come up: {self.log}")


class Deployed:
    """The stack, created. ``outputs`` are its own."""

    def __init__(self, emulator: Emulator, assembly: Assembly) -> None:
        self.emulator = emulator
        self.dropped: set[str] = set()
        self._create(assembly)
        self.api = self._id("Url")
        self.live = self._id("LiveUrl")
        self.base = f"{emulator.url}/_aws/execute-api/{self.api}/app"
        self._tell_where_connections_are()
        self.token = self._sign_in()

    def _create(self, assembly: Assembly) -> None:
        s3, stacks = self.emulator.client("s3"), self.emulator.client("cloudformation")
        s3.create_bucket(Bucket=_STAGING)
        for name, entry in assembly.assets.items():
            body = packed(assembly.folder / entry["source"]["path"])
            s3.put_object(Bucket=_STAGING, Key=f"{name}.zip", Body=body)
        s3.put_object(Bucket=_STAGING, Key="template.json", Body=json.dumps(self._fitting(assembly)).encode())
        ssm = self.emulator.client("ssm")
        ssm.put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
        ssm.put_parameter(Name=_IMAGE, Value="ami-0123456789abcdef0", Type="String")
        image = next(name for name in assembly.template.raw["Parameters"] if name.startswith("Ssm"))
        stacks.create_stack(
            StackName=_STACK,
            TemplateURL=f"{self.emulator.url}/{_STAGING}/template.json",
            Parameters=[{"ParameterKey": image, "ParameterValue": _IMAGE}],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            DisableRollback=True,
        )
        end = time.monotonic() + 120
        while (stack := stacks.describe_stacks(StackName=_STACK)["Stacks"][0])["StackStatus"].endswith("IN_PROGRESS"):
            assert time.monotonic() < end, "the stack is not finished"
            time.sleep(0.1)
        self.status = stack["StackStatus"]
        self.reason = stack.get("StackStatusReason", "")
        assert self.status == "CREATE_COMPLETE", self.reason
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def _fitting(self, assembly: Assembly) -> dict[str, Any]:
        """The template without what the emulator does not know, and without the outputs that name it."""
        raw = assembly.template.raw
        gone = {name for name, resource in raw["Resources"].items() if resource["Type"] in LACKS}
        self.dropped = {raw["Resources"][name]["Type"] for name in gone}
        resources = {name: resource for name, resource in raw["Resources"].items() if name not in gone}
        outputs = {k: v for k, v in raw["Outputs"].items() if not any(name in json.dumps(v) for name in gone)}
        return {**raw, "Resources": resources, "Outputs": outputs}

    def _id(self, output: str) -> str:
        return self.outputs[output].split("//")[1].split(".")[0]

    def _tell_where_connections_are(self) -> None:
        """The stack says amazonaws.com, which is not this emulator's name."""
        functions = self.emulator.client("lambda")
        for name in ("default", "push"):
            known = functions.get_function_configuration(FunctionName=f"murmur-live-{name}")["Environment"]["Variables"]
            known["MURMUR_CONNECTIONS_ENDPOINT"] = f"{self.emulator.url}/_aws/execute-api/{self.live}/live"
            functions.update_function_configuration(
                FunctionName=f"murmur-live-{name}", Environment={"Variables": known}
            )

    def take_away(self) -> None:
        """Delete the stack, and wait until it is gone."""
        stacks = self.emulator.client("cloudformation")
        (known,) = stacks.describe_stacks(StackName=_STACK)["Stacks"]
        stacks.delete_stack(StackName=_STACK)
        end = time.monotonic() + 120
        while (status := _status(stacks, known["StackId"])) == "DELETE_IN_PROGRESS":
            assert time.monotonic() < end, "the stack is not gone"
            time.sleep(0.1)
        assert status == "DELETE_COMPLETE", status

    def socket_url(self, ticket: str) -> str:
        """Where the WebSocket opens."""
        return f"ws://127.0.0.1:{self.emulator.port}/_aws/execute-api/{self.live}/live?ticket={ticket}"

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A request as the signed-in dashboard makes it."""
        return httpx.request(method, self.base + path, headers={"Authorization": self.token}, timeout=90, **more)

    def _sign_in(self) -> str:
        """A user, and a sign-in by code grant with PKCE, as the dashboard and the command do it. Returns the ID token."""
        users, pool, client = self.emulator.client("cognito-idp"), self.outputs["UserPool"], self.outputs["Client"]
        users.admin_create_user(
            UserPoolId=pool,
            Username="you@example.org",
            UserAttributes=[{"Name": "email", "Value": "you@example.org"}],
            TemporaryPassword=PASSWORD,
            MessageAction="SUPPRESS",
        )
        users.admin_set_user_password(UserPoolId=pool, Username="you@example.org", Password=PASSWORD, Permanent=True)
        verifier, back = secrets.token_urlsafe(32), "http://localhost:8976/callback"
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": back,
            "scope": "openid",
            "state": "s",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        page = httpx.get(f"{self.emulator.url}/oauth2/authorize", params=query)
        fields = {name: html.unescape(v) for name, v in re.findall(r'name="([^"]+)" value="([^"]*)"', page.text)}
        fields |= {"username": "you@example.org", "password": PASSWORD}
        sent = httpx.post(f"{self.emulator.url}/login", data=fields)
        code = parse_qs(urlsplit(sent.headers["location"]).query)["code"][0]
        form = {"grant_type": "authorization_code", "client_id": client, "code": code, "redirect_uri": back}
        answer = httpx.post(f"{self.emulator.url}/oauth2/token", data={**form, "code_verifier": verifier})
        return str(answer.raise_for_status().json()["id_token"])


def _status(stacks: Any, stack: str) -> str:
    return str(stacks.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])


def packed(folder: Path) -> bytes:
    """A deployment package without its wheels: they are for arm64, and the emulator runs functions with this test's own Python."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            place = file.relative_to(folder)
            if file.is_file() and place.parts[0] in _OWN:
                archive.write(file, place)
    return held.getvalue()
