//! What no policy opens, in real folders: each denied call has no effect, and its twin, which differs in one fact, has.
#![cfg(test)]
#![cfg(unix)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use enforcecore::call::{Call, Context};
use enforcecore::capabilities::{Capabilities, Face};
use enforcecore::enforcer::Enforcer;
use enforcecore::outcome::{Completed, Outcome, Permit, Refused};
use enforcecore::value::{Map, Value};
use enforcecore_host::assembly::enforcer;
use enforcecore_host::config::{Config, Given, Key, Origin};

const POLICY: &str = r#"
enforcecore: 1
name: open
version: "1"
bound_by: [guard.yaml]
tools:
  read: {does: reads, args: {path: path}, returns: trusted}
  write: {does: writes, args: {path: path}, returns: trusted}
  move: {does: [writes, deletes], args: {from: path, to: path}, returns: trusted}
rules:
  - {allow: [read, write], id: aloud, when: {path: {any: true}}}
  - {allow: move, id: move, when: {from: {any: true}, to: {any: true}}}
"#;

const GUARD: &str = "enforcecore: 1\nname: guard\nversion: \"1\"\nkind: guardrail\nrules: []\n";

const FACE: Face = Face::new("test", Capabilities::ALL);

/// A project whose policy is a link, whose configuration is not written yet, and tools that do what they are called.
struct World {
    _folder: tempfile::TempDir,
    root: PathBuf,
    enforcer: Enforcer,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let folders = ["anchor", "elsewhere", "work/way", "work/conf", "work/real", "work/deep", "work/.git"];
        let plain = ["work/plain", "work/plain2", "work/plain3", "work/plain4"];
        for made in folders.iter().chain(&plain) {
            fs::create_dir_all(root.join(made)).unwrap();
        }
        for (file, text) in
            [(".git/HEAD", "ref"), ("real/policy.yaml", POLICY), ("conf/guard.yaml", GUARD), ("a", "a"), ("b", "b")]
        {
            fs::write(root.join("work").join(file), text).unwrap();
        }
        let links = [
            ("conf/policy.yaml", "../real/policy.yaml"),
            ("to-keys", "../elsewhere/keys"),
            ("to-deep", "deep"),
            ("way/anchor", "../../anchor"),
        ];
        for (link, target) in links {
            symlink(target, root.join("work").join(link)).unwrap();
        }
        let mut given = Given::by(Origin::Flag);
        for (key, path) in [
            (Key::Policy, "work/conf/policy.yaml"),
            (Key::Log, "elsewhere/log"),
            (Key::Keys, "elsewhere/keys"),
            (Key::Anchor, "work/way/anchor"),
            (Key::Workspace, "work"),
        ] {
            given.add(key, Some(root.join(path)));
        }
        let home = (OsString::from("HOME"), root.join("home").into_os_string());
        let config = Config::load(&root.join("work/deep"), None, [home], given).unwrap();
        let enforcer = enforcer(config.setup(FACE).unwrap()).unwrap();
        World { _folder: folder, root, enforcer }
    }

    fn call(&self, tool: &str, args: &[(&str, &str)]) -> Result<Completed, Refused> {
        let full = |path: &str| Value::from(self.root.join(path).to_str().unwrap());
        let args = args.iter().map(|(name, path)| ((*name).to_owned(), full(path))).collect::<Map>();
        let context = Context { session_id: "s1".to_owned(), ..Context::default() };
        let call = Call { id: self.enforcer.call_id().unwrap(), parent: None, tool: tool.to_owned(), args, context };
        self.enforcer.enforce(call, act)
    }

    /// One call that is refused without an effect, and one that has one.
    fn check(&self, tool: &str, denied: &[(&str, &str)], allowed: &[(&str, &str)]) {
        let before = contents(&self.root);
        let refused = self.call(tool, denied).unwrap_err();
        assert_eq!(refused.code, "protected_path", "{tool} {denied:?}: {}", refused.reason);
        assert_eq!(contents(&self.root), before, "{tool} {denied:?}");
        let done = self.call(tool, allowed).unwrap();
        let Completed::Released { value, .. } = done else { panic!("{tool} {allowed:?}: {done:?}") };
        assert!(value != Value::Null || contents(&self.root) != before, "{tool} {allowed:?} has no effect");
    }

    fn check_path(&self, tool: &str, denied: &str, allowed: &str) {
        self.check(tool, &[("path", denied)], &[("path", allowed)]);
    }
}

/// What the tools do.
fn act(permit: Permit) -> Outcome {
    let path = |name: &str| permit.call().args().get(name).and_then(Value::as_text).map(PathBuf::from).unwrap();
    match permit.call().tool() {
        "read" => return Outcome::Done(Value::Text(fs::read_to_string(path("path")).unwrap())),
        "write" => {
            let _ = fs::create_dir_all(path("path").parent().unwrap());
            fs::write(path("path"), "written").unwrap();
        }
        _ => fs::rename(path("from"), path("to")).unwrap(),
    }
    Outcome::Done(Value::Null)
}

