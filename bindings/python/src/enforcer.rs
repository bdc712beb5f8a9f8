//! The line, as Python calls it: `enforce` runs the tool itself; `begin` and `finish` stand around a tool that the host runs.
//!
//! The core is only called with the interpreter's lock released, so that a thread that waits for the log never keeps the
//! thread that writes it from going on. No decision is made here.

use std::io;
use std::path::{Path, PathBuf, absolute};
use std::sync::{Mutex, PoisonError};

use enforcecore::audit::Durability;
use enforcecore::call::{Call, CallId, Malformed};
use enforcecore::capabilities::{Capabilities, Capability, Face};
use enforcecore::codes::call as code;
use enforcecore::decision::{Decision, Verdict};
use enforcecore::enforcer::{self, Enforcer as Core, FinishError};
use enforcecore::outcome::{BeginMode, Completed, Outcome, Permit, Refused};
use enforcecore::session::EndSessionError;
use enforcecore::value::{Map, VALUE_BYTES_MAX};
use enforcecore_host::assembly::{self, Setup, SetupError};
use enforcecore_host::config::{Config, Given, Key, Origin, Setting};
use enforcecore_host::evidence::LogFolders;
use pyo3::exceptions::{PyBaseException, PyException, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{self, CallInfo};
use crate::events;
use crate::session::Session;
use crate::types::type_name;
use crate::value::{Arguments, Shape, freeze_result, thaw};

/// What a tool in this interpreter can be held to. Nothing can end it at a deadline, so a policy with one is refused.
const FACE: Face = Face::new(
    "python",
    Capabilities::NONE
        .with(Capability::RewriteArguments)
        .with(Capability::RewriteResults)
        .with(Capability::ResolvePaths)
        .with(Capability::KeepState),
);

/// Enforces one policy, with its evidence in one log.
#[pyclass(frozen, module = "enforcecore._core")]
pub struct Enforcer {
    setup: Setup,
    /// Locked only while the interpreter's lock is held and never across a call of the core, so a fork finds it free.
    bound: Mutex<Bond>,
}

/// The core's enforcer with the process it belongs to.
struct Bond {
    process: u32,
    core: Core,
}

/// A tool: its name, and the parameters that may hold opaque objects.
#[pyclass(frozen, module = "enforcecore._core")]
pub struct Tool {
    #[pyo3(get)]
    name: String,
    opaque: Vec<String>,
}

/// A call between begin and finish.
#[pyclass(frozen, module = "enforcecore._core")]
pub struct Admitted {
    inner: Mutex<Option<enforcer::Admitted>>,
    arguments: Arguments,
    info: CallInfo,
}

/// The decision that a call would get.
#[pyclass(frozen, get_all, module = "enforcecore._core")]
pub struct Answer {
    /// `allow`, `ask` or `deny`.
    verdict: &'static str,
    /// The stable code.
    code: &'static str,
    /// One sentence for a person, without any argument's value.
    reason: String,
    /// The rules that made the verdict.
    rules: Vec<String>,
    /// Why the call would not run, as JSON objects.
    explanation: Option<Py<PyAny>>,
}

#[pymethods]
impl Tool {
    #[new]
    fn new(name: String, opaque: Vec<String>) -> Tool {
        Tool { name, opaque }
    }
}

#[pymethods]
impl Enforcer {
    #[new]
    #[pyo3(signature = (*, config, policy, log, keys, anchor, durability))]
    fn new(
        py: Python<'_>,
        config: Option<PathBuf>,
        policy: Option<PathBuf>,
        log: Option<PathBuf>,
        keys: Option<PathBuf>,
        anchor: Option<PathBuf>,
        durability: Option<String>,
    ) -> PyResult<Enforcer> {
        let mut given = Given::by(Origin::Argument);
        for (key, path) in [(Key::Policy, policy), (Key::Log, log), (Key::Keys, keys), (Key::Anchor, anchor)] {
            given.add(key, path);
        }
        given.add(Key::Durability, durability);
        let config = Config::here(config.as_deref(), given).map_err(|found| errors::configuration(py, &found))?;
        let setup = with_absolute_paths(config.setup(FACE).ok_or_else(|| errors::no_policy(py))?)?;
        log_policy_origin(&config, &setup.policy);
        let bound = bind(&setup);
        events::deliver(py)?;
        let bound = Mutex::new(bound.map_err(|error| errors::setup(py, &error))?);
        Ok(Enforcer { setup, bound })
    }

    /// One call, end to end.
    fn enforce<'py>(
        &self,
        py: Python<'py>,
        tool: &Tool,
        arguments: &Bound<'py, PyDict>,
        session: &Session,
        parent: Option<&str>,
        run: Py<PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (core, call, arguments, info) = self.call(py, tool, arguments, session, parent)?;
        let mut run =
            Run { function: run, call: call.id.clone(), arguments, shape: Shape::Plain, raised: None, interrupt: None };
        let ended = py.detach(|| core.enforce(call, |permit| Python::attach(|py| run.run(py, &permit))));
        events::deliver(py)?;
        match (run.raised, run.interrupt) {
            (Some(error), _) => Err(error),
            (None, Some(interrupt)) => Err(errors::interrupt(interrupt.value(py), &ended)),
            (None, None) => seen_by_caller(py, &info, ended, &run.shape),
        }
    }

    /// The line up to the tool.
    fn begin(
        &self,
        py: Python<'_>,
        tool: &Tool,
        arguments: &Bound<'_, PyDict>,
        session: &Session,
        parent: Option<&str>,
    ) -> PyResult<Admitted> {
        let (core, call, arguments, info) = self.call(py, tool, arguments, session, parent)?;
        let admitted = py.detach(|| core.begin(call, BeginMode::Split));
        events::deliver(py)?;
        let admitted = admitted.map_err(|refused| info.refused(py, &refused))?;
        Ok(Admitted { inner: Mutex::new(Some(admitted)), arguments, info })
    }

    /// The line after a tool that returned.
    fn finish<'py>(
        &self,
        py: Python<'py>,
        admitted: &Admitted,
        result: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (outcome, shape) = returned(result);
        self.end(py, admitted, outcome, &shape)
    }

    /// The line after a tool that raised.
    fn fail<'py>(
        &self,
        py: Python<'py>,
        admitted: &Admitted,
        error: &Bound<'py, PyBaseException>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.end(py, admitted, raised(error), &Shape::Plain)
    }

    /// What would be decided now. Nothing is admitted, recorded or run.
    fn decide(
        &self,
        py: Python<'_>,
        tool: &Tool,
        arguments: &Bound<'_, PyDict>,
        session: &Session,
    ) -> PyResult<Answer> {
        let (core, call, arguments) = self.read(py, tool, arguments, session, None)?;
        match arguments {
            Err(Malformed { code, message }) => {
                let (verdict, rules) = (Verdict::Deny.as_str(), Vec::new());
                Ok(Answer { verdict, code: code.as_str(), reason: message, rules, explanation: None })
            }
            Ok(_) => {
                let decided = py.detach(|| core.decide_only(call));
                events::deliver(py)?;
                let verdict = decided.verdict.as_str();
                let explanation = errors::explanation(py, decided.explanation.as_deref())?.map(Bound::unbind);
                let Decision { code, reason, rules, .. } = decided;
                Ok(Answer { verdict, code: code.as_str(), reason, rules, explanation })
            }
        }
    }

    /// Refuses and records a call whose arguments do not even fit the function.
    fn refuse_unbound(
        &self,
        py: Python<'_>,
        tool: &Tool,
        session: &Session,
        parent: Option<&str>,
        why: String,
    ) -> PyResult<()> {
        let core = self.core(py)?;
        let call = new_call(py, &core, tool, session, parent)?;
        Err(refuse(py, &core, call, Malformed::new(code::ARGUMENTS_DO_NOT_FIT, why))?)
    }

    /// Ends a session: its calls are refused from here on.
    fn end_session(&self, py: Python<'_>, session: &Session) -> PyResult<()> {
        let core = self.core(py)?;
        let context = session.context();
        let ended = py.detach(|| core.end_session(&context));
        events::deliver(py)?;
        ended.map_err(|error| match error {
            EndSessionError::Log(error) => errors::log(py, &error),
            EndSessionError::Unnamed => PyValueError::new_err(error.to_string()),
        })
    }

    /// Writes what is buffered, and returns once it is on stable storage. What a parent buffered is the parent's to write.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        if self.bound.lock().unwrap_or_else(PoisonError::into_inner).process != std::process::id() {
            return Ok(());
        }
        let core = self.core(py)?;
        let flushed = py.detach(|| core.log().flush());
        events::deliver(py)?;
        flushed.map_err(|error| errors::log(py, &error))
    }

    /// Whether something may be written later than the calls it is about.
    #[getter]
    fn writes_later(&self) -> bool {
        self.setup.durability == Durability::Buffered || self.setup.folders.anchor.is_some()
    }

    /// The policy's name.
    #[getter]
    fn policy_name(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.core(py)?.policy().name().to_owned())
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("an enforcer cannot be copied or pickled: make one in each process"))
    }
}

