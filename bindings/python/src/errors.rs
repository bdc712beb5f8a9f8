//! The core's errors, as the exceptions of `enforcecore.errors`.

use enforcecore::audit::LogError;
use enforcecore::call::{Call, CallId};
use enforcecore::codes::Code;
use enforcecore::codes::call as code;
use enforcecore::diagnostic::Diagnostic;
use enforcecore::enforcer::{BindError, Enforcer, FinishError};
use enforcecore::explanation::Explanation;
use enforcecore::outcome::{Completed, Refusal, Refused};
use enforcecore::ports::StoreError;
use enforcecore::redact::{ClassSet, redact_text};
use enforcecore_host::assembly::SetupError;
use pyo3::exceptions::{PyBaseException, PySystemExit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyTuple, PyType};

use crate::types::type_name;

/// What an exception says about its call, whichever way the call went.
pub struct CallInfo {
    tool: String,
    policy: String,
    /// The call's name in the log.
    pub call: CallId,
}

impl CallInfo {
    /// Of a call under the policy in force.
    pub fn of(core: &Enforcer, call: &Call) -> CallInfo {
        CallInfo { tool: call.tool.clone(), policy: core.policy().name().to_owned(), call: call.id.clone() }
    }

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
            fields.set_item("explanation", explanation(py, refused.explanation.as_deref())?)?;
            match refused.kind {
                Refusal::Pending { expires_us } => fields.set_item("expires_us", expires_us),
                _ => Ok(()),
            }
        };
        self.error(py, name, refused.code, &refused.reason, more)
    }

    /// A call that started and ended without a result: `name` is `ToolError` or `WithheldError`.
    pub fn ended(&self, py: Python<'_>, name: &str, code: Code, reason: &str) -> PyErr {
        // An end that could not be recorded is withheld with this code.
        self.error(py, name, code, reason, |fields| fields.set_item("recorded", code != code::LOG_UNAVAILABLE))
    }

    fn error(
        &self,
        py: Python<'_>,
        name: &str,
        code: Code,
        reason: &str,
        more: impl FnOnce(&Bound<'_, PyDict>) -> PyResult<()>,
    ) -> PyErr {
        make(py, name, reason, |fields| {
            fields.set_item("code", code.as_str())?;
            fields.set_item("call_id", self.call.as_str())?;
            fields.set_item("tool_name", &self.tool)?;
            fields.set_item("policy_name", &self.policy)?;
            more(fields)
        })
    }
}

/// An explanation as the objects of its JSON, numbers with a fraction as `Decimal`.
pub fn explanation<'py>(py: Python<'py>, explanation: Option<&Explanation>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(explanation) = explanation else { return Ok(None) };
    let exact = PyDict::new(py);
    exact.set_item("parse_float", py.import("decimal")?.getattr("Decimal")?)?;
    let json = explanation.to_value().to_json();
    py.import("json")?.call_method("loads", (json,), Some(&exact)).map(Some)
}

/// An interrupt or an exit that a tool raised, for its caller: one of the same type, so that it stops what it is meant to
/// stop, with what may be seen of its words. All else stays behind: its arguments, attributes, notes and causes, and the
/// variables of its frames.
///
/// It is made without the type's own code. In the place of a type that cannot be made so, a group, or whose very name is
/// classified, stands the class it comes from.
pub fn interrupt(raised: &Bound<'_, PyBaseException>, ended: &Result<Completed, Refused>) -> PyErr {
    let words = match ended {
        Ok(Completed::Failed { message, .. }) => words(&type_name(raised), message),
        _ => "",
    };
    let classes = raised.get_type().mro();
    let made = classes.iter().find_map(|class| {
        let class = class.cast_into::<PyType>().ok()?;
        let named = redact_text(&class.name().ok()?.to_string_lossy(), ClassSet::all());
        if named.findings.is_empty() { fresh(raised, &class, words).ok() } else { None }
    });
    made.map_or_else(|| PyErr::new::<PyBaseException, _>(()), PyErr::from_value)
}

fn fresh<'py>(
    raised: &Bound<'py, PyBaseException>,
    class: &Bound<'py, PyType>,
    words: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let py = raised.py();
    let make = |words: &[&Bound<'py, PyAny>]| {
        let arguments: Vec<&Bound<'py, PyAny>> = std::iter::once(class.as_any()).chain(words.iter().copied()).collect();
        py.get_type::<PyBaseException>().call_method1("__new__", PyTuple::new(py, arguments)?)
    };
    if !class.is_subclass_of::<PySystemExit>()? {
        return if words.is_empty() { make(&[]) } else { make(&[words.into_pyobject(py)?.as_any()]) };
    }
    let code = match status(raised) {
        Some(status) => status,
        None => words.into_pyobject(py)?.into_any(),
    };
    let exit = if code.is_none() { make(&[]) } else { make(&[&code]) }?;
    exit.setattr("code", code)?;
    Ok(exit)
}

/// The words of what the core says that a tool raised, without the type's name that stands before them.
fn words<'a>(name: &str, message: &'a str) -> &'a str {
    match message.strip_prefix(name) {
        Some("") => "",
        Some(rest) => rest.strip_prefix(": ").unwrap_or(message),
        None => message,
    }
}

/// The status that the process is to end with, if it is one: anything else is text, which Python prints.
fn status<'py>(raised: &Bound<'py, PyBaseException>) -> Option<Bound<'py, PyAny>> {
    let code = raised.getattr("code").ok()?;
    let number = || code.extract::<i32>().ok().map(|number| PyInt::new(raised.py(), number).into_any());
    if code.is_none() { Some(code.clone()) } else { number() }
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
    let help = error.help().map(|help| format!("\n  help: {help}")).unwrap_or_default();
    make(py, "AuditError", &format!("{error}{help}"), |_| Ok(()))
}

/// A call cannot be named, so there is none.
pub fn no_call_id(py: Python<'_>, error: &StoreError) -> PyErr {
    make(py, "EnforcementFailedError", &error.to_string(), |fields| fields.set_item("code", code::NO_CALL_ID.as_str()))
}

/// A call cannot be finished.
pub fn finish(py: Python<'_>, error: FinishError) -> PyErr {
    let word = match error {
        FinishError::AlreadyFinished => code::ALREADY_FINISHED,
        FinishError::OtherProcess => code::OTHER_PROCESS,
        FinishError::Expired => code::EXPIRED,
    };
    make(py, "FinishError", &error.to_string(), |fields| fields.set_item("code", word.as_str()))
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
    fields.set_item("code", one.code.as_str())?;
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
