"""The `model` brain: an ACP agent over any model, with the tools it is given and no others."""
