"""Drives an ACP agent process: a Mind for the loop, and the runners there are by name."""

from agent.runner.limits import Limits
from agent.runner.mind import AcpMind
from agent.runner.profile import RunnerProfile, profile_named, profiles

__all__ = ["AcpMind", "Limits", "RunnerProfile", "profile_named", "profiles"]
