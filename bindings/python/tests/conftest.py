"""A world of its own for each test: a policy, a log, keys."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from enforcecore import Enforcer

HEAD = 'enforcecore: 1\nname: test\nversion: "1"\n'

# Two tools: `send`, whose arguments are declared, and `anything_goes`, which takes what the policy knows nothing about.
POLICY = """
tools:
  send:
    does: sends
    args: {to: email, "body?": text, "count?": integer, "price?": decimal, "fast?": bool}
    returns: trusted
  anything_goes: undeclared
rules:
  - allow: send
    id: inside
    when:
      to: {suffix: "@example.com"}
      count: {any: true}
      price: {any: true}
      fast: {any: true}
  - allow: anything_goes
    id: aloud
    when: {every_string: {any: true}}
redact: {args: {body: [email]}, result: [email, secret]}
"""


@dataclass
class World:
    """A folder with a policy, and the log of what is enforced in it."""

    folder: Path

    def enforcer(self, policy: str = POLICY, **options: Any) -> Enforcer:
        return Enforcer(self.policy(policy), **{"log": self.log, "keys": self.folder / "keys"} | options)

    def policy(self, text: str = POLICY) -> Path:
        path = self.folder / "policy.yaml"
        path.write_text(HEAD + text)
        return path

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def entries(self) -> list[dict[str, Any]]:
        lines = (json.loads(line) for line in (self.log / "log.jsonl").read_text().splitlines())
        return [line for line in lines if "kind" in line]

    def ends(self, call_id: str) -> list[tuple[str, str | None]]:
        """What the log says of a call, in order."""
        return [(entry["kind"], entry.get("code")) for entry in self.entries() if entry.get("call") == call_id]

    def verify(self) -> dict[str, Any]:
        program = os.environ.get("TEST_ENFORCECORE")
        if program is None:
            pytest.skip("TEST_ENFORCECORE names no program")
        command = [program, "audit", "verify", str(self.log), "--allow-unanchored", "--json"]
        variables = os.environ | {"ENFORCECORE_KEYS": str(self.folder / "keys")}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
        assert done.returncode == 0, done.stdout + done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report


@pytest.fixture(autouse=True)
def unconfigured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user who runs the tests may have a configuration."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nobody"))
    for name in [name for name in os.environ if name.startswith("ENFORCECORE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
