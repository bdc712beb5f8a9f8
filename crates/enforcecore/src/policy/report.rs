//! Collects findings, so that one load tells an author everything at once.

use crate::diagnostic::{Diagnostic, Severity, Span, closest};

/// Names that a help lists at most: as many as the language has comparators. The tools of a policy may be thousands.
const LISTED_NAMES_MAX: usize = 20;

/// A place in the document at hand: a span without the file's name, small enough to copy everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Place {
    /// The beginning of the document.
    pub(super) const START: Place = Place { line: 1, column: 1, start: 0, end: 0 };

    /// A place from a parser's mark: lines from 1, columns from 0. The end keeps no trailing white space.
    pub(super) fn of(text: &str, line: usize, column: usize, start: usize, end: Option<usize>) -> Place {
        let end = end.unwrap_or(start).max(start);
        let kept = text.get(start..end).map_or(end - start, |slice| slice.trim_end().len());
        Place {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1),
            start,
            end: start + kept,
        }
    }

    /// From the beginning of this place to the end of the other.
    pub(super) fn to(self, other: Place) -> Place {
        Place { end: other.end.max(self.end), ..self }
    }

    /// The place as a span of a named file.
    pub(super) fn span(self, file: &str) -> Span {
        Span { file: file.to_owned(), line: self.line, column: self.column, start: self.start, end: self.end }
    }
}

/// Something with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At<T> {
    pub(super) place: Place,
    pub(super) value: T,
}

impl<T> At<T> {
    pub(super) fn new(place: Place, value: T) -> At<T> {
        At { place, value }
    }
}

/// The findings of one document.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) file: String,
    pub(super) found: Vec<Diagnostic>,
}

/// A finding just made, to which a way out may be added.
pub(super) struct Finding<'a>(&'a mut Diagnostic);

impl Report {
    pub(super) fn new(file: impl Into<String>) -> Report {
        Report { file: file.into(), found: Vec::new() }
    }

    pub(super) fn error(&mut self, code: &'static str, place: Place, message: impl Into<String>) -> Finding<'_> {
        self.add(code, Severity::Error, place, message.into())
    }

    pub(super) fn warning(&mut self, code: &'static str, place: Place, message: impl Into<String>) -> Finding<'_> {
        self.add(code, Severity::Warning, place, message.into())
    }

    fn add(&mut self, code: &'static str, severity: Severity, place: Place, message: String) -> Finding<'_> {
        let span = place.span(&self.file);
        let index = self.found.len();
        self.found.push(Diagnostic { code, severity, span, message, help: None, fix: None });
        #[expect(clippy::indexing_slicing, reason = "the element was pushed in the line above")]
        Finding(&mut self.found[index])
    }
}

impl Finding<'_> {
    pub(super) fn help(self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    pub(super) fn fix(self, fix: impl Into<String>) -> Self {
        self.0.fix = Some(fix.into());
        self
    }

    /// Adds `did you mean` if one of the names is close, else all of them if a line can hold them.
    pub(super) fn suggest<'n>(self, wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Self {
        let names: Vec<&str> = names.into_iter().collect();
        match closest(wrong, names.iter().copied()) {
            Some(name) => {
                let help = format!("did you mean `{name}`?");
                self.help(help).fix(name)
            }
            None if (1..=LISTED_NAMES_MAX).contains(&names.len()) => self.help(one_of(&names)),
            None => self,
        }
    }
}

/// The names in the words of messages.
pub(super) fn one_of(names: &[&str]) -> String {
    match names {
        [only] => format!("there is `{only}`"),
        _ => format!("one of `{}`", names.join("`, `")),
    }
}
