"""The changes to MiniStack: that they do what they are for, and that they stand back when its insides are others."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import pytest

from murmur.aws.inbox import SqsInbox

APPLY = """
import asyncio, logging, sys
logging.basicConfig(stream=sys.stdout, format="%(message)s")
from murmur.local.endpoint import changes
from ministack.services import eventbridge, s3, sqs
{damage}
async def main():
    made = changes.Changes()
    made.apply(asyncio.get_running_loop())
    print("made:", ", ".join(made.made))
asyncio.run(main())
"""
ALL = ["polls wake at once", "events on the loop", "exact keys first", "objects change whole"]


def applied(damage: str) -> tuple[list[str], str]:
    """What is in force after ``damage`` was done to MiniStack, and what was said of it."""
    command = [sys.executable, "-c", APPLY.format(damage=damage)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path.cwd(), timeout=60)
    said, _, made = done.stdout.rpartition("made: ")
    return [name for name in made.strip().split(", ") if name], said


def test_all_changes_fit_the_pinned_release():
    assert applied("") == (ALL, "")


def test_on_another_release_none_is_made():
    made, said = applied("changes.version = lambda name: '9.9.9'")
    assert made == []
    assert "9.9.9" in said


@pytest.mark.parametrize(
    ("damage", "without"),
    [
        ("del sqs._get_q", "polls wake at once"),
        ("sqs._act_receive_message = lambda data, qurl, new: None", "polls wake at once"),
        ("s3._fire_s3_event = None", "events on the loop"),
        ("eventbridge._matches_pattern_view = lambda pattern: True", "exact keys first"),
        ("del s3._key_history_meta", "objects change whole"),
    ],
)
def test_a_change_whose_seam_is_gone_is_left_out_and_said(damage, without):
    made, said = applied(damage)
    assert made == [name for name in ALL if name != without]
    assert f"without '{without}'" in said


async def test_a_poll_whose_caller_hung_up_takes_no_message(cloud):
    """A caller that is killed in its poll: the next one must get the message, at once and for the first time."""
    queue = f"{cloud.settings.flock}-changes"
    url = cloud.clients.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    host = urllib.parse.urlsplit(cloud.environment["AWS_ENDPOINT_URL"])
    body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}).encode()
    scope = f"{cloud.environment['AWS_ACCESS_KEY_ID']}/20261123/us-east-1/sqs/aws4_request"
    head = (
        f"POST / HTTP/1.1\r\nHost: {host.netloc}\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0\r\n"
        f"Content-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    for _ in range(5):
        _, writer = await asyncio.open_connection(host.hostname, host.port)
        writer.write(head.encode() + body)
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
    await asyncio.sleep(0.3)
    cloud.clients.s3.put_object(Bucket=cloud.settings.bucket, Key="direction.md", Body=b"x")
    inbox = SqsInbox(cloud.clients, queue)
    (message,) = await inbox.receive(20)
    assert message.receives == 1
    inbox_depth = await inbox.depth()
    assert (inbox_depth.visible, inbox_depth.in_flight) == (0, 1)


async def test_a_delayed_message_wakes_the_poll_when_it_is_due(cloud):
    queue = f"{cloud.settings.flock}-changes"
    sqs = cloud.clients.sqs
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"], MessageBody="late", DelaySeconds=1)
    begun = time.monotonic()
    messages = await SqsInbox(cloud.clients, queue).receive(20)
    assert [message.body for message in messages] == ["late"]
    assert time.monotonic() - begun < 15


async def test_no_event_is_lost_or_out_of_order_under_a_burst(cloud):
    """MiniStack's threads lost some of these against a receiver that takes and deletes meanwhile."""
    queue = f"{cloud.settings.flock}-changes"
    inbox = SqsInbox(cloud.clients, queue)
    sequencers: list[int] = []

    async def read() -> None:
        while len(sequencers) < 300:
            messages = await inbox.receive(20)
            sequencers.extend(int(json.loads(m.body)["detail"]["object"]["sequencer"], 16) for m in messages)
            await inbox.delete(messages)

    def write(number: int) -> None:
        for _ in range(75):
            cloud.clients.s3.put_object(Bucket=cloud.settings.bucket, Key=f"output/{number}", Body=b"x")

    async with asyncio.timeout(120):
        await asyncio.gather(read(), *(asyncio.to_thread(write, n) for n in range(4)))
    assert sequencers == sorted(sequencers)
    assert len(set(sequencers)) == 300
