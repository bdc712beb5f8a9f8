"""The Model Context Protocol's own file system server behind the proxy, driven by the official client.

What is allowed works as it does without the proxy, what is denied has no effect on disk, what is redacted is redacted.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from support import ROOT, SECRET, Place, code, session, text

POLICY = ROOT / "policies/filesystem.yaml"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A workspace with files, and a file outside of it."""
    place = Place(tmp_path)
    (place.workspace / "notes.md").write_text("first line\nsecond line\n")
    (place.workspace / "docs").mkdir()
    (place.workspace / "docs" / "a.md").write_text("# A\n")
    (place.workspace / ".git").mkdir()
    (place.outside / "secret.txt").write_text("outside\n")
    (place.workspace / "link").symlink_to(place.outside)
    return place


def server(place: Place) -> list[str]:
    # It may go everywhere: what holds it in is the policy.
    folders = [str(place.workspace), str(place.outside)]
    return [f"{os.environ['TEST_NODE_BIN']}/mcp-server-filesystem", *folders]


def ordinary_calls(place: Place) -> list[tuple[str, dict[str, Any]]]:
    inside = str(place.workspace)
    return [
        ("list_allowed_directories", {}),
        ("list_directory", {"path": inside}),
        ("read_text_file", {"path": f"{inside}/notes.md"}),
        ("read_text_file", {"path": f"{inside}/notes.md", "head": 1}),
        ("directory_tree", {"path": f"{inside}/docs"}),
        ("search_files", {"path": inside, "pattern": "**/*.md"}),
        ("write_file", {"path": f"{inside}/new.txt", "content": "written\n"}),
        ("create_directory", {"path": f"{inside}/made"}),
        ("move_file", {"source": f"{inside}/new.txt", "destination": f"{inside}/made/new.txt"}),
        ("read_text_file", {"path": f"{inside}/no-such-file"}),
    ]


async def results(command: list[str], place: Place) -> list[tuple[str, str, Any, bool]]:
    async with session(command) as client:
        found = []
        for tool, args in ordinary_calls(place):
            result = await client.call_tool(tool, args)
            found.append((tool, text(result), result.structured_content, result.is_error))
        return found


def test_what_is_allowed_works_as_without_the_proxy(tmp_path: Path) -> None:
    """The same calls with and without the proxy: the same results and the same files."""
    found = []
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
        place = Place(tmp_path / name)
        (place.workspace / "notes.md").write_text("first line\nsecond line\n")
        (place.workspace / "docs").mkdir()
        command = place.proxy(POLICY, *server(place)) if name == "with" else server(place)
        answers = asyncio.run(results(command, place))
        files = sorted(str(path.relative_to(place.workspace)) for path in place.workspace.rglob("*"))
        here = str(tmp_path / name)
        found.append((repr(answers).replace(here, ""), files))
        assert (place.workspace / "made/new.txt").read_text() == "written\n"
        if name == "with":
            ends = [entry["code"] for entry in place.entries() if entry["kind"] == "outcome"]
            assert ends == ["released"] * 9 + ["tool_failed"]
            assert place.verify()["verdict"] == "valid"
    assert found[0] == found[1]


