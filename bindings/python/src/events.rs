//! The core's events, to Python's `logging.getLogger("enforcecore")`.
//!
//! Events are kept by the thread they happen on and handed to Python once the core holds no lock: a handler may block, raise,
//! or call an enforced tool itself. No event holds an argument's value, because the core puts none in.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// The fields of every record with the names the core gives them; one that an event does not have is `None`.
const FIELDS: [(&str, &str); 8] = [
    ("call_id", "call"),
    ("tool", "tool"),
    ("policy", "policy"),
    ("session", "session"),
    ("decision", "decision"),
    ("code", "code"),
    ("rules", "rules"),
    ("effect", "effect"),
];

thread_local! {
    static KEPT: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
}

/// Listens to the core from here on.
pub fn listen() {
    // A second import of the module finds that somebody listens already.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Keeper));
}

/// Hands the events of this thread to Python's logging. A handler's exception does not change a call and is reported as
/// unraisable; an interrupt is raised.
pub fn deliver(py: Python<'_>) -> PyResult<()> {
    for event in KEPT.take() {
        if let Err(error) = event.log(py) {
            if !error.is_instance_of::<PyException>(py) {
                return Err(error);
            }
            error.write_unraisable(py, None);
        }
    }
    Ok(())
}

struct Event {
    level: u8,
    fields: Fields,
}

impl Event {
    fn log(&self, py: Python<'_>) -> PyResult<()> {
        static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let logger = LOGGER.get_or_try_init(py, || {
            Ok::<_, PyErr>(py.import("logging")?.call_method1("getLogger", ("enforcecore",))?.unbind())
        })?;
        let extra = PyDict::new(py);
        for (name, own) in FIELDS {
            extra.set_item(name, self.fields.0.get(own))?;
        }
        let duration_ms = self.fields.0.get("duration_ms").and_then(|number| number.parse::<u64>().ok());
        extra.set_item("duration_ms", duration_ms)?;
        let keywords = PyDict::new(py);
        keywords.set_item("extra", extra)?;
        let error = self.fields.0.get("error").map(|error| format!(": {error}")).unwrap_or_default();
        let message = self.fields.0.get("message").map(String::as_str).unwrap_or_default();
        logger.call_method(py, "log", (self.level, "%s", format!("{message}{error}")), Some(&keywords)).map(|_| ())
    }
}

/// Fields by name, as text.
#[derive(Clone, Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), unquoted(format!("{value:?}")));
    }
}

/// A name is quoted so that it cannot break a line; one that could not is shown as it is.
fn unquoted(text: String) -> String {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|inner| !inner.contains('\\'));
    inner.map(str::to_owned).unwrap_or(text)
}

/// Keeps events with the fields of the spans they happen in.
struct Keeper;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Keeper {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                outer.0.iter().for_each(|(name, value)| {
                    fields.0.entry(name).or_insert_with(|| value.clone());
                });
            }
        }
        event.record(&mut fields);
        let kept = Event { level: level(*event.metadata().level()), fields };
        // A thread that is ending has nobody left to hand its events to.
        let _ = KEPT.try_with(|all| all.borrow_mut().push(kept));
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }
}

/// The level's number in Python's logging.
fn level(level: Level) -> u8 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        _ => 10,
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keeper")
    }
}
