"""Enforces one policy on calls of Python functions.

What is raised through a function that is given arguments, a result or a tool leaves without the frames below it, and
the function drops what it was given: a program that reports exceptions with the variables of their frames must not
report what was refused or what redaction took out.
"""

from __future__ import annotations

import atexit
import inspect
import os
import weakref
from collections.abc import Callable
from typing import Any, Literal, NoReturn

from enforcecore import _core, _sessions
from enforcecore.errors import EnforceCoreError

StrPath = str | os.PathLike[str]
Durability = Literal["strict", "buffered"]


class Enforcer:
    """One policy, and the log its evidence goes to.

    Enforcers that name one log folder share it, in one process and in many; budgets count over all of them. A child of
    `fork` reads the policy and opens the log again for itself.

    What is not given is taken from the configuration: a variable such as `ENFORCECORE_DEFAULT_POLICY`, else the
    `enforcecore.toml` of the project, else that of the user. It is read once, here.

    Args:
        policy: The policy's file.
        log: The folder of the evidence, `.enforcecore/log` by default.
        keys: The folder of the signing key, `.enforcecore/keys` by default.
        anchor: A folder elsewhere that remembers how far the log has come.
        durability: `strict` runs nothing before its intent is on stable storage. `buffered` writes later and may lose
            the last entries on a kill; a policy that counts or remembers refuses it.
        config: A file to read in place of the `enforcecore.toml` of the project and of the user.

    Raises:
        ConfigurationError: The configuration has a mistake, or no policy is configured.
        PolicyLoadError: The policy does not load, or asks for what cannot be enforced on a function in this process.
        AuditError: The log cannot be opened.
    """

    session = staticmethod(_sessions.session)

    def __init__(
        self,
        policy: StrPath | None = None,
        *,
        log: StrPath | None = None,
        keys: StrPath | None = None,
        anchor: StrPath | None = None,
        durability: Durability | None = None,
        config: StrPath | None = None,
    ) -> None:
        if durability not in (None, "strict", "buffered"):
            raise ValueError("durability is `strict` or `buffered`")
        self._core = _core.Enforcer(
            config=config, policy=policy, log=log, keys=keys, anchor=anchor, durability=durability
        )
        if self._core.writes_later:
            _UNWRITTEN.add(self)

    @property
    def policy_name(self) -> str:
        """The name the policy gives itself."""
        return self._core.policy_name

    def enforce_sync(self, tool: str, args: dict[str, Any], function: Callable[..., Any]) -> Any:
        """Runs `function(**args)` as `tool` if the policy allows it, and returns what may be seen of its result.

        The function gets its own copy of the arguments, as they were decided, with what the policy redacts taken out.

        Raises:
            EnforcementViolation: The call was refused; the function was not called.
            ToolError: The function raised.
            WithheldError: The function ran, and its result may not be seen.
        """
        try:
            return self.run(_core.Tool(tool, ()), args, lambda decided: function(**decided))
        except BaseException as error:
            del args, function
            raise error.with_traceback(None) from None

    def run(self, tool: _core.Tool, args: dict[str, Any], call: Callable[[dict[str, Any]], Any]) -> Any:
        """As `enforce_sync`, for a tool that is made once and a function that takes all the arguments in one."""

        def running(call_id: str, decided: dict[str, Any]) -> Any:
            token = _sessions.CALL.set(call_id)
            try:
                result = call(decided)
            finally:
                _sessions.CALL.reset(token)
            if inspect.iscoroutine(result):
                # It is refused as a result; closed, it does not also warn that it was never awaited.
                result.close()
            return result

        try:
            return self._core.enforce(tool, args, _sessions.current(), _sessions.CALL.get(), running)
        except BaseException as error:
            del args, call, running
            raise error.with_traceback(None) from None

    def begin(self, tool: str, args: dict[str, Any]) -> _core.Admitted:
        """Decides, redacts, admits and records a call that the caller then makes itself, with `.args` of what it gets.

        The evidence says of such a call that it was *decided and recorded*, not that it was executed as decided. A call
        that is begun and not finished is recorded as abandoned.

        Raises:
            EnforcementViolation: The call was refused.
        """
        try:
            return self._core.begin(_core.Tool(tool, ()), args, _sessions.current(), _sessions.CALL.get())
        except BaseException as error:
            del args
            raise error.with_traceback(None) from None

    def finish(self, admitted: _core.Admitted, result: object = None, *, error: BaseException | None = None) -> Any:
        """Records the end of a begun call and returns what may be seen of its result.

        Raises:
            ToolError: `error` was given; the message has what the policy classifies taken out.
            WithheldError: The result may not be seen.
            FinishError: The call was finished before, or admitted in another process.
        """
        try:
            if error is not None:
                self._core.fail(admitted, error)
            return self._core.finish(admitted, result)
        except BaseException as raised:
            del admitted, result, error
            raise raised.with_traceback(None) from None

    def decide(self, tool: str, args: dict[str, Any]) -> _core.Answer:
        """Says what would be decided now. Nothing is admitted, recorded or run."""
        try:
            return self._core.decide(_core.Tool(tool, ()), args, _sessions.current())
        except BaseException as error:
            del args
            raise error.with_traceback(None) from None

    def refuse_unbound(self, tool: _core.Tool, why: str) -> NoReturn:
        """Refuses and records a call whose arguments do not fit the function."""
        self._core.refuse_unbound(tool, _sessions.current(), _sessions.CALL.get(), why)

    def end_session(self, session_id: str | None = None, *, tenant: str = "") -> None:
        """Ends a session, the current one if none is named: its calls are refused from here on, in every process.

        Nothing else ends a session: not the end of a `session` block, not a pause, not a restart.

        Raises:
            AuditError: The end cannot be recorded.
        """
        if session_id is None:
            self._core.end_session(_sessions.current())
        else:
            self._core.end_session(_sessions.named(session_id, tenant))

    def flush(self) -> None:
        """Writes what is buffered, and returns once it is on stable storage."""
        self._core.flush()


_UNWRITTEN: weakref.WeakSet[Enforcer] = weakref.WeakSet()


@atexit.register
def _flush_all() -> None:
    """Writes what is buffered: the interpreter does not destroy objects that live until its end."""
    failures = []
    for enforcer in list(_UNWRITTEN):
        try:
            enforcer.flush()
        except EnforceCoreError as error:
            failures.append(error)
    if failures:
        raise ExceptionGroup("the end of the evidence log could not be written", failures)
