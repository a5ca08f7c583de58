"""Renews the list of routes in docs/reference/rest.md from the API's models (`./dev docs`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from functions.api.app import openapi_document

TARGET = Path(__file__).resolve().parents[2] / "docs" / "reference" / "rest.md"
MARK: Final = "## Every route\n"
HEAD: Final = """
Made from the models by `./dev docs`. `{n}` is an agent's number, from 0; `{run}` a run's name. Errors of the table above are the `default` answer of each.

| route | query | body | answers |
|---|---|---|---|
"""


def page() -> str:
    """The page as it should stand: what is written by hand, and the list."""
    written, mark, _ = TARGET.read_text("utf-8").partition(MARK)
    if not mark:
        raise ValueError(f"{TARGET} has no section {MARK.strip()!r}")
    paths = json.loads(openapi_document())["paths"]
    rows = [row(method, path, route) for path, routes in sorted(paths.items()) for method, route in routes.items()]
    return written + MARK + HEAD + "".join(rows)


def row(method: str, path: str, route: dict[str, Any]) -> str:
    """One route."""
    query = "<br>".join(parameter(one) for one in route.get("parameters", []) if one["in"] == "query")
    body = "<br>".join(
        f"{kind}: {shape(held)}" for kind, held in route.get("requestBody", {}).get("content", {}).items()
    )
    codes = ", ".join(f"{code}" for code in route["responses"] if code != "default")
    return f"| `{method.upper()} {path}` | {query} | {body} | {codes} |\n"


def parameter(one: dict[str, Any]) -> str:
    """One parameter: name, range, default, meaning."""
    schema = one["schema"]
    bounds = [f"{schema[name]:g}" if name in schema else "" for name in ("minimum", "maximum")]
    span = f" {bounds[0]}–{bounds[1]}" if all(bounds) else f" from {bounds[0]}" if bounds[0] else ""
    default = schema.get("default", "")
    usual = f" (default {json.dumps(default)})" if default != "" else ""
    meaning = (one.get("description") or schema.get("description", "")).rstrip(".").replace("``", "`")
    return f"`{one['name']}`{span}{usual}: {meaning}"


def shape(held: dict[str, Any]) -> str:
    """The model of a body, by name."""
    schema = held.get("schema", {})
    kinds = [one["$ref"].rpartition("/")[2] for one in (schema, *schema.get("anyOf", ())) if "$ref" in one]
    return " or ".join(f"`{kind}`" for kind in kinds) or "the bytes"


if __name__ == "__main__":
    TARGET.write_text(page(), "utf-8")