impl Enforcer {
    /// The core's enforcer of this process. A child of fork has none yet: it reads the policy and opens the log for itself.
    fn core(&self, py: Python<'_>) -> PyResult<Core> {
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        if bound.process != std::process::id() {
            *bound = bind(&self.setup).map_err(|error| errors::setup(py, &error))?;
        }
        Ok(bound.core.clone())
    }

    /// A call, and its arguments frozen, or why they cannot be.
    fn read(
        &self,
        py: Python<'_>,
        tool: &Tool,
        arguments: &Bound<'_, PyDict>,
        session: &Session,
        parent: Option<&str>,
    ) -> PyResult<(Core, Call, Result<Arguments, Malformed>)> {
        let core = self.core(py)?;
        let mut call = new_call(py, &core, tool, session, parent)?;
        let policy = core.policy();
        let mut frozen = Arguments::freeze(arguments, &tool.opaque, |name| policy.sees_arg(&tool.name, name));
        if let Ok(arguments) = &mut frozen {
            call.args = std::mem::take(&mut arguments.seen);
        }
        Ok((core, call, frozen))
    }

    /// The same for a call that is to run: one that cannot be frozen is refused and recorded.
    fn call(
        &self,
        py: Python<'_>,
        tool: &Tool,
        arguments: &Bound<'_, PyDict>,
        session: &Session,
        parent: Option<&str>,
    ) -> PyResult<(Core, Call, Arguments, CallInfo)> {
        let (core, call, arguments) = self.read(py, tool, arguments, session, parent)?;
        match arguments {
            Err(malformed) => Err(refuse(py, &core, call, malformed)?),
            Ok(arguments) => {
                let info = CallInfo::of(&core, &call);
                Ok((core, call, arguments, info))
            }
        }
    }

