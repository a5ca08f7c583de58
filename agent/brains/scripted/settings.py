"""What the scripted brain is told by its environment. The runner hands it on, and nothing else of Murmur's."""

from __future__ import annotations

from typing import Final

THINK: Final = "MURMUR_SCRIPTED_THINK"
"""Seconds to wait before each turn."""
