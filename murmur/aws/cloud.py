"""What a function, or an instance, of a deployment on AWS is told beside ``murmur.settings``: its table, its template, its subnets.

Checked once, at cold start. Every variable is optional as such, for no function needs them all: what is needed is asked for by
``require``, and an absence is an error that names the variable.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from murmur.errors import InvalidInput

_REMEDY: Final = "Deploy again: the stack sets it. Then try again."


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class CloudSettings(BaseModel):
    """``MURMUR_<NAME>`` of the environment, parsed."""

    model_config = ConfigDict(frozen=True)

    lifecycle_function: Annotated[str, Field(max_length=170, pattern=r"^[A-Za-z0-9_:/-]*$")] = ""
    """Name of the function that starts and stops."""
    connections_table: Annotated[str, Field(max_length=255, pattern=r"^[A-Za-z0-9_.-]*$")] = ""
    """DynamoDB table of tickets and connections."""
    connections_endpoint: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    """URL of the WebSocket stage, for @connections."""
    launch_template: Annotated[str, Field(pattern=r"^(lt-[0-9a-f]+)?$")] = ""
    subnets: Annotated[tuple[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]+$")], ...], BeforeValidator(_listed)] = ()
    """Where instances may be launched, best first (comma-separated)."""
    spot: bool = False
    project: Annotated[str, Field(min_length=1, max_length=256)] = "murmur"
    """Value of the tag Project."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the environment; an empty variable counts as absent. Raises InvalidInput naming the variable."""
        source = os.environ if environment is None else environment
        given = {name: source[_variable(name)] for name in cls.model_fields if source.get(_variable(name))}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidInput(f"{_variable(str(first['loc'][0]))}: {first['msg']}.", _REMEDY) from None

    def require(self, *names: str) -> Self:
        """These settings, if all of ``names`` are set. Raises InvalidInput naming the first variable that is not."""
        for name in names:
            if not getattr(self, name):
                raise InvalidInput(f"{_variable(name)} is not set.", _REMEDY)
        return self


def _variable(name: str) -> str:
    return f"MURMUR_{name.upper()}"
