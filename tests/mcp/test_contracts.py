"""What a listing promises holds behind redaction, and both official SDKs say so.

Each keyword of an output schema that a placeholder can break is judged as the server lists it and as the proxy does.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support import ROOT, Client, Place, session, text

NODE_MODULES = ROOT / "tests/npm/node_modules"
CARD = 4111111111111111
MAIL = "a@b.co"

# A row a keyword: the schema of `v`, its value, and whether ajv in the TypeScript SDK and jsonschema in Python refuse
# the redacted value under the schema as the server lists it. Where one does not, it does not judge by the keyword.
ROWS: dict[str, tuple[Any, Any, bool, bool]] = {
    "type": ({"type": "integer"}, CARD, True, True),
    "type, one of several": ({"type": ["number", "null"]}, CARD, True, True),
    "format": ({"type": "string", "format": "email"}, MAIL, True, False),
    "pattern": ({"pattern": "@"}, MAIL, True, True),
    "enum": ({"enum": [MAIL, "c@d.co"]}, MAIL, True, True),
    "enum of numbers": ({"enum": [CARD, 1]}, CARD, True, True),
    "const": ({"const": MAIL}, MAIL, True, True),
    "minLength": ({"minLength": 14}, "longer.name@example.com", True, True),
    "maxLength": ({"maxLength": 8}, MAIL, True, True),
    "not": ({"not": {"pattern": "EC_"}}, MAIL, True, True),
    "allOf": ({"allOf": [{"pattern": "@"}, {"type": "string"}]}, MAIL, True, True),
    "anyOf": ({"anyOf": [{"const": MAIL}, {"type": "null"}]}, MAIL, True, True),
    "oneOf": ({"oneOf": [{"pattern": "@"}, {"pattern": "^x"}]}, MAIL, True, True),
    "oneOf, two behind redaction": ({"oneOf": [{"pattern": "^a"}, {"pattern": "@x"}]}, MAIL, True, True),
    "if, else": ({"if": {"pattern": "@"}, "then": {"minLength": 1}, "else": {"maxLength": 5}}, MAIL, True, True),
    "if, then": ({"if": {"pattern": "_1$"}, "then": {"maxLength": 5}, "else": {"pattern": "@"}}, MAIL, True, True),
    "items": ({"items": {"pattern": "@"}}, [MAIL], True, True),
    "prefixItems": ({"prefixItems": [{"pattern": "@"}]}, [MAIL], False, True),
    "additionalItems": (
        {"$schema": "http://json-schema.org/draft-07/schema#", "items": [True], "additionalItems": {"pattern": "@"}},
        [1, MAIL],
        True,
        True,
    ),
    "contains": ({"contains": {"pattern": "@"}}, [MAIL], True, True),
    "maxContains": ({"contains": {"pattern": "EC_|x"}, "minContains": 1, "maxContains": 1}, ["x", MAIL], False, True),
    "uniqueItems": ({"uniqueItems": True}, ["a@b.co", "A@b.co"], True, True),
    "unevaluatedItems": ({"prefixItems": [True], "unevaluatedItems": {"pattern": "@"}}, [1, MAIL], False, True),
    "properties": ({"properties": {"w": {"pattern": "@"}}}, {"w": MAIL}, True, True),
    "properties, a name that is redacted": (
        {"properties": {MAIL: {"type": "null"}}, "additionalProperties": False},
        {MAIL: None},
        True,
        True,
    ),
    "patternProperties": ({"patternProperties": {"w": {"pattern": "@"}}}, {"w": MAIL}, True, True),
    "patternProperties, a name that is redacted": (
        {"patternProperties": {"@": {"type": "null"}}, "additionalProperties": {"type": "integer"}},
        {MAIL: None, "w": 1},
        True,
        True,
    ),
    "additionalProperties": ({"additionalProperties": {"pattern": "@"}}, {"w": MAIL}, True, True),
    "unevaluatedProperties": (
        {"properties": {"w": True}, "unevaluatedProperties": {"pattern": "@"}},
        {"w": 1, "x": MAIL},
        False,
        True,
    ),
    "propertyNames": ({"propertyNames": {"pattern": "@"}}, {MAIL: 1}, True, True),
    "required": ({"required": [MAIL]}, {MAIL: 1}, True, True),
    "dependentRequired": ({"dependentRequired": {"w": [MAIL]}}, {"w": 1, MAIL: 2}, False, True),
    "dependentSchemas": (
        {"dependentSchemas": {"w": {"properties": {"x": {"pattern": "@"}}}}},
        {"w": 1, "x": MAIL},
        False,
        True,
    ),
    "dependencies": (
        {"dependencies": {"w": {"properties": {"x": {"pattern": "@"}}}}},
        {"w": 1, "x": MAIL},
        True,
        False,
    ),
    "$ref and $defs": ({"$ref": "#/$defs/mail"}, MAIL, True, True),
    "$ref and definitions": ({"$ref": "#/definitions/mail"}, MAIL, True, True),
    "$ref to what is dropped": ({"$ref": "#/$defs/negated/not"}, MAIL, True, True),
}
SHARED = {
    "$defs": {"mail": {"pattern": "@"}, "negated": {"not": {"pattern": "@"}}},
    "definitions": {"mail": {"pattern": "@"}},
}

# A server that lists a tool for each row and answers with its value.
# Its input schemas hold what no placeholder replaces.
SERVER = """
import json, sys
rows = json.load(open(sys.argv[1]))
contract = {"type": "object", "properties": {"to": {"enum": ["help@example.com"], "default": "help@example.com",
    "const": "help@example.com", "description": "as help@example.com"}}}
