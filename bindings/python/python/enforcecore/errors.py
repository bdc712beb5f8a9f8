"""What enforcement raises.

A refused call did not start; a call that started is never reported as refused. No message holds an argument's value,
and what a policy classifies is taken out of what a tool says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "AuditError",
    "CallError",
    "ConfigurationError",
    "Diagnostic",
    "EnforceCoreError",
    "EnforcementFailedError",
    "EnforcementViolation",
    "FinishError",
    "MalformedCallError",
    "NotSupportedError",
    "PendingError",
    "PolicyError",
    "PolicyLoadError",
    "ToolDeniedError",
    "ToolError",
    "WithheldError",
]


class EnforceCoreError(Exception):
    """Everything this package raises."""


class NotSupportedError(EnforceCoreError):
    """The name or the kind of function is known, and not supported yet."""


class AuditError(EnforceCoreError):
    """The evidence log cannot be opened or written."""


class PolicyError(EnforceCoreError):
    """Something is wrong with a policy."""


@dataclass(frozen=True)
class Diagnostic:
    """One thing that the author of a policy or of a configuration can mend, with its place."""

    file: str
    line: int
    column: int
    severity: str
    code: str
    message: str
    help: str | None


class ConfigurationError(EnforceCoreError):
    """The configuration has a mistake, or no policy is configured. Nothing is protected, so nothing may run.

    The message has every finding as `file:line:column` or as its variable; `diagnostics` has them as objects.
    """

    def __init__(self, message: str, *, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message)
        self.diagnostics = diagnostics


class PolicyLoadError(PolicyError):
    """A policy does not load, or asks for what cannot be enforced here.

    The message has every finding as `file:line:column`; `diagnostics` has them as objects.
    """

    def __init__(self, message: str, *, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message)
        self.diagnostics = diagnostics


class FinishError(EnforceCoreError):
    """An admitted call cannot be finished: `code` is `already_finished`, `other_process` or `expired`."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class CallError(EnforceCoreError):
    """A call that ended without a result. Catch its subclasses: they say whether the tool started.

    Attributes:
        code: The stable code: `denied_by_rule`, `no_rule`, `wrong_type`, `log_unavailable`.
        reason: One sentence for a person and a model, without any argument's value.
        rules: The rules that refused the call.
        call_id: The call's name in the log.
        recorded: Whether its end stands in the log.
        tool_name: The tool.
        policy_name: The policy.
        explanation: What would be allowed, and what is left of the caller's own budget, as JSON objects; `None` where
            the reason says all. Its `sentence` is the end of the message.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        rules: tuple[str, ...] = (),
        call_id: str = "",
        recorded: bool = False,
        tool_name: str = "",
        policy_name: str = "",
        explanation: dict[str, Any] | None = None,
    ) -> None:
        sentence = explanation["sentence"] if explanation else ""
        super().__init__(f"{message}. {sentence}" if sentence else message)
        self.explanation = explanation
        self.reason = message
        self.code = code
        self.rules = rules
        self.call_id = call_id
        self.recorded = recorded
        self.tool_name = tool_name
        self.policy_name = policy_name


class EnforcementViolation(CallError):  # noqa: N818 - the name programs for 1.14 catch
    """The call was refused: the tool did not start."""


class ToolDeniedError(EnforcementViolation):
    """The policy says no."""


class MalformedCallError(EnforcementViolation):
    """The call does not fit its tool, or cannot be frozen."""


class PendingError(EnforcementViolation):
    """A person must approve the call; the same call may come again until `expires_us` (microseconds since 1970)."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        rules: tuple[str, ...] = (),
        call_id: str = "",
        recorded: bool = False,
        tool_name: str = "",
        policy_name: str = "",
        explanation: dict[str, Any] | None = None,
        expires_us: int = 0,
    ) -> None:
        super().__init__(
            message,
            code=code,
            rules=rules,
            call_id=call_id,
            recorded=recorded,
            tool_name=tool_name,
            policy_name=policy_name,
            explanation=explanation,
        )
        self.expires_us = expires_us


class EnforcementFailedError(EnforcementViolation):
    """Enforcement itself failed, so nothing ran."""


class ToolError(CallError):
    """The tool started and raised. The message is its exception's, with what the policy classifies taken out.

    The exception itself is not attached: it could carry what was taken out.
    """


class WithheldError(CallError):
    """The tool ran, but its result may not be seen. Not something to try again."""
