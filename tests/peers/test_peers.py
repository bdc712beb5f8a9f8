"""Servers and clients that others wrote, with the proxy between them and without: the same lists, the same results.

A row a server, a column a client. Each pair has two sessions of the same calls, one over the proxy. What differs by
itself, such as a clock, is made equal by the rules of `EQUAL`, and by nothing else. The last call of a row is refused
by its policy, and every client shows why, in text. `conftest.py` prints what a call costs.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ENFORCECORE = os.environ["TEST_ENFORCECORE"]
NODE = Path(os.environ["TEST_NODE_BIN"])
SDK1, SDK2 = (ROOT / "target" / name / "bin" for name in ("peers-sdk1", "peers-sdk2"))
CHROMIUM = "/usr/bin/chromium"
SECONDS = 120
"""For a session: a browser starts slowly on a loaded machine."""

Calls = list[tuple[str, dict[str, Any]]]
Latency = dict[tuple[str, str], tuple[float, float]]


@dataclass(frozen=True)
class Server:
    """A server, the tools it lists, calls of them, and one that its policy refuses.

    `{here}` is the folder of a session and `{page}` a page over HTTP.
    """

    command: list[str]
    tools: list[str]
    calls: Calls
    refused: tuple[str, dict[str, Any]]


BROWSER = ["--headless", "--no-sandbox", "--isolated", "--executable-path", CHROMIUM]
FASTMCP_TOOLS = ["text", "number", "person", "people", "nothing", "large", "fails"]
FASTMCP_CALLS: Calls = [
    ("text", {"words": "größer \u2028 \U0001f980 \u00e9"}),
    ("text", {"words": '{"n": 1.0, "e": 1e2}'}),
    ("number", {"value": 1e-7}),
    ("person", {"name": "Ana"}),
    ("people", {"names": ["Ana", "Bo"]}),
    ("nothing", {}),
    ("large", {"characters": 1_500_000}),
    ("fails", {"why": "as it was told"}),
]

SERVERS = {
    "filesystem": Server(
        [f"{NODE}/mcp-server-filesystem", "{here}"],
        [
            "read_file",
            "read_text_file",
            "read_media_file",
            "read_multiple_files",
            "write_file",
            "edit_file",
            "create_directory",
            "list_directory",
            "list_directory_with_sizes",
            "directory_tree",
            "move_file",
            "search_files",
            "get_file_info",
            "list_allowed_directories",
        ],
        [
            ("list_directory", {"path": "{here}"}),
            ("read_text_file", {"path": "{here}/notes.md"}),
            ("read_multiple_files", {"paths": ["{here}/notes.md", "{here}/page.html", "{here}/missing"]}),
            ("read_media_file", {"path": "{here}/dot.png"}),
            ("write_file", {"path": "{here}/new.md", "content": "new\n"}),
            ("edit_file", {"path": "{here}/new.md", "edits": [{"oldText": "new", "newText": "newer"}]}),
            ("search_files", {"path": "{here}", "pattern": "**/*.md"}),
            ("read_text_file", {"path": "{here}/missing"}),
        ],
        ("read_text_file", {"path": "{here}/forbidden.md"}),
    ),
    "git": Server(
        [f"{SDK2}/mcp-server-git"],
        [
            "git_status",
            "git_diff_unstaged",
            "git_diff_staged",
            "git_diff",
            "git_commit",
            "git_add",
            "git_reset",
            "git_log",
            "git_create_branch",
            "git_checkout",
            "git_show",
            "git_branch",
        ],
        [
            ("git_status", {"repo_path": "{here}"}),
            ("git_log", {"repo_path": "{here}", "max_count": 2}),
            ("git_show", {"repo_path": "{here}", "revision": "HEAD"}),
            ("git_add", {"repo_path": "{here}", "files": ["page.html"]}),
            ("git_diff_staged", {"repo_path": "{here}"}),
        ],
        ("git_create_branch", {"repo_path": "{here}", "branch_name": "forbidden"}),
    ),
    "memory": Server(
        [f"{NODE}/mcp-server-memory"],
        [
            "create_entities",
            "create_relations",
            "add_observations",
            "delete_entities",
            "delete_observations",
            "delete_relations",
            "read_graph",
            "search_nodes",
            "open_nodes",
        ],
        [
            (
                "create_entities",
                {"entities": [{"name": "Ana", "entityType": "person", "observations": ["likes tea"]}]},
            ),
            ("create_relations", {"relations": [{"from": "Ana", "to": "Ana", "relationType": "knows"}]}),
            ("search_nodes", {"query": "tea"}),
            ("read_graph", {}),
            ("add_observations", {"observations": [{"entityName": "Nix", "contents": ["x"]}]}),
        ],
        ("search_nodes", {"query": "forbidden"}),
    ),
    "time": Server(
        [f"{SDK2}/mcp-server-time", "--local-timezone", "Europe/Vienna"],
        ["get_current_time", "convert_time"],
        [
            ("get_current_time", {"timezone": "Asia/Kolkata"}),
            (
                "convert_time",
                {"source_timezone": "Europe/Vienna", "time": "12:30", "target_timezone": "America/New_York"},
            ),
            ("get_current_time", {"timezone": "Nowhere/Else"}),
        ],
        ("get_current_time", {"timezone": "forbidden"}),
    ),
    "fetch": Server(
        [f"{SDK2}/mcp-server-fetch", "--ignore-robots-txt"],
        ["fetch"],
        [
            ("fetch", {"url": "{page}"}),
            ("fetch", {"url": "{page}", "raw": True, "max_length": 40}),
            ("fetch", {"url": "{page}.missing"}),
        ],
        ("fetch", {"url": "{page}?forbidden"}),
    ),
    "everything": Server(
        [f"{NODE}/mcp-server-everything"],
        [
            "echo",
            "get-annotated-message",
            "get-env",
            "get-resource-links",
            "get-resource-reference",
            "get-structured-content",
            "get-sum",
            "get-tiny-image",
            "gzip-file-as-resource",
            "toggle-simulated-logging",
            "toggle-subscriber-updates",
            "trigger-long-running-operation",
            "simulate-research-query",
        ],
        [
            ("echo", {"message": "größer \u2028 \U0001f980"}),
            ("get-sum", {"a": 0.1, "b": 1e3}),
            ("get-tiny-image", {}),
            ("get-annotated-message", {"messageType": "error", "includeImage": True}),
            ("get-structured-content", {"location": "New York"}),
            ("get-resource-links", {"count": 3}),
            ("get-resource-reference", {"resourceType": "Text", "resourceId": 1}),
            ("trigger-long-running-operation", {"duration": 0.3, "steps": 3}),
            ("get-sum", {"a": "one", "b": 2}),
        ],
        ("echo", {"message": "forbidden"}),
    ),
    "sequential-thinking": Server(
        [f"{NODE}/mcp-server-sequential-thinking"],
        ["sequentialthinking"],
        [
            (
                "sequentialthinking",
                {"thought": "first", "nextThoughtNeeded": True, "thoughtNumber": 1, "totalThoughts": 2},
            ),
            (
                "sequentialthinking",
                {"thought": "last", "nextThoughtNeeded": "false", "thoughtNumber": 2, "totalThoughts": 2},
            ),
            ("sequentialthinking", {"thought": "no number"}),
        ],
        (
            "sequentialthinking",
            {"thought": "forbidden", "nextThoughtNeeded": False, "thoughtNumber": 1, "totalThoughts": 1},
        ),
    ),
    "playwright": Server(
        [f"{NODE}/playwright-mcp", *BROWSER],
        [
            "browser_close",
            "browser_resize",
            "browser_console_messages",
            "browser_handle_dialog",
            "browser_emulate_media",
            "browser_evaluate",
            "browser_file_upload",
            "browser_drop",
            "browser_fill_form",
            "browser_press_key",
            "browser_type",
            "browser_navigate",
            "browser_navigate_back",
            "browser_network_requests",
            "browser_network_request",
            "browser_run_code_unsafe",
            "browser_take_screenshot",
            "browser_snapshot",
            "browser_click",
            "browser_drag",
            "browser_hover",
            "browser_select_option",
            "browser_tabs",
            "browser_wait_for",
            "browser_find",
        ],
        [
            ("browser_navigate", {"url": "{page}"}),
            ("browser_snapshot", {}),
            ("browser_click", {"target": "#go", "element": "the button"}),
            ("browser_evaluate", {"function": "() => document.title"}),
            ("browser_take_screenshot", {"type": "png", "fullPage": True}),
        ],
        ("browser_navigate", {"url": "{page}?forbidden"}),
    ),
    "fastmcp 3": Server(
        [f"{SDK1}/python", str(ROOT / "tests/peers/server_fastmcp.py")],
        FASTMCP_TOOLS,
        FASTMCP_CALLS,
        ("text", {"words": "forbidden"}),
    ),
    "fastmcp 4": Server(
        [f"{SDK2}/python", str(ROOT / "tests/peers/server_fastmcp.py")],
        FASTMCP_TOOLS,
        FASTMCP_CALLS,
        ("text", {"words": "forbidden"}),
    ),
}

PROGRAM = str(ROOT / "tests/peers/client.py")
CLIENTS = {
    "typescript 1": ["node", str(ROOT / "tests/npm/client_v1.mjs")],
    "typescript 2": ["node", str(ROOT / "tests/npm/client_v2.mjs")],
    "python sdk": [f"{SDK2}/python", PROGRAM, "sdk"],
    "fastmcp": [f"{SDK2}/python", PROGRAM, "fastmcp"],
    "langchain": [f"{SDK1}/python", PROGRAM, "langchain"],
    "pydantic-ai": [f"{SDK2}/python", PROGRAM, "pydantic_ai"],
}

EQUAL = [
    # The clock, of the time server and of what a server says of a file.
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", "TIME"),
    (r"created at \d+:\d\d:\d\d [AP]M", "created at TIME"),
    # The name that LangChain gives each part of a result.
    (r"lc_[0-9a-f-]{36}", "NAME"),
    # Files that the browser's server writes, by time.
    (r"(page|console|snapshot|screenshot)-[0-9TZ.-]+\.(yml|yaml|log|png|jpeg)", "FILE"),
    # A screenshot: pixels of a blinking caret and of what is still being drawn.
    (r"iVBORw0KGgo[A-Za-z0-9+/=]{200,}", "PICTURE"),
    # How long the browser waited.
    (r"\d+(\.\d+)? ?ms", "MILLISECONDS"),
]

POLICY = """\
enforcecore: 1
name: peers
version: "1"
tools: {{{tools}}}
rules:
  - {{allow: [{names}], id: usual, when: {{every_string: {{any: true}}}}}}
  - {{deny: [{names}], id: not-that, when: {{any_string: {{contains_regex: "forbidden"}}}}}}
