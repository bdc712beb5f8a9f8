"""A server with tools that misbehave. Usage: server.py FOLDER.

Effects are lines in FOLDER/effects, and what it was told lines in FOLDER/heard. Its process is in FOLDER/pid, and the
tool `held` ends once FOLDER/open is there.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

FOLDER = sys.argv[1]
SECRET = "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"
TOOLS = [
    "echo",
    "secret",
    "slow",
    "held",
    "die",
    "daemon",
    "garbage",
    "twice",
    "deep",
    "big",
    "cut",
    "answer",
    "ask",
    "spoof",
    "chatter",
    "fail",
    "wrong",
    "crowd",
    "pages",
    "shout",
    "metered",
    "notify",
    "plead",
    "raw",
    "silent",
    "burst",
    "forbidden",
]


def write(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def send(**message):
    write(json.dumps({"jsonrpc": "2.0", **message}))


def read():
    line = sys.stdin.readline()
    with Path(FOLDER, "heard").open("a") as file:
        file.write(line)
    return json.loads(line) if line else None


def effect(text):
    with Path(FOLDER, "effects").open("a") as file:
        file.write(text + "\n")


def wait_for(name):
    while not Path(FOLDER, name).exists():
        time.sleep(0.005)


def said(text, **more):
    return {"content": [{"type": "text", "text": text}], **more}


def speak(name, method):
    """Tells or asks the client what it is told to."""
    if name == "notify":
        data = {SECRET: 1, "EC_GITHUB_TOKEN_1": 2} if method.endswith("message#collides") else f"leaks {SECRET}"
        send(method=method.split("#")[0], params={"uri": "a:b", "data": data})
        return said("told")
    send(id="p", method=method, params={"data": SECRET, "_meta": {"progressToken": "the server's"}})
    while (answer := read()) and "method" in answer:
        pass
    return said(json.dumps({"id": answer["id"], **answer.get("result", {}), **answer.get("error", {})}))


def raw(number, text):
    """Writes this line: ID is the call's id, BYTE one byte that is not UTF-8, and MANY(n) n letters.

    Behind LAST it has no end, and the server ends.
    """
    text = re.sub(r"MANY\((\d+)\)", lambda found: "x" * int(found[1]), text.replace("ID", str(number)))
    line = text.removeprefix("LAST").encode().replace(b"BYTE", b"\xe9")
    sys.stdout.buffer.write(line if text.startswith("LAST") else line + b"\n")
    sys.stdout.buffer.flush()
    if text.startswith("LAST"):
        os._exit(0)


def burst(text, meta):
    """Writes so many notifications of each method at once, and the answer with them."""
    lines = []
    for method, count in json.loads(text):
        for place in range(count):
            params = {"level": "info", "data": f"line {place}", "uri": f"a:{place}", "progress": place}
            if meta:
                params["progressToken"] = meta["progressToken"]
            lines.append(json.dumps({"jsonrpc": "2.0", "method": f"notifications/{method}", "params": params}))
    sys.stdout.write("".join(line + "\n" for line in lines))
    return said("after the burst")


def late(name, args):
    """Answers after a time, or once it may."""
    if name == "held":
        wait_for("open")
    else:
        time.sleep(float(args["text"]))
        effect("slow ended")
    return said("at last")


def call(number, name, args, meta):
    effect(f"{name} {args.get('text', '')}")
    if name in ("echo", "metered", "forbidden"):
        return said(f"you said {args['text']}", structuredContent={"text": args["text"]})
    if name == "secret":
        return said(f"the token is {SECRET}")
    if name in ("slow", "held"):
        return late(name, args)
    if name == "die":
        os._exit(7)
    if name == "daemon":
        # Forked twice, in a session of its own, as a daemon does it.
        script = f"(setsid sh -c 'echo $$ > {FOLDER}/daemon; sleep 600' &)"
        subprocess.run(["sh", "-c", script], check=True)
        time.sleep(600)
    if name == "garbage":
        write("this is not json")
        return said("after garbage")
    if name == "twice":
        write(f'{{"jsonrpc":"2.0","id":{number},"result":{{"content":[],"content":[]}}}}')
        return None
    if name == "deep":
        deep = '{"a":' * 200 + "1" + "}" * 200
        write(f'{{"jsonrpc":"2.0","id":{number},"result":{deep}}}')
        return None
    if name == "big":
        return said("x" * (17 << 20))
    if name == "cut":
        write(f'{{"jsonrpc":"2.0","id":{number},"result":{{"content":[')
        return None
    if name == "answer":
        return {args["text"]: "odd"} if "text" in args else "odd"
    if name == "ask":
        send(id="s1", method="sampling/createMessage", params={"messages": []})
        refused = read()
        send(id="s2", method="roots/list")
        roots = read()
        return said(f"{refused.get('error', {}).get('code')} {json.dumps(roots.get('result'))}")
    if name == "spoof":
        for other in range(number + 1, number + 4):
            send(id=other, result=said("spoofed"))
        return said("genuine")
    if name == "crowd":
        # More requests at once than are handled, and an answer that comes only if the proxy still listens.
        for other in range(300):
            send(id=f"c{other}", method="roots/list")
        while "result" not in read():
            pass
        return said("heard")
    if name == "pages":
        return said("x" * 5000)
    if name == "chatter":
        send(method="notifications/message", params={"level": "info", "data": f"leaks {SECRET}"})
        send(method="notifications/vendor", params={"data": "unknown"})
        send(method="notifications/progress", params={"progressToken": "nobody's", "progress": 1})
        if meta:
            send(method="notifications/progress", params={"progressToken": meta["progressToken"], "progress": 1})
        return said("quiet again")
    if name == "shout":
        # What takes long to look at, and at once the answer.
        send(method="notifications/message", params={"level": "info", "data": f"{SECRET} " * 20_000})
        return said("after the shout")
    if name in ("notify", "plead"):
        return speak(name, args["text"])
    if name == "raw":
        return raw(number, args["text"])
    if name == "silent":
        return None
    if name == "burst":
        return burst(args["text"], meta)
    if name == "fail":
        return said(f"could not, because of {SECRET}", isError=True)
    raise KeyError(name)


def greet(number, params):
    """Answers the handshake, as the client's name says."""
    name, version = params.get("clientInfo", {}).get("name"), params["protocolVersion"]
    if name in ("held", "held and refused"):
        wait_for("open")
    if name in ("refused", "held and refused"):
        send(id=number, error={"code": -32602, "message": "not you"})
        return
    version = {"other version": "2199-01-01", "refuse me": "1999-01-01"}.get(name, version)
    send(
        id=number,
        result={
            "protocolVersion": version,
            "capabilities": {"tools": {}, "tasks": {}},
            "serverInfo": {"name": "misbehaving", "version": "1"},
            "instructions": f"use {SECRET}",
        },
    )


