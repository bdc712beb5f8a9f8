//! The core's events, to Python's `logging.getLogger("enforcecore")`.
//!
//! Events are kept by the thread they happen on and handed to Python once the core holds no lock: a handler may block, raise,
//! or call an enforced tool itself. No event holds an argument's value, because the core puts none in.

use std::cell::RefCell;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};

use crate::known::Known;
use crate::spans::{self, Fields};

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

/// The most detailed level that is logged.
const LEVEL_MAX: Level = Level::INFO;

thread_local! {
    static KEPT: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
}

/// Listens to the core from here on.
pub fn listen() {
    // A second import of the module finds the subscriber set.
    let _ = tracing::subscriber::set_global_default(EventCollector);
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
        let logger = &Known::of(py)?.logger;
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

/// Keeps events with the fields of the spans they happen in.
struct EventCollector;

impl Subscriber for EventCollector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= LEVEL_MAX
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::from_level(LEVEL_MAX))
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        spans::open(attributes)
    }

    fn clone_span(&self, id: &Id) -> Id {
        spans::share(id);
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        spans::close(&id)
    }

    fn enter(&self, id: &Id) {
        spans::enter(id);
    }

    fn exit(&self, id: &Id) {
        spans::exit(id);
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = spans::current();
        event.record(&mut fields);
        let kept = Event { level: level(*event.metadata().level()), fields };
        // A thread that is ending can hand its events to no one.
        let _ = KEPT.try_with(|all| all.borrow_mut().push(kept));
    }

    /// A span of the core has all its fields from the beginning.
    fn record(&self, _: &Id, _: &Record<'_>) {}

    /// Which span came from which is not logged.
    fn record_follows_from(&self, _: &Id, _: &Id) {}
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
