"""Policies that do not load protect nothing silently, and nothing else is silent either."""

from __future__ import annotations

import functools
import inspect
import pickle
import time
import typing

import enforcecore
import pytest
from enforcecore import EnforceCoreError, NotSupportedError, PolicyLoadError, WithheldError, enforce


def loading(world, text):
    return lambda: enforce(policy=world.policy(text), log=world.log, keys=world.folder / "keys")


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("tools: {send: {does: sends, returns: trusted}}\nrules: [{allow: send, id: a, wehn: {}}]\n", 5, "EC0020"),
        ("tools: {send: {does: sends, args: {to: emial}, returns: trusted}}\nrules: []\n", 4, "EC0025"),
        ("tools: {}\ntools: {}\nrules: []\n", 5, "EC0005"),
        ("rules: [\n", None, "EC0003"),
        ("# " + "a" * (8 << 20), None, "EC0001"),
    ],
)
def test_a_policy_with_a_mistake_says_where(world, text, line, code):
    with pytest.raises(PolicyLoadError) as refused:
        loading(world, text)()
    first = next(one for one in refused.value.diagnostics if one.code == code)
    assert (first.file, first.code, first.severity) == (str(world.folder / "policy.yaml"), code, "error")
    if line is not None:
        assert first.line == line
        assert f"policy.yaml:{line}:{first.column}: error[{code}]" in str(refused.value)
    assert pickle.loads(pickle.dumps(refused.value)).diagnostics == refused.value.diagnostics
    assert not world.log.exists()


def test_a_missing_policy_is_named(world):
    with pytest.raises(PolicyLoadError, match=r"nowhere\.yaml"):
        enforce(policy=world.folder / "nowhere.yaml")


@pytest.mark.parametrize(
    ("of_rule", "of_document", "line"),
    [
        ("", "", None),
        (", deadline: 5s", "", 5),
        ("", "deadline: 5s\n", 6),
        (", deadline: 5s, withhold_only: false", "", 5),
        (", deadline: 5s, withhold_only: true", "", None),
        ("", "deadline: 5s\nwithhold_only: true\n", None),
        (", deadline: 5s, withhold_only: true", "deadline: 5s\n", 6),
    ],
)
def test_no_function_can_be_ended_so_a_deadline_that_demands_it_is_refused(world, of_rule, of_document, line):
    rules = f"tools: {{send: {{does: sends, returns: trusted}}}}\nrules: [{{allow: send, id: a{of_rule}}}]\n"
    if line is None:
        loading(world, rules + of_document)()
        return
    with pytest.raises(PolicyLoadError, match="the face `python` cannot end a call at its deadline") as refused:
        loading(world, rules + of_document)()
    [found] = refused.value.diagnostics
    assert (found.file, found.code, found.line) == (str(world.folder / "policy.yaml"), "EC0142", line)
    assert "`withhold_only: true`" in str(found.help)


def test_a_deadline_that_only_withholds_withholds_here(world):
    rule = "{allow: wait, id: a, deadline: %s, withhold_only: true}"
    tool = "tools: {wait: {does: reads, returns: trusted}}\nrules: [" + rule + "]\n"
    ran = []

    def waiter(deadline, seconds):
        @enforce(enforcer=world.enforcer(tool % deadline))
        def wait() -> str:
            time.sleep(seconds)
            ran.append(deadline)
            return "waited"

        return wait

    with pytest.raises(WithheldError) as withheld:
        waiter("1ms", 0.05)()
    assert withheld.value.code == "deadline_exceeded"
    assert waiter("1h", 0)() == "waited"
    assert ran == ["1ms", "1h"]


def test_a_policy_that_counts_refuses_a_log_that_can_lose_entries(world):
    counts = (
        "tools: {send: {does: reads, returns: trusted}}\nrules: [{allow: send, id: a}]\n"
        "budgets: [{budget: send, id: b, count: calls, at_most: 2, per: ever, for_each: everyone}]\n"
    )
    with pytest.raises(PolicyLoadError, match="strict"):
        world.enforcer(counts, durability="buffered")
    enforcer, ran = world.enforcer(counts), []
    for _ in range(2):
        enforcer.enforce_sync("send", {}, lambda: ran.append(1))
    with pytest.raises(enforcecore.ToolDeniedError) as refused:
        enforcer.enforce_sync("send", {}, lambda: ran.append(1))
    assert (refused.value.code, refused.value.rules, len(ran)) == ("budget_exceeded", ("a", "b"), 2)