"""

# It names an icon of its own: a browser that looks for one logs at some time that there is none.
PAGE = """<!doctype html><html><head><link rel="icon" href="data:,"><title>A page</title></head>
<body><h1>Heading</h1><p>Words of the page.</p>
<button id="go" onclick="document.title = 'Gone'">Go</button></body></html>
"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves the pages and says nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page on loopback, for servers that fetch."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "page.html").write_text(PAGE)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/page.html"
    server.shutdown()


def folder_of(path: Path) -> Path:
    """A folder with files and a repository, the same each time it is made."""
    path.mkdir()
    (path / "notes.md").write_text("first line\nsecond line\n")
    (path / "page.html").write_text(PAGE)
    (path / "dot.png").write_bytes(bytes(range(256)))
    (path / "forbidden.md").write_text("not for you\n")
    who = {f"GIT_{role}_{what}": "a@b.invalid" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    when = {f"GIT_{role}_DATE": "2026-03-01T12:00:00Z" for role in ("AUTHOR", "COMMITTER")}
    for words in (["init", "-q", "-b", "main"], ["add", "notes.md"], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *words], cwd=path, env={**os.environ, **who, **when}, check=True)
    return path


def filled(value: Any, here: Path, page: str) -> Any:
    """The value with its places filled in."""
    text = json.dumps(value).replace("{here}", str(here)).replace("{page}", page)
    return json.loads(text)


