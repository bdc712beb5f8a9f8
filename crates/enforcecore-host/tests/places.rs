//! The places of a setup that no policy opens, each by its own name: what of it a tool may do.
#![cfg(test)]
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};

use enforcecore::call::{Call, Context};
use enforcecore::capabilities::{Capabilities, Face};
use enforcecore::enforcer::Enforcer;
use enforcecore::value::{Map, Value};
use enforcecore_host::assembly::{Setup, enforcer};

const POLICY: &str = r#"
enforcecore: 1
name: places
version: "1"
HEADtools:
  read: {does: reads, args: {path: path}, returns: trusted}
  write: {does: writes, args: {path: path}, returns: trusted}
  remove: {does: deletes, args: {path: path}, returns: trusted}
rules:
  - {allow: [read, write, remove], id: aloud, when: {path: {any: true}}}
"#;

/// A setup none of whose names is protected by itself: only by what it is here.
fn world(root: &Path) -> Enforcer {
    for folder in ["p/one", "p/two", "e/l", "e/k", "e/a", "c", "w/x", "links"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    let guard = |head: &str| format!("enforcecore: 1\nname: g\nversion: \"1\"\nkind: guardrail\n{head}rules: []\n");
    fs::write(root.join("p/main.yaml"), POLICY.replace("HEAD", "bound_by: [one/first.yaml]\n")).unwrap();
    fs::write(root.join("p/one/first.yaml"), guard("bound_by: [second.yaml]\n")).unwrap();
    fs::write(root.join("p/one/second.yaml"), guard("").replace("name: g", "name: h")).unwrap();
    fs::write(root.join("c/named.conf"), "").unwrap();
    for (link, target) in [("links/policy", "../p/main.yaml"), ("links/conf", "../c/named.conf"), ("links/a", "../e/a")]
    {
        std::os::unix::fs::symlink(target, root.join(link)).unwrap();
    }
    // A link to the policy would have its bounds beside the link.
    let mut setup = Setup::new(root.join("p/main.yaml"), Face::new("test", Capabilities::ALL));
    (setup.folders.log, setup.folders.keys) = (root.join("e/l"), root.join("e/k"));
    setup.folders.anchor = Some(root.join("links/a"));
    setup.workspace = root.join("w");
    setup.configuration = vec![root.join("links/conf"), root.join("c/later.conf")];
    enforcer(setup).unwrap()
}

fn code(enforcer: &Enforcer, tool: &str, path: PathBuf) -> String {
    let args = Map::from_iter([("path".to_owned(), Value::from(path.to_str().unwrap()))]);
    let id = enforcer.call_id().unwrap();
    let call = Call { id, parent: None, tool: tool.to_owned(), args, context: Context::default() };
    enforcer.decide_only(call).code.to_string()
}

/// A path, and whether a tool may read it, write it and remove it.
const PLACES: &[(&str, [bool; 3])] = &[
    // What decides may be read by all and changed by none: also what the bound is bound by, and what is not there yet.
    ("p/main.yaml", [true, false, false]),
    ("p/one/first.yaml", [true, false, false]),
    ("p/one/second.yaml", [true, false, false]),
    ("c/named.conf", [true, false, false]),
    ("c/later.conf", [true, false, false]),
    ("links/conf", [true, false, false]),
    // Evidence and keys are touched by none.
    ("e/l", [false, false, false]),
    ("e/l/log.jsonl", [false, false, false]),
    ("e/l/torn/new", [false, false, false]),
    ("e/k", [false, false, false]),
    ("e/k/log-signing-key.pem", [false, false, false]),
    // What the anchor remembers is no secret.
    ("e/a", [true, false, false]),
    ("e/a/checkpoint", [true, false, false]),
    ("links/a", [true, false, false]),
    ("links/a/checkpoint", [true, false, false]),
    // What is around them is not taken away, and may otherwise be used.
    ("p", [true, true, false]),
    ("p/one", [true, true, false]),
    ("e", [true, true, false]),
    ("c", [true, true, false]),
    ("links", [true, true, false]),
    ("", [true, true, false]),
    ("w", [true, true, false]),
    // And what only looks like it.
    ("p/main.yml", [true, true, true]),
    ("p/two", [true, true, true]),
    ("p/one/third.yaml", [true, true, true]),
    ("c/named.con", [true, true, true]),
    ("c/other.conf", [true, true, true]),
    ("e/l2", [true, true, true]),
    ("e/kk/x", [true, true, true]),
    ("e/b", [true, true, true]),
    ("links/policy2", [true, true, true]),
    ("w/x", [true, true, true]),
];

#[test]
fn every_place_of_a_setup_is_closed_by_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    let enforcer = world(&root);
    for (path, may) in PLACES {
        for (tool, may) in ["read", "write", "remove"].into_iter().zip(may) {
            let expected = if *may { "allowed" } else { "protected_path" };
            assert_eq!(code(&enforcer, tool, root.join(path)), expected, "{tool} {path}");
        }
    }
}
