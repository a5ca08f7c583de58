"""Taking a deployed flock away: first the flock is stopped, then the stack goes, and its results only if that is asked for."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from murmur.aws.adapters import Adapters, open_adapters
from murmur.cli.account import Account, StackState
from murmur.cli.deployment import bucket_name, forget_choices, key_parameter, read_choices, stack_name
from murmur.cli.text import clean, plural
from murmur.control import move, read_control
from murmur.entry import timestamp
from murmur.errors import Unavailable, WrongState
from murmur.settings import Settings

STOP_SECONDS: Final = 300.0
DELETE_SECONDS: Final = 1800.0
POLL_SECONDS: Final = 3.0
_DEFAULT_CAP: Final = 64
"""cdk/parameters.py."""
_AGAIN_SECONDS: Final = 60.0
"""How long an asked-for stop may show nothing before it is asked for again."""


@dataclass(frozen=True, slots=True)
class Destroyer:
    """Takes the flock ``flock`` away. ``say`` tells what is being done. Every step may have been done before."""

    account: Account
    flock: str
    say: Callable[[str], None]
    poll_seconds: float = POLL_SECONDS

    def destroy(self, *, delete_data: bool) -> bool:
        """Do it; False if there was no stack. Raises NoAccess, WrongState, Unavailable."""
        who = self.account.identity()
        bucket = bucket_name(self.flock, who.account, who.region)
        stack = self.account.stack(stack_name(self.flock))
        if stack.exists:
            if self.account.has_bucket(bucket):
                asyncio.run(self._stop(bucket, stack.outputs))
            self._gone_instances()
            self._delete(stack)
        if delete_data:
            for name in (bucket, f"{bucket}-access"):
                count = self.account.delete_bucket(name)
                self.say(f"deleted s3://{name} with {plural(count, 'object')}")
            self.account.delete_parameter(key_parameter(self.flock))
            forget_choices(self.account, self.flock)
        return stack.exists

    async def _stop(self, bucket: str, outputs: Mapping[str, str]) -> None:
        """Have the lifecycle end the run, and see that no rule is left: a bus with rules cannot be deleted."""
        cap = read_choices(self.account, self.flock).get("concurrency_cap", "")
        settings = Settings(
            flock=self.flock, bucket=bucket, bus=self.flock, concurrency_cap=int(cap) if cap.isdigit() else _DEFAULT_CAP
        )
        adapters = open_adapters(settings, self._environment())
        try:
            await self._stopped(adapters, outputs.get("LifecycleFunction", f"{self.flock}-lifecycle"))
            for run in await adapters.fabric.runs():
                for circuit in await adapters.fabric.circuits(run):
                    await adapters.fabric.unwire(run, circuit.agent)
        finally:
            adapters.close()
        for queue in self.account.queues(f"{self.flock}-2"):  # of runs, whose names begin with their year
            self.account.delete_queue(queue)

    async def _stopped(self, adapters: Adapters, function: str) -> None:
        deadline, asked = time.monotonic() + STOP_SECONDS, -_AGAIN_SECONDS
        while True:
            control = (await read_control(adapters.store)).control
            if control.state == "stopped":
                return
            if control.state != "stopping":
                self.say(f"stopping the flock ({control.state}, run {clean(control.run, 40)})")
                await move(adapters.store, "stopping", "murmur destroy", timestamp(datetime.now(UTC)), run=control.run)
            if time.monotonic() - asked >= _AGAIN_SECONDS:
                asked = time.monotonic()
                await asyncio.to_thread(self.account.invoke, function, {"action": "stop", "run": control.run})
            if time.monotonic() >= deadline:
                raise Unavailable(
                    f"The flock has not stopped within {STOP_SECONDS:.0f} s.",
                    "Look at the lifecycle function's log, then run `murmur destroy` again.",
                )
            await asyncio.sleep(self.poll_seconds)

    def _environment(self) -> dict[str, str]:
        """The account's credentials for the flock's own adapters, and the endpoint the operator has set, if any."""
        endpoint = {name: value for name, value in os.environ.items() if name.startswith("AWS_ENDPOINT_URL")}
        return {**self.account.environment(), **endpoint}

    def _gone_instances(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while left := self.account.instances(self.flock):
            if time.monotonic() >= deadline:
                raise WrongState(
                    f"{plural(len(left), 'instance')} of the flock still run: {', '.join(left[:5])}.",
                    "Terminate them in the EC2 console (tag Flock), then run `murmur destroy` again.",
                )
            time.sleep(self.poll_seconds)

    def _delete(self, stack: StackState) -> None:
        self.say(f"deleting the stack {stack.name} (a few minutes)")
        self.account.delete_stack(stack.name)
        deadline = time.monotonic() + DELETE_SECONDS
        while True:
            now = self.account.stack(stack.name)
            if not now.exists:
                return
            if now.status.endswith("_FAILED"):
                why = "; ".join(self.account.troubles(stack.name)) or now.reason
                raise WrongState(
                    f"The stack {stack.name} cannot be deleted: {clean(why, 600)}", "Mend that, then run this again."
                )
            if time.monotonic() >= deadline:
                raise Unavailable(f"{stack.name} is still {now.status}.", "Run `murmur destroy` again later.")
            time.sleep(self.poll_seconds)
