//! Text -> a tree in which every node knows its place.
//!
//! The tree is built from the parser's events, not through serde: only the events say whether a scalar was quoted, and only
//! the source text says exactly which number was written (`49.99` is never a float here). What two YAML readers could
//! understand differently is refused (rule 10): anchors, aliases, tags, merge keys, duplicate keys, a second document, and
//! plain scalars that YAML 1.1 and 1.2 read differently.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError};

use super::plain::{Plain, read_plain};
use super::report::{At, Place, Report};
use crate::codes::policy as code;
use crate::number::Number;
use crate::value::{Map, Value, write_json_text};

/// Bytes in a document at most: a hundred thousand rules fit, a mistaken file does not.
pub const DOCUMENT_BYTES_MAX: usize = 8 << 20;
/// Levels of nesting at most: the grammar needs nine, arguments in tests a few more.
pub(crate) const DOCUMENT_DEPTH_MAX: usize = 32;

/// One node with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) kind: NodeKind,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum NodeKind {
    Text(String),
    Number(Number),
    Bool(bool),
    /// Nothing, `~` or `null`: only meaningful inside the arguments of a test.
    Nothing,
    /// A plain scalar that was refused already; its readers report nothing more.
    Refused,
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a map with its place.
pub(crate) type Key = At<String>;

impl Node {
    /// What the node is, in the words of messages.
    pub(crate) fn noun(&self) -> &'static str {
        match self.kind {
            NodeKind::Text(_) => "text",
            NodeKind::Number(_) => "a number",
            NodeKind::Bool(_) => "true or false",
            NodeKind::Nothing | NodeKind::Refused => "nothing",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a map",
        }
    }

    /// Whether it is this word.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, NodeKind::Text(text) if text == word)
    }

    /// Whether it is the number 1.
    pub(crate) fn is_one(&self) -> bool {
        matches!(&self.kind, NodeKind::Number(number) if number.text() == "1")
    }

    /// The entry of a map that has no other key.
    pub(crate) fn sole(&self, word: &str) -> Option<&(Key, Node)> {
        let NodeKind::Map(entries) = &self.kind else { return None };
        entries.first().filter(|(key, _)| entries.len() == 1 && key.value == word)
    }

    /// A text, a number or a truth value as a policy writes it, text in quotes.
    pub(crate) fn literal(&self) -> Option<String> {
        match &self.kind {
            NodeKind::Text(text) => Some(quoted(text)),
            NodeKind::Number(number) => Some(number.text().to_owned()),
            NodeKind::Bool(bool) => Some(bool.to_string()),
            NodeKind::Nothing | NodeKind::Refused | NodeKind::List(_) | NodeKind::Map(_) => None,
        }
    }

    /// The node as a value, numbers exact.
    pub(crate) fn to_value(&self) -> Value {
        match &self.kind {
            NodeKind::Text(text) => Value::Text(text.clone()),
            NodeKind::Number(number) => Value::Number(number.clone()),
            NodeKind::Bool(bool) => Value::Bool(*bool),
            NodeKind::Nothing | NodeKind::Refused => Value::Null,
            NodeKind::List(items) => Value::List(items.iter().map(Node::to_value).collect()),
            NodeKind::Map(entries) => {
                Value::Map(entries.iter().map(|(key, node)| (key.value.clone(), node.to_value())).collect::<Map>())
            }
        }
    }
}

/// Reads one document. `None` means that the report says why there is no tree.
pub(crate) fn parse(bytes: &[u8], report: &mut Report) -> Option<Node> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        let message = format!("a document of {} bytes, more than the {DOCUMENT_BYTES_MAX} allowed", bytes.len());
        report.error(code::TOO_LARGE, Place::START, message);
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("the document is not UTF-8 from byte {} on", error.valid_up_to());
            report.error(code::NOT_UTF8, Place::START, message);
            return None;
        }
    };
    if let Some((at, _)) =
        text.char_indices().find(|(_, c)| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    {
        let line = text.get(..at).unwrap_or_default().matches('\n').count().saturating_add(1);
        let place = Place::of(text, line, 0, at, None);
        report
            .error(
                code::BIDI_CHARACTER,
                place,
                "a character that changes the direction of text, so that lines read other than they are",
            )
            .help("write it as an escape (`\"\\u202e\"`) where it is meant");
        return None;
    }
    let options = granit_parser::options! {
        disallow_directives: true,
        strict_indentation: true,
        emit_unresolved_aliases: true,
        emit_comments: false,
    };
    let parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder { text, report, open: Vec::new(), root: None, documents: 0 };
    for next in parser {
        if builder.report.is_full() {
            return None;
        }
        match next {
            Ok((event, span)) => builder.event(event, &span)?,
            Err(error) => builder.syntax(&error)?,
        }
    }
    let Builder { root, report, .. } = builder;
    if root.is_none() {
        report
            .error(code::EMPTY_DOCUMENT, Place::START, "the document is empty")
            .help("a policy begins with `enforcecore: 1`");
    }
    root
}

