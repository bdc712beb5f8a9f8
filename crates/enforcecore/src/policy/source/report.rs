//! Collects findings, so that one load tells an author everything at once.

use crate::codes::Code;
use crate::codes::policy as code;
use crate::diagnostic::{Diagnostic, Severity, Span, closest};

/// Names that a help lists at most: as many as the language has comparators. The tools of a policy may be thousands.
const LISTED_NAMES_MAX: usize = 20;

/// Findings of one load at most, errors and warnings alike: with a hundred, an author mends the first and looks again, and
/// what is kept of a mistake must not grow with the mistakes of a document.
pub(crate) const FINDINGS_MAX: usize = 100;

/// A place in the document at hand: a span without the file's name, small enough to copy everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Place {
    /// The beginning of the document.
    pub(crate) const START: Place = Place { line: 1, column: 1, start: 0, end: 0 };

    /// A place from a parser's mark: lines from 1, columns from 0. The end keeps no trailing white space.
    pub(crate) fn of(text: &str, line: usize, column: usize, start: usize, end: Option<usize>) -> Place {
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
    pub(crate) fn to(self, other: Place) -> Place {
        Place { end: other.end.max(self.end), ..self }
    }

    /// The place as a span of a named file.
    pub(crate) fn span(self, file: &str) -> Span {
        Span { file: file.to_owned(), line: self.line, column: self.column, start: self.start, end: self.end }
    }
}

/// Something with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At<T> {
    pub(crate) place: Place,
    pub(crate) value: T,
}

impl<T> At<T> {
    pub(crate) fn new(place: Place, value: T) -> At<T> {
        At { place, value }
    }
}

/// The findings of one document.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) file: String,
    pub(crate) found: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
    /// Findings beyond the limit, which are not kept: errors end the reading.
    dropped_errors: usize,
    dropped_warnings: usize,
    /// The last finding that was not kept: what is said of it goes nowhere.
    dropped: Option<Diagnostic>,
}

/// A finding just made, to which a way out may be added.
pub(crate) struct Finding<'a>(&'a mut Diagnostic);

impl Report {
    pub(crate) fn new(file: impl Into<String>) -> Report {
        Report {
            file: file.into(),
            found: Vec::new(),
            errors: 0,
            warnings: 0,
            dropped_errors: 0,
            dropped_warnings: 0,
            dropped: None,
        }
    }

    pub(crate) fn error(&mut self, code: Code, place: Place, message: impl Into<String>) -> Finding<'_> {
        self.add(code, Severity::Error, place, message.into())
    }

    pub(crate) fn warning(&mut self, code: Code, place: Place, message: impl Into<String>) -> Finding<'_> {
        self.add(code, Severity::Warning, place, message.into())
    }

    /// Whether more errors were found than are kept, so that reading on says nothing new. Warnings never end it: an error may
    /// come after any number of them.
    pub(crate) fn is_full(&self) -> bool {
        self.dropped_errors > 0
    }

    /// Whether something was found that is not kept.
    pub(crate) fn dropped_any(&self) -> bool {
        self.dropped_errors + self.dropped_warnings > 0
    }

    /// Reads each of these, until the report is full.
    pub(crate) fn each<'n, N, T>(
        &mut self,
        items: &'n [N],
        mut read: impl FnMut(&'n N, &mut Report) -> Option<T>,
    ) -> Vec<T> {
        items.iter().map_while(|item| (!self.is_full()).then(|| read(item, self))).flatten().collect()
    }

    fn add(&mut self, code: Code, severity: Severity, place: Place, message: String) -> Finding<'_> {
        let span = place.span(&self.file);
        let finding = Diagnostic { code, severity, span, message, help: None, fix: None };
        let (kept, dropped) = match severity {
            Severity::Error => (&mut self.errors, &mut self.dropped_errors),
            Severity::Warning => (&mut self.warnings, &mut self.dropped_warnings),
        };
        if *kept >= FINDINGS_MAX {
            *dropped += 1;
            return Finding(self.dropped.insert(finding));
        }
        *kept += 1;
        let index = self.found.len();
        self.found.push(finding);
        #[expect(clippy::indexing_slicing, reason = "the element was pushed in the line above")]
        Finding(&mut self.found[index])
    }
}

impl Finding<'_> {
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    pub(crate) fn fix(self, fix: impl Into<String>) -> Self {
        self.0.fix = Some(fix.into());
        self
    }

    /// Adds `did you mean` if one of the names is close, else all of them if a line can hold them.
    pub(crate) fn suggest<'n>(self, wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Self {
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

/// Cuts what was found in all documents to the limit, and says so last. Errors are kept before warnings.
pub(crate) fn cut(found: &mut Vec<Diagnostic>, dropped_any: bool, file: &str) {
    if found.len() <= FINDINGS_MAX && !dropped_any {
        return;
    }
    let is_error = |finding: &Diagnostic| finding.severity == Severity::Error;
    let errors = found.iter().filter(|finding| is_error(finding)).count();
    let mut room = FINDINGS_MAX.saturating_sub(errors);
    found.retain(|finding| {
        let fits = is_error(finding) || room > 0;
        room = room.saturating_sub(usize::from(!is_error(finding)));
        fits
    });
    found.truncate(FINDINGS_MAX);
    let severity = if errors > 0 { Severity::Error } else { Severity::Warning };
    let message = format!("more than {FINDINGS_MAX} findings: the others are not listed");
    let help = Some("mend these and look again".to_owned());
    let span = Place::START.span(file);
    found.push(Diagnostic { code: code::TOO_MANY_FINDINGS, severity, span, message, help, fix: None });
}

