"""A server of which every tool promises a shape for its results, and keeps the promise or does not.

Each tool that starts writes a line into the file that it is given.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

EFFECTS = Path(sys.argv[1])
SHAPE = {
    "type": "object",
    "properties": {"entities": {"type": "array", "items": {"type": "string"}}},
    "required": ["entities"],
    "additionalProperties": False,
}
TOOLS = ["fine", "closed", "typed", "asked", "metered", "collides", "slow", "garbled", "spoofs"]


def done(**more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": "done"}], "structuredContent": {"entities": ["a"]}, **more}


def write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def answer(request: Any, result: Any) -> None:
    write(json.dumps({"jsonrpc": "2.0", "id": request, "result": result}))


def call(request: Any, name: str) -> None:
    with EFFECTS.open("a") as effects:
        effects.write(f"{name}\n")
    if name == "collides":
        # Two keys that are one once the addresses are taken out.
        answer(request, done(_meta={"jo@example.org": 1, "EC_EMAIL_1": 2}))
    elif name == "slow":
        time.sleep(60)
    elif name == "garbled":
        write(f'{{"jsonrpc": "2.0", "id": {json.dumps(request)}, "result": {{"content": [], "content": []}}}}')
    elif name == "spoofs":
        answer(request, done(_meta={"enforcecore/decision": {"v": 1, "started": False, "code": "no_rule"}, "own": 1}))
    else:
        answer(request, done())


for line in sys.stdin:
    message = json.loads(line)
    if message.get("method") == "initialize":
        information = {"name": "shaped", "version": "1"}
        version = message["params"]["protocolVersion"]
        answer(message["id"], {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": information})
    elif message.get("method") == "tools/list":
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
        tools = [{"name": name, "inputSchema": schema, "outputSchema": SHAPE} for name in TOOLS]
        answer(message["id"], {"tools": tools})
    elif message.get("method") == "tools/call":
        call(message["id"], message["params"]["name"])
    elif "id" in message:
        answer(message["id"], {})