    fn end<'py>(
        &self,
        py: Python<'py>,
        admitted: &Admitted,
        outcome: Outcome,
        shape: &Shape,
    ) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core(py)?;
        let inner = admitted.inner.lock().unwrap_or_else(PoisonError::into_inner).take();
        let inner = inner.ok_or_else(|| errors::finish(py, FinishError::AlreadyFinished))?;
        let ended = py.detach(|| core.finish(inner, outcome));
        events::deliver(py)?;
        let ended = ended.map_err(|error| errors::finish(py, error))?;
        seen_by_caller(py, &admitted.info, ended, shape)
    }
}

#[pymethods]
impl Admitted {
    /// The arguments to run the tool with, in a fresh dictionary: exactly what was decided and committed to.
    #[getter]
    fn args<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let decided = self.decided().ok_or_else(|| errors::finish(py, FinishError::AlreadyFinished))?;
        self.arguments.thaw(py, &decided)
    }

    /// The call's name in the log.
    #[getter]
    fn call_id(&self) -> &str {
        self.info.call.as_str()
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("an admitted call cannot be copied or pickled: it is finished once, where it began"))
    }
}

impl Admitted {
    /// The arguments as they were decided. A copy, because making objects can run the collector and so any code, in which
    /// another thread gets the interpreter's lock: no lock of ours may be held then.
    fn decided(&self) -> Option<Map> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.as_ref().map(|admitted| admitted.call().args().clone())
    }
}

#[pymethods]
impl Answer {
    fn __repr__(&self) -> String {
        format!("<{} ({}): {}>", self.verdict, self.code, self.reason)
    }
}

/// The result as the caller may see it, or the exception that says why there is none.
fn seen_by_caller<'py>(
    py: Python<'py>,
    info: &CallInfo,
    ended: Result<Completed, Refused>,
    shape: &Shape,
) -> PyResult<Bound<'py, PyAny>> {
    match ended {
        Ok(Completed::Released { value, .. }) => thaw(py, &value, shape),
        Ok(Completed::Failed { code, message, .. }) => Err(info.ended(py, "ToolError", code, &message)),
        Ok(Completed::Withheld { code, reason, .. }) => Err(info.ended(py, "WithheldError", code, &reason)),
        Err(refused) => Err(info.refused(py, &refused)),
    }
}

