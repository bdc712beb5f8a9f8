//! What no rule opens: each denied call stands beside one that differs in one fact, is allowed, and whose effect is seen.

#![cfg(test)]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use enforcecore::audit::EntryKind;
use enforcecore::capabilities::Capability;
use enforcecore::diagnostic::Diagnostic;
use enforcecore::path::PathError;
use enforcecore::policy::{Loaded, PROTECTED_NAMES, Place, Policy, Protected};
use enforcecore::ports::{PathResolver, PolicySource, PolicyText, StoreError};
use support::{FACE, World, call};

/// Everything is allowed, aloud.
const POLICY: &str = r#"
enforcecore: 1
name: open
version: "1"
tools:
  read: {does: reads, args: {path: path, "other?": path}, returns: web}
  upload: {does: [reads, sends], args: {path: path}, returns: web}
  write: {does: writes, args: {path: path}, returns: trusted}
  move: {does: [writes, deletes], args: {source: path, destination: path}, returns: trusted}
  say: {does: writes, args: {words: text}, returns: trusted}
rules:
  - {allow: [read, upload, write], id: aloud, when: {path: {any: true}, every_path: {any: true}}}
  - {allow: move, id: move, when: {source: {any: true}, destination: {any: true}}}
  - {allow: say, id: say}
  - {deny: write, id: own-word, when: {path: {under: /w/keys/old}}}
"#;

fn world() -> World {
    let place = |path: &str, what, readable| Place { path: PathBuf::from(path), what, readable };
    World::protecting(
        POLICY,
        Protected::new([place("/w/conf/policy.yaml", "the policy", true), place("/w/keys", "the keys", false)], None),
    )
}

