//! What one side said in vain. Each is named once on our stderr: a person who looks for what is missing finds it there.
//!
//! Names are any text and are looked at before they are shown, so it is only done on a [`super::stage`].

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use enforcecore::redact::shown_name;
use tracing::warn;

/// Names that are remembered at most.
const CUTS_MAX: usize = 100;

/// What was named.
#[derive(Default)]
pub struct Cuts {
    named: Mutex<HashSet<String>>,
}

impl Cuts {
    /// Names what is left out of a message, unless it was named before.
    pub fn say(&self, whose: &str, message: &str, left_out: &[String]) {
        let names = self.fresh(whose, message, left_out);
        if !names.is_empty() {
            let message = shown_name(message);
            let names = names.join(", ");
            warn!(
                whose,
                message, names, "left out, because no policy decides it; `enforcecore mcp --explain` says what passes"
            );
        }
    }

    fn fresh(&self, whose: &str, message: &str, left_out: &[String]) -> Vec<String> {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fresh = Vec::new();
        for name in left_out {
            let shown = shown_name(name);
            if named.len() < CUTS_MAX && named.insert(format!("{whose} {} {shown}", shown_name(message))) {
                fresh.push(shown);
            }
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_named_once_and_no_more_than_a_few_are_remembered() {
        let cuts = Cuts::default();
        let fresh = |whose: &str, names: &[&str]| {
            cuts.fresh(whose, "initialize", &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(fresh("the client's", &["capabilities.sampling", "x"]), ["capabilities.sampling", "x"]);
        assert_eq!(fresh("the client's", &["x", "jo@example.com"]), ["EC_EMAIL_1"]);
        assert_eq!(fresh("the server's", &["x"]), ["x"]);
        for name in 0..2 * CUTS_MAX {
            fresh("the client's", &[&name.to_string()]);
        }
        assert_eq!(cuts.named.lock().unwrap().len(), CUTS_MAX);
        assert!(fresh("the client's", &["another"]).is_empty());
    }
}