/// Every file with its text, but for the log, in which a refusal is recorded.
fn contents(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() || path.is_file() {
            found.insert(path.clone(), fs::read_to_string(&path).unwrap_or_default());
        } else if !path.ends_with("elsewhere/log") && !path.ends_with("anchor") {
            found.extend(contents(&path));
            found.insert(path, String::new());
        }
    }
    found
}

#[test]
fn what_enforcement_is_made_from_is_not_written() {
    let world = World::new();
    for (denied, allowed) in [
        ("work/conf/policy.yaml", "work/conf/notes.yaml"),
        ("work/real/policy.yaml", "work/real/notes.yaml"),
        ("work/conf/guard.yaml", "work/conf/guard2.yaml"),
        ("work/.enforcecore/log/notes", "work/enforcecore/notes"),
        ("work/.enforcecore/keys/notes", "work/enforcecore/keys2"),
        ("elsewhere/log/notes", "elsewhere/logs/notes"),
        ("elsewhere/keys/notes", "elsewhere/keys2"),
        ("anchor/notes", "anchor2/notes"),
        // Neither is there yet, and each would count from the next start on.
        ("work/enforcecore.toml", "work/enforcecore.txt"),
        ("work/deep/enforcecore.toml", "work/plain/enforcecore.tom"),
        ("home/.config/enforcecore/enforcecore.toml", "home/.config/enforcecore/other.toml"),
        // Written in another way.
        ("work/to-keys/notes", "work/to-deep/notes"),
        ("work/deep/../enforcecore.toml", "work/deep/../other.toml"),
        ("work/./conf//guard.yaml", "work/./conf//guard3.yaml"),
        ("work/ENFORCECORE.toml", "work/ENFORCECORE.tom"),
    ] {
        world.check_path("write", denied, allowed);
    }
}

#[test]
fn what_starts_programs_is_not_written_wherever_it_lies() {
    let world = World::new();
    // `.git` as a file leads git to a folder of the writer's, and with it to programs that `git status` runs.
    world.check_path("write", "work/deep/.git", "work/deep/git");
    world.check_path("write", "work/.git/hooks/pre-commit", "work/git/hooks/pre-commit");
    world.check_path("write", "work/deep/er/.mcp.json", "work/deep/er/mcp.jsn");
    world.check_path("write", "other/.claude/settings.json", "other/claude/settings.json");
    world.check_path("write", "other/deep/enforcecore.toml", "other/deep/enforcecore.txt");
    world.check_path("write", "home/.bashrc", "home/.bash");
    world.check_path("read", "work/.git/config", "work/.git/HEAD");
}

/// A folder that git takes for a repository's own is protected like `.git`, whatever it is called, and none can be made.
#[test]
fn the_files_of_a_bare_repository_are_not_written() {
    let world = World::new();
    for folder in ["work/bare/objects", "work/bare/refs", "work/nearly/objects", "work/nearly/refs", "work/un/objects"]
    {
        fs::create_dir_all(world.root.join(folder)).unwrap();
    }
    for file in ["work/bare/HEAD", "work/bare/config", "work/bare/description", "work/un/HEAD"] {
        fs::write(world.root.join(file), "text").unwrap();
    }
    world.check_path("write", "work/bare/config", "work/un/config");
    world.check_path("write", "work/bare/hooks/update", "work/un/hooks/update");
    world.check_path("write", "work/bare/HEAD", "work/un/head");
    world.check_path("write", "work/nearly/HEAD", "work/nearly/head");
    world.check_path("read", "work/bare/config", "work/bare/description");
    world.check_path("read", "work/bare/config.worktree", "work/un/HEAD");
    world.check_path("write", "work/un/refs", "work/un/ref");
    world.check(
        "move",
        &[("from", "work/a"), ("to", "work/nearly/HEAD")],
        &[("from", "work/a"), ("to", "work/nearly/h")],
    );
}

#[test]
fn what_is_secret_is_not_read_and_the_rest_is() {
    let world = World::new();
    world.check_path("read", "elsewhere/keys/log-names-secret", "work/conf/policy.yaml");
    world.check_path("read", "work/to-keys/log-names-secret", "work/conf/guard.yaml");
    world.check_path("read", "elsewhere/log/log.jsonl", "work/a");
}

#[test]
fn what_is_above_is_not_moved_and_nothing_is_put_in_its_place() {
    let world = World::new();
    let both = |from, to| [("from", from), ("to", to)];
    let other = "work/other";
    world.check("move", &both("elsewhere", other), &both("work/plain", other));
    // In the one there is but a link to the anchor; what links lead to is in the others.
    world.check("move", &both("work/way", "work/w"), &both("work/plain4", "work/w"));
    world.check("move", &both("work/conf", "work/c"), &both("work/plain2", "work/c"));
    world.check("move", &both("work/real", "work/r"), &both("work/plain3", "work/r"));
    world.check("move", &both("work/a", "work/.mcp.json"), &both("work/a", "work/mcp.jsn"));
    world.check("move", &both("work/.git", "work/g"), &both("work/b", "work/g"));
}
