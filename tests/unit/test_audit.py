"""`./dev audit` never takes silence for a clean bill."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("requirements_audit", ROOT / "requirements" / "audit.py")
assert spec is not None
assert spec.loader is not None
audit = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = audit
spec.loader.exec_module(audit)

FINE = {"name": "boto3", "version": "1.2", "vulns": []}
BAD = {"name": "pydantic", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"], "aliases": []}]}
WANTED = {"boto3 1.2", "pydantic 2.0"}


def skipped(about: dict) -> dict:
    return {"name": about["name"], "skip_reason": "Dependency not found on PyPI and could not be audited"}


class Services:
    """Plays pip-audit: what each service answers, and what it was asked about."""

    def __init__(self, **answers: object) -> None:
        self.asked: dict[str, set[str]] = {}
        self._answers = answers

    def __call__(self, command: list[str]) -> tuple[str, str]:
        service = command[command.index("--vulnerability-service") + 1]
        self.asked[service] = set(Path(command[command.index("--requirement") + 1]).read_text().split())
        answer = self._answers[service]
        return ("", str(answer)) if isinstance(answer, str) else (json.dumps({"dependencies": answer, "fixes": []}), "")


def test_what_was_asked_about_and_is_not_known_is_fine() -> None:
    findings = audit.python_packages(WANTED, Services(pypi=[FINE, {**BAD, "vulns": []}]))
    assert (findings.status, findings.asked, findings.unasked) == (0, WANTED, {})
    assert "2 of 2 packages asked about, 0 with" in findings.report()


def test_a_known_vulnerability_is_named_with_the_version_that_mends_it() -> None:
    findings = audit.python_packages(WANTED, Services(pypi=[FINE, BAD]))
    assert findings.status == 1
    assert "KNOWN  pydantic 2.0: PYSEC-1 (mended in 2.1)" in findings.report()


def test_what_one_service_does_not_know_is_asked_of_the_next_and_nothing_twice() -> None:
    services = Services(pypi=[FINE, skipped(BAD)], osv=[BAD])
    assert audit.python_packages(WANTED, services).status == 1
    assert services.asked == {"pypi": {"boto3==1.2", "pydantic==2.0"}, "osv": {"pydantic==2.0"}}


@pytest.mark.parametrize("silence", ["Traceback …\nConnectionError: no such host", ""])
def test_a_service_that_does_not_answer_is_no_clean_bill(silence: str) -> None:
    findings = audit.python_packages(WANTED, Services(pypi=[FINE, skipped(BAD)], osv=silence))
    assert findings.status == 3
    assert findings.unasked == {"pydantic 2.0": f"osv: {silence.rpartition(chr(10))[2] or 'no answer'}"}
    assert "no clean bill" in findings.report()


def test_to_have_asked_nothing_at_all_is_not_fine() -> None:
    assert audit.Findings().status == 3


def test_npm_is_asked_for_its_own_lock_and_its_refusal_is_told() -> None:
    wanted = {"eslint 9.0.0", "@types/node 24.1.0"}

    def answering(told: object):
        return lambda _: (json.dumps(told), "")

    assert audit.npm_packages(wanted, "x", answering({"vulnerabilities": {}})).status == 0
    bad = audit.npm_packages(wanted, "x", answering({"vulnerabilities": {"@types/node": {"severity": "high"}}}))
    assert bad.known == {"@types/node 24.1.0": ["high"]}
    refused = audit.npm_packages(wanted, "x", answering({"message": "405", "error": {}}))
    assert (refused.status, set(refused.unasked.values())) == (3, {"npm: 405"})
    assert audit.npm_packages(wanted, "x", lambda _: ("", "npm is not installed")).status == 3


def test_every_package_of_the_locks_is_found_those_for_other_systems_too() -> None:
    text = "a-b==1.0 \\\n    --hash=sha256:00\nc.d==2.0 ; sys_platform == 'win32' \\\n    --hash=sha256:11\n"
    assert audit.locked(text) == {"a-b 1.0", "c.d 2.0"}
    lock = {
        "packages": {
            "": {"version": "1"},
            "node_modules/a": {"version": "2"},
            "node_modules/a/node_modules/@b/c": {"version": "3"},
        }
    }
    assert audit.npm_locked(lock) == {"a 2", "@b/c 3"}
    for name in audit.LOCKS:
        text = (ROOT / "requirements" / f"{name}.lock").read_text()
        assert len(audit.locked(text)) == sum("==" in line and not line.startswith(" ") for line in text.splitlines())


def test_every_locked_package_is_pinned_by_hashes_and_installed_by_them() -> None:
    for name in audit.LOCKS:
        text = (ROOT / "requirements" / f"{name}.lock").read_text()
        entries = text.replace("\\\n", " ").splitlines()
        assert all("==" in entry and "--hash=sha256:" in entry for entry in entries if entry.strip())
        assert "://" not in text
    assert (ROOT / "dev").read_text().count("-m pip install") == 1
    assert (
        '-m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"' in (ROOT / "dev").read_text()
    )
