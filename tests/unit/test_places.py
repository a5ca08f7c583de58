"""Which place an instance fills: the compact list of places, and what the metadata service says of an instance."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import host
from murmur import keys
from murmur.aws.places import VALUE_LIMIT, batches, name_at, number_of, numbers, ranges
from murmur.aws.whereabouts import Whereabouts, find_place
from murmur.config import FlockConfig
from murmur.errors import NotFound, Unavailable
from murmur.memory.store import MemoryStore
from murmur.roster import Roster

RUN = "20261123T053236Z"


@given(st.sets(st.integers(0, 1499), max_size=200))
def test_places_come_back_as_they_were_written(places: set[int]):
    assert numbers(ranges(places)) == tuple(sorted(places))


def test_neighbouring_places_are_a_range():
    assert ranges([0, 1, 2, 3, 7, 9, 10]) == "0-3,7,9-10"
    assert ranges([]) == ""


@pytest.mark.parametrize("text", ["", "x", "1,", "1-2-3", "-1", "1 2", "1;2"])
def test_what_is_no_list_of_places_has_none(text: str):
    assert numbers(text) == ()
    assert name_at(text, 0) == ""


def test_the_launch_index_counts_within_the_list_and_not_beyond_it():
    assert [name_at("0-1,7", index) for index in (-1, 0, 1, 2, 3)] == ["", "host-0", "host-1", "host-7", ""]


@pytest.mark.parametrize("name", ["host", "host-", "host-01", "host--1", "other-1", "host-1 "])
def test_a_name_that_is_no_host_is_refused(name: str):
    with pytest.raises(ValueError, match="no host"):
        number_of(name)


@given(st.sets(st.integers(0, 1499), min_size=1, max_size=700))
def test_a_launch_never_names_more_places_than_fit_into_a_tag(places: set[int]):
    parts = list(batches([f"host-{place}" for place in places]))
    assert all(len(ranges(number_of(name) for name in part)) <= VALUE_LIMIT for part in parts)
    assert sorted(number_of(name) for part in parts for name in part) == sorted(places)


def test_a_whole_flock_of_the_largest_size_is_one_launch():
    assert len(list(batches([f"host-{place}" for place in range(1500)]))) == 1


class Metadata:
    """IMDSv2 with instance tags: no token, no answer."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values
        self.failures = 0
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self):
                assert int(self.headers["X-aws-ec2-metadata-token-ttl-seconds"]) > 0
                self._answer(200, "token-1")

            def do_GET(self):
                outer.asked.append(self.path)
                if self.headers.get("X-aws-ec2-metadata-token") != "token-1":
                    self._answer(401, "")
                elif outer.failures:
                    outer.failures -= 1
                    self._answer(503, "busy")
                else:
                    value = outer.values.get(self.path.removeprefix("/latest/meta-data/"))
                    self._answer(404 if value is None else 200, value or "")

            def _answer(self, status: int, body: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def metadata() -> Iterator[Metadata]:
    service = Metadata({"tags/instance/Run": RUN, "tags/instance/Places": "2,5-6", "ami-launch-index": "1"})
    yield service
    service.server.shutdown()
    service.server.server_close()


def test_an_instance_learns_its_run_and_its_place_from_its_tags_and_its_launch_index(metadata: Metadata):
    assert find_place(metadata.url) == Whereabouts(RUN, "host-5")


def test_a_metadata_service_that_is_busy_is_asked_again(metadata: Metadata):
    metadata.failures = 2
    assert find_place(metadata.url) == Whereabouts(RUN, "host-5")


@pytest.mark.parametrize("missing", ["tags/instance/Run", "tags/instance/Places", "ami-launch-index"])
def test_an_instance_nobody_gave_a_place_says_so(metadata: Metadata, missing: str):
    del metadata.values[missing]
    with pytest.raises(NotFound, match="has no place"):
        find_place(metadata.url)


@pytest.mark.parametrize("index", ["3", "x", "-1", ""])
def test_a_launch_index_beyond_the_places_is_no_place(metadata: Metadata, index: str):
    metadata.values["ami-launch-index"] = index
    with pytest.raises(NotFound, match="has no place"):
        find_place(metadata.url)


def test_without_a_metadata_service_the_remedy_names_the_variables(metadata: Metadata):
    metadata.server.shutdown()
    metadata.server.server_close()
    with pytest.raises(Unavailable, match="MURMUR_HOST"):
        find_place(metadata.url)


async def test_a_host_takes_its_place_from_the_environment_else_from_its_instance(metadata, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url)
    monkeypatch.delenv("MURMUR_RUN", raising=False)
    monkeypatch.delenv("MURMUR_HOST", raising=False)
    assert await host._place() == (RUN, "host-5")
    monkeypatch.setenv("MURMUR_RUN", "r")
    assert await host._place() == ("r", "host-5")
    monkeypatch.setenv("MURMUR_HOST", "host-9")
    metadata.asked.clear()
    assert await host._place() == ("r", "host-9")
    assert metadata.asked == []


async def test_a_host_of_a_run_that_is_over_ends_as_one_that_is_done(metadata, monkeypatch):
    """Status 0: whoever started it must not start it again, and on EC2 the instance powers off."""
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url)
    for name in ("MURMUR_RUN", "MURMUR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MURMUR_BUCKET", "flock")
    store = MemoryStore()
    monkeypatch.setattr(host, "open_adapters", lambda _settings: SimpleNamespace(store=store))
    assert await host.main() == 0
    roster = Roster.plan("20261124T000000Z", FlockConfig(), "")
    await store.put(keys.ROSTER, roster.to_json())
    assert await host.main() == 0
