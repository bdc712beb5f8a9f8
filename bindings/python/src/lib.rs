//! The extension module `enforcecore._core`: values in, the core's line around a tool, results and exceptions out.
//!
//! What Python programs use is the package beside it, `python/enforcecore`. Deliberately absent: decisions.

#![forbid(unsafe_code)]

mod enforcer;
mod errors;
mod events;
mod known;
mod session;
mod spans;
mod types;
mod value;

/// The core of the package `enforcecore`.
#[pyo3::pymodule]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::enforcer::{Admitted, Answer, Enforcer, Tool};
    #[pymodule_export]
    use crate::session::Session;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::known::Known::fill(module.py())?;
        crate::events::listen();
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