def test_what_is_denied_has_no_effect_and_its_twin_has(place: Place) -> None:
    """Each denied call stands beside one that differs in one fact and is allowed."""
    inside, outside = str(place.workspace), str(place.outside)
    write = {"content": "x"}
    twins = [
        ("write_file", {"path": f"{outside}/w.txt", **write}, {"path": f"{inside}/w.txt", **write}),
        ("write_file", {"path": f"{inside}/link/w.txt", **write}, {"path": f"{inside}/docs/w.txt", **write}),
        ("write_file", {"path": f"{inside}/../outside/w.txt", **write}, {"path": f"{inside}/docs/../v.txt", **write}),
        ("write_file", {"path": f"{inside}/.git/config", **write}, {"path": f"{inside}/git-config", **write}),
        ("create_directory", {"path": f"{outside}/d"}, {"path": f"{inside}/d"}),
        (
            "move_file",
            {"source": f"{inside}/notes.md", "destination": f"{outside}/notes.md"},
            {"source": f"{inside}/notes.md", "destination": f"{inside}/moved.md"},
        ),
    ]

    def everything() -> set[str]:
        return {str(path) for folder in (place.workspace, place.outside) for path in folder.rglob("*")}

    async def play() -> None:
        async with session(place.proxy(POLICY, *server(place))) as client:
            for tool, denied, allowed in twins:
                before = everything()
                result = await client.call_tool(tool, denied)
                assert (result.is_error, code(result) in {"no_rule", "denied_by_rule"}) == (True, True), denied
                assert everything() == before, denied
                result = await client.call_tool(tool, allowed)
                assert not result.is_error, text(result)
                assert everything() != before, allowed
            read = await client.call_tool("read_text_file", {"path": f"{inside}/link/secret.txt"})
            assert (code(read), "outside" in text(read)) == ("no_rule", False)

    asyncio.run(play())
    assert list(place.outside.iterdir()) == [place.outside / "secret.txt"]
    kinds = [entry["kind"] for entry in place.entries()]
    assert kinds == ["denial", "intent", "outcome"] * len(twins) + ["denial"]


def test_the_server_cannot_change_what_enforces_the_policy(tmp_path: Path) -> None:
    """Everything lies in the workspace, and the policy allows to write there; a file beside it is written."""
    place = Place(tmp_path)
    policy = place.workspace / "policy.yaml"
    policy.write_text(POLICY.read_text())
    place.log, place.keys = place.workspace / ".enforcecore/log", place.workspace / ".enforcecore/keys"
    inside = str(place.workspace)
    secret = place.keys / "log-names-secret"
    writes = [
        ("policy.yaml", "policy.txt"),
        ("enforcecore.toml", "enforcecore.txt"),
        (".mcp.json", "mcp.txt"),
        (".enforcecore/log/new", "enforcecore.new"),
        (".vscode", "vscode"),
    ]

    async def play() -> None:
        async with session(place.proxy(policy, *server(place))) as client:

            async def refused(tool: str, **args: str) -> bool:
                return code(await client.call_tool(tool, args)) == "protected_path"

            for denied, allowed in writes:
                assert await refused("write_file", path=f"{inside}/{denied}", content="mine"), denied
                result = await client.call_tool("write_file", {"path": f"{inside}/{allowed}", "content": "mine"})
                assert not result.is_error, text(result)
                assert (place.workspace / allowed).read_text() == "mine"
            assert secret.exists()
            assert await refused("read_text_file", path=str(secret))
            read = await client.call_tool("read_text_file", {"path": str(policy)})
            assert "rules:" in text(read)
            assert await refused("move_file", source=f"{inside}/.enforcecore", destination=f"{inside}/old")
            result = await client.call_tool(
                "move_file", {"source": f"{inside}/mcp.txt", "destination": f"{inside}/old"}
            )
            assert not result.is_error, text(result)

    asyncio.run(play())
    assert policy.read_text() == POLICY.read_text()
    left = [name for name, _ in writes[1:] if (place.workspace / name).exists()]
    assert (left, place.verify()["verdict"]) == ([], "valid")


def test_what_is_redacted_is_redacted(place: Place) -> None:
    """A secret in a file does not reach the client; the file is as it was."""
    (place.workspace / "env").write_text(f"TOKEN={SECRET}\nNAME=x\n")

    async def play() -> None:
        async with session(place.proxy(POLICY, *server(place))) as client:
            result = await client.call_tool("read_text_file", {"path": str(place.workspace / "env")})
            assert text(result) == "TOKEN=EC_GITHUB_TOKEN_1\nNAME=x\n"
            assert result.structured_content == {"content": "TOKEN=EC_GITHUB_TOKEN_1\nNAME=x\n"}

    asyncio.run(play())
    assert SECRET in (place.workspace / "env").read_text()
    assert SECRET not in (place.log / "log.jsonl").read_text()


