"""Whatever breaks, the tool does not run, or its end is recorded."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import textwrap
import traceback

import pytest
from enforcecore import (
    AuditError,
    EnforcementViolation,
    FinishError,
    ToolDeniedError,
    ToolError,
    WithheldError,
    enforce,
)

SENDER = """
import sys
from pathlib import Path
from enforcecore import EnforcementViolation, enforce

folder = Path(sys.argv[1])

@enforce(policy=folder / "policy.yaml", log=folder / "log", keys=folder / "keys")
def send(to: str) -> None:
    with (folder / "outbox").open("a") as outbox:
        outbox.write(to + "\\n")
"""


def program(text: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(text), *map(str, arguments)]


def run(text: str, *arguments: object) -> str:
    done = subprocess.run(program(text, *arguments), capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_full_disk_runs_nothing_and_its_twin_with_room_does(world):
    world.policy()
    fill = SENDER + textwrap.dedent("""
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        room = int(sys.argv[2])
        end = (folder / "log" / "log.jsonl").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (end + room, resource.RLIM_INFINITY))
        try:
            send("jo@example.com")
            print("sent")
        except EnforcementViolation as refused:
            print(refused.code, refused.recorded)
    """)
    outbox = world.folder / "outbox"
    assert run(fill, world.folder, 200).split() == ["log_unavailable", "False"]
    assert not outbox.exists()
    assert run(fill, world.folder, 100_000).split() == ["sent"]
    assert outbox.read_text() == "jo@example.com\n"
    world.verify()


def test_a_folder_that_cannot_be_made_protects_no_function(world):
    (world.folder / "file").touch()
    with pytest.raises(AuditError):
        world.enforcer(log=world.folder / "file" / "log")
    world.enforcer()


def test_four_processes_share_one_log(world):
    world.policy()
    work = SENDER + textwrap.dedent("""
        for number in range(25):
            send(f"{sys.argv[2]}-{number}@example.com")
            try:
                send("jo@example.org")
            except EnforcementViolation as refused:
                assert refused.recorded
    """)
    workers = [subprocess.Popen(program(work, world.folder, worker)) for worker in range(4)]
    assert [worker.wait(100) for worker in workers] == [0, 0, 0, 0]
    sent = (world.folder / "outbox").read_text().splitlines()
    assert len(set(sent)) == 100
    kinds = [entry["kind"] for entry in world.entries()]
    assert [kinds.count(kind) for kind in ("intent", "outcome", "denial")] == [100, 100, 100]
    assert world.verify()["verdict"] == "unanchored"


def in_child(check) -> None:
    """Runs `check` in a child of fork, and demands that it says so."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, check().encode())
        except BaseException as error:
            os.write(writer, repr(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        assert answer.read() == "ok"


def test_a_child_of_fork_makes_its_own_calls_and_none_of_its_parents(world):
    enforcer = world.enforcer()
    effect = world.folder / "effect"
    send = enforce(enforcer=enforcer, tool_name="send")(lambda to: effect.write_text(to) and None)
    admitted = enforcer.begin("send", {"to": "jo@example.com"})

    def child():
        send("child@example.com")
        assert effect.read_text() == "child@example.com"
        with pytest.raises(ToolDeniedError):
            send("child@example.org")
        with pytest.raises(FinishError) as refused:
            enforcer.finish(admitted, "done")
        assert refused.value.code == "other_process"
        return "ok"

    in_child(child)
    assert enforcer.finish(admitted, "done") == "done"
    send("parent@example.com")
    assert world.ends(admitted.call_id) == [("intent", "allowed"), ("outcome", "released")]
    kinds = [entry["kind"] for entry in world.entries()]
    assert [kinds.count(kind) for kind in ("intent", "outcome", "denial", "abandoned")] == [3, 3, 1, 0]
    world.verify()


def test_an_admitted_call_is_finished_once(world):
    enforcer = world.enforcer()
    admitted = enforcer.begin("send", {"to": "jo@example.com", "body": "from amy@example.com"})
    assert admitted.args == {"to": "jo@example.com", "body": "from EC_EMAIL_1"}
    admitted.args["to"] = "elsewhere"
    assert admitted.args["to"] == "jo@example.com"
    assert enforcer.finish(admitted, ["amy@example.com"]) == ["EC_EMAIL_1"]
    for again in (lambda: enforcer.finish(admitted, "done"), lambda: admitted.args):
        with pytest.raises(FinishError) as refused:
            again()
        assert refused.value.code == "already_finished"
    assert world.ends(admitted.call_id) == [("intent", "allowed"), ("outcome", "released")]


def test_a_begun_call_can_fail_or_return_what_may_not_be_seen(world):
    enforcer = world.enforcer()
    admitted = enforcer.begin("send", {"to": "jo@example.com"})

    def send():
        try:
            raise OSError("jo@example.com bounced")
        except OSError as error:
            enforcer.finish(admitted, error=error)

    with pytest.raises(ToolError, match="OSError: EC_EMAIL_1 bounced") as failed:
        send()
    assert failed.value.__context__ is None
    admitted = enforcer.begin("send", {"to": "jo@example.com"})
    with pytest.raises(WithheldError):
        enforcer.finish(admitted, object())
    assert world.ends(admitted.call_id) == [("intent", "allowed"), ("outcome", "unsupported_type")]
    with pytest.raises(ToolDeniedError):
        enforcer.begin("send", {"to": "jo@example.org"})


def test_a_dropped_call_is_recorded_as_abandoned(world):
    enforcer = world.enforcer()
    admitted = enforcer.begin("send", {"to": "jo@example.com"})
    call_id = admitted.call_id
    del admitted
    gc.collect()
    assert world.ends(call_id) == [("intent", "allowed"), ("abandoned", "abandoned")]


def test_calls_and_enforcers_are_not_copied(world):
    enforcer = world.enforcer()
    admitted = enforcer.begin("send", {"to": "jo@example.com"})
    for one in (admitted, enforcer):
        for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
            if one is enforcer and duplicate is copy.copy:
                continue  # Another name for the same enforcer.
            with pytest.raises(TypeError, match="copied or pickled"):
                duplicate(one)
    enforcer.finish(admitted)


def test_exceptions_travel_between_processes(world):
    with pytest.raises(ToolDeniedError) as denied:
        world.enforcer().enforce_sync("send", {"to": "jo@example.org"}, print)
    copied = pickle.loads(pickle.dumps(denied.value))
    assert (str(copied), vars(copied)) == (str(denied.value), vars(denied.value))


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupt_is_settled_and_raised_again(world, interrupt):
    def send(to: str) -> None:
        raise interrupt

    with pytest.raises(interrupt):
        enforce(enforcer=world.enforcer())(send)("jo@example.com")
    assert [entry["kind"] for entry in world.entries()][-2:] == ["intent", "outcome"]


CLASSIFIED = """
tools: {send: {does: sends, args: {to: email}, returns: trusted}}
rules: [{allow: send, id: a, when: {to: {any: true}}}]
redact: {result: [email, credit_card]}
"""


class Stop(BaseException):
    """What a program stops itself with; its own code runs only where it is made."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@pytest.mark.parametrize(
    ("made", "seen", "arguments"),
    [
        (KeyboardInterrupt, KeyboardInterrupt, ()),
        (lambda: KeyboardInterrupt("plain words"), KeyboardInterrupt, ("plain words",)),
        (lambda: KeyboardInterrupt("told jo@example.com"), KeyboardInterrupt, ("told EC_EMAIL_1",)),
        (lambda: GeneratorExit("jo@example.com"), GeneratorExit, ("EC_EMAIL_1",)),
        (lambda: Stop("told jo@example.com"), Stop, ("told EC_EMAIL_1",)),
        (lambda: type("jo@example.com", (Stop,), {})("told"), Stop, ("told",)),
        (SystemExit, SystemExit, ()),
        (lambda: SystemExit(0), SystemExit, (0,)),
        (lambda: SystemExit(3), SystemExit, (3,)),
        (lambda: SystemExit("told jo@example.com"), SystemExit, ("told EC_EMAIL_1",)),
        (lambda: SystemExit(4111111111111111), SystemExit, ("EC_CREDIT_CARD_1",)),
        (lambda: SystemExit(["jo@example.com"]), SystemExit, ("['EC_EMAIL_1']",)),
        (lambda: BaseExceptionGroup("jo@example.com", [KeyboardInterrupt("amy@example.com")]), BaseException, None),
    ],
)
def test_what_stops_a_program_passes_with_its_type_and_nothing_it_could_carry(world, made, seen, arguments):
    def send(to: str) -> None:
        stop = made()
        stop.__notes__ = ["note of jo@example.com"]
        stop.secret = "jo@example.com"
        try:
            raise ValueError("jo@example.com")
        except ValueError as cause:
            raise stop from cause

    with pytest.raises(seen) as stopped:
        enforce(enforcer=world.enforcer(CLASSIFIED))(send)("jo@example.com")
    error = stopped.value
    assert not isinstance(error, Exception)
    assert error.args == arguments or arguments is None
    if seen is SystemExit:
        assert error.code == (arguments[0] if arguments else None)
    assert (error.__cause__, error.__context__, vars(error)) == (None, None, {})
    said = "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format_exception_only())
    assert "@" not in said + repr(error)
    frames = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert "enforced" in frames
    assert "send" not in frames
    assert [(entry["kind"], entry.get("code")) for entry in world.entries()][-1] == ("outcome", "tool_failed")


def test_an_exit_ends_the_program_as_the_tool_meant(world):
    world.policy()
    leave = SENDER.replace('outbox.write(to + "\\n")', "sys.exit(eval(sys.argv[2]))") + 'send("jo@example.com")\n'
    for code, status, said in (("3", 3, ""), ("None", 0, ""), ("'left jo@example.com'", 1, "left EC_EMAIL_1\n")):
        done = subprocess.run(program(leave, world.folder, code), capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (status, said)


def test_an_exception_that_cannot_be_read_says_only_its_name(world):
    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("jo@example.com")

    def send(to: str) -> None:
        raise BrokenError

    with pytest.raises(ToolError, match=r"^BrokenError, with a message that cannot be read$"):
        enforce(enforcer=world.enforcer())(send)("jo@example.com")


def test_an_unwritable_outcome_withholds_the_result(world):
    log = world.folder / "log" / "log.jsonl"

    def send(to: str) -> str:
        log.rename(log.with_name("elsewhere"))
        return "sent"

    protected = enforce(enforcer=world.enforcer())(send)
    with pytest.raises(WithheldError) as withheld:
        protected("jo@example.com")
    assert (withheld.value.code, withheld.value.recorded) == ("log_unavailable", False)
    with pytest.raises(EnforcementViolation):
        protected("jo@example.com")


def test_a_buffered_log_is_whole_at_the_end_of_the_program(world):
    world.policy()
    buffered = SENDER.replace('keys=folder / "keys")', 'keys=folder / "keys", durability="buffered")')
    assert "buffered" in buffered
    run(buffered + 'send("jo@example.com")\n', world.folder)
    assert [entry["kind"] for entry in world.entries()][-2:] == ["intent", "outcome"]
    world.verify()


# A thread that is left behind with what it holds.
HOLDER = """
import threading
threading.Thread(target=lambda held: threading.Event().wait(), args=[send], daemon=True).start()
"""
# How a program ends, and its status.
ENDS = [
    ("", 0),
    ("sys.exit(0)", 0),
    ("sys.exit(3)", 3),
    ("raise ValueError", 1),
    ("del send", 0),
    ("import gc; del send; gc.collect()", 0),
    ("import threading; threading.Thread(target=send, args=['amy@example.com']).start()", 0),
    # An object held by a thread that never ends is not destroyed.
    (HOLDER, 0),
]


@pytest.mark.parametrize("durability", ["strict", "buffered"])
@pytest.mark.parametrize(("end", "status"), ENDS)
def test_the_anchor_is_told_of_everything_at_the_end_of_the_program(world, durability, end, status):
    world.policy()
    options = f'keys=folder / "keys", anchor=folder / "anchor", durability="{durability}")'
    text = SENDER.replace('keys=folder / "keys")', options) + f'for _ in range(3): send("jo@example.com")\n{end}\n'
    assert options in text
    done = subprocess.run(program(text, world.folder), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == status, done.stderr
    kinds = [entry["kind"] for entry in world.entries()]
    calls = 4 if "amy@" in end else 3
    assert (kinds.count("intent"), kinds.count("outcome")) == (calls, calls)
    origin, size, *_ = (world.folder / "anchor" / "checkpoint").read_text().split("\n")
    assert (origin, int(size)) == ("enforcecore.local/log", len(kinds))


def test_what_may_be_written_later_is_written_at_the_end(world):
    world.policy()
    anchor = world.folder / "anchor"
    for options, later in [
        ({}, False),
        ({"durability": "strict"}, False),
        ({"durability": "buffered"}, True),
        ({"anchor": anchor}, True),
        ({"durability": "strict", "anchor": anchor}, True),
        ({"durability": "buffered", "anchor": anchor}, True),
    ]:
        folder = world.folder / f"log{len(options)}{later}"
        enforcer = world.enforcer(**options, log=folder) if "anchor" not in options else world.enforcer(**options)
        assert enforcer._core.writes_later == later, options
        del enforcer


def test_many_threads_share_an_enforcer(world):
    from concurrent.futures import ThreadPoolExecutor

    sent = []
    send = enforce(enforcer=world.enforcer(), tool_name="send")(lambda to: sent.append(to))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, [f"{number}@example.com" for number in range(100)]))
    assert len(set(sent)) == 100
    kinds = [entry["kind"] for entry in world.entries()]
    assert (kinds.count("intent"), kinds.count("outcome")) == (100, 100)


def test_arguments_are_made_for_many_threads_while_garbage_is_collected(world):
    work = """
        import gc, sys, threading, time
        from pathlib import Path
        from enforcecore import Enforcer

        class Garbage:
            def __init__(self):
                self.cycle = self

            def __del__(self):
                time.sleep(0.001)

        def ask():
            for _ in range(30):
                garbage = [Garbage() for _ in range(3)]
                del garbage
                assert len(admitted.args["many"]) == 2000

        folder = Path(sys.argv[1])
        admitted = Enforcer(folder / "policy.yaml", log=folder / "log", keys=folder / "keys").begin(
            "anything_goes", {"many": [[] for _ in range(2000)]}
        )
        gc.set_threshold(50, 2, 2)
        threads = [threading.Thread(target=ask) for _ in range(2)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        print("done")
    """
    world.policy()
    assert run(work, world.folder) == "done\n"
