"""Machines on one machine: this one."""

from __future__ import annotations

import os
from typing import Final

import psutil

from murmur.machines import Machine, Stock

_NOTE: Final = (
    "This flock runs on one machine, without an AWS account: there are no instance types to choose from and no vCPU quota. "
    "Hosts are processes here; memory and processors limit them, and agentsPerInstance decides how many agents share one."
)


class ThisMachine:
    """What this machine has."""

    async def stock(self) -> Stock:
        """See ``Machines.stock``."""
        memory = psutil.virtual_memory().total // (1024 * 1024)
        return Stock(here=Machine("this machine", os.cpu_count() or 1, memory), note=_NOTE)
