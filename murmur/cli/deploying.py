"""What `murmur deploy` and `murmur diff` do, step by step. Every step may have been done before: doing it again changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from cdk.instance.bundle import CACHE, Bundle, build
from cdk.instance.runners import CUSTOM, Custom, Installation, choose
from cdk.parameters import Parameters
from murmur.cli.account import Account, Identity, StackState
from murmur.cli.deployment import (
    WEB,
    bucket_name,
    checked_key,
    key_parameter,
    read_choices,
    stack_name,
    upload_pages,
    write_choices,
)
from murmur.cli.parser import UsageError, nearest
from murmur.cli.text import clean, size
from murmur.errors import InvalidConfig, InvalidInput, WrongState

STUCK: Final = frozenset({"ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED", "REVIEW_IN_PROGRESS"})
_ARCHIVE: Final = "custom_archive"
CUSTOM_KEY: Final = "custom_key"
_OURS: Final = frozenset({_ARCHIVE, CUSTOM_KEY})
"""Choices that are not parameters of the stack."""
_ALWAYS_NEW: Final = frozenset({"bundle_sha256", "key_variable"})


class CdkCommand(Protocol):
    """The pinned CDK command (cdk/cli.py)."""

    def run(self, words: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Run it; it talks to the terminal itself."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the operator asks for. ``given`` are parameters of the stack (cdk/parameters.py); what is not given stays as it was."""

    flock: str
    given: Mapping[str, str] = field(default_factory=dict)
    archive: Path | None = None
    """The archive with the agent of the runner ``custom``."""
    programs: Sequence[str] = ()
    """Which files in it are programs."""
    new_key: bool = False
    assume_yes: bool = False


@dataclass(frozen=True, slots=True)
class Deployed:
    """What came of it."""

    url: str
    bucket: str
    bundle: Bundle
    stack: StackState


