//! What is wrong with a configuration, and where.

use std::ops::Range;

use enforcecore::codes::Code;
use enforcecore::codes::config as code;
use enforcecore::diagnostic::{Diagnostic, Severity, Span};

/// Findings of one load at most: who has a hundred mends the first and looks again.
const FINDINGS_MAX: usize = 100;

/// What one load found: as many as a person reads, and one line more where there are others.
#[derive(Debug, Default)]
pub(super) struct Problems(pub(super) Vec<Diagnostic>);

impl Problems {
    pub(super) fn add(&mut self, found: Diagnostic) {
        match self.0.len() {
            ..FINDINGS_MAX => self.0.push(found),
            FINDINGS_MAX => {
                let message = format!("more than {FINDINGS_MAX} findings: the others are not listed");
                let help = "mend these and look again";
                self.0.push(helped(code::TOO_MANY_FINDINGS, whole(&found.span.file), message, help));
            }
            _ => {}
        }
    }

    /// Whether more was found than is kept, so that reading on says nothing new.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() > FINDINGS_MAX
    }
}

pub(super) fn problem(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic { code, severity: Severity::Error, span, message: message.into(), help: None, fix: None }
}

/// A problem and its way out.
pub(super) fn helped(code: Code, span: Span, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
    Diagnostic { help: Some(help.into()), ..problem(code, span, message) }
}

/// A file or a variable as a whole.
pub(super) fn whole(name: &str) -> Span {
    Span { file: name.to_owned(), ..Span::default() }
}

/// A place in a file's text.
pub(super) fn place(name: &str, text: &str, bytes: Range<usize>) -> Span {
    let before = text.get(..bytes.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Span { file: name.to_owned(), line: small(line), column: small(column), start: bytes.start, end: bytes.end }
}
