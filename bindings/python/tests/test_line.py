"""The line around a function: each refusal has a twin that differs in one fact, runs, and whose effect is seen."""

from __future__ import annotations

import pytest
from enforcecore import EnforcementViolation, MalformedCallError, ToolDeniedError, ToolError, enforce


class Outbox(list[tuple[str, str]]):
    """What a tool did."""


def sender(world, outbox, **options):
    @enforce(enforcer=world.enforcer(), **options)
    def send(to: str, body: str = "hello", count: int | None = None) -> str:
        outbox.append((to, body))
        return f"sent to {to}"

    return send


def test_an_allowed_call_runs_and_its_denied_twin_does_not(world):
    outbox = Outbox()
    send = sender(world, outbox)
    with pytest.raises(ToolDeniedError) as denied:
        send("jo@example.org")
    assert outbox == []
    assert (denied.value.code, denied.value.rules, denied.value.recorded) == ("no_rule", (), True)
    assert (denied.value.tool_name, denied.value.policy_name) == ("send", "test")
    assert world.ends(denied.value.call_id) == [("denial", "no_rule")]
    assert "jo@" not in str(denied.value)
    assert send("jo@example.com") == "sent to EC_EMAIL_1"
    assert outbox == [("jo@example.com", "hello")]


def test_a_call_that_does_not_fit_the_tool_or_the_function_is_malformed(world):
    outbox = Outbox()
    send = sender(world, outbox)
    for call, code in [
        (lambda: send("jo@example.com", count="1"), "wrong_type"),
        (lambda: send("jo@example.com", copy="x"), "arguments_do_not_fit"),
        (lambda: send(), "arguments_do_not_fit"),
    ]:
        with pytest.raises(MalformedCallError) as refused:
            call()
        assert refused.value.code == code
        assert world.ends(refused.value.call_id) == [("denial", code)]
    assert outbox == []
    send("jo@example.com", count=1)
    assert len(outbox) == 1


def test_redaction_reaches_the_tool_and_the_caller(world):
    outbox = Outbox()
    send = sender(world, outbox)
    # Amy is the first in this session, in the argument; Jo is the second, in the result.
    assert send("jo@example.com", "ask amy@example.org") == "sent to EC_EMAIL_2"
    assert outbox == [("jo@example.com", "ask EC_EMAIL_1")]


def test_what_a_tool_raises_is_redacted_and_recorded(world):
    @enforce(enforcer=world.enforcer())
    def send(to: str) -> str:
        raise ValueError(f"no such mailbox: {to}")

    with pytest.raises(ToolError, match="ValueError: no such mailbox: EC_EMAIL_1") as failed:
        send("jo@example.com")
    assert not isinstance(failed.value, EnforcementViolation)
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None
    assert world.ends(failed.value.call_id) == [("intent", "allowed"), ("outcome", "tool_failed")]


def test_an_unwritable_log_runs_nothing(world):
    outbox = Outbox()
    send = sender(world, outbox)
    send("jo@example.com")
    log = world.log / "log.jsonl"
    log.rename(world.log / "elsewhere")
    with pytest.raises(EnforcementViolation) as refused:
        send("jo@example.com")
    assert (refused.value.code, refused.value.recorded) == ("log_unavailable", False)
    assert len(outbox) == 1


def test_the_log_says_who_ran_the_tool(world):
    enforcer = world.enforcer()

    def by_decorator() -> None:
        enforce(enforcer=enforcer, tool_name="send")(lambda to: None)("jo@example.com")

    def by_call() -> None:
        enforcer.enforce_sync("send", {"to": "jo@example.com"}, lambda to: None)

    def by_host() -> None:
        enforcer.finish(enforcer.begin("send", {"to": "jo@example.com"}))

    def by_host_in_vain() -> None:
        with pytest.raises(ToolError):
            enforcer.finish(enforcer.begin("send", {"to": "jo@example.com"}), error=ValueError("no"))

    for call, mode, effect in [
        (by_decorator, "closed", "happened"),
        (by_call, "closed", "happened"),
        (by_host, "split", "happened"),
        (by_host_in_vain, "split", "unknown"),
    ]:
        call()
        intent, outcome = world.entries()[-2:]
        assert (intent["kind"], intent["mode"], outcome["kind"]) == ("intent", mode, "outcome"), call
        assert ("mode" in outcome, outcome["effect"]) == (False, effect), call
