"""What a type checker knows of a protected function."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SAMPLE = """
from typing import assert_type
from enforcecore import Enforcer, ToolDeniedError, enforce, session

@enforce(policy="policy.yaml", opaque=["self"])
def send(to: str, *, body: str = "") -> list[int]:
    return [len(to)]

assert_type(send("a", body="b"), list[int])
with session(facts={"a": 1}) as name:
    assert_type(name, str)
try:
    send("a")
except ToolDeniedError as denied:
    assert_type(denied.rules, tuple[str, ...])
Enforcer("policy.yaml").decide("send", {}).verdict.upper()
"""
WRONG = ["send(1)", "send()", 'send("a", "b")', "from enforcecore import Auditor", 'Enforcer("p", durability="fast")']


def errors(folder: Path, text: str) -> str:
    sample = folder / "sample.py"
    sample.write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", str(folder), str(sample)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder).stdout


def test_a_protected_function_keeps_its_types(tmp_path):
    assert errors(tmp_path, SAMPLE).startswith("Success")
    complaints = errors(tmp_path, SAMPLE + "\n".join(WRONG) + "\n")
    first = SAMPLE.count("\n") + 1
    for line, wrong in enumerate(WRONG, first):
        assert f"sample.py:{line}: error" in complaints, wrong


def test_the_package_is_strictly_typed_and_its_stubs_are_true(tmp_path):
    package = Path(__file__).parent.parent / "python"
    for tool in (
        ["mypy", "--strict", "--cache-dir", str(tmp_path), str(package)],
        ["mypy.stubtest", "enforcecore._core"],
    ):
        command = [sys.executable, "-m", *tool]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stdout
