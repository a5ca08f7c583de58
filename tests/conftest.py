"""What every tier may use: a running embedded endpoint, and a flock provisioned on it."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import hypothesis
import pytest

from murmur.aws.clients import Clients
from murmur.local.endpoint import Endpoint
from murmur.local.provision import provision
from murmur.settings import Settings

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # As a background job of a script the tests ignore Ctrl-C, and so would every command that they start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("everyday", deadline=None, derandomize=True, database=None)
"""The same examples every time, so that a change that fails did it; ``HYPOTHESIS_PROFILE=nightly`` looks further."""
hypothesis.settings.register_profile("nightly", deadline=None, max_examples=5000, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "everyday"))


@dataclass(frozen=True)
class Cloud:
    """One flock's place in the cloud: parsed settings, and the environment that tells a process of it."""

    settings: Settings
    environment: dict[str, str]
    clients: Clients


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """One embedded endpoint for the whole session. Tests that kill one start their own."""
    running = Endpoint(Path(tmp_path_factory.mktemp("endpoint")))
    running.start_blocking()
    yield running
    running.stop_blocking()


@pytest.fixture
async def cloud(endpoint: Endpoint) -> AsyncIterator[Cloud]:
    """A flock of a fresh name with its own bucket, bus, static rules and change queue."""
    name = f"t{uuid4().hex[:10]}"
    environment = endpoint.environment | {"MURMUR_FLOCK": name, "MURMUR_BUCKET": f"{name}-bucket", "MURMUR_BUS": name}
    settings = Settings.from_environment(environment)
    clients = Clients(environment)
    await provision(settings, clients)
    yield Cloud(settings, environment, clients)
    clients.close()


@pytest.fixture(autouse=True)
def no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output is as wide as in a pipe, whatever terminal or test runner is around."""
    monkeypatch.delenv("COLUMNS", raising=False)
