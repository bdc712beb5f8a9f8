"""What a function and a policy get to see of Python values: frozen copies of exactly the built-in types."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from decimal import Decimal
from enum import IntEnum

import pytest
from enforcecore import MalformedCallError, ToolDeniedError, WithheldError, enforce

# A tool about whose arguments nothing is known, and one word it may not say.
WORDS = """
tools: {say: undeclared}
rules:
  - {allow: say, id: aloud, when: {every_string: {any: true}}}
  - {deny: say, id: not-this, when: {any_string: {equals: bad}}}
redact: {args: {every_string: [email]}, result: [email]}
"""
ALOUD = "tools: {say: undeclared}\nrules: [{allow: say, id: aloud, when: {every_string: {any: true}}}]\n"
NUMBERS = """
tools:
  pay: {does: pays, args: {"amount?": {type: money, currency: USD}, "times?": integer, "fast?": bool}, returns: trusted}
rules:
  - {allow: pay, id: small, when: {amount: {at_most: 50}, times: {any: true}, fast: {any: true}}}
"""


def sayer(world, policy=WORDS, **options):
    said = []

    @enforce(enforcer=world.enforcer(policy), **options)
    def say(words: object, *more: object, **named: object) -> object:
        said.append(words)
        return words

    return say, said


class Str(str):
    """Says one thing when it is compared and another when it is printed."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


class Int(int): ...


class Float(float): ...


class Amount(Decimal): ...


class List(list[object]): ...


class Tuple(tuple[object, ...]): ...


class Dict(dict[str, object]): ...


class Number(IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    "value",
    [Str("a"), Int(1), Float(1.5), Amount("1"), List(), Tuple(), Dict(), OrderedDict(), Number.ONE, {1}, object()],
    ids=lambda value: type(value).__name__,
)
def test_subclasses_and_objects_are_refused_and_their_plain_twins_run(world, value):
    say, said = sayer(world, ALOUD)
    for wrapped in (value, [value], {"a": (value,)}):
        with pytest.raises(
            MalformedCallError, match=f"`words`: a `{type(value).__name__}` cannot be frozen"
        ) as refused:
            say(wrapped)
        assert refused.value.code == "unsupported_type"
        assert world.ends(refused.value.call_id) == [("denial", "unsupported_type")]
    assert said == []
    say({"a": ("a", 1, 1.5, Decimal("1"), [], (), {}, None, True, b"b")})
    assert len(said) == 1


def cyclic_list():
    value: list[object] = []
    value.append({"inside": value})
    return value


def nested(depth):
    value: object = "end"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "code", "twin"),
    [
        (float("nan"), "bad_number", 1.5),
        (float("inf"), "bad_number", -1.5e300),
        (Decimal("NaN"), "bad_number", Decimal("1.50")),
        (Decimal("-Infinity"), "bad_number", Decimal("1E+2")),
        (10**400, "bad_number", 10**300),
        (10**36 + 1, "bad_number", 10**35 + 1),
        ("\ud800", "lone_surrogate", "\U0001f600"),
        ("a\0b", "nul_character", "a\tb"),
        ({1: "a"}, "key_not_text", {"1": "a"}),
        ({Str("a"): 1}, "key_not_text", {"a": 1}),
        (cyclic_list(), "cyclic_value", [["a"], ["a"]]),
        (nested(64), "too_deep", nested(60)),
        ("a" * (1 << 20), "too_large", "a" * (1 << 19)),
        ([[]] * (1 << 19), "too_large", [[]] * (1 << 12)),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else type(value).__name__,
)
def test_what_cannot_be_compared_or_never_ends_is_refused(world, value, code, twin):
    say, said = sayer(world)
    with pytest.raises(MalformedCallError) as refused:
        say(value)
    assert (refused.value.code, said) == (code, [])
    say(twin)
    assert said == [twin]


def test_types_reach_the_tool_and_the_caller(world):
    say, said = sayer(world, ALOUD)
    value = {"tuple": (1, [2.50, Decimal("3.10")]), "none": None, "bool": True, "bytes": b"\xff", "text": "\u00e9"}
    result = say(value)
    for copy in (said[0], result):
        assert repr(copy) == repr(value)
        assert copy is not value
        assert copy["tuple"][1] is not value["tuple"][1]
    result["tuple"][1].append("later")
    assert repr(said[0]) == repr(value)


