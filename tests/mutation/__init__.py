"""Mutation tests of the pure rules everything rests on (`./dev mutate`); not collected by pytest."""
