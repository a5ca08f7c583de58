"""The real agent and lifecycle code on the in-memory twins, under a clock that jumps instead of waiting."""
