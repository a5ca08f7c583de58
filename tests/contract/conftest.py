"""Every contract is parametrised over the worlds it holds in."""

from tests.contract.worlds import moto_environment, world

__all__ = ["moto_environment", "world"]
