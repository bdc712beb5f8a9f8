"""Who called what, and why, for other programs: OCSF against the schema as it is published, and CSV."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from enforcecore import ToolDeniedError, ToolError, enforce, session
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

if TYPE_CHECKING:
    from conftest import World

VERSION = "1.3.0"

POLICY = """
tools:
  look: {does: reads, args: {name: string}, returns: trusted}
  pay:
    does: pays
    args: {amount: {type: money, currency: USD}, to: email}
    returns: trusted
    record: {args: [amount, to]}
rules:
  - {allow: look, id: reading}
  - {allow: pay, id: small, when: {amount: {at_most: 50}, to: {any: true}}}
"""


@cache
def published() -> dict[str, Any]:
    schema: dict[str, Any] = get_ocsf_schema(version=VERSION)
    return schema


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = OcsfJsonSchemaEmbedded(published()).get_class_schema(name)
    return jsonschema.Draft202012Validator(schema)


def faults(event: dict[str, Any]) -> list[str]:
    """What is wrong with an event: by the schema, and by the rules that it says in words."""
    name = {uid["uid"]: name for name, uid in published()["classes"].items()}[event["class_uid"]]
    found = [error.message for error in validator(name).iter_errors(event)]
    known = published()["classes"][name]
    found += constraints("", known, event)
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        found.append("type_uid")
    captions = [("class_name", known["caption"]), ("category_name", known["category_name"])]
    captions += [(text, caption(known, number, event)) for number, text in SIBLINGS if event.get(number) != 99]
    return found + [text for text, expected in captions if event[text] != expected]


SIBLINGS = [
    ("activity_id", "activity_name"),
    ("severity_id", "severity"),
    ("status_id", "status"),
    ("type_uid", "type_name"),
]


def caption(known: dict[str, Any], number: str, event: dict[str, Any]) -> str:
    text: str = known["attributes"][number]["enum"][str(event[number])]["caption"]
    return text


def constraints(where: str, known: dict[str, Any], value: dict[str, Any]) -> Iterator[str]:
    """Attributes that the schema does not know, and objects without one of those they need."""
    wanted = (known.get("constraints") or {}).get("at_least_one", [])
    if wanted and not any(name in value for name in wanted):
        yield f"{where}: none of {wanted}"
    for name, item in value.items():
        attribute = known["attributes"].get(name)
        if attribute is None:
            yield f"{where}.{name} is unknown"
        elif attribute["type"] == "object_t" and attribute["object_type"] not in ("object", "json"):
            inner = published()["objects"][attribute["object_type"]]
            for each in item if attribute.get("is_array") else [item]:
                yield from constraints(f"{where}.{name}", inner, each)


def show(world: World, *flags: str, expected: int = 0) -> str:
    program = os.environ.get("TEST_ENFORCECORE")
    if program is None:
        pytest.skip("TEST_ENFORCECORE names no program")
    command = [program, "audit", "show", str(world.log), "--keys", str(world.folder / "keys"), *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout


def events(world: World, *flags: str, expected: int = 0) -> list[dict[str, Any]]:
    shown = show(world, "--format", "ocsf", *flags, expected=expected)
    return [json.loads(line) for line in shown.splitlines()]


def work(world: World, monkeypatch: pytest.MonkeyPatch, identities: str) -> None:
    """Ann reads and pays, ben pays too much and tries what there is not."""
    monkeypatch.setenv("ENFORCECORE_IDENTITIES", identities)
    enforcer = world.enforcer(POLICY)

    @enforce(enforcer=enforcer)
    def look(name: str) -> str:
        if name == "broken":
            raise ValueError(name)
        return name

    @enforce(enforcer=enforcer)
    def pay(amount: int, to: str) -> str:
        return to

    @enforce(enforcer=enforcer)
    def wipe() -> None: ...

    with session(principal={"id": "ann"}, session_id="monday"):
        look("x")
        with pytest.raises(ToolError):
            look("broken")
        pay(20, "jo@example.com")
    with session(principal={"id": "ben"}, session_id="tuesday"):
        with pytest.raises(ToolDeniedError):
            pay(51, "jo@example.com")
        with pytest.raises(ToolDeniedError):
            wipe()


@pytest.mark.parametrize("identities", ["keyed", "clear"])
def test_every_event_is_one_of_the_published_schema(world, monkeypatch, identities):
    work(world, monkeypatch, identities)
    shown = events(world)
    assert len(shown) == len(world.entries())
    assert [faults(event) for event in shown] == [[] for _ in shown]
    calls = [event for event in shown if event["class_uid"] == 6003]
    said = [
        (event["activity_name"], event["api"]["operation"], event["status"], event["status_code"]) for event in calls
    ]
    assert said == [
        ("intent", "look", "Unknown", "allowed"),
        ("outcome", "look", "Success", "released"),
        ("intent", "look", "Unknown", "allowed"),
        ("outcome", "look", "Failure", "tool_failed"),
        ("intent", "pay", "Unknown", "allowed"),
        ("outcome", "pay", "Success", "released"),
        ("denial", "pay", "Failure", "no_rule"),
        ("denial", "wipe", "Failure", "unknown_tool"),
    ]
    assert calls[6]["api"]["request"]["data"] == {"amount": "51", "to": "jo@example.com"}
    assert calls[6]["actor"]["authorizations"][0]["decision"] == "deny"
    names = [event["actor"]["user"].get("name") for event in calls]
    assert names == ([None] * 8 if identities == "keyed" else ["ann"] * 6 + ["ben"] * 2)
    # One person has one keyed name, whether or not the log says the other one.
    assert len({event["actor"]["user"]["uid"] for event in calls}) == 2
    for who, count in [("ann", 6), ("ben", 2), ("eve", 0)]:
        assert len(events(world, "--principal", who)) == count


FULL: dict[str, Any] = {
    "args": {"to": "jo"},
    "call": "c",
    "code": "allowed",
    "commitment": "cc",
    "decision": "allow",
    "delta": [{"id": "g", "op": "grant"}],
    "durability": "strict",
    "effect": "happened",
    "mode": "closed",
    "note": {"a": "b"},
    "parent": "p",
    "policy": "dd",
    "prev_seal": "ee",
    "principal": "aa",
    "principal_name": "ann",
    "redactions": {"email": 1},
    "rules": ["r"],
    "session": "bb",
    "session_name": "monday",
    "tool": "undeclared:1:ff",
    "tool_name": "w",
}

KINDS = [
    "genesis",
    "intent",
    "outcome",
    "denial",
    "pending",
    "void",
    "abandoned",
    "state",
    "policy",
    "recovery",
    "heartbeat",
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_with_all_and_with_no_fields_is_an_event_of_the_schema(world, kind):
    head = {"index": 0, "kind": kind, "mono_us": 0, "time_us": 1_795_000_000_000_000, "v": 1, "writer": "w"}
    world.log.mkdir()
    lines = [json.dumps(entry, sort_keys=True, separators=(",", ":")) for entry in (head, head | FULL)]
    (world.log / "log.jsonl").write_text("".join(f"{line}\n" for line in lines))
    shown = events(world, expected=1)  # Nothing of it is sealed.
    assert [faults(event) for event in shown] == [[], []]
    assert [event["raw_data"] for event in shown] == lines


def test_the_schema_finds_what_is_wrong(world, monkeypatch):
    work(world, monkeypatch, "clear")
    event = events(world)[-1]
    assert faults(event) == []
    for name in ["activity_id", "actor", "api", "category_uid", "metadata", "severity_id", "src_endpoint", "time"]:
        without = {key: value for key, value in event.items() if key != name}
        with pytest.raises((AssertionError, KeyError)):
            assert faults(without) == []
    for changed in [
        {"severity_id": 7},
        {"time": "yesterday"},
        {"invented": 1},
        {"type_uid": 600_301},
        {"actor": {}},
        {"actor": {"user": {"nickname": "ann"}}},
        {"src_endpoint": {}},
        {"class_name": "Activity"},
    ]:
        with pytest.raises((AssertionError, KeyError)):
            assert faults(event | changed) == []


def test_records_are_read_by_another_reader(world, monkeypatch):
    work(world, monkeypatch, "clear")
    text = show(world, "--format", "csv", "--decision", "deny")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    told = [(row["principal_name"], row["session_name"], row["tool"], row["code"], row["args"]) for row in rows]
    assert told[0] == ("ben", "tuesday", "pay", "no_rule", '{"amount":"51","to":"jo@example.com"}')
    assert (told[1][0], rows[1]["tool_name"], told[1][3]) == ("ben", "wipe", "unknown_tool")


def test_a_log_goes_on_with_its_state_when_names_become_clear(world, monkeypatch):
    budget = POLICY + "budgets: [{budget: pay, id: day, sum: USD, at_most: 60, per: ever, for_each: principal.id}]\n"

    def pay_as_ann(identities: str, amount: int) -> None:
        monkeypatch.setenv("ENFORCECORE_IDENTITIES", identities)

        @enforce(enforcer=world.enforcer(budget), tool_name="pay")
        def pay(amount: int, to: str) -> str:
            return to

        with session(principal={"id": "ann"}, session_id="monday"):
            pay(amount, "jo@example.com")

    pay_as_ann("keyed", 40)
    with pytest.raises(ToolDeniedError):
        pay_as_ann("clear", 30)
    pay_as_ann("clear", 20)
    names = [entry.get("principal_name") for entry in world.entries() if entry["kind"] in ("intent", "denial")]
    assert names == [None, "ann", "ann"]


def test_the_page_names_the_version() -> None:
    page = Path(__file__).parents[3] / "docs" / "evidence.md"
    assert f"OCSF {VERSION}" in page.read_text()
