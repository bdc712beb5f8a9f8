"""Says at the end what a call costs over the proxy."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

LATENCY: dict[tuple[str, str], tuple[float, float]] = {}


@pytest.fixture
def latency() -> dict[tuple[str, str], tuple[float, float]]:
    """Where to put the microseconds of a call, direct and over the proxy, by server and client."""
    return LATENCY


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints the median of each pair's calls."""
    if not LATENCY:
        return
    terminalreporter.write_line(f"latency {'server':20} {'client':14} {'direct us':>10} {'proxied us':>10} ratio")
    for (server, client), (direct, proxied) in LATENCY.items():
        line = f"latency {server:20} {client:14} {direct:10.0f} {proxied:10.0f} {proxied / direct:5.2f}"
        terminalreporter.write_line(line)
    ratio = statistics.median(proxied / direct for direct, proxied in LATENCY.values())
    terminalreporter.write_line(f"latency: median ratio {ratio:.2f} over {len(LATENCY)} pairs")