def test_redaction_reaches_nested_strings_keys_and_numbers(world):
    say, said = sayer(world)
    result = say([{"jo@example.com": ("from jo@example.com", 7)}])
    assert said == [[{"EC_EMAIL_1": ("from EC_EMAIL_1", 7)}]]
    assert result == said[0]


def test_positions_names_and_defaults_are_seen_alike(world):
    say, said = sayer(world)
    for args, kwargs in [(("bad",), {}), ((), {"words": "bad"}), (("good", "bad"), {}), (("good",), {"key": "bad"})]:
        with pytest.raises(ToolDeniedError):
            say(*args, **kwargs)
    assert said == []
    say("good", "good", key="good")
    assert said == ["good"]


def test_a_default_is_decided_like_a_given_argument(world):
    enforcer = world.enforcer(NUMBERS)
    paid = []

    def payer(default):
        def pay(amount: float = default, times: int | None = None) -> None:
            paid.append(amount)

        return enforce(enforcer=enforcer)(pay)

    with pytest.raises(ToolDeniedError):
        payer(51)()
    assert paid == []
    payer(50)()
    assert paid == [50]


def test_none_is_an_argument_that_is_not_given_and_the_function_gets_it(world):
    policy = """
tools:
  put: {does: changes, args: {name: string, "region?": string, "times?": integer}, returns: trusted}
rules:
  - {allow: put, id: home, when: {name: {any: true}, region: {equals: eu}, times: {any: true}}}
  - {allow: put, id: anywhere, when: {name: {equals: free}, region: {any: true}, times: {any: true}}}
  - {deny: put, id: often, when: {times: {more_than: 3}, name: {equals: eager}}}
"""
    enforcer = world.enforcer(policy)
    got = []

    def put(**arguments: object) -> None:
        got.append(arguments)

    # A parameter whose default is no None, so that None is not what it is without the argument.
    @enforce(enforcer=enforcer, tool_name="put")
    def place(name: str, region: str | None = "eu", times: int | None = 1) -> None:
        got.append({"name": name, "region": region, "times": times})

    for arguments, error in [
        ({"name": None, "region": "eu"}, MalformedCallError),
        ({"region": "eu"}, MalformedCallError),
        ({"name": "x", "region": None}, ToolDeniedError),
        ({"name": "x"}, ToolDeniedError),
        ({"name": "eager", "region": "eu", "times": None}, ToolDeniedError),
        ({"name": "eager", "region": "eu"}, ToolDeniedError),
    ]:
        with pytest.raises(error):
            enforcer.enforce_sync("put", arguments, put)
    with pytest.raises(ToolDeniedError):
        place("x", None)
    assert got == []
    allowed = [
        {"name": "x", "region": "eu", "times": None},
        {"name": "free", "region": None},
        {"name": "eager", "region": "eu", "times": 3},
    ]
    for arguments in allowed:
        enforcer.enforce_sync("put", arguments, put)
    place("free", None, None)
    assert got == [*allowed, {"name": "free", "region": None, "times": None}]


def test_numbers_are_exact_and_a_truth_value_is_none(world):
    paid = []

    @enforce(enforcer=world.enforcer(NUMBERS))
    def pay(amount: object, times: object = 1, fast: object = False) -> None:
        paid.append(amount)

    for amount, error in [
        (50.00000000000001, ToolDeniedError),
        (Decimal("50.000000000000000001"), ToolDeniedError),
        (51, ToolDeniedError),
        (-1, MalformedCallError),
        (True, MalformedCallError),
        ("50", MalformedCallError),
    ]:
        with pytest.raises(error):
            pay(amount)
    for more in ({"times": True}, {"times": 1.5}, {"fast": 1}):
        with pytest.raises(MalformedCallError):
            pay(1, **more)
    assert paid == []
    for amount in (50, 50.0, Decimal("50.000"), 0.1):
        pay(amount, times=2, fast=True)
    assert repr(paid) == repr([50, 50.0, Decimal("50.000"), 0.1])


