"""What an instance costs an hour: on-demand list prices of us-east-1, Linux, November 2026. Other regions differ by some per cent, Spot is cheaper."""

from __future__ import annotations

from typing import Final

_SIZES: Final = ("small", "medium", "large", "xlarge")
_PER_HOUR: Final[dict[str, tuple[float | None, ...]]] = {
    "t4g": (0.0168, 0.0336, 0.0672, 0.1344),
    "c6g": (None, 0.034, 0.068, 0.136),
    "c7g": (None, 0.0363, 0.0725, 0.145),
    "c8g": (None, 0.03988, 0.07976, 0.15952),
    "m6g": (None, 0.0385, 0.077, 0.154),
    "m7g": (None, 0.0408, 0.0816, 0.1632),
    "m8g": (None, 0.04488, 0.08976, 0.17952),
    "r6g": (None, 0.0504, 0.1008, 0.2016),
    "r7g": (None, 0.0536, 0.1071, 0.2142),
    "r8g": (None, 0.05892, 0.11784, 0.23568),
}


def known_dollars_per_hour(instance_type: str) -> float | None:
    """The list price; None for a type that is not in the list."""
    family, _, size = instance_type.partition(".")
    if family not in _PER_HOUR or size not in _SIZES:
        return None
    return _PER_HOUR[family][_SIZES.index(size)]


def host_dollars_per_hour(instance_type: str) -> float:
    """The list price; for a type that is not in the list that of the dearest of its size, so that an alarm rings rather too early."""
    known = known_dollars_per_hour(instance_type)
    if known is not None:
        return known
    size = instance_type.rpartition(".")[2]
    at = _SIZES.index(size) if size in _SIZES else len(_SIZES) - 1
    return max(price for prices in _PER_HOUR.values() if (price := prices[at]) is not None)
