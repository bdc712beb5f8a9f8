"""No frame of the package holds an argument or a result in what it raises.

Programs report exceptions with the variables of their frames.
"""

from __future__ import annotations

import functools
import gc
import types
from pathlib import Path

import enforcecore
import pytest
from enforcecore import (
    EnforcementFailedError,
    FinishError,
    MalformedCallError,
    ToolDeniedError,
    ToolError,
    WithheldError,
    enforce,
)

PACKAGE = str(Path(enforcecore.__file__).parent)
MARKER = "marker-7719"
POLICY = """
tools:
  send: {does: sends, args: {to: string, "body?": text}, returns: trusted}
rules:
  - {allow: send, id: inside, when: {to: {prefix: inside}}}
"""
INSIDE, OUTSIDE = f"inside {MARKER}", f"outside {MARKER}"


def frames(error: BaseException | None, seen: set[int] | None = None) -> list[types.FrameType]:
    """The frames of the package in an exception and in all that hangs on it."""
    seen = set() if seen is None else seen
    if error is None or id(error) in seen:
        return []
    seen.add(id(error))
    found, trace = [], error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith(PACKAGE):
            found.append(trace.tb_frame)
        trace = trace.tb_next
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for other in (error.__cause__, error.__context__, *inner):
        found += frames(other, seen)
    return found


def holds_marker(value: object, depth: int = 0) -> bool:
    """Whether the marker is in a value, or in what its closures, partials and containers hold."""
    if MARKER in repr(value):
        return True
    walked = (types.FunctionType, types.MethodType, types.CellType, functools.partial, list, tuple, dict, set)
    if depth > 6 or not isinstance(value, walked):
        return False
    skipped = (types.ModuleType, type)
    others = gc.get_referents(value)
    if isinstance(value, types.FunctionType):
        # Not its globals: those are the module's.
        others = [value.__closure__, value.__defaults__, value.__kwdefaults__, value.__dict__]
    return any(holds_marker(other, depth + 1) for other in others if not isinstance(other, skipped))


def check(error: BaseException) -> None:
    found = frames(error)
    assert found, "an exception that came through the package has a frame of it"
    for frame in found:
        for name, value in frame.f_locals.items():
            assert not holds_marker(value), f"`{name}` of `{frame.f_code.co_qualname}`"


def interrupt(to: str, body: str = "") -> None:
    raise KeyboardInterrupt(to)


def fail(to: str, body: str = "") -> None:
    raise OSError(to)


def withheld(to: str, body: str = "") -> object:
    return {to}


def quiet(to: str, body: str = "") -> str:
    return "done"


# What is called, with which arguments, and what is raised.
CALLS = [
    (quiet, (OUTSIDE,), {}, ToolDeniedError),
    (quiet, ({MARKER},), {}, MalformedCallError),
    (quiet, ([object(), MARKER],), {}, MalformedCallError),
    (quiet, (1,), {"body": MARKER}, MalformedCallError),
    (fail, (INSIDE,), {}, ToolError),
    (withheld, (INSIDE,), {}, WithheldError),
    (interrupt, (INSIDE,), {}, KeyboardInterrupt),
]


@pytest.mark.parametrize(("function", "args", "kwargs", "raised"), CALLS)
def test_a_decorated_call_leaves_no_argument_behind(world, function, args, kwargs, raised):
    protected = enforce(enforcer=world.enforcer(POLICY), tool_name="send")(function)
    with pytest.raises(raised) as refused:
        protected(*args, **kwargs)
    check(refused.value)


@pytest.mark.parametrize(("function", "args", "kwargs", "raised"), CALLS)
def test_enforce_sync_leaves_no_argument_behind(world, function, args, kwargs, raised):
    enforcer, marker = world.enforcer(POLICY), MARKER
    with pytest.raises(raised) as refused:
        # The function that is given closes over an argument as well.
        enforcer.enforce_sync("send", {"to": args[0]} | kwargs, lambda **named: (marker, function(**named))[1])
    check(refused.value)


@pytest.mark.parametrize("args", [(), (INSIDE, MARKER, MARKER), (INSIDE, MARKER)])
def test_arguments_that_do_not_fit_leave_nothing_behind(world, args):
    protected = enforce(enforcer=world.enforcer(POLICY), tool_name="send")(quiet)
    with pytest.raises(MalformedCallError) as refused:
        protected(*args, other=MARKER)
    assert refused.value.code == "arguments_do_not_fit"
    check(refused.value)


def test_begin_and_finish_leave_nothing_behind(world):
    enforcer = world.enforcer(POLICY)
    for to, raised in ((OUTSIDE, ToolDeniedError), ({MARKER}, MalformedCallError)):
        with pytest.raises(raised) as refused:
            enforcer.begin("send", {"to": to})
        check(refused.value)
    admitted = enforcer.begin("send", {"to": INSIDE})
    with pytest.raises(WithheldError) as refused:
        enforcer.finish(admitted, {MARKER})
    check(refused.value)
    with pytest.raises(FinishError) as refused:
        enforcer.finish(admitted, MARKER)
    check(refused.value)
    with pytest.raises(ToolError) as refused:
        enforcer.finish(enforcer.begin("send", {"to": INSIDE}), error=OSError(MARKER))
    check(refused.value)
    assert enforcer.finish(enforcer.begin("send", {"to": INSIDE}), MARKER) == MARKER


def test_decide_and_a_session_leave_nothing_behind(world):
    enforcer = world.enforcer(POLICY)
    assert enforcer.decide("send", {"to": OUTSIDE}).verdict == "deny"
    with pytest.raises(TypeError) as refused:
        enforcer.decide("send", [MARKER])
    check(refused.value)
    for given in ({"facts": {"a": {MARKER}}}, {"principal": {"a": {MARKER}}}, {"values": {"cwd": MARKER}}):
        with pytest.raises(ValueError, match=r".") as refused, enforcer.session(**given):
            pass
        check(refused.value)


def test_a_log_that_cannot_be_written_leaves_nothing_behind(world):
    protected = enforce(enforcer=world.enforcer(POLICY), tool_name="send")(quiet)
    (world.log / "log.jsonl").unlink()
    with pytest.raises(EnforcementFailedError) as refused:
        protected(INSIDE)
    check(refused.value)


def test_a_handler_that_interrupts_leaves_nothing_behind(world, monkeypatch):
    import logging

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise KeyboardInterrupt

    logger = logging.getLogger("enforcecore")
    monkeypatch.setattr(logger, "handlers", [Handler()])
    # What a logger found out about its level is kept: other tests have asked it.
    monkeypatch.setattr(logger, "_cache", {})
    monkeypatch.setattr(logger, "level", logging.INFO)
    protected = enforce(enforcer=world.enforcer(POLICY), tool_name="send")(quiet)
    with pytest.raises(KeyboardInterrupt) as refused:
        protected(INSIDE)
    check(refused.value)
