"""One policy, four faces: whichever way a call comes in, the same is said of it, and it runs in all or in none."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import enforcecore
import pytest
from support import ENFORCECORE, MISBEHAVING, Client, Place

POLICY = """
enforcecore: 1
name: agreement
version: "1"
tools:
  echo: {does: writes, args: {text: text, count: integer, "to?": email}, returns: trusted}
  forbidden: {does: writes, args: {text: text, where: path}, returns: trusted}
rules:
  - allow: echo
    id: open
    when: {text: {any: true}, count: {any: true}, to: {any: true}}
    unless: {text: {prefix: "no "}}
  - deny: echo
    id: not-many
    when: {count: {more_than: 5}}
  - allow: forbidden
    id: inside
    when: {text: {any: true}, where: {under: session.workspace}}
redact: {args: {text: [email]}}
"""

CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("echo", {"count": 1, "text": "hello"}, "allowed"),
    ("echo", {"count": 1, "text": "no hello"}, "no_rule"),
    ("echo", {"text": "hello", "count": 5}, "allowed"),
    ("echo", {"text": "hello", "count": 6}, "denied_by_rule"),
    ("echo", {"text": "hello", "count": 5.5}, "wrong_type"),
    ("echo", {"text": "hello", "count": True}, "wrong_type"),
    ("echo", {"count": 1, "text": 1}, "wrong_type"),
    ("echo", {"count": 1, "text": "to jo@example.com"}, "allowed"),
    ("echo", {"count": 1, "text": "hello", "to": "not an address"}, "wrong_type"),
    ("forbidden", {"text": "hello", "where": "WORKSPACE/a"}, "allowed"),
    ("forbidden", {"text": "hello", "where": "WORKSPACE/../a"}, "no_rule"),
    ("forbidden", {"text": "hello", "where": "WORKSPACE/link/a"}, "no_rule"),
    ("echo", {}, "missing_argument"),
    ("echo", {"count": 1, "text": "hello", "more": 1}, "undeclared_argument"),
    ("echo", {"count": 1, "text": ["hello"]}, "wrong_type"),
    ("echo", {"count": 1, "text": "a\0b"}, "nul_character"),
    ("echo", {"count": 1, "text": "x" * (2 << 20)}, "too_large"),
    ("еcho", {"count": 1, "text": "hello"}, "lookalike_tool"),  # noqa: RUF001
    ("other", {"count": 1, "text": "hello"}, "unknown_tool"),
]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A workspace with a link out of it."""
    place = Place(tmp_path)
    (place.workspace / "link").symlink_to(place.outside)
    (tmp_path / "policy.yaml").write_text(POLICY)
    return place


@pytest.mark.parametrize(("tool", "args", "expected"), CALLS)
def test_every_face_says_the_same(place: Place, tool: str, args: dict[str, Any], expected: str) -> None:
    """The command line, the proxy and Python, in both of its forms."""
    args = json.loads(json.dumps(args).replace("WORKSPACE", str(place.workspace)))
    policy = place.workspace.parent / "policy.yaml"
    said = {
        "decide": by_command(policy, place, tool, args),
        "mcp": by_proxy(policy, place, tool, args),
        "python": by_python(policy, place, tool, args),
        "python begin": by_begin(policy, place, tool, args),
    }
    assert said == dict.fromkeys(said, (expected, expected == "allowed"))


def by_command(policy: Path, place: Place, tool: str, args: dict[str, Any]) -> tuple[str, bool]:
    call = {"tool": tool, "args": args, "session": {"workspace": str(place.workspace)}}
    command = [ENFORCECORE, "decide", "--policy", str(policy), "--call", "-"]
    done = subprocess.run(command, input=json.dumps(call), capture_output=True, text=True, check=False)
    return json.loads(done.stdout)["code"], done.returncode == 0


def by_proxy(policy: Path, place: Place, tool: str, args: dict[str, Any]) -> tuple[str, bool]:
    client = Client(place.proxy(policy, *MISBEHAVING, str(place.workspace)))
    client.greet()
    details = client.call(tool, **args)["result"].get("_meta", {}).get("enforcecore/decision", {})
    client.leave()
    return details.get("code", "allowed"), (place.workspace / "effects").exists()


def by_python(policy: Path, place: Place, tool: str, args: dict[str, Any]) -> tuple[str, bool]:
    ran: list[dict[str, Any]] = []
    enforcer = enforcecore.Enforcer(policy, log=place.log / "py", keys=place.keys)
    with enforcer.session(workspace=place.workspace):
        try:
            enforcer.enforce_sync(tool, args, lambda **kwargs: ran.append(kwargs))
        except enforcecore.CallError as refused:
            return refused.code, bool(ran)
    return "allowed", bool(ran)


def by_begin(policy: Path, place: Place, tool: str, args: dict[str, Any]) -> tuple[str, bool]:
    enforcer = enforcecore.Enforcer(policy, log=place.log / "begin", keys=place.keys)
    with enforcer.session(workspace=place.workspace):
        try:
            admitted = enforcer.begin(tool, args)
        except enforcecore.CallError as refused:
            return refused.code, False
        enforcer.finish(admitted, None)
    return "allowed", True