@dataclass(frozen=True, slots=True)
class Deployer:
    """Carries a plan out. ``say`` tells what is being done; ``ask_key`` asks for the API key without showing it."""

    account: Account
    cdk: CdkCommand
    say: Callable[[str], None]
    ask_key: Callable[[str], str]
    cache: Path = CACHE
    web: Path = WEB

    def deploy(self, plan: Plan) -> Deployed:
        """Deploy. Raises NoAccess, UsageError, InvalidConfig, InvalidInput, WrongState, ToolkitFailed, Unavailable."""
        who = self.account.identity()
        self.say(f"account {who.account} in {who.region}, as {clean(who.arn, 120)}")
        name = stack_name(plan.flock)
        before = self.usable(self.account.stack(name))
        choices = self.choices(plan, first=not before.exists)
        installation = self._installation(plan, choices)
        self._key(plan, installation)
        bundle = self.bundle(installation)
        context = self.context(plan, choices, installation, bundle)
        bucket = bucket_name(plan.flock, who.account, who.region)
        kept = self.account.has_bucket(bucket)
        if kept:
            self._upload_bundle(bucket, bundle)  # before anything names it
        self._bootstrap(who)
        self._run(["deploy", "--require-approval", "never" if plan.assume_yes else "broadening"], context, before, kept)
        after = self.account.stack(name)
        if "Url" not in after.outputs:
            raise WrongState(
                f"The stack {name} is {after.status or 'not there'} and has no address.", "Run `murmur deploy` again."
            )
        self._upload_bundle(bucket, bundle)
        changed = upload_pages(self.account, bucket, self.web)
        self.say(f"dashboard: {changed} files changed")
        write_choices(self.account, plan.flock, choices)
        return Deployed(after.outputs["Url"], bucket, bundle, after)

    def diff(self, plan: Plan) -> None:
        """Show what deploying would change in the account. Raises as ``deploy``."""
        before = self.account.stack(stack_name(plan.flock))
        choices = self.choices(plan, first=not before.exists)
        installation = self._installation(plan, choices)
        self._run(["diff"], self.context(plan, choices, installation, self.bundle(installation)), before, kept=False)

    def usable(self, stack: StackState) -> StackState:
        """The stack, if CloudFormation can do something with it. Raises WrongState saying what to do."""
        if stack.status in STUCK:
            why = "; ".join(self.account.troubles(stack.name)) or stack.reason
            raise WrongState(
                f"The stack {stack.name} is {stack.status}: {clean(why, 600)}",
                "Run `murmur destroy` (results stay), then deploy again.",
            )
        if stack.busy:
            raise WrongState(
                f"CloudFormation is working on {stack.name} ({stack.status}).", "Wait until it is done, then try again."
            )
        return stack

    def choices(self, plan: Plan, *, first: bool) -> dict[str, str]:
        """What was chosen before, with what is given now laid over it. Raises UsageError, InvalidConfig."""
        known = set(Parameters.model_fields) | _OURS
        before = {
            n: v for n, v in read_choices(self.account, plan.flock).items() if n in known and n not in _ALWAYS_NEW
        }
        chosen = {**before, **plan.given, "flock": plan.flock}
        if first and "account_logging" not in chosen and self.account.has_api_log_role():
            chosen["account_logging"] = "false"  # it is the account's own, and one for all APIs of the region
        if first and not chosen.get("email"):
            raise UsageError("The first time, somebody must be able to sign in.", "Give --email you@example.org.")
        Parameters.from_context({n: v for n, v in chosen.items() if n not in _OURS})
        return chosen

    def context(
        self, plan: Plan, choices: Mapping[str, str], installation: Installation, bundle: Bundle
    ) -> dict[str, str]:
        """The stack's parameters. Raises InvalidConfig."""
        made = {n: v for n, v in choices.items() if n not in _OURS}
        made |= {"flock": plan.flock, "bundle_sha256": bundle.sha256, "key_variable": installation.key_variable}
        Parameters.from_context(made)
        return made

    def bundle(self, installation: Installation) -> Bundle:
        """Build what the instances run."""
        made = build(self.cache / "bundle.zip", more=installation.files)
        self.say(f"bundle for the instances: {size(made.size)}, {made.sha256[:16]}")
        return made

    def _installation(self, plan: Plan, choices: dict[str, str]) -> Installation:
        runners = Parameters.from_context({"runners": choices.get("runners", "scripted")}).runners
        if CUSTOM not in runners:
            return choose(runners)
        if not choices.get("custom_command"):
            raise UsageError("The runner 'custom' has no command.", "Give --agent-command.")
        if choices.get(_ARCHIVE) and plan.archive is None:
            raise UsageError(
                f"The last deployment took the agent from {choices[_ARCHIVE]!r}, which is not kept.",
                "Give --agent-archive again.",
            )
        if plan.archive is not None:
            choices[_ARCHIVE] = plan.archive.name
        return choose(
            runners, Custom(choices["custom_command"], plan.archive, plan.programs, choices.get(CUSTOM_KEY, ""))
        )

    def _key(self, plan: Plan, installation: Installation) -> None:
        """See that the API key is there, if a runner needs one."""
        if not installation.key_variable:
            return
        parameter = key_parameter(plan.flock)
        if not plan.new_key and self.account.parameter(parameter) is not None:
            self.say(f"API key: kept as it is in {parameter}")
            return
        key = checked_key(self.ask_key(installation.key_variable))
        self.account.put_parameter(parameter, key, secret=True)
        self.say(f"API key: stored, encrypted, as {parameter}")

    def _upload_bundle(self, bucket: str, bundle: Bundle) -> None:
        if self.account.upload(bucket, bundle.key, bundle.path.read_bytes(), "application/zip"):
            self.say(f"bundle uploaded as {bundle.key}")

    def _bootstrap(self, who: Identity) -> None:
        if self.account.bootstrapped():
            return
        self.say(f"preparing {who.account} in {who.region} for CDK (once an account and region)")
        self.cdk.run(["bootstrap", f"aws://{who.account}/{who.region}"], self.account.environment())

    def _run(self, words: list[str], context: Mapping[str, str], before: StackState, kept: bool) -> None:
        if kept and (not before.exists or before.status == "ROLLBACK_COMPLETE"):
            words = [*words, "--import-existing-resources"]  # the bucket that an earlier deployment left
        given = [word for name, value in sorted(context.items()) for word in ("-c", f"{name}={value}")]
        self.cdk.run([*words, *given], self.account.environment())


def check_given(given: Mapping[str, str]) -> None:
    """What was given on the command line, before the account is asked. Raises UsageError, InvalidInput."""
    own = {name: value for name, value in given.items() if name not in _OURS}
    for name in own:
        if name not in Parameters.model_fields:
            raise UsageError(
                f"The stack has no parameter {clean(name, 40)!r}.{nearest(name, Parameters.model_fields)}",
                f"It has {', '.join(Parameters.model_fields)}.",
            )
    try:
        found = Parameters.from_context(own)
    except InvalidConfig as error:
        raise UsageError(error.message, "Correct it; nothing was changed.") from error
    if CUSTOM not in found.runners:
        choose(found.runners)


def custom_allowed(given: Mapping[str, str], archive: Path | None) -> None:
    """The options of the runner ``custom`` go together. Raises UsageError."""
    if archive is not None and "custom_command" not in given:
        raise UsageError("--agent-archive goes with --agent-command.", "Give both.")
    if archive is not None and not archive.is_file():
        raise InvalidInput(
            f"There is no file {archive}.", "Name a zip or tar with the agent, built for Linux on arm64."
        )
