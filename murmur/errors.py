"""Everything that can go wrong, as one tree.

    MurmurError
    ├── InvalidInput            the caller's words are off; nothing was written
    │   ├── InvalidConfig       one config.json field breaks its rule
    │   └── InvalidEntry        a line is not a log entry
    ├── NotFound                what was named does not exist
    │   └── ObjectMissing       no object at that key
    ├── Conflict                somebody else was there first
    │   ├── ObjectChanged       a conditional write lost (412 or 409)
    │   ├── Fenced              a second process writes this agent's log
    │   └── WrongState          the flock's state does not allow the action
    ├── Refused                 a rule of the house forbids it
    │   └── PathRefused         an agent asked for a key it may not touch
    ├── Unavailable             the cloud, or the endpoint, did not answer; try again
    └── RunnerError             the agent process did not deliver a turn

The rooms grow twigs of their own on these branches (``TooLarge`` in functions/api, ``UsageError`` in the command); nothing that
a person may see grows elsewhere. tests/unit/test_errors.py draws the same tree, raises every class, and reads what it says.

Each error says what happened, to what, and what to do next: ``message`` and ``remedy`` are written for the
person who reads them. ``code`` is stable and meant for programs. ``http_status`` is what the API answers.
"""

from __future__ import annotations

from typing import ClassVar, Final

_ENDS: Final = (".", "?", "!", "…")


class MurmurError(Exception):
    """Base of all errors a user may see. Catch this to show ``message`` and ``remedy`` instead of a trace."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, remedy: str) -> None:
        """``message`` may end in foreign words (AWS's, pip's): it is made a sentence here."""
        self.message = _sentence(message)
        self.remedy = remedy
        super().__init__(f"{self.message} {remedy}".strip())


class InvalidInput(MurmurError):
    """The request is not understood. Remedy: correct the named field and send it again; nothing was written."""

    code = "invalid_input"
    http_status = 400


class InvalidConfig(InvalidInput):
    """A configuration value breaks its rule. Remedy: set the named field to a value the rule allows."""

    code = "invalid_config"

    def __init__(self, field: str, value: object, rule: str, remedy: str = "") -> None:
        shown = repr(value)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        remedy = remedy or f"Set {field} accordingly."
        super().__init__(f"{field} = {shown} is not allowed: {rule}.", f"{remedy} Nothing was changed.")
        self.field = field
        self.value = value
        self.rule = rule


class InvalidEntry(InvalidInput):
    """A line is not a log entry. Remedy: write one JSON object a line with action, result and next_intent."""

    code = "invalid_entry"


class NotFound(MurmurError):
    """What was named does not exist. Remedy: list what there is and name one of those."""

    code = "not_found"
    http_status = 404


class ObjectMissing(NotFound):
    """No object at that key. Remedy: list the prefix; keys are case-sensitive."""

    code = "object_missing"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"There is no object {key!r}.", "List the folder to see what there is; keys are case-sensitive."
        )
        self.key = key


class Conflict(MurmurError):
    """Somebody else was there first. Remedy: read again, then decide again."""

    code = "conflict"
    http_status = 409


class ObjectChanged(Conflict):
    """A conditional write lost its race. Remedy: read the object again and repeat the write on what it says now."""

    code = "object_changed"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"{key!r} was changed by somebody else since it was read.", "Read it again and repeat the write."
        )
        self.key = key


class Fenced(Conflict):
    """Another process writes this agent's log. Remedy: this process must stop; the other one carries on."""

    code = "fenced"

    def __init__(self, agent: int) -> None:
        super().__init__(
            f"Another process is writing the log of agent-{agent}.",
            "This process stops. If no other should run, stop the flock and start it again.",
        )
        self.agent = agent


class WrongState(Conflict):
    """The flock's state does not allow the action. Remedy: the message names the state and what leads out of it."""

    code = "wrong_state"


class Refused(MurmurError):
    """A rule forbids the action. Remedy: the message names the rule and who may change it."""

    code = "refused"
    http_status = 403


class PathRefused(Refused):
    """An agent asked for a key outside what it may touch. Remedy: use one of the prefixes named in the message."""

    code = "path_refused"

    def __init__(self, path: str, rule: str) -> None:
        shown = path if len(path) <= 120 else path[:117] + "..."
        super().__init__(f"{shown!r} is refused: {rule}.", "Use fs_list to see what you may read.")
        self.path = path


class Unavailable(MurmurError):
    """A service did not answer or asked to slow down. Remedy: try again; the message names the service."""

    code = "unavailable"
    http_status = 503


class RunnerError(MurmurError):
    """The agent process did not deliver a turn. Remedy: run ``murmur doctor``; the message carries what it printed.

    ``fatal`` means that trying again cannot help (a missing command, a refused key); ``retry_after_seconds`` is what
    a rate limit asked for, or 0.0.
    """

    code = "runner_failed"
    http_status = 502

    def __init__(
        self,
        message: str,
        remedy: str,
        *,
        fatal: bool = False,
        rate_limited: bool = False,
        retry_after_seconds: float = 0.0,
    ) -> None:
        super().__init__(message, remedy)
        self.fatal = fatal
        self.rate_limited = rate_limited
        self.retry_after_seconds = retry_after_seconds


def _sentence(words: str) -> str:
    """The words with one full stop at their end."""
    said = words.strip()
    if said.endswith("..") and not said.endswith("..."):
        return said[:-1]
    return said if not said or said.endswith(_ENDS) else f"{said}."
