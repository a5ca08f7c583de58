"""Bedrock's side of ConverseStream: its event stream framing, and the check of a request's signature."""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from typing import Any
from urllib.parse import quote, urlsplit
from zlib import crc32

from tests.stand_ins.endpoint import Asked, Reply

HEADERS = {"content-type": "application/vnd.amazon.eventstream"}


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One message: lengths and their checksum, headers, payload, checksum of it all."""
    encoded = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(encoded) + len(payload), len(encoded))
    body = prelude + struct.pack("!I", crc32(prelude)) + encoded + payload
    return body + struct.pack("!I", crc32(body))


def event(name: str, **value: Any) -> bytes:
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps(value).encode())


def exception(name: str, message: str) -> bytes:
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps({"message": message}).encode())


def text(index: int, *parts: str) -> bytes:
    deltas = [event("contentBlockDelta", contentBlockIndex=index, delta={"text": part}) for part in parts]
    return b"".join([*deltas, event("contentBlockStop", contentBlockIndex=index)])


def tool(index: int, name: str, arguments: str, pieces: int = 3) -> bytes:
    """A tool call whose JSON comes in pieces."""
    start = event(
        "contentBlockStart", contentBlockIndex=index, start={"toolUse": {"toolUseId": f"t{index}", "name": name}}
    )
    size = max(1, len(arguments) // pieces)
    parts = [arguments[at : at + size] for at in range(0, len(arguments), size)]
    deltas = [event("contentBlockDelta", contentBlockIndex=index, delta={"toolUse": {"input": p}}) for p in parts]
    return b"".join([start, *deltas, event("contentBlockStop", contentBlockIndex=index)])


def says(*blocks: bytes, stop: str = "tool_use") -> Reply:
    used = {"inputTokens": 50, "outputTokens": 5, "totalTokens": 55}
    end = event("messageStop", stopReason=stop) + event("metadata", usage=used, metrics={"latencyMs": 1})
    return Reply([event("messageStart", role="assistant"), *blocks, end], headers=HEADERS)


def refuses(status: int, kind: str, message: str, **headers: str) -> Reply:
    given = {"content-type": "application/json", "x-amzn-errortype": kind}
    return Reply([json.dumps({"message": message}).encode()], status, {**given, **headers})


def signed_by(asked: Asked, secret: str) -> bool:
    """Whether the request's Signature Version 4 is right, computed anew from AWS's description of it."""
    fields = dict(part.strip().split("=", 1) for part in asked.headers["authorization"].split(" ", 1)[1].split(","))
    _, day, region, service, _ = fields["Credential"].split("/")
    names = fields["SignedHeaders"].split(";")
    path = "/".join(quote(part, safe="-_.~") for part in urlsplit(asked.path).path.split("/"))
    heads = "".join(f"{name}:{' '.join(asked.headers[name].split())}\n" for name in names)
    request = "\n".join(["POST", path, "", heads, fields["SignedHeaders"], hashlib.sha256(asked.raw).hexdigest()])
    scope = f"{day}/{region}/{service}/aws4_request"
    moment = asked.headers["x-amz-date"]
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex() == fields["Signature"]
