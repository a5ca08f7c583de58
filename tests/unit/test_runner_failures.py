"""Whatever an agent process does, a turn ends, in words, and the next turn works or says why not."""

import asyncio
import logging
import sys
from pathlib import Path
from random import Random

import psutil
import pytest

from agent.runner.limits import Limits
from agent.runner.mind import AcpMind
from agent.runner.profile import RunnerProfile
from agent.tools.desk import Desk
from agent.tools.server import ToolServer
from murmur.memory.store import MemoryStore

SCRIPT = Path(__file__).parent / "misbehaving" / "agent.py"
SHORT = Limits(
    start_seconds=20,
    session_seconds=20,
    write_seconds=2,
    contact_seconds=0.1,
    list_seconds=0.1,
    idle_seconds=20,
    grace_seconds=0.3,
    exit_seconds=1,
    line_bytes=2_000_000,
)


class Latest(Random):
    """Worn processes are replaced as late as allowed."""

    def uniform(self, a, b):
        return b


@pytest.fixture
async def tools():
    async with ToolServer() as server:
        yield server


@pytest.fixture
async def mind_of(tools, tmp_path):
    minds = []

    def make(behaviour, limits=SHORT, command=None, passes=(), **options):
        command = command or (sys.executable, "-S", str(SCRIPT), behaviour)
        profile = RunnerProfile("test", command, passes=passes)
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


async def test_a_turn_without_tools_is_no_success_whatever_the_agent_says(mind_of):
    desk = new_desk()
    outcome = await mind_of("no_tools").run(desk, "go", 30)
    assert outcome.stop_reason == "no_tools"
    assert not desk.listed.is_set()


async def test_ending_without_a_broadcast_tells_what_the_agent_said_last(mind_of):
    desk = new_desk()
    outcome = await mind_of("no_broadcast").run(desk, "go", 30)
    assert desk.said is None
    assert "without a broadcast" in outcome.detail
    assert "I am done, I think." in outcome.detail
    assert not outcome.rate_limited


async def test_a_rate_limit_told_as_an_ordinary_answer_is_taken_for_one(mind_of):
    assert (await mind_of("limit_as_text").run(new_desk(), "go", 30)).rate_limited


async def test_a_rate_limit_error_carries_how_long_to_wait(mind_of):
    mind = mind_of("rate_limit")
    outcome = await mind.run(new_desk(), "go", 30)
    assert outcome.rate_limited
    assert outcome.retry_after_seconds == 12
    assert not outcome.fatal
    assert mind.pid is not None, "an error of the provider is no reason to lose the process"


async def test_a_bare_internal_error_after_a_rate_limit_note_is_a_rate_limit(mind_of):
    outcome = await mind_of("rate_limit_note").run(new_desk(), "go", 30)
    assert outcome.rate_limited
    assert "slow down, please" in outcome.detail


async def test_a_missing_sign_in_is_fatal(mind_of):
    outcome = await mind_of("not_signed_in").run(new_desk(), "go", 30)
    assert outcome.fatal
    assert "Authentication required" in outcome.detail


async def test_a_missing_command_is_fatal_and_named_with_a_remedy(mind_of):
    outcome = await mind_of("", command=("no-such-agent", "acp")).run(new_desk(), "go", 30)
    assert outcome.fatal
    assert outcome.stop_reason == "error"
    assert "no-such-agent" in outcome.detail
    assert "Install it" in outcome.detail


async def test_a_command_that_is_no_program_is_a_clear_failure(mind_of, tmp_path):
    broken = tmp_path / "agent"
    broken.write_bytes(b"\x00\x01 no program")
    broken.chmod(0o755)
    outcome = await mind_of("", command=(str(broken),)).run(new_desk(), "go", 30)
    assert outcome.stop_reason in ("error", "died")
    assert outcome.detail


async def test_an_agent_that_dies_at_start_says_why(mind_of):
    outcome = await mind_of("dies_at_once").run(new_desk(), "go", 30)
    assert outcome.stop_reason == "died"
    assert "code 1" in outcome.detail
    assert "no module named brain" in outcome.detail


async def test_an_agent_of_another_protocol_version_is_fatal(mind_of):
    outcome = await mind_of("wrong_version").run(new_desk(), "go", 30)
    assert outcome.fatal
    assert "ACP version 9" in outcome.detail


