"""What the package tells Python's logging: who, what and why, and never a value."""

from __future__ import annotations

import logging
import sys

import pytest
from enforcecore import ToolDeniedError, enforce


def sender(world):
    sent = []
    return enforce(enforcer=world.enforcer(), tool_name="send")(lambda to, body="": sent.append(to)), sent


def test_records_have_the_calls_fields_and_no_value(world, caplog):
    send, _ = sender(world)
    caplog.set_level(logging.DEBUG, "enforcecore")
    send("jo@example.com", "the secret is 7719")
    with pytest.raises(ToolDeniedError) as refused:
        send("jo@example.org")
    allowed, settled, denied = (record for record in caplog.records if record.name == "enforcecore")
    assert (allowed.levelno, allowed.getMessage()) == (logging.INFO, "call admitted")
    assert (allowed.tool, allowed.policy, allowed.decision, allowed.code) == (
        "send",
        "test",
        "allow",
        "allowed",
    )
    assert (settled.levelno, settled.getMessage()) == (logging.INFO, "call settled")
    assert (settled.tool, settled.code, settled.effect) == ("send", "released", "happened")
    assert isinstance(settled.duration_ms, int)
    assert (settled.call_id, settled.session) == (allowed.call_id, allowed.session)
    assert (allowed.effect, allowed.duration_ms) == (None, None)
    assert (denied.getMessage(), denied.decision, denied.code) == ("call refused", "deny", "no_rule")
    assert denied.call_id == refused.value.call_id
    assert denied.session == allowed.session
    assert allowed.session == world.entries()[-1]["session"]
    for record in (allowed, settled, denied):
        assert not any(value in str(vars(record)) for value in ("jo@", "7719"))


def test_a_log_that_cannot_be_written_warns(world, caplog):
    send, sent = sender(world)
    (world.log / "log.jsonl").unlink()
    with pytest.raises(Exception, match="evidence log"):
        send("jo@example.com")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert sent == []


class Handler(logging.Handler):
    """A handler that does what it is told with each record."""

    def __init__(self, act):
        super().__init__(logging.INFO)
        self.act = act

    def emit(self, record):
        self.act(record)


@pytest.fixture
def handle(monkeypatch):
    logger = logging.getLogger("enforcecore")
    # What a logger found out about its level is kept: other tests have asked it.
    monkeypatch.setattr(logger, "_cache", {})
    monkeypatch.setattr(logger, "level", logging.INFO)
    monkeypatch.setattr(logger, "handlers", [])
    return lambda act: logger.addHandler(Handler(act))


def test_a_handler_that_fails_changes_no_call(world, handle, monkeypatch):
    failures = []
    monkeypatch.setattr(sys, "unraisablehook", lambda failure: failures.append(failure.exc_type))

    def fail(record):
        raise LookupError

    handle(fail)
    send, sent = sender(world)
    send("jo@example.com")
    with pytest.raises(ToolDeniedError):
        send("jo@example.org")
    assert (sent, failures) == (["jo@example.com"], [LookupError] * 3)


def test_an_interrupt_in_a_handler_starts_nothing(world, handle):
    def interrupt(record):
        raise KeyboardInterrupt

    send, sent = sender(world)
    handle(interrupt)
    with pytest.raises(KeyboardInterrupt):
        send("jo@example.com")
    assert sent == []
    assert [entry["kind"] for entry in world.entries()][-2:] == ["intent", "void"]


def test_a_handler_may_call_an_enforced_tool(world, handle):
    inner, told = sender(world)

    def tell(record):
        if record.tool == "anything_goes":
            inner("jo@example.com")

    handle(tell)
    enforce(enforcer=world.enforcer(), tool_name="anything_goes")(lambda: None)()
    assert told == ["jo@example.com"] * 2
