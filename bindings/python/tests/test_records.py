"""Each field of each record of the log, and the folders that an enforcer keeps wherever its process goes."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest
from enforcecore import EnforceCoreError

POLICY = """
tools:
  say: {does: reads, args: {words: string}, returns: web}
  note: {does: reads, args: {words: text}, returns: web}
rules:
  - {allow: [say, note], id: free}
  - {allow: say, id: also, when: {words: {prefix: a}}}
  - {deny: say, id: never, when: {words: {equals: nay}}}
  - {deny: say, id: nor, when: {words: {in: [nay, nor]}}}
  - {ask: say, id: ask, when: {words: {equals: ask}}}
"""

ADMITTED = {"decision": "allow", "code": "allowed", "effect": None}
SETTLED = {"decision": None, "rules": None, "effect": "happened"}
REFUSED = {"decision": "deny", "effect": None}
INFO = logging.INFO


def fails(words):
    raise ValueError(words)


# A tool, its words, the function, and what is logged: level, message and fields.
RECORDS = {
    "allowed": (
        "say",
        "x",
        lambda words: None,
        [
            (INFO, "call admitted", ADMITTED | {"rules": '["free"]'}),
            (INFO, "call settled", SETTLED | {"code": "released"}),
        ],
    ),
    "allowed by two rules": (
        "say",
        "ab",
        lambda words: None,
        [
            (INFO, "call admitted", ADMITTED | {"rules": '["free", "also"]'}),
            (INFO, "call settled", SETTLED | {"code": "released"}),
        ],
    ),
    "failed": (
        "say",
        "x",
        fails,
        [
            (INFO, "call admitted", ADMITTED | {"rules": '["free"]'}),
            (INFO, "call settled", SETTLED | {"code": "tool_failed", "effect": "unknown"}),
        ],
    ),
    "of a result that cannot be frozen": (
        "say",
        "x",
        lambda words: {1},
        [
            (INFO, "call admitted", ADMITTED | {"rules": '["free"]'}),
            (INFO, "call settled", SETTLED | {"code": "unsupported_type"}),
        ],
    ),
    "denied by a rule": (
        "say",
        "nor",
        fails,
        [(INFO, "call refused", REFUSED | {"code": "denied_by_rule", "rules": '["nor"]'})],
    ),
    "denied by two rules": (
        "say",
        "nay",
        fails,
        [(INFO, "call refused", REFUSED | {"code": "denied_by_rule", "rules": '["never", "nor"]'})],
    ),
    "without an approver": (
        "say",
        "ask",
        fails,
        [(INFO, "call refused", REFUSED | {"code": "no_approver", "rules": '["ask"]'})],
    ),
    "malformed": (
        "say",
        5,
        fails,
        [(INFO, "call refused", REFUSED | {"code": "wrong_type", "rules": "[]"})],
    ),
    "not to be frozen": (
        "say",
        {1},
        fails,
        [(INFO, "call refused", REFUSED | {"code": "unsupported_type", "rules": "[]"})],
    ),
}


@pytest.mark.parametrize("case", RECORDS)
def test_a_record_has_every_field(world, caplog, case):
    tool, words, function, expected = RECORDS[case]
    enforcer = world.enforcer(POLICY)
    caplog.set_level(logging.DEBUG, "enforcecore")
    with enforcer.session(session_id="s1"):
        try:
            enforcer.enforce_sync(tool, {"words": words}, function)
        except EnforceCoreError as error:
            call = error.call_id
        else:
            call = world.entries()[-1]["call"]
    records = [record for record in caplog.records if record.name == "enforcecore"]
    got = [(record.levelno, record.getMessage()) for record in records]
    assert got == [(level, message) for level, message, _ in expected]
    session = next(entry["session"] for entry in world.entries() if entry.get("call") == call)
    for record, (_, message, fields) in zip(records, expected, strict=True):
        all_fields = fields | {"tool": tool, "policy": "test", "session": session, "call_id": call}
        assert {name: getattr(record, name) for name in all_fields} == all_fields
        assert isinstance(record.duration_ms, int) is (message == "call settled")


# In its folder it makes an enforcer of relative names; elsewhere it calls, itself and in a child.
PROGRAM = """
import os, sys
from enforcecore import Enforcer

os.chdir(sys.argv[1])
enforcer = Enforcer("policy.yaml", log="evidence", keys="secrets", anchor="memory")
enforcer.enforce_sync("say", {"words": "here"}, lambda words: None)
os.chdir(sys.argv[2])
enforcer.enforce_sync("say", {"words": "there"}, lambda words: None)
child = os.fork()
if child == 0:
    try:
        enforcer.enforce_sync("say", {"words": "in a child"}, lambda words: None)
        os._exit(0)
    except BaseException as error:
        os.write(2, repr(error).encode())
        os._exit(1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
enforcer.enforce_sync("say", {"words": "after it"}, lambda words: None)
"""


def test_an_enforcer_keeps_its_folders_wherever_its_process_goes(world, tmp_path):
    world.policy(POLICY)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [sys.executable, "-c", PROGRAM, str(world.folder), str(elsewhere)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"HOME": str(tmp_path)}
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
    assert list(elsewhere.iterdir()) == [], "nothing is made where it went"
    text = (world.folder / "evidence" / "log.jsonl").read_text()
    assert (text.count('"kind":"intent"'), text.count('"kind":"outcome"')) == (4, 4)
    assert (world.folder / "secrets" / "log-signing-key.pem").exists()
    # What the anchor remembers is the last of it.
    sealed = (world.folder / "memory" / "checkpoint").read_text().splitlines()[1]
    assert int(sealed) == text.count('"kind":')
