"""The simulator notices: with any one safeguard switched off, some seed of a small range breaks an invariant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from agent import brakes, loop, mailbox
from agent.journal import Journal
from agent.lease import Lease
from murmur import gate, keys, quiet
from murmur.config import FlockConfig
from murmur.errors import ObjectMissing
from murmur.memory.store import MemoryStore
from murmur.ports import Message
from murmur.simulate.profile import CALM, DEFAULT, HARSH, Profile
from murmur.simulate.scenario import scenario
from murmur.state import Counters
from tests.simulation import reverts

SEEDS = range(1, 41)


def without_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was heard or seen, a turn is due."""
    real = gate.judge

    def judge(situation: gate.Situation) -> gate.Verdict:
        verdict = real(situation)
        return verdict if verdict.due else gate.Verdict(bool(situation.entries), "neighbour")

    monkeypatch.setattr(gate, "judge", judge)


def without_conditional_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store takes every write, whatever it was based on."""

    async def replace(self: MemoryStore, key: str, body: bytes, etag: str, **more: object) -> str:
        return await self.put(key, body, **more)

    monkeypatch.setattr(MemoryStore, "replace", replace)


def without_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that finds the log changed takes it as it is, and goes on."""
    real = Journal._put

    async def put(self: Journal, body: bytes) -> None:
        addition = body[len(self._body) :]
        try:
            found = await self._store.get(keys.log(self._agent))
            self._body, self._etag = found.body, found.etag
        except ObjectMissing:
            self._body, self._etag = b"", ""
        await real(self, self._body + addition)

    async def put_heart(self: object) -> bool:
        try:
            return await real_heart(self)
        except loop.Fenced:
            self._etag = await self.version()
            return True

    real_heart = loop.Heart.put
    monkeypatch.setattr(Journal, "_put", put)
    monkeypatch.setattr(loop.Heart, "put", put_heart)


def without_delete_after_append(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are deleted as soon as they were received."""
    real = mailbox.Mailbox.listen

    async def listen(self: mailbox.Mailbox, wait_seconds: float, coalesce_seconds: float) -> mailbox.Arrivals:
        arrivals = await real(self, wait_seconds, coalesce_seconds)
        messages: tuple[Message, ...] = tuple(held.message for held in arrivals.fresh)
        await self.discard(messages)
        return arrivals

    monkeypatch.setattr(mailbox.Mailbox, "listen", listen)


def without_global_settle_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flock is settled as soon as everybody's newest line says idle, whatever they have not seen."""

    def judge(
        flock: Sequence[quiet.AgentFacts],
        neighbourhoods: Mapping[int, Sequence[int]],
        documents: Mapping[int, Mapping[str, str]],
    ) -> quiet.Verdict:
        return quiet.Verdict(all(facts.last is not None and facts.last.state == "idle" for facts in flock))

    monkeypatch.setattr(quiet, "judge", judge)


def without_budget_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks what has been spent."""

    def spent(config: FlockConfig, counters: Counters, run_seconds: float) -> str:
        return ""

    monkeypatch.setattr(brakes, "spent", spent)


def without_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks whether somebody still looks after the flock."""

    async def look(self: Lease) -> None:
        return None

    monkeypatch.setattr(Lease, "look", look)


def without_loop_detection(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent may say the same for ever."""
    monkeypatch.setattr(brakes, "looping", lambda *_: "")


MUTATIONS: tuple[tuple[Callable[[pytest.MonkeyPatch], None], Profile | None], ...] = (
    (without_gate, None),
    (without_conditional_write, HARSH),
    (without_fence, HARSH),
    (without_delete_after_append, None),
    (without_global_settle_rule, DEFAULT),
    (without_budget_check, DEFAULT),
    (without_lease, CALM),
    (without_loop_detection, CALM),
    (reverts.a_cut_off_start_forgets_what_it_was_asked_for, HARSH),
)


@pytest.mark.parametrize(("mutate", "profile"), MUTATIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_suite_fails_without_a_safeguard(
    mutate: Callable[[pytest.MonkeyPatch], None], profile: Profile | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate(monkeypatch)
    for seed in SEEDS:
        if not scenario(seed, profile).held:
            return
    pytest.fail(f"{len(SEEDS)} scenarios held {mutate.__name__.replace('_', ' ')}")


@pytest.mark.parametrize(
    ("seed", "revert"),
    [(3092, reverts.nobody_reads_back), (2054, reverts.a_start_taken_up_again_launches_the_dead)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_seed_finds_its_mistake_again(
    seed: int, revert: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scenario(seed).held
    revert(monkeypatch)
    assert not scenario(seed).held
