//! One diagnostic type for everything a person can mend: policies, calls in files, configuration. Faces render it.

use std::fmt;

/// One finding, with a stable code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What it is; `enforcecore explain` has a page for each.
    pub code: &'static str,
    /// Whether it stops the load.
    pub severity: Severity,
    /// Where.
    pub span: Span,
    /// What is wrong: lower-case, no final period, the user's words in backticks.
    pub message: String,
    /// A way out, if there is one.
    pub help: Option<String>,
    /// Text to put in place of the span's text, if a machine may do it.
    pub fix: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The document loads; the author should know.
    Warning,
    /// The document does not load.
    Error,
}

impl Severity {
    /// The word in machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// A place in a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The document's name.
    pub file: String,
    /// Line, from 1; 0 for the document as a whole.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Byte offset of the first byte.
    pub start: usize,
    /// Byte offset after the last byte.
    pub end: usize,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.span {
            Span { file, line: 0, .. } => write!(f, "{file}: ")?,
            Span { file, line, column, .. } => write!(f, "{file}:{line}:{column}: ")?,
        }
        write!(f, "{}[{}]: {}", self.severity.as_str(), self.code, self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// The closest of the names, if it is close enough to be a slip of the finger.
pub fn closest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|(distance, name)| *distance <= 1.max(name.chars().count() / 3) && *distance < wrong.chars().count())
        .min()
        .map(|(_, name)| name)
}
