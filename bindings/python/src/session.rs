//! What the host vouches for: who acts, in which session, with which facts.

use enforcecore::call::Context;
use enforcecore::redact::shown_error;
use enforcecore::value::{Map, Value};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::value::{Place, freeze};

/// One session: frozen when it is made.
#[pyclass(frozen, module = "enforcecore._core")]
pub struct Session {
    context: Context,
}

#[pymethods]
impl Session {
    #[new]
    #[pyo3(signature = (session_id, *, tenant, principal, values, facts))]
    fn new(
        session_id: String,
        tenant: String,
        principal: &Bound<'_, PyDict>,
        values: &Bound<'_, PyDict>,
        facts: &Bound<'_, PyDict>,
    ) -> PyResult<Session> {
        let context = Context {
            session_id,
            tenant,
            principal: freeze_map("principal", principal)?,
            session: freeze_map("session", values)?,
            facts: freeze_map("facts", facts)?,
        };
        Ok(Session { context })
    }
}

impl Session {
    /// The context of a call that is made now. A tool reads a relative path from the process's working directory, so that is
    /// where it is decided from too.
    pub fn context(&self) -> Context {
        let mut context = self.context.clone();
        let cwd = std::env::current_dir().ok().and_then(|folder| folder.into_os_string().into_string().ok());
        // Without one no relative path is decided: an empty folder is not an absolute one.
        context.session.insert("cwd".to_owned(), Value::Text(cwd.unwrap_or_default()));
        context
    }
}

fn freeze_map(what: &str, values: &Bound<'_, PyDict>) -> PyResult<Map> {
    let refused = |why: &str| PyValueError::new_err(format!("{what}: {why}"));
    match freeze(values, Place::Fact).map_err(|malformed| refused(&malformed.message))? {
        (Value::Map(map), _) => {
            Value::Map(map.clone()).within_limits().map_err(|error| refused(&shown_error(&error)))?;
            Ok(map)
        }
        _ => Err(refused("not a dictionary")),
    }
}
