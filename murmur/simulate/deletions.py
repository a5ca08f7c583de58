"""Eyes on every acknowledgement: append, then delete. What a message told of is accounted for before the message goes (I2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from murmur import keys
from murmur.change import order, parse_change
from murmur.memory.inbox import MemoryInbox
from murmur.ports import Message
from murmur.simulate.hosts import Life
from murmur.simulate.record import RecordingStore
from murmur.simulate.truth import Truth


class Deletions:
    """Remembers what was deleted. ``breach`` takes an invariant and what went against it."""

    def __init__(self, store: RecordingStore, truth: Truth, breach: Callable[[str, str], None]) -> None:
        self._store = store
        self._truth = truth
        self._breach = breach
        self._deleted: dict[tuple[str, int, str], int] = {}
        """Newest version of each key whose message an agent has deleted: what comes later of an older one is nothing new."""

    def check(self, life: Life, inbox: MemoryInbox, messages: Sequence[Message]) -> None:
        """Messages are about to be deleted: what they told of must be accounted for by then."""
        replaced = self._truth.told(life.run, life.agent).put_by not in ("", life.name)
        if self._truth.control().run != life.run or life.ended or replaced:
            return
        resting = life.loop is not None and life.loop.state.activity in ("paused", "parked")
        near = life.loop.view.neighbours if life.loop else ()
        receipts = {message.receipt for message in messages}
        for message in messages:
            change = parse_change(message.body)
            other = keys.agent_of_log(change.key)
            if other is None or other not in near:
                continue
            place = (life.run, life.agent, change.key)
            known = order(change.sequencer) <= self._deleted.get(place, -1)
            self._deleted[place] = max(order(change.sequencer), self._deleted.get(place, -1))
            if resting or known:
                continue
            if self._store.etag(change.key) != change.etag:
                continue
            seen = self._truth.told(life.run, life.agent).seen.get(other, -1)
            if self._truth.config().ranked:
                # Whom an agent did not read when it wrote, it owes nothing for lines that have rolled out of the log since.
                seen = max(seen, self._truth.told(life.run, other).rolled)
            unseen = self._truth.told(life.run, other).news_beyond(seen)
            if unseen < 0 or self._waits(inbox, receipts, change.key, change.sequencer):
                continue
            written = self._written_at(change.key, change.etag)
            if not self._own_append_since(life, written):
                self._breach(
                    "I2",
                    f"{life.name} deleted the message of agent-{other} iteration {unseen} before accounting for it",
                )

    def _waits(self, inbox: MemoryInbox, deleted: set[str], key: str, sequencer: str) -> bool:
        for body, receipt in inbox.contents():
            change = parse_change(body)
            if receipt not in deleted and change.key == key and order(change.sequencer) >= order(sequencer):
                return True
        return False

    def _written_at(self, key: str, etag: str) -> float:
        return (
            next((put.at for put in reversed(self._store.puts) if put.key == key and put.body is not None), 0.0)
            if etag
            else 0.0
        )

    def _own_append_since(self, life: Life, moment: float) -> bool:
        return any(put.key == keys.log(life.agent) and put.at >= moment for put in reversed(self._store.puts))
