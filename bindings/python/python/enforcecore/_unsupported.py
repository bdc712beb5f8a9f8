"""Names that programs for 1.14 import and that are not supported yet, with what to use instead."""

from __future__ import annotations

_POLICY = "give a policy's file to `enforce` or `Enforcer`, and check it with `enforcecore policy check`"
_EVIDENCE = (
    "every call is recorded; read the log with `enforcecore audit show` and check it with `enforcecore audit verify`"
)
_REDACTION = "write `redact:` in the policy"
_LIMITS = "write `budgets:` in the policy"
_SETTINGS = "write `enforcecore.toml` or give options to `enforce` or `Enforcer`; nothing fails open"
_TENANTS = "open a session with `Enforcer.session(tenant=...)`"
_ERRORS = "catch `ToolDeniedError`, and read its `code`"
_OUTCOME = "read the attributes of the exceptions in `enforcecore.errors`, or ask with `Enforcer.decide`"
_LABELS = "declare in the policy what tools return and which labels they may see"
_NOTHING = "there is nothing in its place yet"

INSTEAD: dict[str, str] = {
    name: instead
    for instead, names in {
        _POLICY: "Policy PolicyServerClient PolicyServerError load_policy",
        _EVIDENCE: "AuditEntry Auditor AuditBackendPlugin VerificationResult load_trail verify_trail",
        _REDACTION: (
            "NERBackend RedactionResult RedactionStrategy Redactor RedactorPlugin SecretScanner StreamingRedactor "
            "is_ner_available"
        ),
        _LIMITS: "CostTracker KillSwitch RateLimiter ResourceGuard",
        _SETTINGS: "Settings settings",
        _TENANTS: "MultiTenantEnforcer",
        _ERRORS: "ContentViolationError CostLimitError ResourceLimitError SensitivityViolationError",
        _OUTCOME: "Decision EnforcementResult",
        _LABELS: (
            "SensitivityEnforcer SensitivityLabel SensitivityLabelConfig SensitivityViolation "
            "check_tool_schema_sensitivity sensitivity_level"
        ),
        _NOTHING: (
            "ComplianceError ComplianceFormat CompliancePeriod ComplianceReport ComplianceReporter GuardPlugin "
            "PluginLoadError PluginManager SandboxConfig SandboxMemoryError SandboxStrategy SandboxTimeoutError "
            "SandboxViolationError StreamAuditEntry StreamEnforcementResult StreamingViolation SubprocessSandbox "
            "stream_enforce"
        ),
    }.items()
    for name in names.split()
}