def test_what_happens_after_the_decision_changes_nothing(world):
    """The caller's other thread rewrites the argument while the tool has it."""
    words, entered, changed = ["good"], threading.Event(), threading.Event()
    seen = []

    @enforce(enforcer=world.enforcer(WORDS))
    def say(words: list[str]) -> list[str]:
        entered.set()
        assert changed.wait(60)
        seen.extend(words)
        return words

    def change():
        assert entered.wait(60)
        words[0] = "bad"
        changed.set()

    other = threading.Thread(target=change)
    other.start()
    result = say(words)
    other.join()
    assert (seen, result, words) == (["good"], ["good"], ["bad"])


def test_what_happens_during_the_decision_is_decided_on_or_not_seen(world):
    """A thread flips an argument all the time: whatever the tool gets is what was allowed."""
    say, said = sayer(world)
    words, ended, denied = {"a": ["good"]}, threading.Event(), 0

    def flip():
        while not ended.is_set():
            words["a"][0] = "bad"
            words["b"] = ["bad"]
            words["a"][0] = "good"
            del words["b"]

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    other = threading.Thread(target=flip)
    other.start()
    try:
        for _ in range(150):
            try:
                say(words)
            except ToolDeniedError:
                denied += 1
    finally:
        ended.set()
        other.join()
        sys.setswitchinterval(before)
    assert all(one == {"a": ["good"]} for one in said)
    assert denied + len(said) == 150


class Connection:
    """What no policy can look into."""

    text = "bad"


def test_an_opaque_object_reaches_the_tool_as_it_is(world):
    connection, got = Connection(), []

    def say(words: str, connection: object = None) -> None:
        got.append(connection)

    with pytest.raises(MalformedCallError, match="declare the parameter opaque") as refused:
        enforce(enforcer=world.enforcer(ALOUD))(say)("hello", connection)
    assert refused.value.code == "unsupported_type"
    assert got == []
    enforce(enforcer=world.enforcer(ALOUD), opaque=["connection"])(say)("hello", connection)
    assert got == [connection]
    assert got[0] is connection


def test_no_condition_holds_of_an_opaque_object(world):
    """What cannot be looked into closes a deny about every string, and opens no allow about every string."""
    picky = "tools: {say: undeclared}\nrules: [{allow: say, id: short, when: {every_string: {equals: hello}}}]\n"
    for policy in (WORDS, picky):
        say, said = sayer(world, policy, opaque=["words"])
        with pytest.raises(ToolDeniedError):
            say(Connection())
        assert said == []
        say("hello")
        assert said == ["hello"]


def test_opaque_excuses_objects_and_never_data(world):
    """A model writes data, so what it puts into an opaque parameter is decided on like any other."""
    said = []

    @enforce(
        enforcer=world.enforcer("""
tools: {say: {does: reads, args: {words: text}, returns: web}}
rules: [{allow: say, id: a}]
"""),
        opaque=["connection"],
    )
    def say(words: str, connection: object) -> None:
        said.append(connection)

    for data in ("text", {"a": 1}, [Connection()], 1, True):
        with pytest.raises(MalformedCallError):
            say("hello", data)
    assert said == []
    connection = Connection()
    say("hello", connection)
    assert said == [connection]


def test_a_method_has_its_object(world):
    class Mouth:
        def __init__(self) -> None:
            self.said: list[str] = []

        @enforce(enforcer=world.enforcer(ALOUD), opaque=["self"])
        def say(self, words: str) -> None:
            self.said.append(words)

    mouth = Mouth()
    mouth.say("hello")
    assert mouth.said == ["hello"]


def test_a_chosen_name_is_redacted_in_what_is_raised(world):
    """A model names the members of `**kwargs`, and a type's author names it."""
    said = []
    say = enforce(enforcer=world.enforcer(ALOUD), tool_name="say")(lambda **more: said.append(more))
    picky = enforce(
        enforcer=world.enforcer(WORDS.replace("say: undeclared", "say: {does: reads, args: {}, returns: web}")),
        tool_name="say",
    )(lambda **more: said.append(more))
    named = type("jo@example.com", (), {})
    cases = [
        (say, {"jo@example.com": object()}, "the argument `EC_EMAIL_1`: a `object`"),
        (say, {"words": named()}, "the argument `words`: a `EC_EMAIL_1`"),
        (say, {"words": {named(): 1}}, "a dictionary's key is a `EC_EMAIL_1`"),
        (picky, {"jo@example.com": 1}, "the tool takes no argument `EC_EMAIL_1`"),
    ]
    for function, words, expected in cases:
        with pytest.raises(MalformedCallError) as refused:
            function(**words)
        assert expected in str(refused.value)
        assert "@" not in str(refused.value)
    assert said == []
    say(**{"jo@example.com": 1})
    assert said == [{"jo@example.com": 1}]
    say = enforce(enforcer=world.enforcer(ALOUD), tool_name="say")(lambda: named())
    with pytest.raises(WithheldError, match="a `EC_EMAIL_1` cannot be frozen"):
        say()