tools = [{"name": f"t{n}", "title": "of help@example.com", "inputSchema": contract, "outputSchema": row["schema"]}
    for n, row in enumerate(rows)]
for line in sys.stdin:
    asked = json.loads(line)
    method, params = asked["method"], asked.get("params") or {}
    if method == "initialize":
        server = {"name": "s", "version": "1"}
        result = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": server}
    elif method == "tools/list":
        result = {"tools": tools}
    elif method == "tools/call":
        value = rows[int(params["name"][1:])]["value"]
        result = {"content": [{"type": "text", "text": json.dumps(value)}], "structuredContent": value}
    elif "id" in asked:
        result = {}
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""

REDACT = "redact: {result: [email, credit_card]}"
POLICY = """
enforcecore: 1
name: contracts
version: "1"
tools: {{{tools}}}
rules: [{{allow: [{names}], id: all}}]
{redact}
"""

# The TypeScript SDK's validator over pairs of a schema and a value, and its client's calls through a proxy.
JUDGE = """
import { AjvJsonSchemaValidator } from "%(modules)s/@modelcontextprotocol/sdk/dist/esm/validation/ajv-provider.js";
import { readFileSync } from "node:fs";
const pairs = JSON.parse(readFileSync(0, "utf8"));
const judge = ([schema, value]) => new AjvJsonSchemaValidator().getValidator(schema)(value).valid;
console.log(JSON.stringify(pairs.map(judge)));
"""
CALLER = """
import { Client } from "%(modules)s/@modelcontextprotocol/sdk/dist/esm/client/index.js";
import { StdioClientTransport } from "%(modules)s/@modelcontextprotocol/sdk/dist/esm/client/stdio.js";
const [command, ...args] = JSON.parse(process.argv[2]);
const client = new Client({ name: "judge", version: "1" });
await client.connect(new StdioClientTransport({ command, args, stderr: "ignore" }));
const said = [];
for (const { name } of (await client.listTools()).tools) {
  const call = client.callTool({ name, arguments: {} });
  said.push(await call.then(() => "valid", (error) => error.message));
}
console.log(JSON.stringify(said));
await client.close();
"""


def whole(schema: Any) -> dict[str, Any]:
    """The output schema of a row, which is an object's."""
    whole = {"type": "object", "properties": {"v": schema}, "required": ["v"], **SHARED}
    if "$schema" in schema:
        whole["$schema"] = schema["$schema"]
    return whole


def by_typescript(pairs: list[tuple[Any, Any]]) -> list[bool]:
    """What the TypeScript SDK's validator says."""
    script = JUDGE % {"modules": NODE_MODULES}
    command = ["node", "--input-type=module", "-e", script]
    said = subprocess.run(command, input=json.dumps(pairs), capture_output=True, text=True, check=True, timeout=100)
    return json.loads(said.stdout)


def by_python(pairs: list[tuple[Any, Any]]) -> list[bool]:
    """What the Python SDK's validator says."""

    def valid(schema: Any, value: Any) -> bool:
        try:
            jsonschema.validate(value, schema)
        except jsonschema.ValidationError:
            return False
        return True

    return [valid(schema, value) for schema, value in pairs]


