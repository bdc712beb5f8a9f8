"""A refusal says what would be allowed: in its message for a model, and as objects for a program."""

from __future__ import annotations

import pickle
from decimal import Decimal

import enforcecore
import pytest

POLICY = """
tools:
  refund:
    does: pays
    args: {ticket: string, amount: {type: money, currency: USD}}
    returns: trusted
  hush: {does: reads, args: {a: string}, returns: trusted}
rules:
  - allow: refund
    id: small
    when: {ticket: {same_as: session.ticket}, amount: {at_most: 50.5}}
  - {allow: hush, id: hush, when: {a: {equals: ok}}}
budgets:
  - {budget: refund, id: a-day, sum: USD, at_most: 60, per: day UTC, for_each: principal.id}
"""


def refund(world, amount, ticket="t1", who="ann"):
    with enforcecore.session(session_id="s1", principal={"id": who}, values={"ticket": "t1"}):
        return world.enforcer(POLICY).enforce_sync("refund", {"ticket": ticket, "amount": amount}, lambda **_: "done")


def refused(world, *args, **kwargs):
    with pytest.raises(enforcecore.ToolDeniedError) as caught:
        refund(world, *args, **kwargs)
    return caught.value


def test_the_message_and_the_objects_say_what_would_be_allowed(world):
    error = refused(world, 80)
    assert error.reason == "no rule allows this call"
    sentence = "The nearest rule is `small`: `amount` must be at most 50.5."
    assert (str(error), error.explanation["sentence"]) == (f"{error.reason}. {sentence}", sentence)
    assert error.explanation["rule"] == {"id": "small", "verb": "allow", "place": "test#/rules/0"}
    [condition] = error.explanation["conditions"]
    assert condition["place"] == "test#/rules/0/when/amount/at_most"
    assert condition["literals"] == [Decimal("50.5")]
    assert pickle.loads(pickle.dumps(error)).explanation == error.explanation
    # The twin that differs in the amount runs.
    assert refund(world, Decimal("50.5")) == "done"
    denial = next(entry for entry in world.entries() if entry["kind"] == "denial")
    assert (denial["rule"], denial["condition"]) == ("small", condition["place"])


def test_a_budget_says_what_is_left_to_its_caller(world):
    refund(world, 45)
    error = refused(world, 20)
    budget = error.explanation["budget"]
    assert (budget["own"], budget["unit"], budget["at_most"], budget["left"]) == (True, "USD", "60", "15")
    assert refund(world, 20, who="bob") == "done"
    assert refund(world, 15) == "done"


def test_no_value_of_the_call_or_its_session_is_said(world):
    error = refused(world, 80, ticket="zqTicket", who="zqWho")
    assert "zq" not in f"{error} {error.explanation}"


def test_what_would_be_decided_is_explained_too(world):
    enforcer = world.enforcer(POLICY)
    answer = enforcer.decide("hush", {"a": "zq"})
    assert answer.explanation["conditions"][0]["must"] == "`a` must be `ok`"
    assert enforcer.decide("hush", {"a": "ok"}).explanation is None


def test_a_document_may_explain_nothing(world):
    enforcer = world.enforcer(f"explain: none\n{POLICY}")
    with pytest.raises(enforcecore.ToolDeniedError) as caught:
        enforcer.enforce_sync("hush", {"a": "no"}, lambda **_: "done")
    error = caught.value
    assert (str(error), error.rules, error.explanation) == ("no rule allows this call", (), None)
    assert enforcer.enforce_sync("hush", {"a": "ok"}, lambda **_: "done") == "done"
