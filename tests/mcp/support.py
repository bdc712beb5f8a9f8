"""An official client, a third-party server, and our proxy between them or not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult

ROOT = Path(__file__).parents[2]
ENFORCECORE = os.environ["TEST_ENFORCECORE"]
# A server of ours with tools that misbehave; its effects are lines in a file of the folder it is given.
MISBEHAVING = [sys.executable, str(ROOT / "crates/enforcecore-gateway/tests/server.py")]
# A GitHub token by form: its checksum is right.
SECRET = "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"


class Place:
    """A workspace, and beside it what must not be touched and where the evidence goes."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"
        self.outside = folder / "outside"
        self.log = folder / "log"
        self.keys = folder / "keys"
        self.anchor = folder / "anchor"
        for made in (self.workspace, self.outside):
            made.mkdir()

    def proxy(self, policy: Path, *server: str, options: tuple[str, ...] = ()) -> list[str]:
        """The command that puts the policy in front of a server."""
        folders = ["--log", str(self.log), "--keys", str(self.keys), "--anchor", str(self.anchor)]
        where = ["--workspace", str(self.workspace)]
        return [ENFORCECORE, "mcp", "--policy", str(policy), *folders, *where, *options, "--", *server]

    def verify(self) -> dict[str, Any]:
        """What an auditor says about the evidence."""
        command = [ENFORCECORE, "audit", "verify", str(self.log), "--anchor", str(self.anchor), "--json"]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)

    def entries(self) -> list[dict[str, Any]]:
        """The entries about calls."""
        command = [ENFORCECORE, "audit", "show", str(self.log), "--json"]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        return [entry for entry in map(json.loads, lines) if "call" in entry]


@asynccontextmanager
async def session(command: list[str]) -> AsyncIterator[ClientSession]:
    """A session of the official client with the server that the command starts."""
    parameters = StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))
    async with stdio_client(parameters) as (reader, writer), ClientSession(reader, writer) as client:
        await client.initialize()
        yield client


def text(result: CallToolResult) -> str:
    """The text of a result."""
    return "".join(part.text for part in result.content if part.type == "text")


def code(result: CallToolResult) -> str:
    """Why there is no result."""
    return (result.meta or {}).get("enforcecore/decision", {}).get("code", "")


class Client:
    """Speaks to a proxy line by line."""

    def __init__(self, command: list[str], **how: Any) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, **pipes, **how)
        self.next = 0

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Sends a request and returns the next message."""
        self.next += 1
        message = {"jsonrpc": "2.0", "id": self.next, "method": method, "params": params}
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def greet(self) -> None:
        """The handshake."""
        assert "result" in self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}})

    def call(self, tool: str, **args: Any) -> dict[str, Any]:
        """Calls a tool."""
        return self.ask("tools/call", {"name": tool, "arguments": args})

    def leave(self) -> tuple[int, str]:
        """Closes the session; the status and what was said on stderr."""
        _, complaints = self.process.communicate(timeout=100)
        return self.process.returncode, complaints
