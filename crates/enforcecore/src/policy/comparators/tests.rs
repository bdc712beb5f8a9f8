//! The table's own test: each row's example, as an allow that must permit and as a deny that must restrict.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::{Policy, Protected};
use super::{COMPARATORS_LATER, comparators};
use crate::call::{Call, CallId, Context, Freezing, FrozenCall};
use crate::decision::Verdict;
use crate::path::PathError;
use crate::ports::{PathResolver, PolicySource, PolicyText, StoreError};
use crate::session::{Keyer, SessionView};
use crate::value::{Map, Value};

struct Nothing;

impl PolicySource for Nothing {
    fn read(&self, _from: &str, _name: &str) -> Result<PolicyText, StoreError> {
        Err(StoreError::new("read a policy", "no such document"))
    }
}

impl PathResolver for Nothing {
    fn follow(&self, path: &Path) -> Result<PathBuf, PathError> {
        Ok(path.to_path_buf())
    }

    fn is_there(&self, _path: &Path) -> bool {
        false
    }
}

/// What a policy says of a call whose argument `a` is this.
fn verdict(ty: &str, test: &str, verb: &str, value: &str) -> Verdict {
    let rules = match verb {
        "deny" => format!("[{{allow: t, id: open}}, {{deny: t, id: r, when: {{a: {test}}}}}]"),
        _ => format!("[{{allow: t, id: r, when: {{a: {test}}}}}]"),
    };
    let text = format!(
        "enforcecore: 1\nname: p\nversion: \"1\"\ntools: {{t: {{does: reads, args: {{a: {ty}}}, returns: web}}}}\nrules: {rules}\n"
    );
    let text = PolicyText { name: "p".to_owned(), bytes: text.into_bytes() };
    let policy = Policy::load(text, &Nothing).unwrap_or_else(|found| panic!("{test}: {found:?}")).policy;
    let args = Value::from_json(format!("{{\"a\": {value}}}").as_bytes()).unwrap().as_map().unwrap().clone();
    let session = [("workspace".to_owned(), Value::from("/srv"))].into_iter().collect::<Map>();
    let context = Context { session, ..Context::default() };
    let call = Call { id: CallId::from_random([0; 16]), parent: None, tool: "t".to_owned(), args, context };
    let paths = policy.path_args("t");
    let call = FrozenCall::freeze(call, Freezing { paths: &paths, resolver: &Nothing, rewrites: true }).unwrap();
    let (keyer, facts) = (Keyer::new([0; 32]), BTreeMap::new());
    policy.decide(&call, &SessionView { facts: &facts, keyer: &keyer }, &Protected::default()).verdict
}

#[test]
fn every_example_is_as_its_row_says() {
    for row in comparators() {
        let test = format!("{{{}: {}}}", row.name, row.example.operand);
        for (value, holds) in [(Some(row.example.holds), true), (row.example.fails, false)] {
            let Some(value) = value else { continue };
            let permits = verdict(row.example.ty, &test, "allow", value) == Verdict::Allow;
            let restricts = verdict(row.example.ty, &test, "deny", value) == Verdict::Deny;
            assert_eq!((permits, restricts), (holds, holds), "{test} {value}");
        }
    }
}

#[test]
fn a_word_is_one_comparator_or_one_of_a_later_version() {
    let mut words: Vec<&str> = comparators().map(|row| row.name).chain(COMPARATORS_LATER.iter().copied()).collect();
    words.sort_unstable();
    let count = words.len();
    words.dedup();
    assert_eq!(words.len(), count);
}
