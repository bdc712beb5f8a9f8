//! Diagnostics for people, with the lines they are about, and for machines.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use enforcecore::diagnostic::{Diagnostic, Severity, one_line};
use serde_json::{Value as Json, json};

/// The finding under its line of the document, where there is such a line.
pub fn human(diagnostic: &Diagnostic, source: Option<&str>, renderer: &Renderer) -> String {
    let source = source.filter(|_| diagnostic.span.line > 0);
    let Some(source) = source else { return diagnostic.to_string() };
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let span = &diagnostic.span;
    let (start, end) = (span.start.min(source.len()), span.end.clamp(span.start, source.len().max(span.start)));
    let fits = source.is_char_boundary(start) && source.is_char_boundary(end) && end <= source.len();
    let title = level.clone().primary_title(one_line(&diagnostic.message)).id(diagnostic.code.as_str());
    let group = if fits {
        let snippet =
            Snippet::source(source).path(one_line(&span.file)).annotation(AnnotationKind::Primary.span(start..end));
        title.element(snippet)
    } else {
        return diagnostic.to_string();
    };
    let group = match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(one_line(help))),
        None => group,
    };
    renderer.render(&[group])
}

/// `{"code","severity","file","line","column","message","help","fix"}`.
pub fn json(diagnostic: &Diagnostic) -> Json {
    let Diagnostic { code, severity, span, message, help, fix } = diagnostic;
    json!({
        "code": code.as_str(),
        "severity": severity.as_str(),
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "message": message,
        "help": help,
        "fix": fix,
    })
}
