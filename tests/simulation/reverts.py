"""Fixes of mistakes that the simulator found, each taken back: with one of these applied, what found it fails again."""

from __future__ import annotations

import pytest

from agent import journal, view
from functions.lifecycle import actions, settle
from murmur.ports import HostInfo


def a_cut_off_start_forgets_what_it_was_asked_for(patch: pytest.MonkeyPatch) -> None:
    """What a start wanted was known to the request alone, not to those who carried the start on."""

    async def hand_over(*_: object) -> bool:
        return True

    patch.setattr(actions, "hand_over", hand_over)


def runs_share_their_logs(patch: pytest.MonkeyPatch) -> None:
    """A line of an earlier run's process in a log that was not begun yet was taken for the agent's own."""
    for module in (journal, view, settle):
        patch.setattr(module, "left_over", lambda *_: False)
    patch.setattr(journal, "run_of", lambda _: "")


def nobody_reads_back(patch: pytest.MonkeyPatch) -> None:
    """News that had rolled out of a neighbour's log before its reader's turn came was never seen."""

    async def reach_back(*_: object) -> None:
        pass

    patch.setattr(view.View, "reach_back", reach_back)


def a_start_taken_up_again_launches_the_dead(patch: pytest.MonkeyPatch) -> None:
    """A host that died before its start was taken up again was launched once more than was counted."""

    async def launch(self: actions.Lifecycle, run: str, names: list[str]) -> list[HostInfo]:
        return await self.fleet.launch(run, names)

    patch.setattr(actions.Lifecycle, "_launch_as_before", launch)
