//! What a call needs of Python, looked up once: when the module is imported.
//!
//! A cell that is filled at a call is being filled by one thread while another one forks. The child then waits for a thread
//! it does not have, after the intent was written and before the tool ran. So every cell is filled here, ours and those of
//! the library between Rust and Python, and at a call they are only read.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::types::{Types, type_name};

/// Objects of Python that are the same as long as the interpreter lives.
pub struct Known {
    /// `logging.getLogger("enforcecore")`.
    pub logger: Py<PyAny>,
    /// `decimal.Decimal`.
    pub decimal: Py<PyType>,
    /// How data is told from objects.
    pub types: Types,
}

static KNOWN: PyOnceLock<Known> = PyOnceLock::new();

impl Known {
    /// Fills what calls read. The importing thread holds the module's import lock, and no call can be made before it is done.
    pub fn fill(py: Python<'_>) -> PyResult<()> {
        warm(py);
        let known = Known {
            logger: py.import("logging")?.call_method1("getLogger", ("enforcecore",))?.unbind(),
            decimal: py.import("decimal")?.getattr("Decimal")?.cast_into::<PyType>()?.unbind(),
            types: Types::look_up(py)?,
        };
        // A second import of the module finds the cell filled.
        let _ = KNOWN.set(py, known);
        Ok(())
    }

    /// What [`Known::fill`] found.
    pub fn of(py: Python<'_>) -> PyResult<&Known> {
        KNOWN
            .get(py)
            .ok_or_else(|| PyRuntimeError::new_err("the module `enforcecore._core` was not imported to its end"))
    }
}

/// Uses once what the library between Rust and Python initialises at its first use: attaching to the interpreter, taking an
/// exception, a type's name.
fn warm(py: Python<'_>) {
    py.detach(|| Python::attach(|_| ()));
    let _ = py.None().bind(py).getattr("no_such_attribute");
    let _ = type_name(py.None().bind(py));
    let _ = py.get_type::<PyType>().mro();
}
