"""The program around the proxy: what it does when its surroundings fail. The server here is ours, and misbehaves."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from support import MISBEHAVING, Client, Place, session, text

POLICY = """
enforcecore: 1
name: faults
version: "1"
tools:
  echo: {does: writes, args: {text: text}, returns: trusted}
  daemon: {does: writes, returns: untrusted}
  chatter: {does: reads, returns: untrusted}
rules:
  - {allow: [echo, daemon, chatter], id: all}
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place with a policy in it."""
    place = Place(tmp_path)
    (tmp_path / "policy.yaml").write_text(POLICY)
    return place


def command(place: Place, **how: Any) -> list[str]:
    return place.proxy(place.workspace.parent / "policy.yaml", *MISBEHAVING, str(place.workspace), **how)


def effects(place: Place) -> list[str]:
    file = place.workspace / "effects"
    return file.read_text().splitlines() if file.exists() else []


def test_an_ordinary_session_ends_cleanly(place: Place) -> None:
    """The twin of every test below."""
    client = Client(command(place))
    client.greet()
    assert client.call("echo", text="a")["result"]["content"][0]["text"] == "you said a"
    token = "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"
    status, said = client.leave()
    # Beside the server's own words one line, wherever it stands, on what is cut of the server's offer.
    cut = [line for line in said.splitlines() if "left out" in line]
    others = [line for line in said.splitlines() if line not in cut]
    assert (status, others) == (0, [f"ready, with {token}", f"and {token}"])
    assert (len(cut), "capabilities.tasks" in cut[0]) == (1, True)
    assert effects(place) == ["echo a"]


def test_an_official_client_hears_of_progress(place: Place) -> None:
    """The token that reaches the server is another one than the client's."""
    heard: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)

    async def play() -> None:
        async with session(command(place)) as client:
            assert text(await client.call_tool("chatter", {}, progress_callback=hear)) == "quiet again"

    asyncio.run(play())
    assert heard == [1]


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda place: (place.workspace.parent / "policy.yaml").unlink(), "policy.yaml"),
        (lambda place: (place.workspace.parent / "policy.yaml").write_text("tools: ["), "policy.yaml:1:"),
        (lambda place: (place.workspace.parent / "policy.yaml").write_text(POLICY + "colour: red\n"), "colour"),
        (lambda place: (place.workspace.parent / "policy.yaml").write_text("#" * (9 << 20)), "EC0001"),
        (lambda place: place.log.write_text("a file where the folder should be"), "log"),
        (lambda place: place.keys.write_text("a file where the folder should be"), "keys"),
    ],
)
def test_without_policy_log_or_keys_no_server_is_started(place: Place, break_it: Any, says: str) -> None:
    """Enforcement that cannot begin fails before anything runs."""
    break_it(place)
    done = subprocess.run(command(place), input="", capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout) == (5, "")
    assert says in done.stderr
    assert "ready" not in done.stderr


def test_a_damaged_log_is_not_written_on(place: Place) -> None:
    """What was recorded is refused as a whole, not continued."""
    client = Client(command(place))
    client.greet()
    client.call("echo", text="a")
    client.leave()
    log = place.log / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"echo"', b'"ecco"', 1))
    done = subprocess.run(command(place), input="", capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, "ready" in done.stderr) == (5, False)
    assert "log" in done.stderr


def test_a_full_log_refuses_the_call_and_the_tool_does_not_run(place: Place) -> None:
    """The disk is full in the middle of a session: what is answered is a refusal, and what was recorded stands."""
    client = Client(command(place), preexec_fn=fill_disk_soon)
    client.greet()
    answers = [client.call("echo", text=str(number)) for number in range(60)]
    refused = [answer["result"].get("_meta", {}).get("enforcecore/decision", {}) for answer in answers]
    codes = [details.get("code") for details in refused]
    assert "log_unavailable" in codes
    first = codes.index("log_unavailable")
    # The one before may have run with its outcome unrecorded; from here on nothing runs.
    assert all(not details["started"] for details in refused[first + 1 :])
    assert len(effects(place)) <= first + 1
    assert all(code == "log_unavailable" for code in codes[first:])
    client.leave()
    # What the full disk cut off was never acknowledged; the anchor does not vouch for it.
    assert place.verify()["verdict"] in {"valid", "unanchored"}
    with_space = Client(command(place))
    with_space.greet()
    assert with_space.call("echo", text="twin")["result"]["content"][0]["text"] == "you said twin"
    with_space.leave()
    assert place.verify()["verdict"] == "valid"
    intents = [entry for entry in place.entries() if entry["kind"] == "intent"]
    assert len(intents) == len(effects(place))


@pytest.mark.parametrize("how", ["leave", "terminate", "kill"])
def test_the_server_is_gone_with_the_proxy(place: Place, how: str) -> None:
    """A daemon that the server started, forked twice and in a session of its own, does not outlive the session."""
    client = Client(command(place))
    client.greet()
    assert client.process.stdin
    message = {"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {"name": "daemon", "arguments": {}}}
    client.process.stdin.write(json.dumps(message) + "\n")
    client.process.stdin.flush()
    pid = wait_for(place.workspace / "daemon")
    server = int(
        subprocess.run(
            ["pgrep", "-P", str(client.process.pid)], capture_output=True, text=True, check=True
        ).stdout.split()[0]
    )
    assert is_alive(pid)
    assert is_alive(server)
    if how == "terminate":
        client.process.send_signal(signal.SIGTERM)
    elif how == "kill":
        client.process.send_signal(signal.SIGKILL)
    status, _ = client.leave()
    if how == "kill":
        # The server's reaper ends them once its parent is gone.
        wait_until("the server and its daemon are gone", lambda: not is_alive(server) and not is_alive(pid))
        return
    assert status == 0
    assert not is_alive(pid)
    assert not is_alive(server)
    assert [entry["kind"] for entry in place.entries()] == ["intent", "outcome"]


def test_a_server_that_is_not_there_is_said_to_be(place: Place) -> None:
    """The error names what could not be started."""
    start = place.proxy(place.workspace.parent / "policy.yaml", "/nowhere/server")
    done = subprocess.run(start, input="", capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 5
    assert "cannot start `/nowhere/server`" in done.stderr


def fill_disk_soon() -> None:
    """No file of this process grows beyond a few entries; what would be written beyond that fails."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16 * 1024, 16 * 1024))


def wait_for(file: Path) -> int:
    wait_until(f"`{file}` is written", lambda: file.exists() and file.read_text().endswith("\n"))
    return int(file.read_text())


def wait_until(what: str, condition: Any) -> None:
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up, f"waited 60 seconds in vain until {what}"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state not in {"Z", "X"}
