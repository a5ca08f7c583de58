"""What the brain is told by its environment, parsed once at its start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from agent.brains.model.credentials import LENT
from agent.brains.model.name import OPENAI, ModelId, parse_model
from murmur.errors import InvalidInput

MODEL: Final = "MURMUR_MODEL"
KEY: Final = "MURMUR_MODEL_KEY"
CONTEXT: Final = "MURMUR_MODEL_CONTEXT"
PRICES: Final = "MURMUR_MODEL_PRICES"
OUTPUT: Final = "MURMUR_MODEL_OUTPUT"
CALLS: Final = "MURMUR_MODEL_CALLS"
RETRY: Final = "MURMUR_MODEL_RETRY_SECONDS"
SILENCE: Final = "MURMUR_MODEL_SILENCE_SECONDS"
_OPENAI_KEY: Final = "OPENAI_API_KEY"
KEYS: Final = (KEY, _OPENAI_KEY)
HANDED_ON: Final = (
    *(MODEL, CONTEXT, PRICES, OUTPUT, CALLS, RETRY, SILENCE),
    *("OPENAI_BASE_URL", "OLLAMA_HOST"),
    *LENT,
)
"""Variables of the host that the brain reads, beside the keys."""

SMALLEST_WINDOW: Final = 2048
_WINDOWS: Final[Mapping[str, int]] = {"ollama": 4096, "openai": 128_000, "bedrock": 128_000, "address": 32_768}
"""Tokens, where nothing better is known. Ollama's is its own default, however large a window the model was made for."""
_PRICES: Final = re.compile(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per million tokens."""

    given: float
    made: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``0.25/2``. Raises InvalidInput."""
        match = _PRICES.fullmatch(text.strip())
        if match is None:
            raise InvalidInput(
                f"{text[:40]!r} is no pair of prices.", "Write US dollars per million tokens, in/out, such as 0.25/2."
            )
        return cls(float(match[1]), float(match[2]))

    def of(self, tokens_in: int, tokens_out: int) -> float:
        """What so many tokens cost, in US dollars."""
        return (tokens_in * self.given + tokens_out * self.made) / 1e6


@dataclass(frozen=True, slots=True)
class BrainSettings:
    """A model, and how it is to be used."""

    model: ModelId
    key: str = field(default="", repr=False)
    """Sent as a bearer token; never logged. Empty: none is sent."""
    window_tokens: int = 32_768
    window_known: bool = True
    """Whether somebody said so; else it is the default of its maker."""
    prices: Prices | None = None
    """None: the cost is not known, and none is reported."""
    output_tokens: int = 0
    """Most tokens of one answer; 0: as the endpoint thinks best."""
    model_calls: int = 40
    """Most calls of the model in one turn."""
    retry_seconds: float = 60.0
    """How long, in all, a turn waits for an endpoint that asks to slow down; then the loop's own back-off takes over, which shows."""
    silence_seconds: float = 200.0
    """Longest silence of the endpoint, before its first word too."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the environment. Raises InvalidInput naming the variable."""
        model = parse_model(environment.get(MODEL, ""), environment)
        window = _number(environment, CONTEXT, 0, SMALLEST_WINDOW, 10_000_000)
        prices = environment.get(PRICES, "").strip()
        return cls(
            model,
            _key(model, environment),
            int(window) or _WINDOWS[model.maker],
            bool(window),
            Prices.parse(prices) if prices else None,
            int(_number(environment, OUTPUT, 0, 16, 1_000_000)),
            int(_number(environment, CALLS, 40, 1, 1000)),
            _number(environment, RETRY, 60, 0, 3600),
            _number(environment, SILENCE, 200, 0.1, 3600),
        )


def _key(model: ModelId, environment: Mapping[str, str]) -> str:
    """The key for this endpoint. OPENAI_API_KEY goes to OpenAI, or where OPENAI_BASE_URL points: to no other address."""
    own = environment.get(KEY, "").strip()
    return own or (environment.get(_OPENAI_KEY, "").strip() if model.maker == "openai" else "")


def key_missing(settings: BrainSettings) -> bool:
    """Whether it is known without asking that the endpoint will want a key."""
    return settings.model.base_url == OPENAI and not settings.key


def _number(environment: Mapping[str, str], name: str, default: float, least: float, most: float) -> float:
    text = environment.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise InvalidInput(f"{name} = {text[:40]!r} is not between {least:g} and {most:g}.", f"Set {name} accordingly.")
    return value
