"""What enforcement stands on is no tool's to change, whatever the policy allows."""

from __future__ import annotations

from pathlib import Path

import pytest
from enforcecore import ToolDeniedError, enforce, session

FILES = """
tools:
  read: {does: reads, args: {path: path}, returns: trusted}
  write: {does: writes, args: {path: path}, returns: trusted}
rules:
  - {allow: [read, write], id: inside, when: {path: {under: session.workspace}}}
"""


def test_a_tool_does_not_change_what_enforces_it(world, monkeypatch):
    monkeypatch.chdir(world.folder)
    enforcer = world.enforcer(FILES)
    (world.folder / "log-link").symlink_to(world.log)

    @enforce(enforcer=enforcer)
    def write(path: str) -> None:
        Path(path).write_text("mine")

    for denied, allowed in [
        ("policy.yaml", "policy.txt"),
        ("enforcecore.toml", "enforcecore.txt"),
        (".mcp.json", "mcp.txt"),
        (".git", "git"),
        (".husky/pre-commit", "pre-commit"),
        ("log/new", "new"),
        ("log-link/new", "newer"),
        ("keys/../keys/new", "keys/../newest"),
    ]:
        before = sorted(world.folder.rglob("*"))
        with session(workspace=world.folder):
            with pytest.raises(ToolDeniedError) as refused:
                write(denied)
            assert refused.value.code == "protected_path", denied
            assert sorted(world.folder.rglob("*")) == before, denied
            write(allowed)
        assert (world.folder / allowed).read_text() == "mine"
    assert "tools:" in (world.folder / "policy.yaml").read_text()


def test_a_tool_does_not_read_the_keys(world):
    enforcer, given = world.enforcer(FILES), []

    @enforce(enforcer=enforcer)
    def read(path: str) -> str:
        given.append(path)
        return Path(path).read_text()

    with session(workspace=world.folder):
        with pytest.raises(ToolDeniedError, match="the keys"):
            read(str(world.folder / "keys/log-names-secret"))
        assert given == []
        assert "tools:" in read(str(world.folder / "policy.yaml"))


def test_the_workspace_that_a_session_names_is_protected_as_well(world):
    """Names are protected wherever they stand, not at the place that the configuration calls the workspace."""
    other = world.folder / "other"
    (other / "deep").mkdir(parents=True)
    enforcer = world.enforcer(FILES)

    @enforce(enforcer=enforcer)
    def write(path: str) -> None:
        Path(path).write_text("mine")

    with session(workspace=other):
        for denied, allowed in [
            (".mcp.json", "a.json"),
            ("deep/.mcp.json", "deep/a.json"),
            ("deep/enforcecore.toml", "deep/a.toml"),
            ("deep/.git", "deep/git"),
        ]:
            with pytest.raises(ToolDeniedError) as refused:
                write(str(other / denied))
            assert (refused.value.code, (other / denied).exists()) == ("protected_path", False), denied
            write(str(other / allowed))
            assert (other / allowed).exists(), allowed