async def test_exit_mid_turn_is_told_with_code_and_last_words_but_no_secret(mind_of):
    secret = {"SECRET_KEY": "s3cr3t-value-123"}
    mind = mind_of("exits", passes=("SECRET_KEY",), host_environment=secret)
    outcome = await mind.run(new_desk(), "go", 30)
    assert outcome.stop_reason == "died"
    assert "code 3" in outcome.detail
    assert "out of cheese" in outcome.detail
    assert "s3cr3t" not in outcome.detail
    assert mind.pid is None


async def test_an_agent_that_answers_and_exits_has_still_delivered_its_turn(mind_of):
    mind, again = mind_of("answers_and_exits"), new_desk(1)
    assert (await mind.run(new_desk(), "go", 30)).stop_reason == "end_turn"
    assert (await mind.run(again, "go", 30)).stop_reason == "end_turn"
    assert again.said is not None


async def test_a_grandchild_that_holds_stdout_does_not_hold_the_turn_and_is_ended(mind_of, tmp_path):
    outcome = await mind_of("grandchild_holds_stdout").run(new_desk(), "go", 30)
    assert outcome.stop_reason == "died"
    assert "code 4" in outcome.detail
    assert await gone(int((tmp_path / "home-0" / "spawned").read_text()))


@pytest.mark.parametrize("behaviour", ["stderr_flood", "garbage", "deep"])
async def test_noise_does_not_disturb_a_turn(mind_of, behaviour):
    desk = new_desk()
    outcome = await mind_of(behaviour).run(desk, "go", 30)
    assert (outcome.stop_reason, outcome.detail) == ("end_turn", "")
    assert desk.said is not None


async def test_a_line_of_20_megabytes_is_a_message_like_any_other(mind_of):
    desk = new_desk()
    outcome = await mind_of("long_line", with_limits(line_bytes=Limits().line_bytes)).run(desk, "go", 60)
    assert (outcome.stop_reason, outcome.detail) == ("end_turn", "")


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("endless_line", "a line of more than 2000000 bytes"),
        ("garbage_flood", "blah"),
        ("scalar", "JSON that is no message: 42"),
        ("closes_stdout", "closed its output"),
        ("request_flood", "without waiting for answers"),
    ],
)
async def test_an_agent_that_cannot_be_talked_to_is_ended_and_the_turn_says_why(mind_of, behaviour, words, caplog):
    mind = mind_of(behaviour)
    with caplog.at_level(logging.ERROR):
        outcome = await mind.run(new_desk(), "go", 30)
    assert outcome.stop_reason == "died"
    assert words in outcome.detail
    assert mind.pid is None
    assert not caplog.records, "an agent's nonsense is no error of Murmur's"


@pytest.mark.parametrize("behaviour", ["unknown_stop", "not_an_object", "null_error"])
async def test_a_nonsensical_answer_fails_the_turn_and_keeps_the_process(mind_of, behaviour):
    mind = mind_of(behaviour)
    outcome = await mind.run(new_desk(), "go", 30)
    assert outcome.stop_reason == "error"
    assert outcome.detail
    assert not outcome.fatal
    assert mind.pid is not None
    assert psutil.pid_exists(mind.pid)


async def test_a_refusal_is_passed_on_as_one(mind_of):
    assert (await mind_of("refusal").run(new_desk(), "go", 30)).stop_reason == "refusal"


async def test_a_deaf_agent_does_not_hold_the_turn(mind_of):
    outcome = await mind_of("deaf", with_limits(start_seconds=1)).run(new_desk(), "x" * 200_000, 30)
    assert outcome.stop_reason in ("died", "stalled")
    assert outcome.detail


async def test_a_session_that_never_opens_is_given_up(mind_of):
    mind = mind_of("session_hangs", with_limits(session_seconds=0.3))
    outcome = await mind.run(new_desk(), "go", 30)
    assert outcome.stop_reason == "stalled"
    assert "session/new" in outcome.detail
    assert mind.pid is None


async def test_silence_is_cancelled_and_an_agent_that_obeys_keeps_its_process(mind_of):
    mind = mind_of("hangs", with_limits(idle_seconds=0.3, grace_seconds=20))
    outcome = await mind.run(new_desk(), "go", 60)
    assert outcome.stop_reason == "stalled"
    assert mind.pid is not None


async def test_the_deadline_is_hard_even_for_one_that_chatters(mind_of):
    mind = mind_of("chatters", with_limits(idle_seconds=0.5))
    outcome = await mind.run(new_desk(), "go", 3)
    assert outcome.stop_reason == "timeout"
    assert "did not stop when asked" in outcome.detail
    assert mind.pid is None


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
