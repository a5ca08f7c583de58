"""Benchmarks: ``./dev bench [NAME]``. They measure in one run, say how, and assert nothing; a benchmark is not a test.

``sections`` lists them, ``supervise`` runs one in a process of its own, ``page`` writes docs/benchmarks.md.
"""