/// Builds the tree from events with a stack of its own, so that depth is bounded by a number and not by the thread's stack.
struct Builder<'a, 'r> {
    text: &'a str,
    report: &'r mut Report,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

enum Open {
    List { place: Place, items: Vec<Node> },
    Map { place: Place, entries: Vec<(Key, Node)>, seen: HashMap<String, Place>, key: Option<Key> },
}

impl Builder<'_, '_> {
    /// Takes one event; `None` gives up on the document.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the parser's events that say nothing of the document")]
    fn event(&mut self, event: Event<'_>, span: &granit_parser::Span) -> Option<()> {
        let place = self.place(span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.report
                        .error(code::SECOND_DOCUMENT, place, "a second document in one file")
                        .help("write each document into a file of its own and name it in `bound_by`");
                    return None;
                }
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse_sharing(place, "an alias");
                self.close(Node { place, kind: NodeKind::Refused })?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.check_properties(place, anchor, tag.is_some());
                let kind = self.scalar(&text, style, place);
                self.close(Node { place, kind })?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_properties(place, anchor, tag.is_some());
                self.open(place, Open::List { place, items: Vec::new() })?;
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_properties(place, anchor, tag.is_some());
                let map = Open::Map { place, entries: Vec::new(), seen: HashMap::new(), key: None };
                self.open(place, map)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match self.open.pop()? {
                    Open::List { place: start, items } => Node { place: start.to(place), kind: NodeKind::List(items) },
                    Open::Map { place: start, entries, .. } => {
                        Node { place: start.to(place), kind: NodeKind::Map(entries) }
                    }
                };
                self.close(node)?;
            }
            _ => {}
        }
        Some(())
    }

    fn open(&mut self, place: Place, open: Open) -> Option<()> {
        if self.open.len() >= DOCUMENT_DEPTH_MAX {
            let message = format!("nested more than {DOCUMENT_DEPTH_MAX} levels deep");
            self.report.error(code::TOO_DEEP, place, message);
            return None;
        }
        self.open.push(open);
        Some(())
    }

    /// Hands a finished node to the collection it is in.
    fn close(&mut self, node: Node) -> Option<()> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { key: key @ None, .. }) => *key = Some(key_of(node, self.text, self.report)),
            Some(Open::Map { entries, seen, key: key @ Some(_), .. }) => {
                let key = key.take()?;
                match seen.get(&key.value) {
                    Some(first) => {
                        let message = format!("the key `{}` appears twice in one map", key.value);
                        let help = format!("the first one is on line {}", first.line);
                        self.report.error(code::DUPLICATE_KEY, key.place, message).help(help);
                    }
                    None => {
                        seen.insert(key.value.clone(), key.place);
                        entries.push((key, node));
                    }
                }
            }
        }
        Some(())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, place: Place) -> NodeKind {
        if text.contains('\0') {
            self.report.error(code::NOT_YAML, place, "a NUL character in text");
            return NodeKind::Refused;
        }
        if style != ScalarStyle::Plain {
            return NodeKind::Text(text.to_owned());
        }
        match read_plain(text) {
            Plain::Text => NodeKind::Text(text.to_owned()),
            Plain::Number(number) => NodeKind::Number(number),
            Plain::Bool(bool) => NodeKind::Bool(bool),
            Plain::Nothing => NodeKind::Nothing,
            Plain::Ambiguous { why, instead } => {
                // A key is reported where keys are read, with the same words.
                let fix = instead.unwrap_or_else(|| quoted(text));
                let message = format!("the plain scalar `{text}` is {why}");
                self.report.error(code::AMBIGUOUS_SCALAR, place, message).help(format!("write `{fix}`")).fix(fix);
                NodeKind::Refused
            }
        }
    }

    fn check_properties(&mut self, place: Place, anchor: usize, tag: bool) {
        if anchor != 0 {
            self.refuse_sharing(place, "an anchor");
        }
        if tag {
            self.report
                .error(code::TAG, place, "a tag: what a node is follows from the policy language alone")
                .help("remove the tag");
        }
    }

    fn refuse_sharing(&mut self, place: Place, what: &str) {
        self.report
            .error(code::ANCHOR_OR_ALIAS, place, format!("{what}: a policy says everything where it holds"))
            .help("write the value out at each place");
    }

    fn syntax(&mut self, error: &ScanError) -> Option<()> {
        let mark = error.marker();
        let place = Place::of(self.text, mark.line(), mark.col(), mark.byte_offset().unwrap_or(0), None);
        let what = error.to_string();
        let what = what.split(" at ").next().unwrap_or("a syntax error").to_owned();
        self.report.error(code::NOT_YAML, place, format!("not YAML: {what}"));
        None
    }

    fn place(&self, span: &granit_parser::Span) -> Place {
        let start = span.start.byte_offset().unwrap_or(0);
        Place::of(self.text, span.start.line(), span.start.col(), start, span.end.byte_offset())
    }
}

fn key_of(node: Node, text: &str, report: &mut Report) -> Key {
    let place = node.place;
    let written = text.get(place.start..place.end).unwrap_or_default();
    let refuse = |report: &mut Report, message: String| {
        report.error(code::NOT_TEXT, place, message).help(format!("write `{}`", quoted(written))).fix(quoted(written));
    };
    let name = match node.kind {
        NodeKind::Text(name) if name == "<<" => {
            report
                .error(code::MERGE_KEY, place, "a merge key: a policy says everything where it holds")
                .help("write the merged keys out");
            name
        }
        NodeKind::Text(name) => name,
        NodeKind::Number(_) => {
            refuse(report, format!("the key `{written}` is a number where text is expected"));
            written.to_owned()
        }
        NodeKind::Bool(_) => {
            refuse(report, format!("the key `{written}` is true or false where text is expected"));
            written.to_owned()
        }
        NodeKind::Refused => written.to_owned(),
        NodeKind::Nothing | NodeKind::List(_) | NodeKind::Map(_) => {
            report.error(code::KEY_NOT_TEXT, place, "a key that is not text");
            written.to_owned()
        }
    };
    At::new(place, name)
}

/// The text as a double-quoted scalar: JSON's form, which every YAML reader understands alike.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::new();
    write_json_text(text, &mut out);
    out
}
