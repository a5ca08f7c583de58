"""The `model` brain: an ACP agent over any model, with the tools it is given and no others.

Reading order: ``session`` (what a turn needs), ``turn`` (the loop), ``asking`` (one answer over HTTP), ``openai`` and ``bedrock`` (two
wires), ``talk`` (what of it the model sees), ``failure`` (what is said when it does not work). Why no library does the loop, and what
each would cost the 64 processes of a machine: docs/decisions/0015-the-models-loop.md.
"""
