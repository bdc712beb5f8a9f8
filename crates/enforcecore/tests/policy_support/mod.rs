//! What the policy tests share: documents from memory, calls from JSON, paths without a file system.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};

use enforcecore::call::{Call, CallId, Context, Freezing, FrozenCall, Malformed};
use enforcecore::decision::Decision;
use enforcecore::diagnostic::Diagnostic;
use enforcecore::path::PathError;
use enforcecore::policy::{Loaded, Policy, Protected};
use enforcecore::ports::{PathResolver, PolicySource, PolicyText, StoreError};
use enforcecore::session::{Fact, Keyer, SessionView};
use enforcecore::value::{Map, Value};

/// Documents by name.
#[derive(Default)]
pub struct Documents(pub HashMap<String, String>);

impl PolicySource for Documents {
    fn read(&self, _from: &str, name: &str) -> Result<PolicyText, StoreError> {
        match self.0.get(name) {
            Some(text) => Ok(PolicyText { name: name.to_owned(), bytes: text.clone().into_bytes() }),
            None => Err(StoreError::new("read a policy", "no such document")),
        }
    }
}

/// Resolves `.` and `..` in the text alone; a path that holds `broken` cannot be resolved.
pub struct Lexical;

impl PathResolver for Lexical {
    fn follow(&self, path: &Path) -> Result<PathBuf, PathError> {
        if path.to_string_lossy().contains("broken") {
            return Err(PathError::TooManyLinks);
        }
        let mut resolved = PathBuf::from("/");
        for part in path.components() {
            match part {
                Component::Normal(name) => resolved.push(name),
                Component::ParentDir => drop(resolved.pop()),
                _ => {}
            }
        }
        Ok(resolved)
    }

    fn is_there(&self, _path: &Path) -> bool {
        false
    }
}

/// Loads a document that names no others.
pub fn load(text: &str) -> Result<Loaded, Vec<Diagnostic>> {
    load_with(text, &[])
}

/// Loads a document with others beside it.
pub fn load_with(text: &str, others: &[(&str, &str)]) -> Result<Loaded, Vec<Diagnostic>> {
    load_bytes(text.as_bytes().to_vec(), others)
}

pub fn load_bytes(bytes: Vec<u8>, others: &[(&str, &str)]) -> Result<Loaded, Vec<Diagnostic>> {
    let others = others.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Policy::load(PolicyText { name: "policy.yaml".to_owned(), bytes }, &Documents(others))
}

/// A policy that must load.
pub fn policy(text: &str) -> Policy {
    policy_with(text, &[])
}

pub fn policy_with(text: &str, others: &[(&str, &str)]) -> Policy {
    match load_with(text, others) {
        Ok(loaded) => loaded.policy,
        Err(found) => panic!("{}\n{text}", render(&found)),
    }
}

pub fn render(found: &[Diagnostic]) -> String {
    found
        .iter()
        .map(|one| format!("{one}\n{}", one.fix.as_ref().map(|fix| format!("  fix: {fix}\n")).unwrap_or_default()))
        .collect()
}

/// A call with everything around it, built step by step.
#[derive(Clone)]
pub struct Scene {
    pub tool: String,
    pub args: Value,
    pub principal: Value,
    pub session: Value,
    pub facts: Value,
    /// Facts that results set: name, value, contradicted.
    pub set: Vec<(String, Value, bool)>,
}

/// A call of a tool with JSON arguments.
pub fn call(tool: &str, args: &str) -> Scene {
    let none = || Value::Map(Map::new());
    Scene {
        tool: tool.to_owned(),
        args: json(args),
        principal: none(),
        session: none(),
        facts: none(),
        set: Vec::new(),
    }
}

pub fn json(text: &str) -> Value {
    Value::from_json(text.as_bytes()).unwrap()
}

impl Scene {
    pub fn principal(mut self, text: &str) -> Scene {
        self.principal = json(text);
        self
    }

    pub fn session(mut self, text: &str) -> Scene {
        self.session = json(text);
        self
    }

    pub fn facts(mut self, text: &str) -> Scene {
        self.facts = json(text);
        self
    }

    pub fn set_fact(mut self, name: &str, value: &str, contradicted: bool) -> Scene {
        self.set.push((name.to_owned(), Value::from(value), contradicted));
        self
    }

    pub fn freeze(&self, policy: &Policy) -> Result<FrozenCall, Malformed> {
        let map = |value: &Value| value.as_map().cloned().unwrap();
        let context = Context {
            session_id: "s".to_owned(),
            tenant: String::new(),
            principal: map(&self.principal),
            session: map(&self.session),
            facts: map(&self.facts),
        };
        let (id, args) = (CallId::from_random([7; 16]), map(&self.args));
        let call = Call { id, parent: None, tool: self.tool.clone(), args, context };
        let paths = policy.path_args(&self.tool);
        FrozenCall::freeze(call, Freezing { paths: &paths, resolver: &Lexical, rewrites: true })
    }

    pub fn decide(&self, policy: &Policy) -> Decision {
        let keyer = Keyer::new([1; 32]);
        let fact = |(name, value, contradicted): &(String, Value, bool)| {
            let fingerprint = keyer.fingerprint(value);
            (name.clone(), Fact { fingerprint, contradicted: *contradicted })
        };
        let facts: BTreeMap<String, Fact> = self.set.iter().map(fact).collect();
        policy.decide(
            &self.freeze(policy).unwrap(),
            &SessionView { facts: &facts, keyer: &keyer },
            &Protected::default(),
        )
    }
}

/// `allow by a`, `ask by b, c`, `deny by no rule`, or `malformed: code`.
pub fn words(decision: &Decision) -> String {
    if decision.malformed {
        return format!("malformed: {}", decision.code);
    }
    let by = if decision.rules.is_empty() { "no rule".to_owned() } else { decision.rules.join(", ") };
    format!("{} by {by}", decision.verdict.as_str())
}
