"""Every kind of refusal reaches the official clients: on a tool that promises a shape for its results, too."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support import ROOT, Place, session

SCHEMA = json.loads((ROOT / "docs/decision.schema.json").read_text())
DECISION = "enforcecore/decision"

POLICY = """
enforcecore: 1
name: shaped
version: "1"
tools:
  fine: {does: reads, args: {"n?": integer}, returns: untrusted}
  spoofs: {does: reads, args: {"n?": integer}, returns: untrusted}
  closed: {does: writes, args: {"n?": integer}, returns: untrusted}
  typed: {does: reads, args: {"n?": integer}, returns: untrusted}
  asked: {does: reads, args: {"n?": integer}, returns: untrusted}
  metered: {does: reads, args: {"n?": integer}, returns: untrusted}
  collides: {does: reads, args: {"n?": integer}, returns: untrusted}
  slow: {does: reads, args: {"n?": integer}, returns: untrusted}
  garbled: {does: reads, args: {"n?": integer}, returns: untrusted}
rules:
  - {allow: [fine, spoofs, typed, metered, collides, garbled], id: open}
  - {allow: closed, id: small, when: {"n": {at_most: 50}}}
  - {ask: asked, id: ask-lead, approval: lead}
  - {allow: slow, id: slow, deadline: 1s}
budgets:
  - {budget: metered, id: one, count: calls, at_most: 1, per: session, for_each: everyone}
approvals:
  lead: {from: {role: lead}, valid: 15m}
redact: {result: [email]}
"""

# The call; the code, or none where it is fine; whether the tool started; the end of what a model reads.
CASES: list[tuple[str, dict[str, Any], str | None, bool, str]] = [
    ("fine", {}, None, True, "done"),
    (
        "closed",
        {"n": 51},
        "no_rule",
        False,
        "(no_rule). The nearest rule is `small`: `n` must be at most 50. The tool did not start.",
    ),
    ("closed", {"n": 50}, None, True, "done"),
    ("typed", {"n": "x"}, "wrong_type", False, "`n` is not an integer (wrong_type). The tool did not start."),
    ("typed", {"m": 1}, "undeclared_argument", False, "The tool takes `n`. The tool did not start."),
    ("asked", {}, "no_approver", False, "`ask-lead` asks for the approval `lead`. The tool did not start."),
    ("metered", {}, None, True, "done"),
    (
        "metered",
        {},
        "budget_exceeded",
        False,
        "Of the budget `one`, 0 of 1 calls is left; it is not renewed in this session. The tool did not start.",
    ),
    ("collides", {}, "unredactable_result", True, "Its result is withheld; trying again would run it again."),
    ("garbled", {}, "duplicate_key", True, "Its result is withheld; trying again would run it again."),
    ("spoofs", {}, None, True, "done"),
    ("slow", {}, "deadline_exceeded", True, "(deadline_exceeded)."),
]


def typescript(command: list[str], calls: list[Any]) -> list[dict[str, Any]]:
    script = str(ROOT / "tests/mcp/call_tools.cjs")
    what = json.dumps({"command": command, "calls": calls})
    ran = subprocess.run(["node", script, what], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines()]


def python(command: list[str], calls: list[Any]) -> list[dict[str, Any]]:
    async def make() -> list[dict[str, Any]]:
        async with session(command) as client:
            await client.list_tools()
            results = [await client.call_tool(name, arguments) for name, arguments in calls]
            return [result.model_dump(by_alias=True, mode="json", exclude_none=True) for result in results]

    return asyncio.run(make())


@pytest.mark.parametrize("client", [typescript, python])
def test_every_client_reads_why(client: Any, tmp_path: Path) -> None:
    """Text for the model, `isError`, and the decision for programs; never a `structuredContent` of ours."""
    place = Place(tmp_path)
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    effects = tmp_path / "effects"
    server = [sys.executable, str(ROOT / "tests/mcp/shaped_server.py"), str(effects)]
    came = client(place.proxy(policy, *server), [[name, args] for name, args, *_ in CASES])
    assert len(came) == len(CASES)
    for (name, args, code, started, end), result in zip(CASES, came, strict=True):
        assert "thrown" not in result, (name, args, result)
        assert result["content"][0]["text"].endswith(end), (name, args, result)
        decision = result.get("_meta", {}).get(DECISION)
        if code is None:
            assert not result.get("isError", False), result
            assert result["structuredContent"] == {"entities": ["a"]}
            assert decision is None, result
            continue
        assert result["isError"] is True
        assert "structuredContent" not in result
        jsonschema.validate(decision, SCHEMA)
        assert (decision["v"], decision["code"], decision["started"]) == (1, code, started)
    # What is said not to have started did not, and each twin did.
    assert effects.read_text().splitlines() == [name for name, _, _, started, _ in CASES if started]
    assert place.verify()["verdict"] == "valid"


def test_the_schema_refuses_what_is_not_a_decision() -> None:
    """A schema that takes anything would prove nothing."""
    fine = {"v": 1, "started": True, "code": "released", "reason": "why", "effect": "happened"}
    jsonschema.validate(fine, SCHEMA)
    for change in [{"v": 2}, {"started": "yes"}, {"code": 7}, {"more": 1}, {"effect": None}]:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**fine, **change}, SCHEMA)
