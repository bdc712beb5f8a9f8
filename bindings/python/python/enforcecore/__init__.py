"""EnforceCore: the runtime enforcement layer for AI agents.

    from enforcecore import enforce

    @enforce(policy="policy.yaml")
    def send_email(to: str, body: str) -> str: ...

Every call is decided by the policy, redacted and recorded before the function runs, or it does not run.
"""

from typing import TYPE_CHECKING

from enforcecore._core import Admitted, Answer, __version__
from enforcecore._decorator import enforce
from enforcecore._enforcer import Enforcer
from enforcecore._sessions import session
from enforcecore.errors import (
    AuditError,
    CallError,
    ConfigurationError,
    Diagnostic,
    EnforceCoreError,
    EnforcementFailedError,
    EnforcementViolation,
    FinishError,
    MalformedCallError,
    NotSupportedError,
    PendingError,
    PolicyError,
    PolicyLoadError,
    ToolDeniedError,
    ToolError,
    WithheldError,
)

__all__ = [
    "Admitted",
    "Answer",
    "AuditError",
    "CallError",
    "ConfigurationError",
    "Diagnostic",
    "EnforceCoreError",
    "EnforcementFailedError",
    "EnforcementViolation",
    "Enforcer",
    "FinishError",
    "MalformedCallError",
    "NotSupportedError",
    "PendingError",
    "PolicyError",
    "PolicyLoadError",
    "ToolDeniedError",
    "ToolError",
    "WithheldError",
    "__version__",
    "enforce",
    "session",
]

if not TYPE_CHECKING:
    # A type checker reports these names by itself.
    def __getattr__(name: str) -> object:
        from enforcecore._unsupported import INSTEAD

        if name in INSTEAD:
            raise NotSupportedError(f"`enforcecore.{name}` of 1.14 is not supported yet: {INSTEAD[name]}")
        raise AttributeError(f"module `enforcecore` has no attribute `{name}`")
