//! Where a path lies in a git repository's own folder: which files make one, how far up is looked, and what may be done there.
#![cfg(test)]

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use enforcecore::path::PathError;
use enforcecore::policy::Protected;
use enforcecore::ports::PathResolver;
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

/// A file system in which `/w/a` leads elsewhere at one look alone: it is exchanged all the time.
struct Exchanged {
    at: usize,
    looks: AtomicUsize,
}

impl PathResolver for Exchanged {
    fn follow(&self, path: &Path) -> Result<PathBuf, PathError> {
        if path != Path::new("/w/a") {
            return Ok(path.to_owned());
        }
        let look = self.looks.fetch_add(1, Ordering::SeqCst);
        Ok(PathBuf::from(if look == self.at { "/elsewhere" } else { "/w/a" }))
    }

    fn is_there(&self, _path: &Path) -> bool {
        false
    }
}

/// The first look decides; four more are taken before the tool starts, so that one that is exchanged at every second look is
/// seen.
#[test]
fn a_path_is_looked_at_four_times_before_its_tool_starts() {
    for (at, runs) in [(0, false), (1, false), (2, false), (3, false), (4, false), (5, true), (9, true)] {
        let exchanged = Arc::new(Exchanged { at, looks: AtomicUsize::new(0) });
        let world = World::guarding(POLICY, Protected::default(), FACE, Arc::clone(&exchanged) as _);
        let ended = world.enforcer.enforce(call("write", r#"{"path":"/w/a"}"#), world.tool());
        let code = ended.map(drop).map_err(|refused| refused.code.as_str());
        assert_eq!(code, if runs { Ok(()) } else { Err("path_changed") }, "at look {at}");
        assert_eq!(world.ran(), usize::from(runs));
    }
}
