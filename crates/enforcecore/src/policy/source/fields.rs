//! Reading maps and scalars of the tree: every key is known or refused, every scalar has the kind it must have.

use std::time::Duration;

use super::report::{At, Place, Report};
use super::yaml::{Key, Node, NodeKind, quoted};
use crate::codes::policy as code;
use crate::lookalike::is_invisible;

/// Seconds in a deadline, a wait or a validity at most: a month; longer is a mistyped unit.
const DURATION_SECONDS_MAX: u64 = 31 * 86_400;
/// Bytes in a name (of a document, tool, rule, budget, approval) at most: what a log line shows whole.
const NAME_BYTES_MAX: usize = 128;

/// The entries of a map, taken one key at a time; a key that is not taken is unknown.
pub(crate) struct Fields<'n> {
    pub(crate) place: Place,
    entries: &'n [(Key, Node)],
    known: Vec<&'static str>,
    later: &'static [&'static str],
}

impl<'n> Fields<'n> {
    /// The node's entries; `what` names the node in messages, `later` are keys of the language not supported yet.
    pub(crate) fn of(
        node: &'n Node,
        what: &str,
        later: &'static [&'static str],
        report: &mut Report,
    ) -> Option<Fields<'n>> {
        let entries = entries(node, what, report)?;
        Some(Fields { place: node.place, entries, known: Vec::new(), later })
    }

    pub(crate) fn get(&mut self, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        self.entries.iter().find(|(own, _)| own.text == key).map(|(_, node)| node)
    }

    pub(crate) fn require(&mut self, key: &'static str, what: &str, report: &mut Report) -> Option<&'n Node> {
        let node = self.get(key);
        if node.is_none() {
            report.error(code::MISSING_KEY, self.place, format!("{what} without `{key}`"));
        }
        node
    }

    /// Does what [`Fields::require`] does; where the key is missing, `help` says what may stand there.
    pub(crate) fn require_or_help(
        &mut self,
        key: &'static str,
        what: &str,
        help: impl Into<String>,
        report: &mut Report,
    ) -> Option<&'n Node> {
        let node = self.get(key);
        if node.is_none() {
            report.error(code::MISSING_KEY, self.place, format!("{what} without `{key}`")).help(help);
        }
        node
    }

    /// The place of a key that is there.
    pub(crate) fn key_place(&self, key: &str) -> Option<Place> {
        self.entries.iter().find(|(own, _)| own.text == key).map(|(own, _)| own.place)
    }

    /// Reports the keys that were not taken.
    pub(crate) fn finish(self, what: &str, report: &mut Report) {
        for (key, _) in self.entries {
            if report.is_full() {
                return;
            }
            // A merge key was refused where it was read.
            if self.known.contains(&key.text.as_str()) || key.text == "<<" {
                continue;
            }
            if self.later.contains(&key.text.as_str()) {
                not_supported_yet(key.place, &key.text, report);
            } else {
                report
                    .error(code::UNKNOWN_KEY, key.place, format!("unknown key `{}` in {what}", key.text))
                    .suggest(&key.text, self.known.iter().copied());
            }
        }
    }
}

/// Reports a word of the language that this version cannot enforce: refusing is honest, ignoring would not be.
pub(crate) fn not_supported_yet(place: Place, word: &str, report: &mut Report) {
    report.error(code::NOT_SUPPORTED, place, format!("`{word}` is not supported yet"));
}

pub(crate) fn entries<'n>(node: &'n Node, what: &str, report: &mut Report) -> Option<&'n [(Key, Node)]> {
    match &node.kind {
        NodeKind::Map(entries) => Some(entries),
        _ => wrong_shape(node, what, "a map", report),
    }
}

pub(crate) fn list<'n>(node: &'n Node, what: &str, report: &mut Report) -> Option<&'n [Node]> {
    match &node.kind {
        NodeKind::List(items) => Some(items),
        _ => wrong_shape(node, what, "a list", report),
    }
}