def main():
    Path(FOLDER, "pid").write_text(f"{os.getpid()}\n")
    sys.stderr.write(f"ready, with {SECRET}\n")
    sys.stderr.write(f"and {SECRET[:9]}\x1b{SECRET[9:]}\n")
    sys.stderr.flush()
    while message := read():
        number, method = message.get("id"), message.get("method")
        if method == "initialize":
            greet(number, message["params"])
        elif method == "tools/list":
            tools = [
                {"name": name, "description": f"with {SECRET}", "inputSchema": {"type": "object"}} for name in TOOLS
            ]
            if message["params"].get("cursor") == "odd":
                tools = [
                    {},
                    {"name": None},
                    {"name": 1},
                    {"name": ["echo"]},
                    "echo",
                    None,
                    *tools[:1],
                    {"Name": "echo"},
                ]
            send(id=number, result={"tools": tools})
        elif method == "tools/call":
            params = message["params"]
            try:
                result = call(number, params["name"], params["arguments"], params.get("_meta"))
            except KeyError:
                send(id=number, error={"code": -32602, "message": f"no such tool, and {SECRET}"})
                continue
            if result is not None:
                send(id=number, result=result)
        elif method == "resources/read":
            effect(f"resource {message['params']['uri']}")
            send(id=number, result={"contents": [{"uri": message["params"]["uri"], "text": SECRET}]})
        elif method == "notifications/cancelled":
            effect(f"cancelled {message['params']['requestId']}")
        elif number is not None and method:
            effect(f"asked {method}")
            collides = {SECRET: 1, "EC_GITHUB_TOKEN_1": 2}
            send(id=number, result=collides if message.get("params", {}).get("cursor") == "collides" else {})
            if message.get("params", {}).get("cursor") == "news":
                send(method="notifications/prompts/list_changed")
    Path(FOLDER, "left").write_text("the client left")


main()
