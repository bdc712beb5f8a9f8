"""The Model Context Protocol's git server behind the proxy, driven by the official client."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from support import ROOT, SECRET, Place, code, session, text

POLICY = ROOT / "policies/git.yaml"


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    return subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Two repositories with a commit each and a change that is staged; one is the workspace."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@example.com")
    place = Place(tmp_path)
    for folder in (place.workspace, place.outside):
        git(folder, "init", "-q", "-b", "main")
        (folder / "a.txt").write_text("one\n")
        git(folder, "add", "a.txt")
        git(folder, "commit", "-q", "-m", "first")
        (folder / "a.txt").write_text(f"two {SECRET}\n")
        git(folder, "add", "a.txt")
    return place


def server() -> str:
    return f"{os.environ['TEST_PYTHON_BIN']}/mcp-server-git"


def test_reading_works_as_without_the_proxy(place: Place) -> None:
    """The same answers, but for what is redacted."""
    where = {"repo_path": str(place.workspace)}
    calls = [
        ("git_status", where),
        ("git_diff_staged", where),
        ("git_log", where),
        ("git_show", {**where, "revision": "HEAD"}),
    ]

    async def answers(command: list[str]) -> list[str]:
        async with session(command) as client:
            return [text(await client.call_tool(tool, args)) for tool, args in calls]

    plain = asyncio.run(answers([server()]))
    proxied = asyncio.run(answers(place.proxy(POLICY, server())))
    assert any(SECRET in answer for answer in plain)
    assert proxied == [answer.replace(SECRET, "EC_GITHUB_TOKEN_1") for answer in plain]


def test_work_is_committed_where_it_may_be_and_nowhere_else(place: Place) -> None:
    """One commit is denied and one is allowed; they differ in the repository."""

    async def play() -> None:
        async with session(place.proxy(POLICY, server())) as client:
            for folder, expected in ((place.outside, "no_rule"), (place.workspace, "")):
                args = {"repo_path": str(folder), "message": "second, for jo@example.com"}
                result = await client.call_tool("git_commit", args)
                assert (code(result), result.is_error) == (expected, bool(expected)), text(result)
            reset = await client.call_tool("git_reset", {"repo_path": str(place.workspace)})
            assert code(reset) == "unknown_tool"
            shown = {tool.name for tool in (await client.list_tools()).tools}
            assert "git_commit" in shown
            assert not {"git_reset", "git_checkout"} & shown

    asyncio.run(play())
    assert git(place.outside, "log", "--format=%s") == "first\n"
    assert git(place.workspace, "log", "--format=%s") == "second, for EC_EMAIL_1\nfirst\n"
    assert place.verify()["verdict"] == "valid"


def test_an_option_in_the_place_of_a_revision_does_not_reach_git(place: Place) -> None:
    """The file that git would write is not there; the twin without the dash is answered."""
    target = place.outside / "written"

    async def play() -> None:
        async with session(place.proxy(POLICY, server())) as client:
            where = {"repo_path": str(place.workspace)}
            denied = await client.call_tool("git_show", {**where, "revision": f"--output={target}"})
            assert code(denied) == "denied_by_rule"
            allowed = await client.call_tool("git_show", {**where, "revision": "main"})
            assert "first" in text(allowed)

    asyncio.run(play())
    assert not target.exists()
