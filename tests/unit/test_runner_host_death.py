"""An agent process does not outlive its host, not even one that is killed."""

import asyncio
import shutil
import signal
import sys
from pathlib import Path

import psutil
import pytest

HOST = """
import asyncio, sys
from pathlib import Path
from agent.runner.link import Link
from agent.runner.limits import Limits
from agent.runner.profile import RunnerProfile

async def main(home, script, behaviour):
    profile = RunnerProfile("test", (sys.executable, "-S", script, behaviour))
    link = await Link.open(profile, {"HOME": home, "PATH": "/usr/bin:/bin"}, Path(home), Limits(), 30)
    prompt = behaviour != "good" and link.begin("session/prompt", {})
    print(link.process.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


async def the_agent_of_a_killed_host_ends(home, behaviour, **options):
    script = Path(__file__).parent / "misbehaving" / "agent.py"
    host = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOST, str(home), str(script), behaviour, stdout=asyncio.subprocess.PIPE, **options
    )
    async with asyncio.timeout(60):
        agent = psutil.Process(int(await host.stdout.readline()))
        host.send_signal(signal.SIGKILL)
        await host.wait()
        while agent.is_running() and agent.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.05)


async def test_an_agent_that_reads_its_stdin_ends_by_itself(tmp_path):
    # With an empty PATH there is no setpriv: this is how it goes where the kernel does not help.
    await the_agent_of_a_killed_host_ends(tmp_path, "good", env={"PATH": ""})


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("setpriv") is None, reason="only the kernel can end this one"
)
async def test_an_agent_that_never_looks_at_its_stdin_is_ended_by_the_kernel(tmp_path):
    await the_agent_of_a_killed_host_ends(tmp_path, "ignores_cancel")
