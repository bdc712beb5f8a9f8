"""Data is frozen or refused, whatever its type and wherever it stands; only what is no data can be opaque."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import enum
import fractions
import ipaddress
import json
import os
import pathlib
import re
import socket
import sqlite3
import threading
import types
import uuid
from decimal import Decimal

import attrs
import markupsafe
import msgspec
import numpy as np
import pydantic
import pytest
from enforcecore import MalformedCallError, ToolDeniedError, WithheldError, enforce

SECRET = "AKIAIOSFODNN7EXAMPLE"
# The policy sees a tool of which it knows nothing, and redacts nothing: what the function sees is what it was given.
POLICY = """
tools: {opq: undeclared}
rules:
  - {allow: opq, id: aloud, when: {every_string: {any: true}}}
"""


class Str(str): ...


class Int(int): ...


class Float(float): ...


class Bytes(bytes): ...


class List(list[str]): ...


class Tuple(tuple[str, ...]): ...


class Dict(dict[str, str]): ...


class Amount(Decimal): ...


class Word(enum.Enum):
    SECRET = "AKIAIOSFODNN7EXAMPLE"


class StrWord(enum.StrEnum):
    SECRET = "AKIAIOSFODNN7EXAMPLE"


class Number(enum.IntEnum):
    SECRET = 4111111111111111


class Switch(enum.Flag):
    ON = 1


class Model(pydantic.BaseModel):
    text: str


@pydantic.dataclasses.dataclass
class ModelClass:
    text: str


@dataclasses.dataclass
class Data:
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class SlottedData:
    text: str


@attrs.define
class Attrs:
    text: str


class Struct(msgspec.Struct):
    text: str


Named = collections.namedtuple("Named", ["text"])


class Message:
    """As protocol buffers make them."""

    def __init__(self, text: str) -> None:
        self.text = text

    def SerializeToString(self) -> bytes:  # noqa: N802 - the protocol's name
        return self.text.encode()


class OwnMapping(collections.abc.Mapping):
    def __getitem__(self, key: str) -> str:
        return {"text": SECRET}[key]

    def __iter__(self):
        return iter(["text"])

    def __len__(self) -> int:
        return 1


class OwnPath:
    def __fspath__(self) -> str:
        return SECRET


# A value with a secret in it, the way out that its refusal names, and what the function then sees.
DATA = [
    (lambda: Str(SECRET), "str(value)", SECRET),
    (lambda: Int(4111111111111111), "int(value)", 4111111111111111),
    (lambda: Float(1.5), "float(value)", 1.5),
    (lambda: Bytes(SECRET.encode()), "bytes(value)", SECRET.encode()),
    (lambda: List([SECRET]), "list(value)", [SECRET]),
    (lambda: Tuple([SECRET]), "tuple(value)", (SECRET,)),
    (lambda: Dict(text=SECRET), "dict(value)", {"text": SECRET}),
    (lambda: Amount("1.50"), "decimal.Decimal(value)", Decimal("1.50")),
    (lambda: markupsafe.Markup(SECRET), "str(value)", SECRET),
    (lambda: collections.OrderedDict(text=SECRET), "dict(value)", {"text": SECRET}),
    (lambda: collections.defaultdict(list, text=SECRET), "dict(value)", {"text": SECRET}),
    (lambda: collections.Counter([SECRET]), "dict(value)", {SECRET: 1}),
    (lambda: collections.ChainMap({"text": SECRET}), "dict(value)", {"text": SECRET}),
    (lambda: collections.UserDict(text=SECRET), "dict(value)", {"text": SECRET}),
    (lambda: types.MappingProxyType({"text": SECRET}), "dict(value)", {"text": SECRET}),
    (lambda: OwnMapping(), "dict(value)", {"text": SECRET}),
    (lambda: collections.UserList([SECRET]), "list(value)", [SECRET]),
    (lambda: collections.UserString(SECRET), "str(value)", SECRET),
    (lambda: collections.deque([SECRET]), "list(value)", [SECRET]),
    (lambda: {SECRET}, "list(value)", [SECRET]),
    (lambda: frozenset([SECRET]), "list(value)", [SECRET]),
    (lambda: {SECRET: 1}.keys(), "list(value)", [SECRET]),
    (lambda: {"text": SECRET}.values(), "list(value)", [SECRET]),
    (lambda: {"text": SECRET}.items(), "list(value)", [("text", SECRET)]),
    (lambda: iter([SECRET]), "list(value)", [SECRET]),
    (lambda: range(2), "list(value)", [0, 1]),
    (lambda: Named(SECRET), "tuple(value)", (SECRET,)),
    (lambda: bytearray(SECRET.encode()), "bytes(value)", SECRET.encode()),
    (lambda: memoryview(SECRET.encode()), "bytes(value)", SECRET.encode()),
    (lambda: array.array("i", [41, 11]), "list(value)", [41, 11]),
    (lambda: pathlib.PurePosixPath(SECRET), "str(value)", SECRET),
    (lambda: pathlib.Path(SECRET), "str(value)", SECRET),
    (lambda: OwnPath(), "os.fspath(value)", SECRET),
    (lambda: Word.SECRET, "value.value", SECRET),
    (lambda: StrWord.SECRET, "value.value", SECRET),
    (lambda: Number.SECRET, "value.value", 4111111111111111),
    (lambda: Switch.ON, "value.value", 1),
    (lambda: datetime.datetime(2026, 11, 26), "value.isoformat()", "2026-11-26T00:00:00"),
    (lambda: datetime.date(2026, 11, 26), "value.isoformat()", "2026-11-26"),
    (lambda: datetime.time(1, 2), "value.isoformat()", "01:02:00"),
    (lambda: datetime.timedelta(seconds=90), "value.total_seconds()", 90.0),
    (lambda: datetime.UTC, "str(value)", "UTC"),
    (lambda: uuid.UUID(int=1), "str(value)", "00000000-0000-0000-0000-000000000001"),
    (lambda: fractions.Fraction(41, 11), "str(value)", "41/11"),
    (lambda: complex(4, 1), "str(value)", "(4+1j)"),
    (lambda: ipaddress.ip_address("10.0.0.1"), "str(value)", "10.0.0.1"),
    (lambda: types.SimpleNamespace(text=SECRET), "vars(value)", {"text": SECRET}),
    (lambda: ValueError(SECRET), "str(value)", SECRET),
    (lambda: re.match(".*", SECRET), "value.group()", SECRET),
    (lambda: Data(SECRET), "dataclasses.asdict(value)", {"text": SECRET}),
    (lambda: SlottedData(SECRET), "dataclasses.asdict(value)", {"text": SECRET}),
    (lambda: ModelClass(SECRET), "dataclasses.asdict(value)", {"text": SECRET}),
    (lambda: Model(text=SECRET), "value.model_dump()", {"text": SECRET}),
    (lambda: pydantic.RootModel[str](SECRET), "value.model_dump()", SECRET),
    (lambda: Attrs(SECRET), "attrs.asdict(value)", {"text": SECRET}),
    (lambda: Struct(SECRET), "msgspec.to_builtins(value)", {"text": SECRET}),
    (lambda: Message(SECRET), "value.SerializeToString()", SECRET.encode()),
    (lambda: np.str_(SECRET), "str(value)", SECRET),
    (lambda: np.bytes_(SECRET.encode()), "bytes(value)", SECRET.encode()),
    (lambda: np.int64(41), "value.item()", 41),
    (lambda: np.bool_(True), "value.item()", True),
    (lambda: np.float32(1.5), "value.item()", 1.5),
    (lambda: np.float64(1.5), "float(value)", 1.5),
    (lambda: np.longdouble(1.5), "str(value)", "1.5"),
    (lambda: np.complex64(1), "str(value)", "(1+0j)"),
    (lambda: np.datetime64("2026-11-26"), "str(value)", "2026-11-26"),
    (lambda: np.array([SECRET]), "value.tolist()", [SECRET]),
    (lambda: np.array([[41, 11]]), "value.tolist()", [[41, 11]]),
]
WAYS = {
    "attrs": attrs,
    "dataclasses": dataclasses,
    "decimal": __import__("decimal"),
    "msgspec": msgspec,
    "os": os,
}


def tool(world, **options):
    seen = []

    @enforce(enforcer=world.enforcer(POLICY), tool_name="opq", **options)
    def opq(words: object, conn: object = None) -> object:
        seen.append(conn)
        return conn

    return opq, seen


@pytest.mark.parametrize(("make", "way", "sees"), DATA, ids=[type(make()).__name__ for make, _, _ in DATA])
def test_data_is_refused_in_an_opaque_parameter_and_its_named_way_out_is_decided_on(world, make, way, sees):
    opq, seen = tool(world, opaque=("conn",))
    for wrapped in (make(), [make()], {"in": (make(),)}):
        with pytest.raises(MalformedCallError) as refused:
            opq("hello", wrapped)
        assert refused.value.code == "unsupported_type"
        assert f"pass `{way}` in its place" in refused.value.reason
        assert SECRET not in refused.value.reason
        assert "declare" not in refused.value.reason
        assert world.ends(refused.value.call_id) == [("denial", "unsupported_type")]
    assert seen == []
    mended = eval(way, WAYS | {"value": make()})
    assert opq("hello", mended) == sees
    assert repr(seen) == repr([sees])


@pytest.mark.parametrize(("make", "way", "sees"), DATA, ids=[type(make()).__name__ for make, _, _ in DATA])
def test_data_is_refused_everywhere_with_a_way_that_is_never_opaque(world, make, way, sees):
    enforcer = world.enforcer(POLICY, durability="buffered")
    returned = []
    for call in (
        lambda value: enforcer.enforce_sync("opq", {"conn": value}, lambda conn: returned.append(conn)),
        lambda value: enforcer.begin("opq", {"conn": value}),
    ):
        with pytest.raises(MalformedCallError, match=re.escape(f"pass `{way}` in its place")) as refused:
            call(make())
        assert "opaque" not in refused.value.reason
    assert returned == []
    assert f"pass `{way}` in its place" in enforcer.decide("opq", {"conn": [make()]}).reason
    with pytest.raises(WithheldError, match=re.escape(f"return `{way}` in its place")) as withheld:
        enforcer.enforce_sync("opq", {}, make)
    assert SECRET not in withheld.value.reason
    with (
        pytest.raises(ValueError, match=re.escape(f"give `{way}` in its place")),
        enforcer.session(facts={"a": make()}),
    ):
        pass
    assert enforcer.enforce_sync("opq", {}, lambda: eval(way, WAYS | {"value": make()})) == sees


CARD = 4111111111111111
# What is read as it is, and what a tool sees of it whose arguments are redacted.
EXACT = [
    (SECRET, "EC_AWS_ACCESS_KEY_1"),
    (SECRET.encode(), b"EC_AWS_ACCESS_KEY_1"),
    (CARD, "EC_CREDIT_CARD_1"),
    (float(CARD), "EC_CREDIT_CARD_1"),
    (Decimal(CARD), "EC_CREDIT_CARD_1"),
    (Decimal("4111111111111111.00"), "EC_CREDIT_CARD_1"),
    ([SECRET], ["EC_AWS_ACCESS_KEY_1"]),
    ((SECRET, 1), ("EC_AWS_ACCESS_KEY_1", 1)),
    ({"a": SECRET.encode()}, {"a": b"EC_AWS_ACCESS_KEY_1"}),
    ([float(CARD), (Decimal(CARD),)], ["EC_CREDIT_CARD_1", ("EC_CREDIT_CARD_1",)]),
    ("", ""),
    (b"", b""),
    (0, 0),
    (1.5, 1.5),
    (Decimal("1.50"), Decimal("1.50")),
    (True, True),
    ([], []),
    ((), ()),
    ({}, {}),
]


def _noting(seen):
    return lambda conn: seen.append(conn)


@pytest.mark.parametrize(("value", "sees"), EXACT, ids=[repr(value) for value, _ in EXACT])
def test_data_that_is_read_is_redacted_in_an_opaque_parameter_as_in_any_other(world, value, sees):
    redacting = POLICY + "redact: {args: {every_string: [secret, credit_card]}}\n"
    enforcer = world.enforcer(redacting)
    for opaque in ((), ("conn",)):
        seen = []
        enforce(enforcer=enforcer, tool_name="opq", opaque=opaque)(_noting(seen))(value)
        assert repr(seen) == repr([sees]), opaque


# A type that a policy gives an argument, a value that its rule allows, and one that differs and is denied.
DECIDED = [
    ("string", {"equals": "in"}, "in", "out"),
    ("text", {"prefix": "in"}, "inside", "outside"),
    ("integer", {"at_most": 5}, 5, 6),
    ("decimal", {"at_most": 5}, 5, 6),
    ("decimal", {"at_most": 5}, 4.5, 5.5),
    ("decimal", {"at_most": 5}, Decimal("5.00"), Decimal("5.01")),
    ("bool", {"equals": True}, True, False),
]


@pytest.mark.parametrize(("kind", "when", "allowed", "denied"), DECIDED)
def test_a_rule_decides_about_data_in_an_opaque_parameter(world, kind, when, allowed, denied):
    policy = (
        f"tools: {{opq: {{does: reads, args: {{conn: {kind}}}, returns: trusted}}}}\n"
        f"rules: [{{allow: opq, id: a, when: {{conn: {json.dumps(when)}}}}}]\n"
    )
    enforcer = world.enforcer(policy)
    for opaque in ((), ("conn",)):
        seen = []
        opq = enforce(enforcer=enforcer, tool_name="opq", opaque=opaque)(_noting(seen))
        with pytest.raises(ToolDeniedError) as refused:
            opq(denied)
        assert (refused.value.code, seen) == ("no_rule", [])
        opq(allowed)
        assert repr(seen) == repr([allowed])


class Short(type):
    """Leaves the bases out of the order in which attributes are looked up."""

    def mro(cls) -> list[type]:
        return [cls, object]


class Liar(type):
    """Says nothing true of its classes."""

    __mro__ = property(lambda cls: (cls, object))
    __bases__ = property(lambda cls: (object,))
    __base__ = object
    __dict__ = property(lambda cls: {})
    __name__ = property(lambda cls: "Connection")

    def __instancecheck__(cls, instance: object) -> bool:
        raise RuntimeError(SECRET)

    def __subclasscheck__(cls, other: type) -> bool:
        raise RuntimeError(SECRET)


class Silent(type):
    def __getattribute__(cls, name: str) -> object:
        raise RuntimeError(SECRET)


class SaysObject:
    __class__ = property(lambda self: object)


class ShortStr(str, metaclass=Short): ...


class ShortSet(set, metaclass=Short): ...


class LiarStr(str, metaclass=Liar): ...


class LiarSet(set, metaclass=Liar): ...


class LiarData(metaclass=Liar):
    __dataclass_fields__ = ()


class LiarDate(datetime.date, metaclass=Liar): ...


class LiarModel(Data, metaclass=Liar): ...


class ShortDate(datetime.date, metaclass=Short): ...


class ShortModel(Data, metaclass=Short): ...


class SilentSet(set, metaclass=Silent): ...


class ObjectStr(SaysObject, str): ...


class ObjectDeque(SaysObject, collections.deque): ...


class ObjectData(SaysObject):
    __dataclass_fields__ = ()


class Proxy:
    """As libraries make them that stand in for text."""

    __class__ = property(lambda self: str)


class Unknowable:
    @property
    def __class__(self):
        raise RuntimeError(SECRET)


LIARS = {
    "order of a text": lambda: ShortStr(SECRET),
    "order of a set": lambda: ShortSet([SECRET]),
    "metaclass of a text": lambda: LiarStr(SECRET),
    "metaclass of a set": lambda: LiarSet([SECRET]),
    "metaclass of a dataclass": lambda: LiarData(),
    "metaclass of a date": lambda: LiarDate(2026, 11, 26),
    "metaclass of a dataclass's subclass": lambda: LiarModel(SECRET),
    "order of a date": lambda: ShortDate(2026, 11, 26),
    "order of a dataclass's subclass": lambda: ShortModel(),
    "metaclass that cannot be asked": lambda: SilentSet([SECRET]),
    "class of a text": lambda: ObjectStr(SECRET),
    "class of a deque": lambda: ObjectDeque([SECRET]),
    "class of a dataclass": lambda: ObjectData(),
    "class of a stand-in": lambda: Proxy(),
    "class that cannot be asked": lambda: Unknowable(),
}


@pytest.mark.parametrize("lie", LIARS)
def test_no_lie_of_a_type_makes_data_an_object(world, lie):
    opq, seen = tool(world, opaque=("conn",))
    for wrapped in (LIARS[lie](), [LIARS[lie]()]):
        with pytest.raises(MalformedCallError) as refused:
            opq("hello", wrapped)
        assert refused.value.code == "unsupported_type"
        assert SECRET not in refused.value.reason
    assert seen == []
    opq("hello", "text")
    assert seen == ["text"]


class Connection:
    """What no policy can look into."""

    secret = SECRET


def test_what_is_no_data_is_opaque_and_reaches_the_function_as_it_is(world, tmp_path):
    opq, seen = tool(world, opaque=("conn",))
    plain, unseen = tool(world)
    with (tmp_path / "file").open("w") as file, socket.socket() as sock, sqlite3.connect(":memory:") as database:
        objects = [
            Connection(),
            Connection,
            object(),
            file,
            sock,
            database,
            print,
            lambda: SECRET,
            Connection().__init__,
            (word for word in [SECRET]),
            threading.Lock(),
            threading.current_thread(),
            types,
            re.compile("a"),
        ]
        for one in objects:
            with pytest.raises(MalformedCallError, match="declare the parameter opaque, or let the function close"):
                plain("hello", one)
            with pytest.raises(MalformedCallError, match="pass it on its own, in a parameter that is declared opaque"):
                opq("hello", [one])
            assert (seen, unseen) == ([], [])
            # It cannot be returned, so that the call ends with a result that is withheld; the function had it.
            with pytest.raises(WithheldError, match="return what is in it"):
                opq("hello", one)
            assert seen.pop() is one


def test_a_methods_object_is_opaque_unless_it_is_data(world):
    enforcer, said = world.enforcer(POLICY), []

    class Plain:
        @enforce(enforcer=enforcer, tool_name="opq", opaque=["self"])
        def say(self, words: str) -> None:
            said.append(words)

    @dataclasses.dataclass
    class Service:
        text: str

        @enforce(enforcer=enforcer, tool_name="opq", opaque=["self"])
        def say(self, words: str) -> None:
            said.append(words)

        def say_inside(self, words: str) -> None:
            enforcer.enforce_sync("opq", {"words": words}, lambda words: said.append((self.text, words)))

    Plain().say("plain")
    with pytest.raises(MalformedCallError, match="if it is a method's own object, enforce a function that closes over"):
        Service(SECRET).say("data")
    assert said == ["plain"]
    Service(SECRET).say_inside("hello")
    assert said == ["plain", (SECRET, "hello")]
