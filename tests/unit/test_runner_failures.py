"""An agent process between its turns: kept warm, replaced when worn, broken or dead. What fails in a turn: test_runner_matrix."""

import asyncio
import sys
from pathlib import Path

import psutil
import pytest

from agent.runner.limits import Limits
from agent.runner.mind import AcpMind
from agent.runner.profile import RunnerProfile
from agent.tools.desk import Desk
from agent.tools.server import ToolServer
from murmur.memory.store import MemoryStore
from tests.unit.misbehaving.stage import SHORT, Latest

SCRIPT = Path(__file__).parent / "misbehaving" / "agent.py"


@pytest.fixture
async def tools():
    async with ToolServer() as server:
        yield server


@pytest.fixture
async def mind_of(tools, tmp_path):
    minds = []

    def make(behaviour, limits=SHORT, command=None, passes=(), setup=(), **options):
        command = command or (sys.executable, "-S", str(SCRIPT), behaviour)
        profile = RunnerProfile("test", command, passes=passes, session_setup=setup)
        mind = AcpMind(profile, tools, tmp_path / f"home-{len(minds)}", limits=limits, random=Latest(), **options)
        minds.append(mind)
        return mind

    yield make
    for mind in minds:
        await mind.close()


def new_desk(iteration=0):
    return Desk(MemoryStore(), 0, frozenset(), iteration)


def with_limits(**changes):
    return Limits(**{**{name: getattr(SHORT, name) for name in SHORT.__slots__}, **changes})


async def gone(pid):
    for _ in range(200):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_a_good_turn_ends_with_its_broadcast_and_the_process_stays_warm(mind_of):
    mind, first, second = mind_of("good"), new_desk(0), new_desk(1)
    assert (await mind.run(first, "go", 30)).stop_reason == "end_turn"
    pid = mind.pid
    assert (await mind.run(second, "go", 30)).stop_reason == "end_turn"
    assert mind.pid == pid is not None
    assert first.listed.is_set()
    assert second.listed.is_set()
    assert first.said.action == second.said.action == "worked"
    assert first.said.result != second.said.result, "each turn has a folder of its own"


async def test_the_turns_folder_is_removed_and_its_desk_is_closed(mind_of):
    mind, desk = mind_of("good"), new_desk()
    await mind.run(desk, "go", 30)
    assert not Path(desk.said.result).exists()
    with pytest.raises(Exception, match="turn has ended"):
        await desk.fs_list()


async def test_an_agent_that_speaks_only_stdio_reaches_the_tools_through_the_bridge(mind_of):
    desk = new_desk()
    outcome = await mind_of("stdio_only").run(desk, "go", 30)
    assert (outcome.stop_reason, outcome.detail) == ("end_turn", "")
    assert desk.listed.is_set()
    assert desk.said is not None


async def test_an_agent_that_lists_the_tools_only_after_the_prompt_succeeds_and_is_not_waited_for_again(mind_of):
    mind = mind_of("lists_late", with_limits(contact_seconds=1.0))
    first, second = new_desk(0), new_desk(1)
    assert (await mind.run(first, "go", 30)).stop_reason == "end_turn"
    assert mind._link.lists_late
    assert (await mind.run(second, "go", 30)).stop_reason == "end_turn"
    assert second.said is not None


async def test_a_command_that_is_no_program_is_a_clear_failure(mind_of, tmp_path):
    broken = tmp_path / "agent"
    broken.write_bytes(b"\x00\x01 no program")
    broken.chmod(0o755)
    outcome = await mind_of("", command=(str(broken),)).run(new_desk(), "go", 30)
    assert outcome.stop_reason in ("error", "died")
    assert outcome.detail


async def test_exit_mid_turn_is_told_with_code_and_last_words_but_no_secret(mind_of):
    secret = {"SECRET_KEY": "s3cr3t-value-123"}
    mind = mind_of("exits", passes=("SECRET_KEY",), host_environment=secret)
    outcome = await mind.run(new_desk(), "go", 30)
    assert outcome.stop_reason == "died"
    assert "code 3" in outcome.detail
    assert "out of cheese" in outcome.detail
    assert "s3cr3t" not in outcome.detail
    assert mind.pid is None


