"""Writes docs/reference/config.md from FlockConfig (`./dev docs`)."""

from __future__ import annotations

from pathlib import Path

from murmur.config import FlockConfig

TARGET = Path(__file__).resolve().parents[2] / "docs" / "reference" / "config.md"
HEAD = """# config.json

One definition, `murmur/config.py`; this page is made from it by `./dev docs`. A value that breaks its rule is refused with field, value
and rule, and nothing is written. Cross-field rules: `neighbourRadius` is at most half of `concurrency`; `instanceType` is a Graviton type of the t, c, m or r
family, small to xlarge; `runner` is one of the names the deployment offers.

| field | default | range | meaning |
|---|---|---|---|
"""


def page() -> str:
    """The page as it should stand."""
    schema = FlockConfig.model_json_schema()["properties"]
    rows = []
    for name, field in schema.items():
        low = field.get("minimum", field.get("exclusiveMinimum"))
        span = (
            f"{low:g} – {field['maximum']:g}"
            if low is not None and "maximum" in field
            else ", ".join(field.get("enum", []))
        )
        default = str(field["default"]).lower() if isinstance(field["default"], bool) else field["default"]
        rows.append(f"| `{name}` | `{default}` | {span} | {field['description']} |")
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    TARGET.write_text(page(), "utf-8")
