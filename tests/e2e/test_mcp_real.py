"""An assistant's session on a real flock: upload, start, wait until it rests, read, analyse."""

from __future__ import annotations

import sys
from pathlib import Path

from mcp.client.client import Client as McpClient
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.e2e.flock import documents, flock

ROOT = Path(__file__).resolve().parents[2]


async def test_an_assistant_takes_a_flock_from_documents_to_a_told_result(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    for name, body in documents(6).items():
        (notes / name).parent.mkdir(parents=True, exist_ok=True)
        (notes / name).write_bytes(body)
    async with flock(tmp_path / "home") as running:
        args = ["-m", "murmur.cli.main", "mcp", "--url", running.stack.url, "--folder", str(tmp_path)]
        server = StdioServerParameters(command=sys.executable, args=args, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
        async with McpClient(stdio_client(server)) as client:

            async def call(tool: str, **arguments: object) -> str:
                result = await client.call_tool(tool, arguments)
                text = str(result.content[0].text)
                assert not result.is_error, text
                return text

            assert "6 documents uploaded" in await call("knowledge_upload", path="notes")
            config = {"concurrency": 3, "loopIntervalSeconds": 2.0, "minTurnGapSeconds": 0.1, "staggerSeconds": 0.2}
            await call("start", direction="Digest every document, then write one index.", config=config)
            assert "flock: settled" in await call("wait_for_change", until="settled", timeout_seconds=120)
            assert "output/index.md" in await call("files_list")
            assert "[data " in await call("file_read", path="index.md")
            assert "3 agents" in await call("analyse")
            assert "would reach 3 agents of 3" in await call("directive", where="idle", dry_run=True)
            assert "set for 1 agent of 3: 2" in await call("directive", where="idle and index = 2", text="Rest.")
            assert "[directive]" in await call("status")
