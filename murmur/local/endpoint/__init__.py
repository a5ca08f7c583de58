"""The embedded cloud: S3, SQS and EventBridge on loopback, in a child process, with its state as plain files.

``Endpoint`` is what the parent uses. The child is ``python -m murmur.local.endpoint``: MiniStack under uvicorn, with five
small changes (``changes``), each of which falls back to MiniStack's own behaviour when its insides are not as expected.
"""

from murmur.local.endpoint.process import Endpoint

__all__ = ["Endpoint"]
