"""Every contract is parametrised over the worlds it holds in."""

from tests.contract.worlds import clients_of, moto_environment, world

__all__ = ["clients_of", "moto_environment", "world"]
