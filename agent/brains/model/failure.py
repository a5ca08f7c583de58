"""A model that did not answer, in words for the person who reads the log, and how the client of the brain is told."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from agent.brains.model.settings import KEY, BrainSettings
from murmur.errors import RunnerError

SLOW_DOWN: Final = frozenset({429, 503, 529})
_PASSING: Final = frozenset({408, 500, 502, 504})
_LONGEST_SECONDS: Final = 3600.0
_WORDS: Final = 200
_TOOLS: Final = re.compile(
    r"(does ?n[o']t|not) support (tool|function)|tool use.{0,40}not supported|support.{0,12}tool use"
    r"|enable-auto-tool-choice|tools? (is|are) not supported",
    re.IGNORECASE,
)
_TOO_LONG: Final = re.compile(
    r"context.{0,12}(length|window|size)|too (long|many)[^.]{0,24}tokens|input is too long|prompt is too long"
    r"|maximum context",
    re.IGNORECASE,
)
_SPENT: Final = re.compile(
    r"insufficient_quota|exceeded your current quota|credit balance|billing|payment", re.IGNORECASE
)
_NO_MODEL: Final = re.compile(
    r"model.{0,160}(not found|not exist|no such|unknown|invalid|isn't supported)", re.IGNORECASE | re.DOTALL
)


class ModelFailure(RunnerError):
    """The model gave no answer. ``passing``: asking again may help; ``key_refused``: another key is needed."""

    code = "model_failed"

    def __init__(
        self,
        message: str,
        remedy: str = "",
        *,
        passing: bool = False,
        key_refused: bool = False,
        fatal: bool = False,
        rate_limited: bool = False,
        retry_after_seconds: float = 0.0,
    ) -> None:
        super().__init__(
            message, remedy, fatal=fatal, rate_limited=rate_limited, retry_after_seconds=retry_after_seconds
        )
        self.passing = passing
        self.key_refused = key_refused


def brief(words: object, limit: int = 120) -> str:
    """Foreign words as one line of at most ``limit`` characters (``murmur.entry`` has the like, but loads pydantic)."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in str(words)[: 8 * limit]).split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"


def refused(settings: BrainSettings, status: int, words: str, headers: Mapping[str, str]) -> ModelFailure:
    """What an HTTP status other than 200 means; ``words`` is the endpoint's own explanation."""
    model = settings.model
    said = brief(words.replace(settings.key, "•••") if settings.key else words, _WORDS)
    told = f"{said} (HTTP {status})" if said else f"HTTP {status}"
    if status in (401, 403) and not _NO_MODEL.search(said):
        return ModelFailure(f"The model's endpoint refuses us: {told}.", key_remedy(settings), key_refused=True)
    if _SPENT.search(words) and status in (402, 429, 400, 403):
        return ModelFailure(
            f"The account has nothing left to spend: {told}.", "Top it up, or choose another.", fatal=True
        )
    if status in SLOW_DOWN:
        kind = "asked to slow down" if status == 429 else "is overloaded"
        return ModelFailure(
            f"The model's endpoint {kind}: {told}.",
            passing=True,
            rate_limited=True,
            retry_after_seconds=retry_after(headers),
        )
    if status in _PASSING:
        return ModelFailure(f"The model's endpoint failed: {told}.", passing=True)
    if _TOOLS.search(words):
        return ModelFailure(f"{model.name} cannot use tools: {told}.", _tools_remedy(settings), fatal=True)
    if _TOO_LONG.search(words):
        return ModelFailure(
            f"The conversation is too long for the model: {told}.",
            "Say how many tokens its window has with --model-context.",
        )
    if status == 404 or _NO_MODEL.search(words):
        return ModelFailure(f"There is no model {model.name!r} there: {told}.", _model_remedy(settings), fatal=True)
    return ModelFailure(f"The model's endpoint answered: {told}.")


def unreachable(settings: BrainSettings, error: Exception) -> ModelFailure:
    """Nobody answers at the model's address."""
    where = settings.model.base_url or f"Bedrock in {settings.model.region or 'the default region'}"
    remedy = (
        "Is Ollama running? Start it with `ollama serve`."
        if settings.model.maker == "ollama"
        else "Is the address right, and does the server run?"
    )
    return ModelFailure(f"Nothing answers at {where}: {brief(error, 120) or type(error).__name__}.", remedy)


def key_remedy(settings: BrainSettings) -> str:
    """How this endpoint is given a key."""
    match settings.model.maker:
        case "bedrock":
            return (
                f"Allow these AWS credentials bedrock:InvokeModelWithResponseStream, or put a Bedrock API key in {KEY}."
            )
        case "openai":
            return f"Export OPENAI_API_KEY (or {KEY}) with a key that is valid there."
    return f"Export {KEY} with a key that is valid there."


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds an endpoint asks us to wait, from Retry-After (a number, or a date); 0.0 if it does not say."""
    exact, text = headers.get("retry-after-ms", ""), headers.get("retry-after", "").strip()
    try:
        seconds = float(exact) / 1000 if exact else float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return 0.0
    return 0.0 if math.isnan(seconds) else min(max(0.0, seconds), _LONGEST_SECONDS)


def _tools_remedy(settings: BrainSettings) -> str:
    if settings.model.maker == "address":
        return "Choose a model with tool calling; vLLM wants --enable-auto-tool-choice and --tool-call-parser."
    return "Choose a model with tool calling, such as qwen3."


def _model_remedy(settings: BrainSettings) -> str:
    match settings.model.maker:
        case "ollama":
            return f"Get it with `ollama pull {settings.model.name}`."
        case "bedrock":
            return "Look at the region, and whether the model wants an inference profile (such as eu.…)."
    return f"See which there are: GET {settings.model.base_url}/models. The address usually ends in /v1."
