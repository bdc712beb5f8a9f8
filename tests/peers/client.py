"""A session of the Python client that the argument names: reads a plan, writes what the client saw."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

Call = Callable[[str, dict[str, Any]], Awaitable[Any]]
Opened = tuple[list[Any], Call]


def shown(value: object) -> Any:
    """The value as data."""
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="json", by_alias=True)
    if isinstance(value, dict):
        return {name: shown(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [shown(part) for part in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


@asynccontextmanager
async def opened(command: list[str]) -> AsyncIterator[Any]:
    """A session of the official SDK, of either major version."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    where = StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))
    with Path(os.devnull).open("w") as nowhere:
        async with stdio_client(where, errlog=nowhere) as (reader, writer), ClientSession(reader, writer) as session:
            await session.initialize()
            yield session


@asynccontextmanager
async def sdk(command: list[str]) -> AsyncIterator[Opened]:
    """The official SDK."""
    async with opened(command) as session:
        yield (await session.list_tools()).tools, session.call_tool


@asynccontextmanager
async def fastmcp(command: list[str]) -> AsyncIterator[Opened]:
    """FastMCP's client."""
    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport

    transport = StdioTransport(command=command[0], args=command[1:], env=dict(os.environ))
    async with Client(transport) as client:

        async def call(tool: str, args: dict[str, Any]) -> Any:
            result = await client.call_tool(tool, args)
            return {"content": result.content, "structured": result.structured_content, "error": result.is_error}

        yield await client.list_tools(), call


@asynccontextmanager
async def langchain(command: list[str]) -> AsyncIterator[Opened]:
    """The tools that LangChain makes of a session."""
    from langchain_mcp_adapters.tools import load_mcp_tools

    async with opened(command) as session:
        tools = await load_mcp_tools(session)
        by_name = {tool.name: tool for tool in tools}

        async def call(tool: str, args: dict[str, Any]) -> Any:
            message = {"type": "tool_call", "id": "1", "name": tool, "args": args}
            answer = await by_name[tool].ainvoke(message)
            return {"content": answer.content, "artifact": answer.artifact, "status": answer.status}

        yield [{"name": tool.name, "about": tool.description, "args": tool.args_schema} for tool in tools], call


@asynccontextmanager
async def pydantic_ai(command: list[str]) -> AsyncIterator[Opened]:
    """The toolset of Pydantic AI."""
    from fastmcp.client.transports import StdioTransport
    from pydantic_ai.mcp import MCPToolset

    transport = StdioTransport(command=command[0], args=command[1:], env=dict(os.environ))
    async with MCPToolset(transport) as toolset:
        yield await toolset.list_tools(), toolset.direct_call_tool


CLIENTS = {"sdk": sdk, "fastmcp": fastmcp, "langchain": langchain, "pydantic_ai": pydantic_ai}


async def main(client: str, plan: dict[str, Any]) -> dict[str, Any]:
    results, micros = [], []
    async with CLIENTS[client](plan["command"]) as (tools, call):
        for tool, args in plan["calls"]:
            begun = time.perf_counter()
            try:
                result = shown(await call(tool, args))
            except Exception as error:
                result = {"raised": f"{type(error).__name__}: {error}"}
            micros.append((time.perf_counter() - begun) * 1e6)
            results.append(result)
        return {"tools": shown(list(tools)), "results": results, "micros": micros}


if __name__ == "__main__":
    json.dump(asyncio.run(main(sys.argv[1], json.load(sys.stdin))), sys.stdout)
