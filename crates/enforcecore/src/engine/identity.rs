//! Who calls, as the log says it: under keyed names, and in clear where its operator wants that.
//!
//! State is kept under the keyed names alone, so clear names can be switched on and off without a budget or a fact changing.
//! Absent on purpose: a way from a keyed name back to the name. A person who knows the name and has the secret can make the
//! keyed one and compare.

use crate::audit::Keyer;
use crate::redact::cut_line;
use crate::value::{Map, Value, encode_map};

/// Whether the log says names in clear beside the keyed ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identities {
    /// Keyed names only.
    #[default]
    Keyed,
    /// Names in clear as well. A signed log cannot be changed, so they cannot be erased.
    Clear,
}

/// The members of a principal that may be its name, the first one first.
pub const NAME_MEMBERS: [&str; 5] = ["id", "name", "user", "sub", "email"];

/// Characters of a name that an entry holds.
const NAME_CHARS_MAX: usize = 128;

/// The keyed name of a principal: of everything the host says about it.
pub fn keyed_principal(keyer: &Keyer, principal: &Map) -> String {
    let mut encoded = Vec::new();
    encode_map(principal, &mut encoded);
    keyer.name("principal", &encoded)
}

/// A name as an entry holds it: on one line, without characters that steer a terminal, and cut.
pub fn shown_identity(name: &str) -> String {
    cut_line(name, NAME_CHARS_MAX)
}

/// The name of a principal as an entry holds it: what the first member that may be its name says, otherwise all of it as JSON.
pub fn shown_principal(principal: &Map) -> String {
    let named = NAME_MEMBERS.iter().find_map(|member| principal.get(*member)?.as_text());
    let only = || principal.values().next().and_then(Value::as_text).filter(|_| principal.len() == 1);
    match named.or_else(only) {
        Some(name) => shown_identity(name),
        None => shown_identity(&Value::Map(principal.clone()).to_json()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{MEMBER: VALUE, ..}` as an entry names it.
    #[test]
    fn a_principal_has_one_name() {
        for (principal, shown) in [
            (r#"{"id":"ann"}"#, "ann"),
            (r#"{"role":"lead","id":"ann"}"#, "ann"),
            (r#"{"email":"ann@example.com","name":"Ann O'Neil"}"#, "Ann O'Neil"),
            (r#"{"name":7,"user":"ann"}"#, "ann"),
            (r#"{"badge":"b-7"}"#, "b-7"),
            (r#"{"role":"lead","badge":"b-7"}"#, r#"{"role":"lead","badge":"b-7"}"#),
            (r#"{"id":7}"#, r#"{"id":7}"#),
            (r#"{"id":"a\u001b[2Jb\nc\u202ed\\e"}"#, r"a\u{1b}[2Jb\nc\u{202e}d\\e"),
        ] {
            let principal = Value::from_json(principal.as_bytes()).unwrap();
            assert_eq!(shown_principal(principal.as_map().unwrap()), shown, "{principal:?}");
        }
        let longest = "n".repeat(NAME_CHARS_MAX);
        assert_eq!(shown_identity(&longest), longest);
        assert_eq!(shown_identity(&format!("{longest}n")), format!("{longest}.."));
    }
}
