//! What a message may show of what a caller or a tool chose.

use super::class::ClassSet;
use super::placeholders::redact_text;
use crate::value::{VALUE_BYTES_MAX, VALUE_DEPTH_MAX, ValueError};

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

/// Why a value was refused, as a message says it. Nothing else makes text of it.
pub fn shown_error(error: &ValueError) -> String {
    match error {
        ValueError::Syntax(why) => format!("not JSON: {why}"),
        ValueError::DuplicateKey(key) => format!("the key `{}` appears twice in one object", shown_name(&key.0)),
        ValueError::Number(error) => error.to_string(),
        ValueError::TooDeep => format!("nested more than {VALUE_DEPTH_MAX} levels deep"),
        ValueError::TooLarge { bytes } => format!("{bytes} bytes, more than the {VALUE_BYTES_MAX} allowed"),
        ValueError::Nul => "a NUL character in text".to_owned(),
    }
}