/// One node or a list of them.
pub(crate) fn one_or_list(node: &Node) -> &[Node] {
    match &node.kind {
        NodeKind::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

/// Text; a number or a truth value is refused with the quoted form as the fix (rule 10).
pub(crate) fn text(node: &Node, what: &str, report: &mut Report) -> Option<At<String>> {
    let written = match &node.kind {
        NodeKind::Text(text) => return Some(At::new(node.place, text.clone())),
        NodeKind::Number(number) => number.text().to_owned(),
        NodeKind::Bool(bool) => bool.to_string(),
        _ => return wrong_shape(node, what, "text", report),
    };
    let fix = quoted(&written);
    report
        .error(code::NOT_TEXT, node.place, format!("{what} is text, and `{written}` is {}", node.noun()))
        .help(format!("write `{fix}`"))
        .fix(fix);
    None
}

/// True or false.
pub(crate) fn bool(node: &Node, what: &str, report: &mut Report) -> Option<bool> {
    match node.kind {
        NodeKind::Bool(value) => Some(value),
        _ => wrong_shape(node, what, "`true` or `false`", report),
    }
}

/// Text that names something: short, printable, without spaces at its ends.
pub(crate) fn name(node: &Node, what: &str, report: &mut Report) -> Option<At<String>> {
    let name = text(node, what, report)?;
    check_name(&name, what, report).then_some(name)
}

pub(crate) fn key_name(key: &Key, what: &str, report: &mut Report) -> Option<At<String>> {
    let name = At::new(key.place, key.text.clone());
    check_name(&name, what, report).then_some(name)
}

fn check_name(name: &At<String>, what: &str, report: &mut Report) -> bool {
    let text = &name.value;
    let fits = (1..=NAME_BYTES_MAX).contains(&text.len()) && text.trim() == text;
    let plain = !text.chars().any(|c| c.is_control() || is_invisible(c));
    if !(fits && plain) {
        let message = format!("{what} is 1 to {NAME_BYTES_MAX} bytes of printable text");
        report.error(code::BAD_NAME, name.place, message);
    }
    fits && plain
}

/// A length of time: digits and one unit, `500ms`, `30s`, `15m`, `24h`, `7d`.
pub(crate) fn duration(node: &Node, what: &str, report: &mut Report) -> Option<At<Duration>> {
    let text = match &node.kind {
        NodeKind::Number(number) => At::new(node.place, number.text().to_owned()),
        _ => text(node, what, report)?,
    };
    match parse_duration(&text.value) {
        Some(duration) => Some(At::new(text.place, duration)),
        None => {
            report
                .error(
                    code::BAD_DURATION,
                    text.place,
                    format!("{what} `{}` is not a length of time up to 31 days", text.value),
                )
                .help("write digits and a unit: `500ms`, `30s`, `15m`, `24h`, `7d`");
            None
        }
    }
}

/// A length of time up to 31 days: digits and one unit, `500ms`, `30s`, `15m`, `24h`, `7d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(split)?;
    let count: u64 = digits.parse().ok()?;
    let duration = match unit {
        "ms" => Duration::from_millis(count),
        "s" => Duration::from_secs(count),
        "m" => Duration::from_secs(count.checked_mul(60)?),
        "h" => Duration::from_secs(count.checked_mul(3_600)?),
        "d" => Duration::from_secs(count.checked_mul(86_400)?),
        _ => return None,
    };
    (count > 0 && duration.as_secs() <= DURATION_SECONDS_MAX).then_some(duration)
}

pub(crate) fn wrong_shape<T>(node: &Node, what: &str, wanted: &str, report: &mut Report) -> Option<T> {
    match node.kind {
        // Its scalar was refused already.
        NodeKind::Refused => {}
        _ => {
            report.error(code::WRONG_SHAPE, node.place, format!("{what} is {wanted}, and this is {}", node.noun()));
        }
    }
    None
}