/// The tool of one call, and what it leaves that the core has no place for.
struct Run {
    function: Py<PyAny>,
    call: CallId,
    arguments: Arguments,
    /// The types of its result.
    shape: Shape,
    /// What was raised before the tool was called, by a handler of the log.
    raised: Option<PyErr>,
    /// What the tool raised that is no failure of its own: an interrupt or an exit.
    interrupt: Option<PyErr>,
}

impl Run {
    fn run(&mut self, py: Python<'_>, permit: &Permit) -> Outcome {
        let ready = events::deliver(py).and_then(|()| self.arguments.thaw(py, permit.call().args()));
        let arguments = match ready {
            Ok(arguments) => arguments,
            Err(error) => {
                self.raised = Some(error);
                let why = "interrupted before the tool was called".to_owned();
                return Outcome::NotStarted { code: code::NOT_STARTED, why };
            }
        };
        // The interpreter's lock was waited for, and handlers of the log have run: the last look is here.
        if let Some(changed) = permit.look_again() {
            return changed;
        }
        match self.function.bind(py).call1((self.call.as_str(), arguments)) {
            Ok(result) => {
                let (outcome, shape) = returned(&result);
                self.shape = shape;
                outcome
            }
            Err(error) => {
                let outcome = raised(error.value(py));
                if !error.is_instance_of::<PyException>(py) {
                    self.interrupt = Some(error);
                }
                outcome
            }
        }
    }
}

/// A tool's result, frozen before other code can change it.
fn returned(result: &Bound<'_, PyAny>) -> (Outcome, Shape) {
    match freeze_result(result) {
        Ok((value, shape, replaced)) if replaced.is_empty() => (Outcome::Done(value), shape),
        Ok((value, shape, replaced)) => (Outcome::Mended { replaced, outcome: Box::new(Outcome::Done(value)) }, shape),
        Err(malformed) => (Outcome::Unreadable(malformed), Shape::Plain),
    }
}

/// What a tool raised, in words that the core redacts.
fn raised(error: &Bound<'_, PyBaseException>) -> Outcome {
    let name = type_name(error);
    let words = error.str().map(|words| words.to_string_lossy().into_owned());
    Outcome::Failed(match words {
        Ok(words) if words.is_empty() => name,
        Ok(words) if words.len() <= VALUE_BYTES_MAX => format!("{name}: {words}"),
        Ok(_) => format!("{name}, with a message that is too long to be shown"),
        Err(_) => format!("{name}, with a message that cannot be read"),
    })
}

/// The setup with absolute paths, because a child of fork may have gone elsewhere.
fn with_absolute_paths(setup: Setup) -> io::Result<Setup> {
    let Setup { policy, folders, workspace, configuration, .. } = setup;
    let (log, keys, anchor) = (absolute(folders.log)?, absolute(folders.keys)?, folders.anchor.map(absolute));
    let folders = LogFolders { log, keys, anchor: anchor.transpose()?, ..folders };
    let configuration = configuration.into_iter().map(absolute).collect::<io::Result<_>>()?;
    let (policy, workspace) = (absolute(policy)?, absolute(workspace)?);
    Ok(Setup { policy, folders, workspace, configuration, ..setup })
}

/// The program does not show which policy its configuration names, so the program's log says it.
fn log_policy_origin(config: &Config, policy: &Path) {
    if let Some(Setting { origin, .. }) = config.get(Key::Policy).filter(|named| named.origin != Origin::Argument) {
        tracing::info!("the policy `{}` is enforced, as {origin} says", policy.display());
    }
}

/// Held under the interpreter's lock on purpose: no fork can happen in the middle of it.
fn bind(setup: &Setup) -> Result<Bond, SetupError> {
    Ok(Bond { process: std::process::id(), core: assembly::enforcer(setup.clone())? })
}

fn new_call(py: Python<'_>, core: &Core, tool: &Tool, session: &Session, parent: Option<&str>) -> PyResult<Call> {
    let id = core.call_id().map_err(|error| errors::no_call_id(py, &error))?;
    let parent = parent.and_then(CallId::from_text);
    Ok(Call { id, parent, tool: tool.name.clone(), args: Map::new(), context: session.context() })
}

/// Refuses a call that cannot be read, on the record. The outer error is an interrupt while that was logged.
fn refuse(py: Python<'_>, core: &Core, call: Call, malformed: Malformed) -> PyResult<PyErr> {
    let info = CallInfo::of(core, &call);
    let refused = py.detach(|| core.refuse_malformed(call, malformed));
    events::deliver(py)?;
    Ok(info.refused(py, &refused))
}