def test_a_result_that_cannot_be_frozen_is_withheld(world):
    def returning(make):
        @enforce(enforcer=world.enforcer(ALOUD), tool_name="say")
        def say() -> object:
            return make()

        return say

    async def later() -> None: ...

    for make in (object, set, later, lambda: (i for i in ()), lambda: Str("jo@example.com"), lambda: float("nan")):
        with pytest.raises(WithheldError) as withheld:
            returning(make)()
        assert withheld.value.recorded
        ends = world.ends(withheld.value.call_id)
        assert ends == [("intent", "allowed"), ("outcome", withheld.value.code)]
        assert "jo@" not in str(withheld.value)
    for make, code in [(lambda: "a" * (64 << 20), "too_large"), (lambda: nested(129), "too_deep")]:
        with pytest.raises(WithheldError) as withheld:
            returning(make)()
        assert withheld.value.code == code
        assert world.ends(withheld.value.call_id) == [("intent", "allowed"), ("outcome", code)]
    assert returning(lambda: [1, "a"])() == [1, "a"]


@pytest.mark.parametrize(
    "value",
    [nested(128), 10**400, -(10**36) - 1, Decimal("1E+400"), Decimal("0.1234567890123456789012345678901234567890")],
    ids=["levels", "huge", "digits", "exponent", "places"],
)
def test_a_result_has_deep_levels_and_any_number(world, value):
    result = enforce(enforcer=world.enforcer(ALOUD), tool_name="say")(lambda: value)()
    assert repr(result) == repr(value)


def test_a_long_result_passes(world):
    result = enforce(enforcer=world.enforcer(ALOUD), tool_name="say")(lambda: "a" * (16 << 20))()
    assert result == "a" * (16 << 20)


@pytest.mark.parametrize(
    ("value", "seen", "replaced"),
    [
        ("Ship it \ud83d", "Ship it \ufffd", "surrogate 1"),
        # Two halves that belong together are one character.
        (["\ud83d\ude00", "\ude00\ud83d"], ["\U0001f600", "\ufffd\ufffd"], "surrogate 2"),
        ({"a\0": ("b\0\0",)}, {"a\ufffd": ("b\ufffd\ufffd",)}, "nul 3"),
        ("a\0\ud83d", "a\ufffd\ufffd", "nul 1, surrogate 1"),
        (b"a\0\xff", b"a\0\xff", None),
        ("\U0001f600", "\U0001f600", None),
    ],
    ids=["half", "pair", "nul", "both", "bytes", "whole"],
)
def test_what_programs_read_differently_is_replaced_in_a_result_and_recorded(world, value, seen, replaced):
    result = enforce(enforcer=world.enforcer(ALOUD), tool_name="say")(lambda: value)()
    assert result == seen
    outcome = world.entries()[-1]
    assert (outcome["kind"], outcome["code"]) == ("outcome", "released")
    assert outcome.get("note", {}).get("replaced") == replaced


def test_the_place_of_half_a_character_is_named(world):
    say, said = sayer(world)
    with pytest.raises(MalformedCallError, match=r"\(U\+D83D, character 3\)"):
        say("ab\ud83d")
    with pytest.raises(MalformedCallError, match=r"a NUL character \(U\+0000\) in `words\.1\.a`, at character 2"):
        say([0, {"a": "b\0"}])
    assert said == []


def test_a_number_with_a_finding_becomes_text(world):
    cards = WORDS.replace("result: [email]", "result: [credit_card]")
    say, said = sayer(world, cards)
    assert say(4111111111111111) == "EC_CREDIT_CARD_1"
    assert said == [4111111111111111]