#[test]
fn no_rule_opens_what_enforcement_stands_on() {
    let world = world();
    let check = |tool: &str, denied: &str, allowed: &str| {
        let refused = world.enforcer.enforce(call(tool, denied), world.tool()).unwrap_err();
        assert_eq!(
            (refused.code.as_str(), refused.rules.len()),
            ("protected_path", 0),
            "{tool} {denied}: {}",
            refused.reason
        );
        let ran = world.ran();
        world.enforcer.enforce(call(tool, allowed), world.tool()).unwrap();
        assert_eq!(world.ran(), ran + 1, "{tool} {allowed}");
    };
    let path = |path: &str| format!(r#"{{"path":"{path}"}}"#);
    let both = |source: &str, destination: &str| format!(r#"{{"source":"{source}","destination":"{destination}"}}"#);
    // What may be read is read by who only reads.
    check("write", &path("/w/conf/policy.yaml"), &path("/w/conf/policy2.yaml"));
    check("write", &path("conf/../conf/policy.yaml"), &path("conf/../policy.yaml"));
    check("write", &path("/w/conf/POLICY.yaml"), &path("/w/conf/POLICY.yml"));
    check("upload", &path("/w/conf/policy.yaml"), &path("/w/conf/other.yaml"));
    check("read", &path("/w/keys"), &path("/w/conf/policy.yaml"));
    check("read", &path("/w/keys/secret"), &path("/w/keys2/secret"));
    // Case is told apart nowhere, as a file system may read it: the long s and the Kelvin sign are letters of this name.
    check("read", &path("/w/\u{212a}ey\u{17f}/secret"), &path("/w/ey\u{17f}/secret"));
    check("read", r#"{"path":"/w/a","other":"/w/keys/a"}"#, r#"{"path":"/w/a","other":"/w/key/a"}"#);
    // What is deleted or moved takes along what is in it; what is written to does not.
    check("move", &both("/w/conf", "/w/old"), &both("/w/con", "/w/old"));
    check("move", &both("/", "/w/old"), &both("/x", "/w/old"));
    check("move", &both("/w/a", "/w/keys/a"), &both("/w/a", "/w/b"));
    world.enforcer.enforce(call("write", &path("/w/conf")), world.tool()).unwrap();
    world.enforcer.enforce(call("say", r#"{"words":"/w/keys/secret"}"#), world.tool()).unwrap();
    assert!(world.entries().iter().filter(|entry| entry.kind == EntryKind::Denial).count() == 11);
}

#[test]
fn the_policy_speaks_first_and_the_reason_names_no_path() {
    let world = world();
    let check = |path: &str, code: &str, words: &str| {
        let decision = world.enforcer.decide_only(call("write", &format!(r#"{{"path":"{path}"}}"#)));
        assert_eq!((decision.code.as_str(), decision.reason.as_str()), (code, words));
        assert!(decision.charges.is_empty() && !decision.malformed);
    };
    check("/w/keys/old/a", "denied_by_rule", "`own-word` denies this call");
    check("/w/keys/a", "protected_path", "the argument `path` leads to the keys, which no tool may touch");
    check("/w/conf/policy.yaml", "protected_path", "the argument `path` leads to the policy, which no tool may change");
    check("/w/a", "allowed", "allowed");
}

/// Every protected name, by hand: what it is, whether a policy may open it, and whether reading it is open.
const NAMES: &[(&str, &str)] = &[
    (
        "never",
        "enforcecore.toml .git .mcp.json mcp.json mcp_config.json .claude .codex .cursor .gemini .qwen .amazonq .roo .cline .zed",
    ),
    (
        "never",
        ".vscode opencode.json opencode.jsonc .opencode .windsurf .codeium .kiro .continue .devcontainer .devcontainer.json",
    ),
    (
        "never",
        ".junie .copilot .github/hooks .factory .goose .crush .crush.json crush.json .amp .augment .trae .openhands .pi",
    ),
    ("never", ".claude-plugin cline_mcp_settings.json .config/zed .config/goose .config/amp"),
    (
        "openable",
        ".huskyrc lefthook-local.yml mise.local.toml .mise.local.toml .config/mise .hg .jj .xprofile .vimrc .exrc",
    ),
    ("openable", ".gdbinit .direnvrc .gitea/workflows .forgejo/workflows .travis.yml"),
    ("never, secret", ".enforcecore .git/config .claude.json claude_desktop_config.json"),
    (
        "openable",
        ".idea .aider.conf.yml .husky .githooks .pre-commit-config.yaml .pre-commit-config.yml lefthook.yml lefthook.yaml",
    ),
    (
        "openable",
        ".lefthook.yml .lefthook.yaml .gitmodules .pnpmfile.cjs mise.toml .mise.toml .mise .tool-versions .bashrc",
    ),
    (
        "openable",
        ".bash_profile .bash_login .bash_logout .bash_aliases .profile .zshrc .zshenv .zprofile .zlogin .zlogout",
    ),
    (
        "openable",
        ".config/fish .config/autostart .config/systemd .github/workflows .github/actions .gitlab-ci.yml .circleci",
    ),
    (
        "openable, secret",
        ".gitconfig .config/git .git-credentials .npmrc .yarnrc .yarnrc.yml bunfig.toml .pypirc pip.conf .cargo .envrc",
    ),
    ("openable, secret", ".ssh .netrc"),
];

fn names() -> impl Iterator<Item = (&'static str, bool, bool)> {
    NAMES.iter().flat_map(|(kind, names)| {
        names.split(' ').map(|name| (name, kind.starts_with("openable"), kind.ends_with("secret")))
    })
}

/// What a call of an open tool comes to: `ran`, or the code of its refusal.
fn outcome(world: &World, tool: &str, path: &str) -> &'static str {
    let ran = world.ran();
    let mut made = call(tool, "{}");
    made.args.insert("path".to_owned(), path.into());
    match world.enforcer.enforce(made, world.tool()) {
        Ok(_) => {
            assert_eq!(world.ran(), ran + 1);
            "ran"
        }
        Err(refused) => {
            assert_eq!((world.ran(), refused.rules.len()), (ran, 0), "{path}: {}", refused.reason);
            refused.code.as_str()
        }
    }
}

#[test]
fn protected_names_are_closed_wherever_they_stand() {
    let world = World::protecting(POLICY, Protected::new([], Some(Path::new("/srv/.claude/work"))));
    let mut count = 0;
    for (name, _, secret) in names() {
        count += 1;
        let reading = if secret { "protected_path" } else { "ran" };
        let upper = name.to_uppercase();
        for path in [
            format!("/w/{name}"),
            format!("/w/a/b/{name}"),
            format!("/w/{name}/below/it"),
            format!("/home/jo/{name}"),
            format!("/w/sub/{upper}"),
            format!("/w/{name}."),
        ] {
            assert_eq!(outcome(&world, "write", &path), "protected_path", "{path}");
            assert_eq!(outcome(&world, "upload", &path), "protected_path", "{path}: it reads and sends");
            assert_eq!(outcome(&world, "read", &path), reading, "{path}");
        }
        let (head, last) = name.rsplit_once('/').map_or(("", name), |(head, last)| (head, last));
        let twin = format!("/w/{head}/not{last}");
        let twin_is_protected = head == ".git";
        let expected = if twin_is_protected { "protected_path" } else { "ran" };
        assert_eq!(outcome(&world, "write", &twin), expected, "{twin}");
        assert_eq!(outcome(&world, "write", &format!("/w/{name}x")), expected, "{name}x");
    }
    assert_eq!(count, PROTECTED_NAMES.len(), "the list above has every name");
    let listed: Vec<&str> = names().map(|(name, ..)| name).collect();
    assert!(PROTECTED_NAMES.iter().all(|row| listed.contains(&row.name)));
    // Where the workspace itself lies says nothing about what is in it.
    assert_eq!(outcome(&world, "write", "/srv/.claude/work/notes.md"), "ran");
    assert_eq!(outcome(&world, "write", "/srv/.claude/notes.md"), "protected_path");
    assert_eq!(outcome(&world, "write", "/srv/.claude/work/.claude/x"), "protected_path");
    // Of two workspaces, the inner one says where its names begin.
    let world = World::protecting(POLICY, Protected::new([], Some(Path::new("/w/.claude/work"))));
    assert_eq!(outcome(&world, "write", "/w/.claude/work/notes.md"), "ran");
    assert_eq!(outcome(&world, "write", "/w/.claude/notes.md"), "protected_path");
}

/// Names that some file system takes for `.git`, each with one that none does.
const SPELLED: &[(&str, &str)] = &[
    ("/w/.GIT/hooks/x", "/w/.GAT/hooks/x"),
    ("/w/.g\u{131}t./x", "/w/.g\u{130}t./x"),
    ("/w/git~1/config", "/w/git~2/config"),
    ("/w/GIT~1/hooks/x", "/w/GIT~/hooks/x"),
    ("/w/.\u{ff47}it/x", "/w/.\u{ff47}at/x"),
    ("/w/.git /x", "/w/. git/x"),
    ("/w/.git. ./x", "/w/..git. ./x"),
    ("/w/.gi\u{200b}t/x", "/w/.ga\u{200b}t/x"),
    ("/w/.\u{fe0f}git/x", "/w/.\u{fe0f}gat/x"),
];

/// A link leads to names that no call may write.
#[test]
fn every_spelling_of_a_protected_name_is_closed() {
    for (closed, open) in SPELLED {
        for (target, expected) in [(closed, "protected_path"), (open, "ran")] {
            let world = World::guarding(POLICY, Protected::default(), FACE, Arc::new(LeadsTo(Some(target))));
            assert_eq!(outcome(&world, "write", "/w/link"), expected, "{target:?}");
        }
    }
    let world = World::new(POLICY);
    for (closed, open) in SPELLED.iter().take(7) {
        assert_eq!(outcome(&world, "write", closed), "protected_path", "{closed}");
        assert_eq!(outcome(&world, "write", open), "ran", "{open}");
    }
}

/// A file system whose every path leads to one place, or that cannot be asked.
struct LeadsTo(Option<&'static str>);

impl PathResolver for LeadsTo {
    fn follow(&self, path: &Path) -> Result<PathBuf, PathError> {
        let target = self.0.ok_or(PathError::NoResolver)?;
        Ok(PathBuf::from(if path == Path::new("/") { "/" } else { target }))
    }

    fn is_there(&self, _path: &Path) -> bool {
        false
    }
}

/// Where a face cannot tell paths apart, any of them may lead to what is protected, if anything is.
#[test]
fn a_face_that_resolves_no_path_reaches_none_once_a_place_is_protected() {
    let face = || FACE.without(Capability::ResolvePaths);
    let policy = POLICY.replace("  - {deny: write, id: own-word, when: {path: {under: /w/keys/old}}}\n", "");
    let place = Place { path: PathBuf::from("/w/keys"), what: "the keys", readable: false };
    for (places, expected) in [(vec![place], "protected_path"), (Vec::new(), "ran")] {
        let world = World::guarding(&policy, Protected::new(places, None), face(), Arc::new(LeadsTo(None)));
        for path in ["/x/a", "a", "~/a"] {
            assert_eq!(outcome(&world, "write", path), expected, "{path}");
            assert_eq!(outcome(&world, "read", path), expected, "{path}");
        }
        world.enforcer.enforce(call("say", r#"{"words":"a"}"#), world.tool()).unwrap();
    }
}

/// What moves or deletes a folder takes along what is in it.
#[test]
fn a_folder_with_a_protected_name_in_it_is_not_taken_away() {
    let world = World::protecting(POLICY, Protected::new([], Some(Path::new("/x/work"))));
    let moved = |source: &str| {
        let ended = world
            .enforcer
            .enforce(call("move", &format!(r#"{{"source":"{source}","destination":"/w/new"}}"#)), world.tool());
        ended.map(drop).map_err(|refused| refused.code.as_str())
    };
    for (source, expected) in [
        ("/w/.github", Err("protected_path")),
        ("/w/a/.github", Err("protected_path")),
        ("/w/.config", Err("protected_path")),
        ("/w/.github/ISSUE_TEMPLATE", Ok(())),
        ("/w/github", Ok(())),
        // The session's workspace, and the program's.
        ("/w", Err("protected_path")),
        ("/x", Err("protected_path")),
        ("/x/work", Err("protected_path")),
        ("/x/work/a", Ok(())),
        ("/y", Ok(())),
    ] {
        assert_eq!(moved(source), expected, "{source}");
    }
    // Writing to such a folder takes nothing away.
    assert_eq!(outcome(&world, "write", "/w/.github/FUNDING.yml"), "ran");
}

#[test]
fn a_name_is_opened_where_every_document_says_so_and_each_intent_says_it() {
    let opened = |names: &str| format!("{POLICY}unprotected: {{write: [{names}]}}\n");
    for (name, openable, _) in names() {
        let loaded = policy(&opened(name), None);
        assert_eq!(loaded.is_ok(), openable, "{name}");
        let Ok(loaded) = loaded else { continue };
        assert_eq!(loaded.warnings.iter().filter(|warning| warning.code == "EC0119").count(), 1, "{name}");
        let world = World::new(&opened(name));
        assert_eq!(outcome(&world, "write", &format!("/w/a/{name}")), "ran", "{name}");
        // To this tool, and this name.
        assert_eq!(outcome(&world, "upload", &format!("/w/a/{name}")), "protected_path", "{name}");
        let other = if name == ".husky" { ".idea" } else { ".husky" };
        assert_eq!(outcome(&world, "write", &format!("/w/{other}/x")), "protected_path", "{name}");
        assert_eq!(outcome(&world, "write", "/w/.git/hooks/x"), "protected_path", "{name}");
        let intents = world.entries().into_iter().filter(|entry| entry.kind == EntryKind::Intent).collect::<Vec<_>>();
        assert_eq!(intents.len(), 1);
        assert_eq!(intents[0].note, [("unprotected".to_owned(), name.to_owned())].into());
    }
    let bound = "enforcecore: 1\nname: g\nversion: \"1\"\nkind: guardrail\n";
    let both = format!("{bound}unprotected: {{write: [.husky]}}\n");
    let closed = policy(&format!("{}bound_by: [g]\n", opened(".husky")), Some(bound)).unwrap();
    let open = policy(&format!("{}bound_by: [g]\n", opened(".husky")), Some(&both)).unwrap();
    let codes = |loaded: &Loaded| loaded.warnings.iter().map(|warning| warning.code.as_str()).collect::<Vec<_>>();
    assert_eq!((codes(&closed), codes(&open)), (vec!["EC0118"], vec!["EC0119", "EC0119"]));
    for (loaded, expected) in [(closed, "protected_path"), (open, "ran")] {
        let world = World::new(POLICY);
        world.enforcer.rebind(loaded.policy).unwrap();
        assert_eq!(outcome(&world, "write", "/w/.husky/pre-commit"), expected);
    }
}

/// A policy that may be bound by a document called `g`.
fn policy(text: &str, bound: Option<&str>) -> Result<Loaded, Vec<Diagnostic>> {
    struct One<'a>(Option<&'a str>);
    impl PolicySource for One<'_> {
        fn read(&self, _from: &str, name: &str) -> Result<PolicyText, StoreError> {
            let text = self.0.filter(|_| name == "g").ok_or_else(|| StoreError::new("read", "there is none"))?;
            Ok(PolicyText { name: name.to_owned(), bytes: text.as_bytes().to_vec() })
        }
    }
    Policy::load(PolicyText { name: "p".to_owned(), bytes: text.as_bytes().to_vec() }, &One(bound))
}

/// A folder becomes a repository's own by the last of several files, whatever their order: so its beginnings are closed.
#[test]
fn no_repository_is_begun() {
    let world = World::protecting(POLICY, Protected::new([], None));
    for (closed, open) in [
        ("/w/x/HEAD", "/w/x/HEADS"),
        ("/w/x/commondir", "/w/x/commondirs"),
        ("/w/x/config.worktree", "/w/x/config.work"),
        ("/w/x/gitdir", "/w/x/gitdirs"),
        ("/w/HEAD/x", "/w/head/x"),
    ] {
        assert_eq!(outcome(&world, "write", closed), "protected_path", "{closed}");
        assert_eq!(outcome(&world, "write", open), "ran", "{open}");
        assert_eq!(outcome(&world, "read", closed), "ran", "{closed}");
    }
}