def proxied(place: Place, folder: Path, redact: str) -> list[str]:
    """A proxy before the server of the rows."""
    rows = [{"schema": whole(schema), "value": {"v": value}} for schema, value, _, _ in ROWS.values()]
    (folder / "rows.json").write_text(json.dumps(rows))
    (folder / "server.py").write_text(SERVER)
    names = [f"t{n}" for n in range(len(rows))]
    tools = ", ".join(f"{name}: {{does: reads, returns: web}}" for name in names)
    policy = POLICY.format(tools=tools, names=", ".join(names), redact=redact)
    (folder / "policy.yaml").write_text(policy)
    return place.proxy(folder / "policy.yaml", sys.executable, str(folder / "server.py"), str(folder / "rows.json"))


def asked(command: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The tools that are listed, and the answer of each."""
    client = Client(command)
    client.greet()
    tools = client.ask("tools/list", {})["result"]["tools"]
    answers = [client.call(tool["name"])["result"] for tool in tools]
    client.leave()
    return tools, answers


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Where the evidence goes."""
    return Place(tmp_path)


def test_a_redacted_result_is_valid_under_the_schema_that_is_listed(place: Place, tmp_path: Path) -> None:
    """And not under the server's own; an unredacted one is valid under both."""
    tools, answers = asked(proxied(place, tmp_path, REDACT))
    listed = [tool["outputSchema"] for tool in tools]
    own = [whole(schema) for schema, _, _, _ in ROWS.values()]
    plain = [{"v": value} for _, value, _, _ in ROWS.values()]
    redacted = [answer["structuredContent"] for answer in answers]
    assert "a@b.co" not in json.dumps(redacted)
    assert str(CARD) not in json.dumps(redacted)
    refused = {"typescript": [row[2] for row in ROWS.values()], "python": [row[3] for row in ROWS.values()]}
    for name, judge in (("typescript", by_typescript), ("python", by_python)):
        named = lambda verdicts: dict(zip(ROWS, verdicts, strict=True))  # noqa: E731
        assert named(judge(list(zip(own, redacted, strict=True)))) == named(not no for no in refused[name]), name
        assert named(judge(list(zip(listed, redacted, strict=True)))) == dict.fromkeys(ROWS, True), name
        assert named(judge(list(zip(own, plain, strict=True)))) == dict.fromkeys(ROWS, True), name
        assert named(judge(list(zip(listed, plain, strict=True)))) == dict.fromkeys(ROWS, True), name


def test_both_official_clients_take_every_redacted_result(place: Place, tmp_path: Path) -> None:
    """They throw where a result does not fulfil the listed schema."""
    command = proxied(place, tmp_path, REDACT)
    script = tmp_path / "caller.mjs"
    script.write_text(CALLER % {"modules": NODE_MODULES})
    said = subprocess.run(
        ["node", script, json.dumps(command)], capture_output=True, text=True, check=True, timeout=100
    )
    assert dict(zip(ROWS, json.loads(said.stdout), strict=True)) == dict.fromkeys(ROWS, "valid")

    async def call_all() -> list[str]:
        async with session(command) as client:
            tools = (await client.list_tools()).tools
            return [text(await client.call_tool(tool.name, {})) for tool in tools]

    for row, said_text in zip(ROWS, asyncio.run(call_all()), strict=True):
        json.loads(said_text)
        assert "EC_" in said_text, row


def test_a_contract_is_listed_as_it_is(place: Place, tmp_path: Path) -> None:
    """The input schema in any case, the output schema where nothing of a result is redacted."""
    for redact in (REDACT, "redact: {result: [slack_token]}", ""):
        tools, _ = asked(proxied(place, tmp_path, redact))
        for tool, (schema, _, _, _) in zip(tools, ROWS.values(), strict=True):
            shown = tool["inputSchema"]["properties"]["to"]
            assert [shown["enum"], shown["default"], shown["const"], shown["description"]] == [
                ["help@example.com"],
                "help@example.com",
                "help@example.com",
                "as help@example.com",
            ]
            assert tool["title"] == ("of EC_EMAIL_1" if redact == REDACT else "of help@example.com")
            if not redact:
                assert tool["outputSchema"] == whole(schema)
