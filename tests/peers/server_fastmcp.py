"""A server of FastMCP, with the kinds of results that its tools have."""

from __future__ import annotations

from dataclasses import dataclass

from fastmcp import FastMCP
from fastmcp.exceptions import ToolError

server = FastMCP("peer")


@dataclass
class Person:
    """A person."""

    name: str
    age: int


@server.tool
def text(words: str) -> str:
    """Says the words again."""
    return words


@server.tool
def number(value: float) -> float:
    """The half of it."""
    return value / 2


@server.tool
def person(name: str, age: int = 7) -> Person:
    """Data with a schema of its own."""
    return Person(name, age)


@server.tool
def people(names: list[str]) -> list[Person]:
    """A list of data."""
    return [Person(name, number) for number, name in enumerate(names)]


@server.tool
def nothing() -> None:
    """No result."""


@server.tool
def large(characters: int) -> str:
    """As many characters."""
    return "x" * characters


@server.tool
def fails(why: str) -> str:
    """Fails, and says why."""
    raise ToolError(why)


if __name__ == "__main__":
    server.run(show_banner=False)
