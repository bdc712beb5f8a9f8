//! What the core says, as the exceptions of `enforcecore.errors`.

use enforcecore::audit::LogError;
use enforcecore::call::CallId;
use enforcecore::diagnostic::Diagnostic;
use enforcecore::enforcer::{BindError, FinishError};
use enforcecore::outcome::{Refusal, Refused};
use enforcecore::traits::StoreError;
use enforcecore_host::assembly::SetupError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// What an exception says about its call, whichever way the call went.
pub struct About<'a> {
    /// The tool.
    pub tool: &'a str,
    /// The policy's name.
    pub policy: &'a str,
    /// The call.
    pub call: &'a CallId,
}

impl About<'_> {
    /// A call that did not start.
    pub fn refused(&self, py: Python<'_>, refused: &Refused) -> PyErr {
        let name = match refused.kind {
            Refusal::Malformed => "MalformedCallError",
            Refusal::Denied => "ToolDeniedError",
            Refusal::Pending { .. } => "PendingError",
            Refusal::EnforcementFailed => "EnforcementFailedError",
        };
        let more = |fields: &Bound<'_, PyDict>| {
            fields.set_item("rules", PyTuple::new(py, &refused.rules)?)?;
            fields.set_item("recorded", refused.recorded)?;
            match refused.kind {
                Refusal::Pending { expires_us } => fields.set_item("expires_us", expires_us),
                _ => Ok(()),
            }
        };
        self.error(py, name, refused.code, &refused.reason, more)
    }

    /// A call that started and ended without a result: `name` is `ToolError` or `WithheldError`.
    pub fn ended(&self, py: Python<'_>, name: &str, code: &str, reason: &str) -> PyErr {
        // An end that could not be recorded is withheld with this code.
        self.error(py, name, code, reason, |fields| fields.set_item("recorded", code != "log_unavailable"))
    }

    fn error(
        &self,
        py: Python<'_>,
        name: &str,
        code: &str,
        reason: &str,
        more: impl FnOnce(&Bound<'_, PyDict>) -> PyResult<()>,
    ) -> PyErr {
        make(py, name, reason, |fields| {
            fields.set_item("code", code)?;
            fields.set_item("call_id", self.call.as_str())?;
            fields.set_item("tool_name", self.tool)?;
            fields.set_item("policy_name", self.policy)?;
            more(fields)
        })
    }
}

/// The configuration is not understood, so nothing is enforced on a guess.
pub fn configuration(py: Python<'_>, found: &[Diagnostic]) -> PyErr {
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    let message = format!("the configuration is not usable, so nothing runs\n{}", lines.join("\n"));
    make(py, "ConfigurationError", &message, |fields| fields.set_item("diagnostics", diagnostics(py, found)?))
}

/// Neither the program nor its configuration says which policy.
pub fn no_policy(py: Python<'_>) -> PyErr {
    let ways =
        "give `policy`, set ENFORCECORE_DEFAULT_POLICY, or write `policy = \"policy.yaml\"` into enforcecore.toml";
    make(py, "ConfigurationError", &format!("no policy is named: {ways}"), |_| Ok(()))
}

/// There is no enforcer.
pub fn setup(py: Python<'_>, error: &SetupError) -> PyErr {
    match error {
        SetupError::Policy(found) | SetupError::Bind(BindError::Face(found)) => {
            make(py, "PolicyLoadError", &error.to_string(), |fields| {
                fields.set_item("diagnostics", diagnostics(py, found)?)
            })
        }
        SetupError::Log(error) | SetupError::Bind(BindError::Log(error)) => log(py, error),
        _ => make(py, "PolicyLoadError", &error.to_string(), |_| Ok(())),
    }
}

/// The log cannot be opened or written.
pub fn log(py: Python<'_>, error: &LogError) -> PyErr {
    make(py, "AuditError", &error.to_string(), |_| Ok(()))
}

/// A call cannot be named, so there is none.
pub fn no_call_id(py: Python<'_>, error: &StoreError) -> PyErr {
    make(py, "EnforcementFailedError", &error.to_string(), |fields| fields.set_item("code", "no_call_id"))
}

/// A call cannot be finished.
pub fn finish(py: Python<'_>, error: FinishError) -> PyErr {
    let code = match error {
        FinishError::AlreadyFinished => "already_finished",
        FinishError::OtherProcess => "other_process",
        FinishError::Expired => "expired",
    };
    make(py, "FinishError", &error.to_string(), |fields| fields.set_item("code", code))
}

fn diagnostics<'py>(py: Python<'py>, found: &[Diagnostic]) -> PyResult<Bound<'py, PyTuple>> {
    let objects = found.iter().map(|one| diagnostic(py, one)).collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, objects)
}

fn diagnostic<'py>(py: Python<'py>, one: &Diagnostic) -> PyResult<Bound<'py, PyAny>> {
    let fields = PyDict::new(py);
    fields.set_item("file", &one.span.file)?;
    fields.set_item("line", one.span.line)?;
    fields.set_item("column", one.span.column)?;
    fields.set_item("severity", one.severity.as_str())?;
    fields.set_item("code", one.code)?;
    fields.set_item("message", &one.message)?;
    fields.set_item("help", &one.help)?;
    py.import("enforcecore.errors")?.getattr("Diagnostic")?.call((), Some(&fields))
}

/// An instance of a class of `enforcecore.errors`. If it cannot be made, what stands in its way is raised in its place.
fn make(py: Python<'_>, name: &str, message: &str, fill: impl FnOnce(&Bound<'_, PyDict>) -> PyResult<()>) -> PyErr {
    let fields = PyDict::new(py);
    let made =
        fill(&fields).and_then(|()| py.import("enforcecore.errors")?.getattr(name)?.call((message,), Some(&fields)));
    made.map_or_else(|error| error, PyErr::from_value)
}
