//! What a message may show of what a caller or a tool chose.

use super::class::ClassSet;
use super::placeholders::redact_text;
use crate::characters::{Place, Step};
use crate::value::{Limits, RESULT_DEPTH_MAX, VALUE_DEPTH_MAX, ValueError};

/// Characters of a name that a message repeats.
const SHOWN_NAME_MAX: usize = 64;

/// A name that the caller or the tool chose (a key, a type), as a message shows it: nothing classified, on one line, short.
pub fn shown_name(name: &str) -> String {
    // Before it is cut, because no detector knows half a token.
    let name = redact_text(name, ClassSet::all()).text;
    let mut shown: String = name.chars().take(SHOWN_NAME_MAX).flat_map(char::escape_debug).collect();
    if name.chars().count() > SHOWN_NAME_MAX {
        shown.push_str("..");
    }
    shown
}

/// A text on one line, cut: characters that steer a terminal or hide, and the backslash, are written as escapes.
pub fn cut_line(text: &str, chars_max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(chars_max));
    let mut chars = text.chars();
    for c in chars.by_ref().take(chars_max) {
        let hides = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
        if c == '\\' || c.is_control() || hides {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    if chars.next().is_some() {
        line.push_str("..");
    }
    line
}

/// Why a value was refused, as a message says it. Nothing else makes text of it.
pub fn shown_error(error: &ValueError) -> String {
    match error {
        ValueError::Syntax(why) => format!("not JSON: {why}"),
        ValueError::DuplicateKey(key) => format!("the key `{}` appears twice in one object", shown_name(&key.0)),
        ValueError::Number(error) => error.to_string(),
        ValueError::TooDeep(limits) => format!(
            "nested more than {} levels deep; arguments have at most {VALUE_DEPTH_MAX} levels, results {RESULT_DEPTH_MAX}",
            shown_depth(limits.depth)
        ),
        ValueError::TooLarge { bytes, limits } => {
            let fixed = if *limits == Limits::ARGUMENTS { ", which no setting raises" } else { "" };
            format!("{bytes} bytes, more than the {} that {} may have{fixed}", limits.bytes, limits.what)
        }
        ValueError::Character(unfit, place) => format!("{unfit} {}", shown_place(place)),
    }
}

/// The envelope around a result is none of its levels.
fn shown_depth(depth: usize) -> usize {
    if depth > VALUE_DEPTH_MAX { RESULT_DEPTH_MAX } else { depth }
}

/// Where a character stands, with the keys on the way as they may be shown.
fn shown_place(place: &Place) -> String {
    let character = format!("at character {}", place.character);
    let steps = place.steps.iter().map(|step| match step {
        Step::Key(key) => shown_name(key),
        Step::Item(item) => item.to_string(),
    });
    let way = steps.collect::<Vec<_>>().join(".");
    match (way.is_empty(), place.in_key) {
        (true, true) => format!("in a key, {character}"),
        (true, false) => format!("in the text, {character}"),
        (false, true) => format!("in a key of `{way}`, {character}"),
        (false, false) => format!("in `{way}`, {character}"),
    }
}