async def test_what_an_agent_says_of_its_key_is_told_without_it(mind_of):
    secret = {"SECRET_KEY": "s3cr3t-value-123"}
    mind = mind_of("sign_in_as_text", passes=("SECRET_KEY",), host_environment=secret)
    detail = (await mind.run(new_desk(), "go", 30)).detail
    assert "401 Invalid API key •••" in detail
    assert "s3cr3t" not in detail


async def test_a_grandchild_that_holds_stdout_does_not_hold_the_turn_and_is_ended(mind_of, tmp_path):
    outcome = await mind_of("grandchild_holds_stdout").run(new_desk(), "go", 30)
    assert outcome.stop_reason == "died"
    assert "code 4" in outcome.detail
    assert await gone(int((tmp_path / "home-0" / "spawned").read_text()))


async def test_one_that_ignores_cancel_is_killed_with_its_children_and_replaced(mind_of, tmp_path):
    mind = mind_of("ignores_cancel", with_limits(idle_seconds=0.5))
    first = asyncio.create_task(mind.run(new_desk(), "go", 60))
    while mind.pid is None:
        await asyncio.sleep(0.01)
    pid = mind.pid
    assert (await first).stop_reason == "stalled"
    assert await gone(pid)
    assert await gone(int((tmp_path / "home-0" / "spawned").read_text()))
    await mind.warm()
    assert mind.pid not in (None, pid)


async def test_permissions_are_granted_once_and_unknown_requests_are_refused(mind_of):
    desk = new_desk()
    await mind_of("asks").run(desk, "go", 30)
    assert desk.said.action == "yes -32601"


async def test_usage_is_passed_on(mind_of):
    usage = (await mind_of("costs").run(new_desk(), "go", 30)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.cost) == (11, 7, 0.5)


async def test_a_worn_process_is_replaced_between_turns(mind_of):
    mind = mind_of("tells_pid", with_limits(recycle_turns=2))
    desks = [new_desk(iteration) for iteration in range(4)]
    for desk in desks:
        assert (await mind.run(desk, "go", 30)).stop_reason == "end_turn"
    pids = [desk.said.action for desk in desks]
    assert pids[0] == pids[1] != pids[2] == pids[3]


async def test_a_process_that_outgrew_its_memory_is_replaced(mind_of):
    mind = mind_of("good", with_limits(rss_bytes=1, rss_every_turns=1))
    await mind.run(new_desk(), "go", 30)
    assert mind.pid is None


async def test_the_agent_sees_no_credentials_of_aws(mind_of):
    host = {"PATH": "/usr/bin:/bin", "AWS_SECRET_ACCESS_KEY": "x", "OTHER": "y", "KEY_OF_MODEL": "z" * 9}
    mind = mind_of(
        "environment",
        passes=("KEY_OF_MODEL", "AWS_SECRET_ACCESS_KEY"),
        host_environment=host,
        environment={"ADDED": "1"},
        model="big",
    )
    desk = new_desk()
    await mind.run(desk, "go", 30)
    seen = set(desk.said.action.split())
    assert {"ADDED", "HOME", "KEY_OF_MODEL", "MURMUR_MODEL", "PATH"} <= seen
    assert not {"AWS_SECRET_ACCESS_KEY", "OTHER"} & seen


async def test_close_ends_the_process_even_in_the_middle_of_a_turn(mind_of):
    mind, desk = mind_of("hangs"), new_desk()
    running = asyncio.create_task(mind.run(desk, "go", 60))
    while not desk.listed.is_set():
        await asyncio.sleep(0.01)
    pid = mind.pid
    await mind.close()
    assert (await running).stop_reason == "died"
    assert await gone(pid)
    assert (await mind.run(new_desk(), "go", 30)).stop_reason == "cancelled"


async def test_a_cancelled_turn_leaves_no_process(mind_of):
    mind, desk = mind_of("hangs"), new_desk()
    running = asyncio.create_task(mind.run(desk, "go", 60))
    while not desk.listed.is_set():
        await asyncio.sleep(0.01)
    pid = mind.pid
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await gone(pid)
    assert mind.pid is None


@pytest.mark.parametrize("other", ["session/refuse_me", "session/never_answered"])
async def test_a_session_is_set_up_and_what_the_agent_does_not_know_is_left_out(mind_of, other):
    desk, setup = new_desk(), ((other, {"x": "y"}), ("session/set_mode", {"modeId": "quiet"}))
    assert (await mind_of("tells_mode", setup=setup).run(desk, "go", 30)).stop_reason == "end_turn"
    assert desk.said.action == "quiet"
