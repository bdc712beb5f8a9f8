"""What `@enforce` costs a Python function: medians in turns with the bare function. Usage: line.py FOLDER."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from enforcecore import enforce

ROUNDS = 31
CALLS = 100
TEXT = "an ordinary sentence about nothing that anyone would have to hide, " * 3
POLICY = """
enforcecore: 1
name: bench
version: "1"
tools:
  save_note:
    does: writes
    args: {title: string, text: text, priority: integer}
    returns: notes
rules:
  - allow: save_note
    id: notes
    when: {priority: {less_than: 10}, title: {prefix: "note "}}
redact: {args: {text: [email, credit_card, secret]}, result: [secret]}
"""


def save_note(title: str, text: str, priority: int) -> int:
    """As little as a tool can do."""
    return len(title) + len(text) + priority


def turn(function: Callable[[str, str, int], int]) -> float:
    """Microseconds a call, over one turn."""
    begun = time.perf_counter()
    for _ in range(CALLS):
        function("note of the day, 40 byte", TEXT[:160], 5)
    return (time.perf_counter() - begun) / CALLS * 1e6


def main() -> None:
    """Measures and prints one JSON object."""
    folder = Path(sys.argv[1])
    policy = folder / "policy.yaml"
    policy.write_text(POLICY)
    enforced = enforce(policy=policy, log=folder / "log", keys=folder / "keys", durability="buffered")(save_note)
    turns = [(turn(enforced), turn(save_note)) for _ in range(ROUNDS + 1)]
    # The first turn warms up and is not counted.
    ours, bare = (statistics.median(column) for column in zip(*turns[1:], strict=True))
    row = {"name": "Python @enforce, log buffered", "baseline": "bare Python call"}
    sys.stdout.write(json.dumps({**row, "median_us": ours, "baseline_median_us": bare, "ratio": ours / bare}) + "\n")


main()
