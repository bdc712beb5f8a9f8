"""Who acts, in which session, with which facts: only the host says so."""

from __future__ import annotations

import threading

import pytest
from enforcecore import EnforcementViolation, Enforcer, ToolDeniedError, enforce, session

FACTS = """
tools:
  get_ticket: {does: reads, args: {ticket: string}, returns: trusted, facts: {ticket.email: result.email}}
  mail: {does: sends, args: {to: email}, returns: trusted}
  fire: {does: changes, returns: trusted}
rules:
  - {allow: get_ticket, id: ticket, when: {ticket: {same_as: session.ticket}}}
  - {allow: mail, id: customer, when: {to: {same_as: fact.ticket.email}}}
  - {allow: fire, id: boss, when: {principal.role: {equals: boss}}}
"""
FILES = """
tools: {read: {does: reads, args: {path: path}, returns: files}}
rules: [{allow: read, id: inside, when: {path: {under: session.workspace}}}]
"""


def test_facts_and_principals_are_the_hosts(world):
    enforcer, fired = world.enforcer(FACTS), []

    @enforce(enforcer=enforcer)
    def fire() -> None:
        fired.append(1)

    for about in ({}, {"principal": {"role": "guest"}}, {"facts": {"role": "boss"}}):
        with enforcer.session(**about), pytest.raises(ToolDeniedError):
            fire()
    assert fired == []
    with session(principal={"role": "boss"}):
        fire()
        with session(), pytest.raises(ToolDeniedError):
            fire()
    with pytest.raises(ToolDeniedError):
        fire()
    assert fired == [1]


def test_a_fact_comes_from_a_trusted_result_and_stays_in_its_session(world):
    enforcer, mailed = world.enforcer(FACTS), []
    get_ticket = enforce(enforcer=enforcer, tool_name="get_ticket")(lambda ticket: {"email": "jo@example.com"})
    mail = enforce(enforcer=enforcer, tool_name="mail")(lambda to: mailed.append(to))
    with session(session_id="s1", values={"ticket": "T-1"}):
        with pytest.raises(ToolDeniedError):
            mail("jo@example.com")
        get_ticket("T-1")
        with pytest.raises(ToolDeniedError):
            mail("amy@example.com")
        mail("jo@example.com")
    with session(session_id="s2"), pytest.raises(ToolDeniedError):
        mail("jo@example.com")
    with session(session_id="s2", facts={"ticket.email": "amy@example.com"}):
        mail("amy@example.com")
    assert mailed == ["jo@example.com", "amy@example.com"]


def test_a_workspace_is_where_its_links_lead(world, monkeypatch):
    real, link = world.folder / "real", world.folder / "link"
    real.mkdir()
    (world.folder / "outside").touch()
    link.symlink_to(real)
    (real / "way-out").symlink_to(world.folder / "outside")
    read = enforce(enforcer=world.enforcer(FILES), tool_name="read")(lambda path: path)
    with session(workspace=link) as name:
        assert name
        assert read(str(link / "file")) == str(real / "file"), "the tool gets what was decided"
        for outside in (str(world.folder / "outside"), str(link / "way-out"), str(real / ".." / "outside")):
            with pytest.raises(ToolDeniedError):
                read(outside)
        # A relative path starts from the process's folder, whatever the workspace is.
        monkeypatch.chdir(world.folder)
        with pytest.raises(ToolDeniedError):
            read("outside")
        monkeypatch.chdir(real)
        assert read("file") == str(real / "file")
    with pytest.raises(ToolDeniedError):
        read(str(real / "file"))
    with pytest.raises(FileNotFoundError), session(workspace=world.folder / "nowhere"):
        pass


def test_what_a_session_cannot_be(world):
    for wrong in (
        {"session_id": ""},
        {"values": {"workspace": "/"}},
        {"values": {"cwd": "/"}},
        {"facts": {"a": object()}},
        {"principal": {"role": "a\0"}},
    ):
        with pytest.raises(ValueError, match=r"."), session(**wrong):
            pass


def test_a_thread_has_no_session_unless_it_is_given_one(world):
    enforcer, outcome = world.enforcer(FACTS), []
    fire = enforce(enforcer=enforcer, tool_name="fire")(lambda: outcome.append("fired"))

    def other():
        try:
            fire()
        except ToolDeniedError:
            outcome.append("denied")

    with session(principal={"role": "boss"}):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        fire()
    assert outcome == ["denied", "fired"]