/// The names in the words of messages.
pub(crate) fn one_of(names: &[&str]) -> String {
    match names {
        [only] => format!("there is `{only}`"),
        _ => format!("one of `{}`", names.join("`, `")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;
    use super::*;

    /// What is kept of so many findings, and whether the reading ends there.
    fn kept(errors: usize, warnings: usize) -> (usize, bool) {
        let mut report = Report::new("policy.yaml");
        for n in 0..warnings {
            report.warning(code::GUARDRAIL_ALONE, Place::START, n.to_string()).help("help");
        }
        for n in 0..errors {
            report.error(code::UNKNOWN_KEY, Place::START, n.to_string()).help("help").fix("fix");
        }
        (report.found.len(), report.is_full())
    }

    #[test]
    fn a_hundred_of_each_are_kept_and_only_errors_end_the_reading() {
        for (errors, warnings, expected) in [
            (99, 0, (99, false)),
            (100, 0, (100, false)),
            (101, 0, (100, true)),
            (5000, 0, (100, true)),
            (0, 5000, (100, false)),
            (1, 5000, (101, false)),
            (101, 101, (200, true)),
        ] {
            assert_eq!(kept(errors, warnings), expected, "{errors} errors, {warnings} warnings");
        }
    }

    #[test]
    fn nothing_is_read_after_the_error_that_is_one_too_many() {
        let items = vec![(); 2_000_000];
        let mut looked_at = 0;
        let mut report = Report::new("policy.yaml");
        let read: Vec<()> = report.each(&items, |(), report| {
            looked_at += 1;
            report.error(code::NOT_TEXT, Place::START, "wrong");
            None
        });
        assert_eq!((looked_at, read.len(), report.found.len()), (101, 0, 100));
    }

    /// Every list and map of the language, with so many mistakes in it.
    fn mistaken(count: usize) -> Vec<String> {
        let list = |item: &str| format!("[{}]", vec![item; count].join(", "));
        let map = |entry: &str| {
            format!("{{{}}}", (0..count).map(|n| entry.replace('N', &n.to_string())).collect::<Vec<_>>().join(", "))
        };
        let tool = |what: &str| format!("tools: {{t: {{does: reads, returns: web, {what}}}}}\nrules: []\n");
        let rule = |what: &str| format!("tools: {{t: undeclared}}\nrules: [{{allow: t, id: a, {what}}}]\n");
        [
            format!("bound_by: {}\nrules: []\n", list("1")),
            format!("rules: {}\n", list("1")),
            format!("rules: []\nbudgets: {}\n", list("1")),
            format!("rules: []\ntests: {}\n", list("1")),
            format!("rules: []\ntools: {}\n", map("tN: 1")),
            format!("rules: []\napprovals: {}\n", map("aN: 1")),
            format!("rules: []\nredact: {{result: {}}}\n", list("nothing")),
            format!("rules: []\n{}", (0..count).map(|n| format!("key-{n}: 1\n")).collect::<String>()),
            format!("rules: []\nrules: [{}]\n", "x: &a 1, ".repeat(count)),
            tool(&format!("args: {}", map("aN: 1"))),
            tool(&format!("facts: {}", map("aN: 1"))),
            tool("").replace("does: reads", &format!("does: {}", list("nothing"))),
            rule(&format!("when: {}", map("aN: 1"))),
            rule(&format!("when: {{a: {}}}", map("bN: 1"))),
            rule(&format!("when: {{a: {{in: {}}}}}", list("[]"))),
            rule(&format!("when: {{a: {{host: {{in: {}}}}}}}", list("\"a b\""))),
            rule(&format!("when: {{a: {{port: {{in: {}}}}}}}", list("a"))),
            rule(&format!("when: {{a: {{scheme: {{in: {}}}}}}}", list("A"))),
            format!("tools: {{t: undeclared}}\nrules: [{{allow: {}, id: a}}]\n", list("1")),
            format!(
                "rules: []\ntests: [{{call: {{tool: t, args: {{}}}}, expect: deny, given: {{before: {}}}}}]\n",
                list("1")
            ),
        ]
        .into_iter()
        .map(|body| format!("enforcecore: 1\nname: a\nversion: \"1\"\n{body}"))
        .collect()
    }

    #[test]
    fn no_list_of_the_language_is_read_on_when_the_report_is_full() {
        for text in mistaken(5000) {
            let shown: String = text.chars().take(120).collect();
            let mut report = Report::new("policy.yaml");
            if let Some(tree) = parse(text.as_bytes(), &mut report) {
                super::super::super::parse::document::read(&tree, &mut report);
            }
            assert_eq!(report.errors, FINDINGS_MAX, "{shown}");
            // What surrounds the list may still say a word.
            assert!((1..10).contains(&report.dropped_errors), "{} {shown}", report.dropped_errors);
        }
    }
}