def test_an_ask_without_an_approver_denies(world):
    asks = """
tools: {send: {does: reads, returns: trusted}}
rules: [{ask: send, id: a, approval: boss}]
approvals: {boss: {from: local_user, valid: 1h}}
"""
    enforcer = world.enforcer(asks)
    with pytest.raises(enforcecore.ToolDeniedError) as refused:
        enforcer.enforce_sync("send", {}, print)
    assert refused.value.code == "no_approver"


def test_asking_runs_and_records_nothing(world):
    enforcer = world.enforcer()
    before = len(world.entries())
    for args, expected in [
        ({"to": "jo@example.com"}, ("allow", "allowed", ["inside"])),
        ({"to": "jo@example.org"}, ("deny", "no_rule", [])),
        ({"to": "jo"}, ("deny", "wrong_type", [])),
        ({"to": {1}}, ("deny", "unsupported_type", [])),
    ]:
        answer = enforcer.decide("send", args)
        assert (answer.verdict, answer.code, answer.rules) == expected
        assert "jo" not in answer.reason
    assert len(world.entries()) == before


def test_names_of_1_14_that_are_not_supported_say_so():
    for name in ("Policy", "Auditor", "settings", "stream_enforce", "Redactor", "RateLimiter", "SubprocessSandbox"):
        with pytest.raises(NotSupportedError, match=f"`enforcecore.{name}` of 1.14 is not supported yet: "):
            getattr(enforcecore, name)
    with pytest.raises(NotSupportedError):
        from enforcecore import KillSwitch  # noqa: F401
    assert not hasattr(enforcecore, "Polycy")
    assert issubclass(NotSupportedError, EnforceCoreError)


def test_functions_that_would_escape_are_refused_at_decoration(world):
    protect = loading(world, "tools: {f: {does: reads, returns: web}}\nrules: [{allow: f, id: a}]\n")()

    async def coroutine() -> None: ...

    async def stream():
        yield 1

    def generator():
        yield 1

    class Callable:
        async def __call__(self) -> None: ...

    for function in (coroutine, stream, generator, functools.partial(coroutine), Callable()):
        with pytest.raises(NotSupportedError, match="not supported yet"):
            protect(function)
    for function in (staticmethod(len), classmethod(len), int, "send", functools.partial(len)):
        with pytest.raises(TypeError):
            protect(function)


def test_options_that_do_not_fit_are_refused(world):
    enforcer = world.enforcer()

    def send(to: str) -> None: ...

    with pytest.raises(TypeError, match=r'@enforce\(policy="policy.yaml"\)'):
        enforce(send)
    with pytest.raises(TypeError, match="already"):
        enforce(enforcer=enforcer, log=world.log)
    with pytest.raises(TypeError, match="no parameter `connection`"):
        enforce(enforcer=enforcer, opaque=["connection"])(send)
    with pytest.raises(ValueError, match="buffered"):
        world.enforcer(durability="fast")
    with pytest.raises(TypeError):
        enforce(enforcer=enforcer, fail_open=True)


class Address(str):
    """A name that only this module knows."""


def test_frameworks_see_the_function_and_cannot_unwrap_it(world):
    @enforce(enforcer=world.enforcer())
    def send(to: Address, body: str = "hi") -> list[Address]:
        """Sends."""
        return []

    assert inspect.unwrap(send) is send
    assert str(inspect.signature(send)).startswith("(to: ")
    assert typing.get_type_hints(send) == {"to": Address, "body": str, "return": list[Address]}
    assert (send.__name__, send.__doc__) == ("send", "Sends.")


def test_the_name_never_comes_from_the_arguments(world):
    ran = []
    decorated = enforce(enforcer=world.enforcer(), tool_name="nothing")(lambda **words: ran.append(words))
    for words in ({"tool_name": "anything_goes"}, {"tool": "anything_goes"}, {"self": 1}):
        with pytest.raises(enforcecore.ToolDeniedError) as refused:
            decorated(**words)
        assert (refused.value.code, refused.value.tool_name) == ("unknown_tool", "nothing")
    assert ran == []
    enforce(enforcer=world.enforcer(), tool_name="anything_goes")(lambda **words: ran.append(words))(tool="nothing")
    assert ran == [{"tool": "nothing"}]
