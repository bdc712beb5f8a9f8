//! Fetches a document and everything it is bound by.
//!
//! A document reached twice counts once; a cycle is an error, because it would be unclear which of the two is the bound.

use super::parse::document::{self, Document};
use super::source::report::{At, Report};
use super::source::yaml;
use crate::codes::Code;
use crate::codes::policy as code;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::ports::{PolicySource, PolicyText, StoreError};

/// Documents in one policy at most: an organisation, a department and a team have three.
const DOCUMENTS_MAX: usize = 32;
/// Levels of `bound_by` at most.
const BOUND_DEPTH_MAX: usize = 8;

/// Every document, the root first, what was found while reading them, and whether that is not all.
pub(super) fn load_all(root: PolicyText, source: &dyn PolicySource) -> (Vec<Document>, Vec<Diagnostic>, bool) {
    let mut loader = Loader {
        source,
        documents: Vec::new(),
        done: Vec::new(),
        path: Vec::new(),
        found: Vec::new(),
        full: false,
        dropped: false,
    };
    loader.read(root);
    (loader.documents, loader.found, loader.dropped)
}

/// The report on a file that cannot even be read, for callers that report on several files.
pub fn unreadable(file: &str, error: &StoreError) -> Diagnostic {
    Diagnostic {
        code: code::UNREADABLE,
        severity: Severity::Error,
        span: Span { file: file.to_owned(), ..Span::default() },
        message: format!("the policy cannot be read: {}", error.why),
        help: None,
        fix: None,
    }
}

struct Loader<'a> {
    source: &'a dyn PolicySource,
    documents: Vec<Document>,
    /// The names of files that were read.
    done: Vec<String>,
    /// The names of files from the root to the one at hand.
    path: Vec<String>,
    found: Vec<Diagnostic>,
    full: bool,
    /// More was found than is kept.
    dropped: bool,
}

impl Loader<'_> {
    fn read(&mut self, text: PolicyText) {
        let mut report = Report::new(text.name.clone());
        let document = yaml::parse(&text.bytes, &mut report).and_then(|tree| document::read(&tree, &mut report));
        self.found.append(&mut report.found);
        self.dropped |= report.dropped_any();
        self.done.push(text.name.clone());
        let Some(document) = document else { return };
        let bounds = document.bound_by.clone();
        self.documents.push(document);
        self.path.push(text.name.clone());
        for bound in &bounds {
            self.follow(&text.name, bound);
        }
        self.path.pop();
    }

    fn follow(&mut self, from: &str, bound: &At<String>) {
        let text = match self.source.read(from, &bound.value) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("the bound `{}` cannot be read: {}", bound.value, error.why);
                return self.refuse(code::UNREADABLE_BOUND, from, bound, message);
            }
        };
        if self.path.contains(&text.name) {
            let message = format!("the document is bound by itself through `{}`", bound.value);
            return self.refuse(code::CIRCULAR_BOUNDS, from, bound, message);
        }
        if self.done.contains(&text.name) {
            return;
        }
        if self.path.len() >= BOUND_DEPTH_MAX {
            let message = format!("bounds of bounds more than {BOUND_DEPTH_MAX} levels deep");
            return self.refuse(code::TOO_MANY_BOUNDS, from, bound, message);
        }
        if self.done.len() >= DOCUMENTS_MAX {
            if !std::mem::replace(&mut self.full, true) {
                let message = format!("more than {DOCUMENTS_MAX} documents in one policy");
                self.refuse(code::TOO_MANY_BOUNDS, from, bound, message);
            }
            return;
        }
        self.read(text);
    }

    fn refuse(&mut self, code: Code, from: &str, bound: &At<String>, message: String) {
        let span = bound.place.span(from);
        self.found.push(Diagnostic { code, severity: Severity::Error, span, message, help: None, fix: None });
    }
}
