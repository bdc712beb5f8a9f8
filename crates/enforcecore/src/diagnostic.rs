//! One diagnostic type for everything a person can mend: policies, calls in files, configuration. Faces render it.

use crate::codes::Code;
use std::fmt::{self, Write as _};

/// One finding, with a stable code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What it is; `enforcecore explain` has a page for each.
    pub code: Code,
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
        write!(f, "{}", one_line(&self.span.file))?;
        match &self.span {
            Span { line: 0, .. } => write!(f, ": ")?,
            Span { line, column, .. } => write!(f, ":{line}:{column}: ")?,
        }
        write!(f, "{}[{}]: {}", self.severity.as_str(), self.code, one_line(&self.message))?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {}", one_line(help))?;
        }
        Ok(())
    }
}

/// Foreign text as part of a line for people: what would steer a terminal, end the line or turn its direction is written as
/// an escape. A tab stays.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c != '\t' && (c.is_control() || turns) {
            // Writing to a string does not fail.
            let _ = write!(line, "{}", c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::policy as code;

    #[test]
    fn nothing_that_is_shown_steers_a_terminal() {
        let check = |text: &str, expected: &str| assert_eq!(one_line(text), expected);
        check(
            "plain, `quoted` \\ \"text\"\tin \u{e9}\u{4e2d}\u{1f600}",
            "plain, `quoted` \\ \"text\"\tin \u{e9}\u{4e2d}\u{1f600}",
        );
        check("a\x1b]0;title\x07\x1b[2J", r"a\u{1b}]0;title\u{7}\u{1b}[2J");
        check("a\nb\rc\x08\x7f\u{9b}", r"a\nb\rc\u{8}\u{7f}\u{9b}");
        check("a\u{202e}b\u{2066}c\u{2028}", r"a\u{202e}b\u{2066}c\u{2028}");
    }

    #[test]
    fn a_diagnostic_is_one_line_and_its_help_another() {
        let span = Span { file: "a\nb".to_owned(), ..Span::default() };
        let (message, help) = ("wrong \x1b[31m".to_owned(), Some("mend\rit".to_owned()));
        let one = Diagnostic { code: code::NOT_YAML, severity: Severity::Error, span, message, help, fix: None };
        assert_eq!(one.to_string(), "a\\nb: error[EC0003]: wrong \\u{1b}[31m\n  help: mend\\rit");
    }
}
