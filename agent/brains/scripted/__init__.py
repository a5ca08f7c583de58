"""The `scripted` brain: an ACP agent that needs no model, and says so.

It speaks real ACP on stdin and stdout and real MCP to the server named in ``session/new``, and does honest,
deterministic work: it digests documents or takes the items of a checklist (``turn.take_turn``).

Sixty-four of these may run on one machine, so nothing here imports the ACP or MCP SDK, pydantic, asyncio, http.client or
hashlib; both protocols are spoken by the few lines they need, and tests drive them with the SDKs' other halves. Measured on
Python 3.11 with 2 cores, process start to the answer to ``initialize``, then memory after a first turn:

    ======================================  =========  ===============  =======
    way                                     start      private memory   RSS
    ======================================  =========  ===============  =======
    the acp and mcp SDKs, imported          1.5 s      53 MB            71 MB
    asyncio and json alone, imported        0.08 s     10 MB            20 MB
    this process                            0.06 s     8 MB             15 MB
    ======================================  =========  ===============  =======
"""