def test_tools_that_can_never_be_called_are_not_shown(place: Place) -> None:
    """The list of tools is the policy's, not the server's."""

    async def play() -> tuple[set[str], set[str]]:
        async with session(server(place)) as client:
            offered = {tool.name for tool in (await client.list_tools()).tools}
        async with session(place.proxy(POLICY, *server(place))) as client:
            shown = {tool.name for tool in (await client.list_tools()).tools}
            assert code(await client.call_tool("edit_file", {"path": "x"})) == "unknown_tool"
        return offered, shown

    offered, shown = asyncio.run(play())
    assert {"edit_file", "read_media_file"} <= offered - shown
    assert {"read_text_file", "write_file"} <= shown


def test_many_calls_at_once_are_each_answered(place: Place) -> None:
    """Concurrent calls do not mix."""
    for number in range(40):
        (place.workspace / f"{number}.txt").write_text(f"number {number}")

    async def play() -> list[str]:
        async with session(place.proxy(POLICY, *server(place))) as client:
            paths = [str(place.workspace / f"{number}.txt") for number in range(40)]
            results = await asyncio.gather(*(client.call_tool("read_text_file", {"path": path}) for path in paths))
            return [text(result) for result in results]

    assert asyncio.run(play()) == [f"number {number}" for number in range(40)]
    assert place.verify()["verdict"] == "valid"


def test_a_relative_path_is_opened_where_it_was_decided(place: Place) -> None:
    """The server resolves a relative path against its first folder, which is outside; the proxy sends it whole."""
    (place.workspace / "a.txt").write_text("inside")
    (place.outside / "a.txt").write_text("outside")
    folders = [str(place.outside), str(place.workspace)]
    unsaid = place.workspace.parent / "unsaid.yaml"
    unsaid.write_text(POLICY.read_text().replace("{type: path, base: session.workspace}", "path"))

    async def play() -> None:
        async with session(place.proxy(POLICY, *server(place)[:-2], *folders)) as client:
            assert text(await client.call_tool("read_text_file", {"path": "a.txt"})) == "inside"
            await client.call_tool("write_file", {"path": "b.txt", "content": "b"})
            assert code(await client.call_tool("read_text_file", {"path": "../outside/a.txt"})) == "no_rule"
        async with session(place.proxy(unsaid, *server(place)[:-2], *folders)) as client:
            refused = await client.call_tool("read_text_file", {"path": "a.txt"})
            assert (code(refused), "base: session.workspace" in text(refused)) == ("relative_path", True)
            whole = await client.call_tool("read_text_file", {"path": str(place.workspace / "a.txt")})
            assert text(whole) == "inside"

    asyncio.run(play())
    assert [path.name for path in place.outside.iterdir() if path.name != "secret.txt"] == ["a.txt"]
    assert (place.workspace / "b.txt").read_text() == "b"


def test_a_link_is_not_moved_where_what_it_leads_to_may_not_be(place: Place) -> None:
    """This server moves what a link leads to, another the link: both have to be allowed."""
    for name, target in [("way-out", place.outside / "secret.txt"), ("way-in", place.workspace / "notes.md")]:
        (place.workspace / name).symlink_to(target)

    async def play() -> None:
        async with session(place.proxy(POLICY, *server(place))) as client:
            for name, refused in [("way-out", True), ("way-in", False)]:
                move = {"source": str(place.workspace / name), "destination": str(place.workspace / f"{name}.moved")}
                result = await client.call_tool("move_file", move)
                assert (result.is_error, "(no_rule)" in text(result)) == (refused, refused), text(result)

    asyncio.run(play())
    assert (place.outside / "secret.txt").read_text() == "outside\n"
    assert (place.workspace / "way-out").is_symlink()
    assert not (place.workspace / "way-out.moved").exists()
    assert (place.workspace / "way-in.moved").read_text() == "first line\nsecond line\n"
