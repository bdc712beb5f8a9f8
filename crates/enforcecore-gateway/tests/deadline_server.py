"""A server whose calls run beside each other, and react to a cancellation each in its own way.

Usage: deadline_server.py FOLDER.

What it did is in FOLDER/effects, what it was told in FOLDER/heard, and its processes are in FOLDER/starts, a line each.
A call with a text ends once FOLDER/open-TEXT is there.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

FOLDER = sys.argv[1]
TOOLS = ["echo", "deaf", "obedient", "refusing", "drowsy", "hang", "seize", "busy", "asking", "steps", "stubborn"]
# These keep the server from reading what it is told.
BLOCKING = ["drowsy", "hang", "busy", "asking"]
LOCK = threading.Lock()
CANCELLED = {}
REFUSING = set()


def send(**message):
    with LOCK:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def append(name, text):
    with LOCK, Path(FOLDER, name).open("a") as file:
        file.write(text + "\n")


def listen():
    line = sys.stdin.readline()
    if line:
        append("heard", line.strip())
    return line


def wait_for(name):
    while not Path(FOLDER, name).exists():
        time.sleep(0.005)


def answer(number, text):
    send(id=number, result={"content": [{"type": "text", "text": text}]})


def call(number, name, text, token):
    append("effects", f"{name} {text}")
    if name == "echo":
        answer(number, f"you said {text}")
    elif name in ("deaf", "busy", "drowsy"):
        if name == "drowsy":
            while json.loads(listen())["method"] != "notifications/cancelled":
                pass
        wait_for(f"open-{text}")
        append("effects", f"{name} ended")
        answer(number, f"secret of {name}")
    elif name == "obedient":
        CANCELLED[number].wait()
        append("effects", "obedient stopped")
    elif name == "asking":
        send(id="of the first", method="roots/list")
        wait_for("never")
    elif name == "seize":
        # Nothing of the server goes on from here, whatever it was asked.
        wait_for(f"open-{text}")
        with LOCK:
            Path(FOLDER, "seized").write_text("seized")
            wait_for("never")
    elif name == "hang":
        wait_for("never")
    elif name == "steps":
        for step in range(int(text)):
            wait_for(f"step-{step}")
            send(method="notifications/progress", params={"progressToken": token, "progress": step})
        wait_for(f"open-{text}")
        answer(number, "all steps done")
        append("effects", "steps ended")
    elif name == "stubborn":
        CANCELLED[number].wait()
        while True:
            send(method="notifications/progress", params={"progressToken": token, "progress": 1})
            time.sleep(0.01)


def greeted(message):
    again = len(Path(FOLDER, "starts").read_text().splitlines()) > 1
    version = message["params"]["protocolVersion"]
    if again and Path(FOLDER, "again-other-version").exists():
        version = "2024-11-05"
    if again and Path(FOLDER, "again-waits").exists():
        wait_for("greet")
    capabilities = {"tools": {}, "prompts": {}}
    info = {"name": "deadlines", "version": "1"}
    send(
        id=message["id"],
        result={"protocolVersion": version, "capabilities": capabilities, "serverInfo": info},
    )


def main():
    append("starts", str(os.getpid()))
    if len(Path(FOLDER, "starts").read_text().splitlines()) > 1 and Path(FOLDER, "again-not").exists():
        sys.exit(3)
    while line := listen():
        message = json.loads(line)
        number, method, params = message.get("id"), message.get("method"), message.get("params", {})
        if method == "initialize":
            greeted(message)
        elif method == "tools/list":
            send(id=number, result={"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]})
        elif method == "tools/call":
            name, text = params["name"], params["arguments"].get("text", "")
            token = params.get("_meta", {}).get("progressToken")
            CANCELLED[number] = threading.Event()
            if name == "refusing":
                REFUSING.add(number)
            if name in BLOCKING:
                call(number, name, text, token)
            else:
                threading.Thread(target=call, args=(number, name, text, token), daemon=True).start()
        elif method == "notifications/cancelled":
            CANCELLED[params["requestId"]].set()
            if params["requestId"] in REFUSING:
                # Before it reads on, and so before it answers a ping.
                send(id=params["requestId"], error={"code": 0, "message": "secret of refusing"})
        elif method == "ping":
            send(id=number, result={})


main()