def test_a_tool_that_calls_a_tool_is_its_parent(world):
    enforcer = world.enforcer()
    inner = enforce(enforcer=enforcer, tool_name="send")(lambda to: None)
    outer = enforce(enforcer=enforcer, tool_name="anything_goes")(lambda to: inner(to))
    outer("jo@example.com")
    inner("jo@example.com")
    first, second, third = (entry for entry in world.entries() if entry["kind"] == "intent")
    assert second["parent"] == first["call"]
    assert "parent" not in first
    assert "parent" not in third
    assert first["session"] == second["session"] == third["session"]


def test_enforcers_of_one_log_share_its_state(world):
    counts = (
        "tools: {send: {does: reads, returns: trusted}}\nrules: [{allow: send, id: a}]\n"
        "budgets: [{budget: send, id: b, count: calls, at_most: 1, per: session, for_each: everyone}]\n"
    )
    first = world.enforcer(counts)
    second = Enforcer(world.folder / "policy.yaml", log=world.log, keys=world.folder / "keys")
    for name in ("s1", "s2"):
        with session(session_id=name):
            first.enforce_sync("send", {}, lambda: None)
            with pytest.raises(ToolDeniedError):
                second.enforce_sync("send", {}, lambda: None)


def test_each_session_without_an_id_is_its_own(world):
    counts = (
        "tools: {send: {does: reads, returns: trusted}}\nrules: [{allow: send, id: a}]\n"
        "budgets: [{budget: send, id: b, count: calls, at_most: 1, per: session, for_each: everyone}]\n"
    )
    enforcer, ran, names = world.enforcer(counts), [], []

    def once(name: str) -> None:
        names.append(name)
        enforcer.enforce_sync("send", {}, lambda: ran.append(1))
        with pytest.raises(ToolDeniedError) as denied:
            enforcer.enforce_sync("send", {}, lambda: ran.append(2))
        assert denied.value.code == "budget_exceeded"

    for about in ({}, {}, {"principal": {"role": "boss"}}, {"tenant": "t"}, {"session_id": None}):
        with session(**about) as name:
            once(name)
    with session() as outer, session() as inner:
        once(inner)
        assert outer not in names
    # What is made in no session at all is in the process's.
    enforcer.enforce_sync("send", {}, lambda: ran.append(1))
    with pytest.raises(ToolDeniedError):
        enforcer.enforce_sync("send", {}, lambda: ran.append(2))
    assert len(set(names)) == 6
    assert all(len(name) == 32 and int(name, 16) >= 0 for name in names)
    assert ran == [1] * 7
    intents = [entry for entry in world.entries() if entry["kind"] == "intent"]
    assert len({entry["session"] for entry in intents}) == 7
    # The twin: an id that is given is one session, however often it is opened.
    with session(session_id="s1") as first:
        once(first)
    with session(session_id="s1") as second, pytest.raises(ToolDeniedError):
        enforcer.enforce_sync("send", {}, lambda: ran.append(2))
    assert first == second == "s1"


def test_only_an_explicit_end_ends_a_session(world):
    enforcer, ran = world.enforcer(FACTS), []
    get_ticket = enforce(enforcer=enforcer, tool_name="get_ticket")(lambda ticket: ran.append(ticket) or {})

    def call(name, tenant="", by=get_ticket):
        with session(session_id=name, tenant=tenant, values={"ticket": "T-1"}):
            by("T-1")

    call("s1")
    call("s1")
    enforcer.end_session("s1")
    enforcer.end_session("s1")
    again = world.enforcer(FACTS)
    for by in (get_ticket, enforce(enforcer=again, tool_name="get_ticket")(lambda ticket: ran.append(ticket) or {})):
        with pytest.raises(EnforcementViolation) as refused:
            call("s1", by=by)
        assert refused.value.code == "session_ended"
        call("s2", by=by)
        call("s1", tenant="t", by=by)
    assert len(ran) == 6
    with session(session_id="s3", values={"ticket": "T-1"}):
        get_ticket("T-1")
        enforcer.end_session()
        with pytest.raises(EnforcementViolation):
            get_ticket("T-1")
    assert len(ran) == 7
    with pytest.raises(ValueError, match="without a name"):
        enforcer.end_session("")
