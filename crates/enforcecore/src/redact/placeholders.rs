//! From findings to text: overlapping spans become one, and each is replaced by a numbered placeholder.
//!
//! A placeholder (`EC_EMAIL_1`) is made of letters, digits and underscores alone, so it means nothing to a shell, a URL or a
//! pattern. Its number is the same for the same original within one text or value, or within a session where there is one, so
//! that a model can tell two customers apart. A placeholder already in the input is inert: it stands for nothing and is left alone.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::class::{ClassSet, classes};
use super::class_row::{Class, PREFIX};
use super::json_text::{fit, quote_of};
use super::scan::{RedactionFinding, findings as scan};
use super::span::{Span, union};
use super::work::{List, count};

/// A text with its findings replaced by placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedactedText {
    /// The text that may be seen.
    pub text: String,
    /// What was found in the original, in order, overlaps included.
    pub findings: Vec<RedactionFinding>,
}

/// Replaces every classified span of a text.
pub fn redact_text(text: &str, classes: ClassSet) -> RedactedText {
    redact_text_in(text, classes, &mut Placeholders::default())
}

/// Does what [`redact_text`] does, in numbers that go on from those of others.
pub(crate) fn redact_text_in(text: &str, classes: ClassSet, placeholders: &mut Placeholders<'_>) -> RedactedText {
    let (redacted, findings) = placeholders.redact(text, classes);
    RedactedText { text: redacted.unwrap_or_else(|| text.to_owned()), findings: findings.into_vec() }
}

/// Renderings of one text at most. Replacing a span can bring its neighbours together into something classified; each
/// further rendering covers it, and a text that still is not clean is replaced whole.
const RENDERINGS_MAX: usize = 4;

/// The number that a value has in its session, if it has one.
type Issued<'a> = &'a dyn Fn(Class, &str) -> Option<u64>;

/// The numbers given so far: those of a session, if there is one, and those given to what it has not seen.
#[derive(Default)]
pub(crate) struct Placeholders<'a> {
    /// The number that a value has in its session.
    issued: Option<Issued<'a>>,
    numbers: HashMap<(Class, String), u64>,
    last: BTreeMap<Class, u64>,
    /// Those the rendering at hand gave.
    added: List<(Class, String)>,
    /// Those that are new, by class, in the order of their numbers.
    fresh: BTreeMap<Class, Vec<String>>,
}

impl<'a> Placeholders<'a> {
    /// Goes on where a session's numbers end.
    pub(crate) fn after(issued: Issued<'a>, last: BTreeMap<Class, u64>) -> Placeholders<'a> {
        Placeholders { issued: Some(issued), last, ..Placeholders::default() }
    }

    /// The values that got a number here, by class, in the order of their numbers.
    pub(crate) fn fresh(self) -> BTreeMap<Class, Vec<String>> {
        self.fresh
    }

    /// Replaces every classified span of a text, until a scan of the result finds nothing.
    pub(super) fn redact(&mut self, text: &str, classes: ClassSet) -> (Option<String>, List<RedactionFinding>) {
        let mut findings = scan(text, classes);
        if findings.is_empty() {
            return (None, findings);
        }
        for _ in 0..RENDERINGS_MAX {
            let spans = fit(text, union(&findings, |class| class.row().rank));
            let rendering = self.render(text, &spans);
            let further = scan(&rendering.text, classes);
            if further.is_empty() {
                return (Some(rendering.text), findings);
            }
            self.take_back();
            findings.extend(further.iter().map(|finding| rendering.original(finding)));
            findings.sort_by_key(|finding| (finding.start, finding.end));
        }
        let class = findings.iter().map(|finding| finding.class).max_by_key(|class| class.row().rank);
        let class = class.unwrap_or(Class::PRIVATE_KEY);
        let mut whole = List::default();
        whole.push(RedactionFinding { class, rule: WHOLE_TEXT, start: 0, end: text.len() });
        whole.extend(findings.drain());
        let quote = quote_of(text);
        (Some(format!("{quote}{}{quote}", self.placeholder(class, text))), whole)
    }

    /// Takes back the numbers of a rendering that is not used, so that the numbers a reader sees have no gaps.
    fn take_back(&mut self) {
        for name in self.added.drain() {
            self.last.entry(name.0).and_modify(|last| *last -= 1);
            self.fresh.entry(name.0).and_modify(|fresh| drop(fresh.pop()));
            self.numbers.remove(&name);
        }
    }

    fn render(&mut self, text: &str, spans: &List<Span>) -> Rendering {
        self.added.clear();
        let mut rendering = Rendering { text: String::with_capacity(text.len()), pieces: List::default() };
        let mut copied = 0;
        for span in spans.iter() {
            rendering.push(text.get(copied..span.range.start).unwrap_or_default(), copied..span.range.start, false);
            let original = text.get(span.range.clone()).unwrap_or_default();
            let placeholder = format!("{0}{1}{0}", span.quote, self.placeholder(span.class, original));
            rendering.push(&placeholder, span.range.clone(), true);
            copied = span.range.end;
        }
        rendering.push(text.get(copied..).unwrap_or_default(), copied..text.len(), false);
        rendering
    }

    fn placeholder(&mut self, class: Class, original: &str) -> String {
        count(original.len());
        let name = (class, (class.row().canonical)(original).into_owned());
        let number = match self.numbers.get(&name) {
            Some(number) => *number,
            None => self.number(name),
        };
        class.row().placeholder(number)
    }

    /// The number of a value that is met here for the first time.
    fn number(&mut self, name: (Class, String)) -> u64 {
        let (class, value) = &name;
        if let Some(number) = self.issued.and_then(|issued| issued(*class, value)) {
            self.numbers.insert(name, number);
            return number;
        }
        let last = self.last.entry(*class).or_default();
        *last += 1;
        self.fresh.entry(*class).or_default().push(value.clone());
        self.added.push(name.clone());
        self.numbers.insert(name, *last);
        *last
    }
}

/// The placeholders that stand in a text, each as its class and number.
pub(crate) fn placeholders_in(text: &str) -> impl Iterator<Item = (Class, u64)> {
    let named = |after: &str| classes().find_map(|class| Some((class, class.row().number_in(after)?)));
    text.split(PREFIX).skip(1).filter_map(named)
}

/// Names the finding that covers a text no rendering of which was clean.
const WHOLE_TEXT: &str = "whole_text";

/// A text in the making, with where each piece of it comes from.
struct Rendering {
    text: String,
    pieces: List<Piece>,
}

struct Piece {
    start: usize,
    original: Range<usize>,
    placeholder: bool,
}

impl Rendering {
    fn push(&mut self, text: &str, original: Range<usize>, placeholder: bool) {
        count(text.len());
        self.pieces.push(Piece { start: self.text.len(), original, placeholder });
        self.text.push_str(text);
    }

    /// A finding in this text as a span of the original; a placeholder it touches is taken whole.
    fn original(&self, finding: &RedactionFinding) -> RedactionFinding {
        let piece = |offset: usize| self.pieces.last_within(|piece| piece.start <= offset);
        let start = piece(finding.start).map_or(0, |piece| match piece.placeholder {
            true => piece.original.start,
            false => piece.original.start + finding.start - piece.start,
        });
        let end = piece(finding.end.saturating_sub(1)).map_or(start, |piece| match piece.placeholder {
            true => piece.original.end,
            false => piece.original.start + finding.end - piece.start,
        });
        RedactionFinding { start, end, ..finding.clone() }
    }
}
