//! Where a path lies in a git repository's own folder: which files make one, how far up is looked, and what may be done there.
#![cfg(test)]

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use enforcecore::path::PathError;
use enforcecore::policy::Protected;
use enforcecore::traits::PathResolver;
use support::{FACE, World, call, map};

const POLICY: &str = r#"
enforcecore: 1
name: open
version: "1"
tools:
  read: {does: reads, args: {path: path}, returns: trusted}
  write: {does: writes, args: {path: path}, returns: trusted}
  far: {does: writes, args: {path: {type: path, resolve: lexical}}, returns: trusted}
rules:
  - {allow: [read, write, far], id: aloud, when: {path: {any: true}}}
"#;

/// A file system in which these names are there, and nothing is a link.
struct Names(BTreeSet<PathBuf>);

impl PathResolver for Names {
    fn follow(&self, path: &Path) -> Result<PathBuf, PathError> {
        Ok(path.to_owned())
    }

    fn is_there(&self, path: &Path) -> bool {
        self.0.contains(path)
    }
}

/// What is there, the workspace, a path, and whether it may be read and written.
type Row = (&'static [&'static str], &'static str, &'static str, bool, bool);

const BARE: &[&str] = &["/r/HEAD", "/r/objects", "/r/refs"];
const BARE_ABOVE: &[&str] = &["/r/HEAD", "/r/objects", "/r/refs", "/r/w/x"];
const BARE_BELOW: &[&str] = &["/w/r/HEAD", "/w/r/objects", "/w/r/refs"];

const PATHS: &[Row] = &[
    (BARE, "/w", "/r/description", true, false),
    (BARE, "/w", "/r/hooks/update", true, false),
    (BARE, "/w", "/r/a/b/c/d", true, false),
    (BARE, "/w", "/r/config", false, false),
    (BARE, "/w", "/r/config.worktree", false, false),
    (BARE, "/w", "/r/a/config", false, false),
    (BARE, "/w", "/r/configs", true, false),
    (BARE, "/w", "/rr/description", true, true),
    (BARE, "/w", "/r", true, true),
    // Each of the three, and all of them.
    (&["/r/HEAD", "/r/objects"], "/w", "/r/description", true, true),
    (&["/r/HEAD", "/r/refs"], "/w", "/r/description", true, true),
    (&["/r/objects", "/r/refs"], "/w", "/r/description", true, true),
    (&["/r/head", "/r/objects", "/r/refs"], "/w", "/r/description", true, true),
    (&["/r/HEAD", "/r/objects", "/r/Refs"], "/w", "/r/description", true, true),
    // The one that is made now counts as there.
    (&["/r/HEAD", "/r/objects"], "/w", "/r/refs", true, false),
    (&["/r/HEAD", "/r/objects"], "/w", "/r/refs/heads", true, false),
    (&["/r/HEAD", "/r/refs"], "/w", "/r/objects", true, false),
    (&["/r/HEAD", "/r/refs"], "/w", "/r/objects/a", true, false),
    (&["/r/HEAD"], "/w", "/r/refs", true, true),
    // A work tree may lie in its bare repository: above the workspace is not looked.
    (BARE_ABOVE, "/r/w", "/r/w/a", true, true),
    (BARE_ABOVE, "/r/w", "/r/w/a/b/c", true, true),
    (BARE_ABOVE, "/r/w", "/r/w/a/config", true, true),
    (BARE_ABOVE, "/r/w", "/r/w", true, true),
    (BARE_ABOVE, "/r/w", "/r/description", true, false),
    (BARE_ABOVE, "/r/w", "/r/ww/a", true, false),
    (BARE_ABOVE, "/r/w/x", "/r/w/a", true, false),
    (BARE_ABOVE, "", "/r/w/a", true, false),
    // One in the workspace is one all the same.
    (BARE_BELOW, "/w", "/w/r/description", true, false),
    (BARE_BELOW, "/w", "/w/r/a/config", false, false),
    (BARE_BELOW, "/w", "/w/a", true, true),
];

#[test]
fn the_files_of_a_repository_are_told_by_what_lies_beside_them() {
    for (there, workspace, path, reads, writes) in PATHS {
        let names = Names(there.iter().map(PathBuf::from).collect());
        let world = World::guarding(POLICY, Protected::default(), FACE, Arc::new(names));
        // Elsewhere only the name says it.
        let far = !path.ends_with("/config.worktree");
        for (tool, may) in [("read", *reads), ("write", *writes), ("far", far)] {
            let mut made = call(tool, "{}");
            made.args.insert("path".to_owned(), (*path).into());
            made.context.session = match *workspace {
                "" => map("{}"),
                workspace => map(&format!(r#"{{"workspace":"{workspace}"}}"#)),
            };
            let ended = world.enforcer.enforce(made, world.tool()).map(drop).map_err(|refused| refused.code.as_str());
            let expected = if may { Ok(()) } else { Err("protected_path") };
            assert_eq!(ended, expected, "{tool} {path}, in {workspace:?} with {there:?}");
        }
    }
}
