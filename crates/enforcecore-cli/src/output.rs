//! Results go to stdout, everything else to stderr. Nothing else in this crate writes to either.

use std::io::{self, Write};

use serde_json::Value as Json;

use crate::error::CommandError;

/// Where results go.
pub struct Output {
    stream: Box<dyn Write>,
}

impl Output {
    /// The process's stdout: buffered, and without colours where nobody sees them.
    pub fn stdout() -> Output {
        Output { stream: Box::new(io::BufWriter::new(anstream::stdout())) }
    }

    /// One line for people.
    pub fn line(&mut self, text: &str) -> Result<(), CommandError> {
        Ok(writeln!(self.stream, "{text}")?)
    }

    /// One line for machines.
    pub fn json(&mut self, value: &Json) -> Result<(), CommandError> {
        Ok(writeln!(self.stream, "{value}")?)
    }

    /// Everything so far, now.
    pub fn flush(&mut self) -> Result<(), CommandError> {
        Ok(self.stream.flush()?)
    }
}

/// Says on stderr why a command failed. If nobody can hear it, the exit status still says so.
pub fn complain(message: &dyn std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{message}");
}
