"""Which session a call is made in, and which call made it: both follow the context, as `contextvars` do.

A new thread starts without its parent's session. It is then in the session of the process, which has no principal and
no facts, so conditions on them do not hold.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from enforcecore import _core

CALL: ContextVar[str | None] = ContextVar("enforcecore_call", default=None)
"""The call whose tool is running."""

_SESSION: ContextVar[_core.Session | None] = ContextVar("enforcecore_session", default=None)
_PROCESS = _core.Session(secrets.token_hex(16), tenant="", principal={}, values={}, facts={})


def current() -> _core.Session:
    """The session of a call that is made here."""
    return _SESSION.get() or _PROCESS


def named(session_id: str, tenant: str) -> _core.Session:
    """The session of this name, about which nothing else is said."""
    return _made(session_id, {}, {}, {}, None, tenant)[1]


@contextmanager
def session(
    *,
    session_id: str | None = None,
    principal: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
    workspace: str | os.PathLike[str] | None = None,
    tenant: str = "",
) -> Iterator[str]:
    """Puts every enforced call of the block into one session, and yields its id.

    This is the only place where a principal, facts and values of the session come from: never from an argument, and
    never from what a tool returns, unless the policy declares that result trusted.

    Args:
        session_id: One run of an agent; facts and budgets of a session are kept under it. If not given, a new one.
        principal: Who acts: `principal.NAME` in policies.
        facts: What the host vouches for: `fact.NAME`.
        values: What else the session knows, such as a ticket: `session.NAME`.
        workspace: A folder that exists; policies see where it really is, as `session.workspace`.
        tenant: On whose account.
    """
    try:
        name, made = _made(session_id, dict(principal or {}), dict(facts or {}), dict(values or {}), workspace, tenant)
    except BaseException as error:
        # No frame that leaves the package holds what the host said of its user.
        del principal, facts, values
        raise error.with_traceback(None) from None
    token = _SESSION.set(made)
    try:
        yield name
    finally:
        _SESSION.reset(token)


def _made(
    session_id: str | None,
    principal: dict[str, Any],
    facts: dict[str, Any],
    values: dict[str, Any],
    workspace: str | os.PathLike[str] | None,
    tenant: str,
) -> tuple[str, _core.Session]:
    name = secrets.token_hex(16) if session_id is None else session_id
    if not values.keys().isdisjoint(("workspace", "cwd")):
        raise ValueError("`workspace` is an argument of its own, and `cwd` is the process's working directory")
    if not name:
        raise ValueError("a session without a name would be shared with every other one")
    if workspace is not None:
        values["workspace"] = str(Path(workspace).resolve(strict=True))
    return name, _core.Session(name, tenant=tenant, principal=principal, values=values, facts=facts)
