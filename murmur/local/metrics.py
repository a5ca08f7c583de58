"""Load of host processes, from psutil: a host and all the agent processes under it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import psutil

from murmur.ports import HostMetrics


class ProcessMetrics:
    """A Metrics over processes; a host's id is its process id. Processor load is per cent of one core since the last call."""

    def __init__(self) -> None:
        self._known: dict[int, psutil.Process] = {}

    async def hosts(self, hosts: Sequence[str]) -> Mapping[str, HostMetrics]:
        """See ``Metrics.hosts``."""
        return await asyncio.to_thread(lambda: {host: self._of(int(host)) for host in hosts if host.isdigit()})

    def _of(self, pid: int) -> HostMetrics:
        try:
            family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        except psutil.Error:
            return HostMetrics(None, None, None, None, healthy=False)
        cpu, memory = 0.0, 0
        for process in family:
            known = self._known.setdefault(process.pid, process)
            try:
                cpu += known.cpu_percent(None)
                memory += known.memory_info().rss
            except psutil.Error:
                self._known.pop(process.pid, None)
        return HostMetrics(round(cpu, 1), memory, None, None, healthy=True)
