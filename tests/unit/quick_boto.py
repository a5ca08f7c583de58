"""boto3 without reading its descriptions of services anew in every test: one loader, which remembers, for all sessions."""

import functools

import botocore.session
import pytest

LOADER = functools.lru_cache(botocore.session.create_loader)


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the length of a test."""
    monkeypatch.setattr(botocore.session, "create_loader", LOADER)
