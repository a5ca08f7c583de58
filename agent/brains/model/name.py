"""Model ids: which model, and where it is reached."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from murmur.errors import InvalidInput

OLLAMA: Final = "http://127.0.0.1:11434"
OPENAI: Final = "https://api.openai.com/v1"
FORMS: Final = (
    "ollama:qwen3, openai:gpt-5-mini, bedrock:eu-west-1/anthropic.claude-sonnet-4-5, or an address and a name: "
    "http://127.0.0.1:8000/v1#qwen3"
)
_NAME: Final = re.compile(r"[\w.:/@+-]{1,160}")
_REGION: Final = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)/(.+)")
_ARN: Final = re.compile(r"arn:aws[a-z-]*:bedrock:([a-z0-9-]+):")

Maker = Literal["ollama", "openai", "bedrock", "address"]


@dataclass(frozen=True, slots=True)
class ModelId:
    """A model and its place. ``base_url``: of an OpenAI-compatible API, without a slash at the end; ``region``: of Bedrock."""

    maker: Maker
    name: str
    base_url: str = ""
    region: str = ""


def parse_model(text: str, environment: Mapping[str, str]) -> ModelId:
    """Read an id such as ``ollama:qwen3``. Raises InvalidInput saying which forms there are.

    Of the environment: OLLAMA_HOST and OPENAI_BASE_URL, which mean what they mean to those programs themselves.
    """
    text = text.strip()
    if not text:
        raise InvalidInput("No model is named.", f"Give one with --model: {FORMS}.")
    if text.startswith(("http://", "https://")):
        base, _, name = text.partition("#")
        return ModelId("address", _named(name, text), _address(base, text))
    maker, colon, name = text.partition(":")
    match maker if colon else "":
        case "ollama":
            return ModelId("ollama", _named(name, text), f"{_ollama(environment.get('OLLAMA_HOST', ''))}/v1")
        case "openai":
            base = environment.get("OPENAI_BASE_URL", "").strip() or OPENAI
            return ModelId("openai", _named(name, text), _address(base, "OPENAI_BASE_URL"))
        case "bedrock":
            placed, arn = _REGION.fullmatch(name), _ARN.match(name)
            region = placed[1] if placed else arn[1] if arn else ""
            return ModelId("bedrock", _named(placed[2] if placed else name, text), region=region)
    raise InvalidInput(f"{text[:80]!r} does not say where the model is.", f"Write it as one of: {FORMS}.")


def _named(name: str, text: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{text[:80]!r} names no model.", f"Write it as one of: {FORMS}.")
    return name


def _address(base: str, named: str) -> str:
    try:
        parts = urlsplit(base)
        well = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        well = False
    if not well or "@" in base:
        raise InvalidInput(
            f"{named[:80]!r} holds no usable http address.",
            "Write it like http://127.0.0.1:8000/v1#name; a key goes into MURMUR_MODEL_KEY, never into the address.",
        )
    return base.rstrip("/")


def _ollama(host: str) -> str:
    """Where Ollama listens, from its own variable, which may be a bare host, host and port, a URL, or "every address"."""
    host = host.strip().rstrip("/")
    if not host:
        return OLLAMA
    try:
        parts = urlsplit(host if "://" in host else f"http://{host}")
        name, port = parts.hostname or "127.0.0.1", parts.port
    except ValueError:
        raise InvalidInput(f"OLLAMA_HOST = {host[:80]!r} is no address.", "Write it like 127.0.0.1:11434.") from None
    try:
        if ipaddress.ip_address(name).is_unspecified:
            name = "127.0.0.1"  # where it listens everywhere, it is reached here
    except ValueError:
        pass  # a name, not a number: it stands as it is
    default = 443 if parts.scheme == "https" else 80 if "://" in host else 11434
    shown = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{shown}:{port or default}"
