"""A child of a program with threads makes its own calls, whatever its parent was in the middle of.

A fork copies every lock as it is and no thread but its own. Each round is a fresh interpreter, because a first use is
only once. A round that meets no such moment passes, and so does every round of a program that has none.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

POLICY = """
tools:
  pay: {does: pays, args: {amount: {type: money, currency: USD}, note: text}, returns: trusted}
  say: undeclared
rules:
  - {allow: pay, id: small, when: {amount: {at_most: 50}}}
  - {allow: say, id: aloud, when: {every_string: {any: true}}}
budgets:
  - {budget: pay, id: a-day, sum: USD, at_most: 1000000, per: day Europe/Berlin, for_each: everyone}
redact: {args: {note: [email]}, result: [email, secret]}
"""
ROUNDS = 6
THREADS = 8
CHILDREN = 16
# Seconds that all children together may take for their calls. They take one; a child that hangs takes for ever.
SECONDS_MAX = 100

# Its arguments: the folder, how many threads, how many children, how long they may take.
PROGRAM = """
import os, signal, sys, threading, time
from decimal import Decimal
from pathlib import Path
from enforcecore import Enforcer, EnforcementViolation, ToolError, enforce

folder, threads, children, seconds = Path(sys.argv[1]), *map(int, sys.argv[2:])
enforcer = Enforcer(folder / "policy.yaml", log=folder / "log", keys=folder / "keys")

class Connection: ...

@enforce(enforcer=enforcer)
def pay(amount, note):
    return f"paid by jo@example.com: {note}"

@enforce(enforcer=enforcer, opaque=["connection"])
def say(words, connection):
    if words == "fail":
        raise OSError("jo@example.com")
    return words

def calls():
    yield "an allowed call", lambda: pay(Decimal("0.10"), "to jo@example.com"), "paid by EC_EMAIL_1: to EC_EMAIL_1"
    yield "an opaque argument", lambda: say("hello", Connection()), "hello"
    yield "a denied call", lambda: pay(51, "note"), EnforcementViolation
    yield "a class as an argument", lambda: say("hello", Connection), "hello"
    yield "data that is refused", lambda: say({1}, None), EnforcementViolation
    yield "a tool that fails", lambda: say("fail", None), ToolError

def check(told):
    for name, call, expected in calls():
        told(name)
        try:
            got = call()
        except Exception as error:
            assert isinstance(expected, type) and isinstance(error, expected), f"{name}: {error!r}"
        else:
            assert got == expected, f"{name}: {got!r}"
    told("nothing")

def child(write):
    try:
        check(lambda name: os.write(write, f"{name}\\n".encode()))
        status = 0
    except BaseException as error:
        os.write(write, f"{error!r}\\n".encode())
        status = 1
    os._exit(status)

def wait(pid, read):
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            said = os.read(read, 1 << 16).decode().split("\\n")[-2:]
            return None if status == 0 else f"a child failed at: {said[0]}"
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            said = os.read(read, 1 << 16).decode().split("\\n")[-2:]
            return f"a child hangs in: {said[0]}"
        time.sleep(0.01)

failures, begin = [], threading.Barrier(threads + 1)

def work():
    begin.wait()
    try:
        check(lambda name: None)
    except BaseException as error:
        failures.append(repr(error))

workers = [threading.Thread(target=work) for _ in range(threads)]
[worker.start() for worker in workers]
sys.setswitchinterval(1e-5)
begin.wait()
made = []
for _ in range(children):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        child(write)
    os.close(write)
    made.append((pid, read))
[worker.join() for worker in workers]
end = time.monotonic() + seconds
failures += filter(None, [wait(pid, read) for pid, read in made])
print("\\n".join(failures) or "ok")
"""


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_child_of_fork_never_hangs_while_other_threads_make_their_first_calls(world, number):
    world.policy(POLICY)
    arguments = [str(world.folder), str(THREADS), str(CHILDREN), str(SECONDS_MAX)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX + 50,
    )
    assert (done.stdout.strip(), done.returncode) == ("ok", 0), done.stderr
    kinds = [entry["kind"] for entry in world.entries()]
    each = THREADS + CHILDREN
    assert [kinds.count(kind) for kind in ("intent", "outcome", "denial")] == [4 * each, 4 * each, 2 * each]