def equal(value: Any, here: Path) -> Any:
    """The value without what differs by itself."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False).replace(str(here), "HERE")
    for pattern, name in EQUAL:
        text = re.sub(pattern, name, text)
    return json.loads(text)


def readable(value: Any) -> Any:
    """What a model is shown of a result: no metadata."""
    if isinstance(value, dict):
        return {name: readable(part) for name, part in value.items() if name not in ("_meta", "meta", "artifact")}
    return [readable(part) for part in value] if isinstance(value, list) else value


def session(client: str, command: list[str], calls: list[Any], here: Path) -> dict[str, Any]:
    """What a client sees of a server."""
    environment = {**os.environ, "MEMORY_FILE_PATH": str(here / "memory.jsonl"), "PYTHONWARNINGS": "ignore"}
    plan = json.dumps({"command": command, "calls": calls})
    ran = subprocess.run(
        CLIENTS[client], input=plan, capture_output=True, text=True, timeout=SECONDS, cwd=here, env=environment
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout)


def proxied(server: Server, folder: Path) -> list[str]:
    """The command of the proxy before this server."""
    policy = folder / "policy.yaml"
    names = ", ".join(f'"{name}"' for name in server.tools)
    tools = ", ".join(f'"{name}": undeclared' for name in server.tools)
    policy.write_text(POLICY.format(tools=tools, names=names))
    evidence = ["--log", str(folder / "log"), "--keys", str(folder / "keys")]
    return [ENFORCECORE, "mcp", "--policy", str(policy), *evidence, "--"]


@pytest.mark.timeout(4 * SECONDS)
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", SERVERS)
def test_a_client_sees_the_same_with_the_proxy(
    name: str, client: str, tmp_path: Path, pages: str, latency: Latency
) -> None:
    """The same lists and results; and a refusal that says why."""
    server, seen, micros = SERVERS[name], {}, {}
    for way in ("direct", "proxied"):
        here = folder_of(tmp_path / way)
        between = proxied(server, tmp_path) if way == "proxied" else []
        command = [*between, *filled(server.command, here, pages)]
        calls = filled([*server.calls, server.refused], here, pages)
        found = session(client, command, calls, here)
        micros[way] = statistics.median(found.pop("micros")[:-1])
        seen[way] = equal(found, here)
    latency[name, client] = (micros["direct"], micros["proxied"])
    assert sorted(tool["name"] for tool in seen["direct"]["tools"]) == sorted(server.tools)
    assert seen["proxied"]["tools"] == seen["direct"]["tools"]
    *usual, refused = seen["proxied"]["results"]
    for (tool, args), direct, over in zip(server.calls, seen["direct"]["results"], usual, strict=False):
        assert over == direct, f"{tool} {args}"
    assert seen["direct"]["results"][-1] != refused
    told = json.dumps(readable(refused))
    assert ("not-that" in told, "denied_by_rule" in told) == (True, True), refused
