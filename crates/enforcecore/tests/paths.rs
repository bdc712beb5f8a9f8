//! The path that was decided is the path that the tool gets, whatever the caller wrote and whatever happens meanwhile.

#![cfg(test)]

mod support;

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use enforcecore::audit::EntryKind;
use enforcecore::call::FrozenCall;
use enforcecore::capabilities::Capability;
use enforcecore::outcome::{BeginMode, Refusal};
use enforcecore::path::PathError;
use enforcecore::ports::{ApprovalRequest, Approver, AskOutcome, Grant, PathResolver};
use support::{FACE, NOON_US, World, call};

/// A file system of symbolic links and entries, which a test may change at any moment.
#[derive(Default)]
struct Links {
    links: Mutex<BTreeMap<PathBuf, PathBuf>>,
    entries: Vec<&'static str>,
}

impl Links {
    fn of(links: &[(&str, &str)], entries: &[&'static str]) -> Arc<Links> {
        let links = links.iter().map(|(from, to)| (PathBuf::from(from), PathBuf::from(to))).collect();
        Arc::new(Links { links: Mutex::new(links), entries: entries.to_vec() })
    }

    fn set(&self, from: &str, to: Option<&str>) {
        let mut links = self.links.lock().unwrap();
        match to {
            Some(to) => drop(links.insert(PathBuf::from(from), PathBuf::from(to))),
            None => drop(links.remove(Path::new(from))),
        }
    }
}

impl PathResolver for Links {
    fn follow(&self, path: &Path) -> Result<PathBuf, PathError> {
        let links = self.links.lock().unwrap();
        let mut resolved = PathBuf::from("/");
        for part in path.components() {
            match part {
                Component::ParentDir => drop(resolved.pop()),
                Component::Normal(name) => resolved.push(name),
                _ => {}
            }
            if let Some(target) = links.get(&resolved) {
                resolved.clone_from(target);
            }
        }
        match resolved.starts_with("/loop") {
            true => Err(PathError::TooManyLinks),
            false => Ok(resolved),
        }
    }

    fn is_there(&self, path: &Path) -> bool {
        self.entries.iter().any(|entry| Path::new(entry) == path) || self.links.lock().unwrap().contains_key(path)
    }
}

/// One tool for each way to declare a path, all of them open.
const DECLARED: &str = r#"
enforcecore: 1
name: declared
version: "1"
tools:
  plain: {does: reads, args: {p: path}, returns: web}
  based: {does: reads, args: {p: {type: path, base: /b}}, returns: web}
  session: {does: reads, args: {p: {type: path, base: session.workspace}}, returns: web}
  remove: {does: deletes, args: {p: {type: path, base: /b}}, returns: web}
  open: {does: deletes, args: {p: {type: path, base: /b, resolve: links}}, returns: web}
  record: {does: reads, args: {p: {type: path, base: /b, resolve: parent}}, returns: web}
  virtual: {does: reads, args: {p: {type: path, base: /b/root, resolve: lexical, send: relative}}, returns: web}
  container: {does: reads, args: {p: {type: path, base: /app, resolve: lexical}}, returns: web}
  below: {does: reads, args: {p: {type: path, base: /l/in, send: relative}}, returns: web}
rules:
  - {allow: [plain, based, session, record, virtual, container, below], id: a}
  - {allow: [remove, open], id: b, when: {p: {any: true}}}
"#;

/// A tool, the path that it is called with, and what the tool gets or why it gets nothing.
const GETS: &[(&str, &str, &str)] = &[
    ("plain", "/x/../y", "/y"),
    ("plain", "/l/x", "/real/x"),
    ("plain", "x", "relative_path"),
    ("plain", "./x", "relative_path"),
    ("based", "x", "/b/x"),
    ("based", "/x", "/x"),
    ("based", "../x", "/x"),
    ("based", "link", "/out/file"),
    ("based", "to-loop/x", "path_unresolved"),
    ("based", "link/../x", "path_form"),
    ("session", "x", "/w/x"),
    // What acts on a name gets the name; what opens a file gets the file.
    ("remove", "link", "/b/link"),
    ("remove", "link/", "/b/link"),
    ("remove", "/l/x", "/real/x"),
    ("open", "link", "/out/file"),
    ("record", "link", "/b/link"),
    ("record", ".", "/b"),
    // A root of the tool's own: nothing above it, and no link is followed.
    ("virtual", "/a/./b/../c.md", "a/c.md"),
    ("virtual", "a.md", "a.md"),
    ("virtual", "/", "."),
    ("virtual", "/b/root/a", "b/root/a"),
    ("virtual", "../x", "path_form"),
    ("virtual", "/a/../../x", "path_form"),
    ("virtual", "-rf", "path_form"),
    ("virtual", "./-rf", "path_form"),
    ("virtual", "@list", "path_form"),
    ("virtual", "a/-rf", "a/-rf"),
    // What a spelling hides shows in the path that is sent.
    ("virtual", "./~/x", "path_form"),
    ("virtual", "a/../~/x", "path_form"),
    ("virtual", "./ /etc/passwd", "path_form"),
    ("virtual", "./file:///etc/passwd", "path_form"),
    ("virtual", "./$HOME/x", "path_form"),
    ("virtual", "./\"/x", "path_form"),
    ("virtual", "./C:/x", "path_form"),
    ("virtual", "x /.", "path_form"),
    ("virtual", "x\"/.", "path_form"),
    ("below", "./~/x", "path_form"),
    ("below", "a/../~/x", "path_form"),
    ("below", "./ /etc/passwd", "path_form"),
    ("below", "./file:///etc/passwd", "path_form"),
    ("below", "./$HOME/x", "path_form"),
    ("below", "./\"/x", "path_form"),
    ("below", "./C:/x", "path_form"),
    ("below", "x /.", "path_form"),
    ("below", "x\"/.", "path_form"),
    ("virtual", "/~/x", "path_form"),
    ("plain", "/x /.", "path_form"),
    ("plain", "/x\"/", "path_form"),
    ("plain", "/x/", "/x"),
    ("container", "x", "/app/x"),
    ("container", "/x/../y", "/y"),
    ("container", "/../y", "path_form"),
    ("container", "../y", "path_form"),
    ("container", "a/../../app/y", "path_form"),
    ("container", "a%20b", "path_form"),
    ("below", "x/y", "x/y"),
    ("below", "/real/in/z", "z"),
    ("below", "/real/out/z", "path_form"),
    ("below", "../out/z", "path_form"),
    // A name with an escape in it is a name where it is one.
    ("based", "a%20b", "/b/a%20b"),
    ("based", "a%20b/c", "/b/a%20b/c"),
    ("based", "c%20d", "path_form"),
    ("based", "c%20d/a%20b", "path_form"),
    ("based", "50%25", "/b/50%25"),
];

#[test]
fn the_tool_gets_the_path_that_was_decided() {
    let links =
        Links::of(&[("/l", "/real"), ("/b/link", "/out/file"), ("/b/to-loop", "/loop")], &["/b/a%20b", "/b/50%25"]);
    let world = World::resolving(DECLARED, FACE, links, None);
    for &(tool, path, expected) in GETS {
        let mut call = call(tool, "{}");
        call.args.insert("p".to_owned(), path.into());
        call.context.session.shift_remove("cwd");
        let ran = world.ran();
        let got = match world.enforcer.enforce(call, world.tool()) {
            Ok(_) => {
                let effects = world.effects.lock().unwrap();
                let sent = effects.last().unwrap().strip_prefix(r#"{"p":""#).unwrap().strip_suffix("\"}").unwrap();
                assert_eq!(effects.len(), ran + 1);
                sent.to_owned()
            }
            Err(refused) => {
                assert_eq!((world.ran(), refused.kind), (ran, Refusal::Denied), "{tool} {path}");
                refused.code.to_string()
            }
        };
        assert_eq!(got, expected, "{tool} {path}");
    }
}

/// A folder without a root could be anywhere, whether the host or a call names it.
#[test]
fn a_folder_without_a_root_is_no_base() {
    let world = World::resolving(DECLARED, FACE, Links::of(&[], &[]), None);
    for (workspace, expected) in [("w", Err("relative_path")), ("", Err("relative_path")), ("/v", Ok(()))] {
        let mut made = call("session", r#"{"p":"x"}"#);
        made.context.session.insert("workspace".to_owned(), workspace.into());
        let ended = world.enforcer.enforce(made, world.tool());
        assert_eq!(ended.map(drop).map_err(|refused| refused.code.as_str()), expected, "{workspace}");
    }
    assert_eq!(world.effects.lock().unwrap().as_slice(), [r#"{"p":"/v/x"}"#]);
}

/// Where the tool is given what the caller wrote, only the policy can say what a relative path means.
#[test]
fn a_face_that_cannot_rewrite_refuses_what_is_relative() {
    let face = FACE.without(Capability::RewriteArguments);
    let policy = DECLARED.replace(", send: relative", "");
    let world = World::resolving(&policy, face, Links::of(&[("/b/link", "/out/file")], &[]), None);
    let check = |tool: &str, path: &str, expected: Result<(), &str>| {
        let args = format!(r#"{{"p":"{path}"}}"#);
        let ended = world.enforcer.enforce(call(tool, &args), world.tool());
        assert_eq!(ended.map(drop).map_err(|refused| refused.code.as_str()), expected, "{tool} {path}");
        if expected.is_ok() {
            assert_eq!(world.effects.lock().unwrap().last(), Some(&args));
        }
    };
    check("plain", "/x", Ok(()));
    check("plain", "x", Err("relative_path"));
    check("based", "x", Ok(()));
    check("based", "link", Ok(()));
    check("based", "-x", Err("path_form"));
    check("based", "@x", Err("path_form"));
    check("based", "./-x", Ok(()));
}

const SPELLED: &str = r#"
enforcecore: 1
name: spelled
version: "1"
tools:
  read: {does: reads, args: {p: path}, returns: web}
rules:
  - {allow: read, id: a, when: {p: {under: /w}}}
"#;

/// What some reader trims, unquotes, decodes, expands or composes into another path.
const REFUSED: &[&str] = &[
    "",
    " ",
    " a",
    "a ",
    "\ta",
    "a\n",
    "\u{a0}a",
    "a\u{3000}",
    "\u{1680}a",
    "a\u{1680}",
    "\u{feff}a",
    "a\u{feff}",
    "\u{2028}a",
    "a\u{2028}b",
    "\u{2029}a",
    "a\u{2029}b",
    "a\u{200b}b",
    "a\u{202e}b",
    "a\u{ad}b",
    "a\u{7f}b",
    "a\u{85}b",
    "a\nb",
    "a\u{e0041}b",
    "\u{115f}a",
    "a\u{fe0f}b",
    "\"a\"",
    "'a'",
    "`a`",
    "\"a",
    "a'",
    "“a”",
    "«a»",
    "file:///w/a",
    "FILE:///w/a",
    "fIlE:a",
    "http://h/a",
    "sftp://h/a",
    "C:/a",
    "c:a",
    "z:",
    "x-y+z.1:a",
    "jar:file:a",
    "data:,a",
    "ｆｉｌｅ：///w/a",
    "C：/a",
    "a\\b",
    "\\\\?\\C:\\a",
    "..\\a",
    "a＼b",
    "~",
    "~/a",
    "~root/a",
    "～/a",
    "$HOME",
    "$HOME/a",
    "$_x1/a",
    "${HOME}/a",
    "a/${HOME}",
    "a${",
    "%USERPROFILE%/a",
    "a/%TEMP%/b",
    "a%20b",
    "..%2fa",
    "%2e%2e/a",
    "a/%2E",
    "．．/a",
    "a／b",
    "a․b",
    "a‥b",
    "a…b",
    "℀",
    "／w／a",
    "ﬁle:a",
];

/// Names that people give to files, and that no common reader changes.
const ORDINARY: &[&str] = &[
    "app/[slug]/page.tsx",
    "app/[...slug]/page.tsx",
    "app/[[...slug]]/page.tsx",
    "app/(group)/page.tsx",
    "app/@modal/page.tsx",
    "app/(.)photo/page.tsx",
    "users.$id.tsx",
    "routes/$id.tsx",
    "routes/$.tsx",
    "$id.tsx",
    "routes/_auth.login.tsx",
    "pages/[id].vue",
    "src/routes/+page.svelte",
    "src/routes/[[lang]]/+layout.ts",
    "@types/node",
    "node_modules/@babel/core/lib/index.js",
    "100%.md",
    "50%-off.md",
    "100% sure.txt",
    "a.txt~",
    "#readme#",
    ".#lock",
    "a b/c d.txt",
    "it's.txt",
    "Rock 'n' Roll/1.mp3",
    "c++/main.cpp",
    "a=b;c.txt",
    "a&b.txt",
    "a,b.txt",
    "{a}.txt",
    "*.txt",
    "-rf",
    "--output=x",
    "a|b",
    "<a>",
    "a?b",
    "!a",
    "^a",
    "a$b",
    "x/$HOME",
    "a/~b",
    "2024-01-01T10:00:00.log",
    "./a:b",
    "a/b:c",
    "笔记/今天.md",
    "笔记：今天.md",
    "größe.txt",
    "Ελλάδα.txt",
    "emoji😀.png",
    "..a",
    "a..",
    "...",
];

#[test]
fn forms_that_readers_read_differently_are_refused_and_every_other_name_is_ordinary() {
    let world = World::resolving(SPELLED, FACE, Links::of(&[], &[]), None);
    let enforce = |path: &str| {
        let mut call = call("read", "{}");
        call.args.insert("p".to_owned(), path.into());
        world.enforcer.enforce(call, world.tool())
    };
    for path in REFUSED {
        let refused = enforce(path).map(|_| "ran").map_err(|refused| refused.code.as_str());
        assert_eq!(refused, Err("path_form"), "{path:?}");
    }
    assert_eq!(world.ran(), 0);
    for (at, path) in ORDINARY.iter().enumerate() {
        let ended = enforce(path).map(drop).map_err(|refused| refused.to_string());
        assert_eq!(ended, Ok(()), "{path:?}");
        assert_eq!(world.ran(), at + 1);
    }
    let sent = world.effects.lock().unwrap();
    assert_eq!(sent[0], r#"{"p":"/w/app/[slug]/page.tsx"}"#);
}

/// A grant and a budget: what is taken shows what is given back.
const EXCHANGED: &str = r#"
enforcecore: 1
name: exchanged
version: "1"
tools:
  write: {does: writes, args: {p: path}, returns: trusted}
  remove: {does: deletes, args: {p: path}, returns: trusted}
rules:
  - {ask: [write, remove], id: a, when: {p: {under: /w}}, approval: lead}
budgets:
  - {budget: [write, remove], id: two, count: calls, at_most: 2, per: ever, for_each: everyone}
approvals:
  lead: {from: {role: lead}, valid: 15m}
"#;

struct Always;

impl Approver for Always {
    fn ask(&self, _approval: ApprovalRequest<'_>, _call: &FrozenCall) -> AskOutcome {
        AskOutcome::Unreachable
    }

    /// The same grant for the same call, so that it is seen whether it was used up.
    fn grant(&self, _approval: ApprovalRequest<'_>, digest: &[u8; 32], _now_us: i64) -> Option<Grant> {
        let id = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Grant { id, approver: "lee".to_owned(), given_us: NOON_US - 1, expires_us: i64::MAX })
    }
}

/// What happens to a link while the call waits for the log's turn, its decision behind it: none lands outside.
#[test]
fn a_path_that_is_exchanged_after_its_decision_is_not_opened() {
    let cases = [
        // A folder becomes a link; a link leads elsewhere; a link becomes a folder; the last component becomes a link.
        ("write", "/w/d/f", "/w/d", None, Some("/out")),
        ("write", "/w/l/f", "/w/l", Some("/w/d"), Some("/out")),
        ("write", "/w/l/f", "/w/l", Some("/w/d"), None),
        ("write", "/w/d/f", "/w/d/f", None, Some("/out/f")),
        // The name that is removed is the same, and what it leads to is not what was decided.
        ("remove", "/w/d/f", "/w/d/f", None, Some("/w/x")),
        ("remove", "/w/d/f", "/w/d", None, Some("/w/e")),
    ];
    for split in [false, true] {
        for (tool, path, link, before, after) in cases {
            let links = Links::of(&[], &[]);
            links.set(link, before);
            let world = World::resolving(EXCHANGED, FACE, Arc::clone(&links) as _, Some(Arc::new(Always)));
            let made = || call(tool, &format!(r#"{{"p":"{path}"}}"#));
            let exchanged = Arc::clone(&links);
            world.store.at_next_turn(move || exchanged.set(link, after));
            let refused = match split {
                false => world.enforcer.enforce(made(), world.tool()).unwrap_err(),
                true => world.enforcer.begin(made(), BeginMode::Split).map(drop).unwrap_err(),
            };
            let what = format!("{tool} {path} {link} {split}");
            assert_eq!(
                (refused.code.as_str(), refused.kind, world.ran()),
                ("path_changed", Refusal::Denied, 0),
                "{what}"
            );
            // One intent, ended by one void, and nothing beside them.
            let kinds: Vec<EntryKind> = world.entries().into_iter().skip(2).map(|entry| entry.kind).collect();
            assert_eq!(kinds, [EntryKind::Intent, EntryKind::Void], "{what}");
            assert_eq!(world.entries()[3].code.as_deref(), Some("path_changed"));
            // The budget of two and the grant of one use are both there again.
            links.set(link, before);
            world.enforcer.enforce(made(), world.tool()).unwrap();
            assert_eq!(world.ran(), 1, "{what}");
            let again = world.enforcer.enforce(made(), world.tool()).unwrap_err();
            assert_eq!(again.code, "no_approver", "{what}: a grant is used once");
        }
    }
}

/// Says yes to each call that it was asked about.
#[derive(Default)]
struct Asked(Mutex<Vec<[u8; 32]>>);

impl Approver for Asked {
    fn ask(&self, _approval: ApprovalRequest<'_>, call: &FrozenCall) -> AskOutcome {
        self.0.lock().unwrap().push(call.digest());
        AskOutcome::Delivered { expires_us: i64::MAX }
    }

    fn grant(&self, _approval: ApprovalRequest<'_>, digest: &[u8; 32], _now_us: i64) -> Option<Grant> {
        let grant =
            Grant { id: "g".to_owned(), approver: "lee".to_owned(), given_us: NOON_US - 1, expires_us: i64::MAX };
        self.0.lock().unwrap().contains(digest).then_some(grant)
    }
}

/// A yes is to the name and to what it led to.
#[test]
fn an_approval_of_a_link_is_none_of_what_it_leads_to_later() {
    for (tool, path) in [("remove", "/w/l"), ("write", "/w/l"), ("write", "/w/l/f")] {
        let links = Links::of(&[("/w/l", "/w/x")], &[]);
        let world = World::resolving(EXCHANGED, FACE, Arc::clone(&links) as _, Some(Arc::new(Asked::default())));
        let enforce = || {
            let ended = world.enforcer.enforce(call(tool, &format!(r#"{{"p":"{path}"}}"#)), world.tool());
            ended.map(drop).map_err(|refused| refused.code.as_str())
        };
        assert_eq!(enforce(), Err("approval_required"), "{tool} {path}");
        links.set("/w/l", Some("/w/y"));
        assert_eq!((enforce(), world.ran()), (Err("approval_required"), 0), "{tool} {path}");
        links.set("/w/l", Some("/w/x"));
        assert_eq!((enforce(), world.ran()), (Ok(()), 1), "{tool} {path}");
    }
}

/// What changes nothing about where the path leads changes nothing about the call.
#[test]
fn a_path_that_still_leads_there_is_opened() {
    let links = Links::of(&[("/w/l", "/w/d")], &[]);
    let world = World::resolving(EXCHANGED, FACE, Arc::clone(&links) as _, Some(Arc::new(Always)));
    let other = Arc::clone(&links);
    world.store.at_next_turn(move || other.set("/w/other", Some("/out")));
    world.enforcer.enforce(call("write", r#"{"p":"/w/l/f"}"#), world.tool()).unwrap();
    assert_eq!(world.effects.lock().unwrap().as_slice(), [r#"{"p":"/w/d/f"}"#]);
}

/// Looks for the state's lock whenever it is asked about the file system.
struct Looking(std::sync::OnceLock<Arc<enforcecore::audit::Log<enforcecore::session::State>>>);

impl PathResolver for Looking {
    fn follow(&self, path: &Path) -> Result<PathBuf, PathError> {
        if let Some(log) = self.0.get().cloned() {
            let (done, wait) = std::sync::mpsc::channel();
            std::thread::spawn(move || log.view(|_| done.send(())));
            let free = wait.recv_timeout(std::time::Duration::from_secs(60));
            assert!(free.is_ok(), "the file system is asked while the state is locked");
        }
        Ok(path.to_path_buf())
    }

    fn is_there(&self, _path: &Path) -> bool {
        self.follow(Path::new("/")).is_err()
    }
}

#[test]
fn no_file_system_is_asked_under_the_lock_of_the_state() {
    let looking = Arc::new(Looking(std::sync::OnceLock::new()));
    let world = World::resolving(EXCHANGED, FACE, Arc::clone(&looking) as _, Some(Arc::new(Always)));
    assert!(looking.0.set(Arc::clone(&world.log)).is_ok());
    world.enforcer.enforce(call("write", r#"{"p":"/w/f"}"#), world.tool()).unwrap();
    world.enforcer.enforce(call("write", r#"{"p":"/out"}"#), world.tool()).unwrap_err();
    world.enforcer.decide_only(call("remove", r#"{"p":"/w/f"}"#));
    assert_eq!(world.ran(), 1);
}

const NAMED: &str = r#"
enforcecore: 1
name: named
version: "1"
tools:
  read: {does: reads, args: {p: path}, returns: web}
  remove: {does: deletes, args: {p: path}, returns: web}
rules:
  - {allow: read, id: inside, when: {p: {under: /w}}}
  - {allow: remove, id: both, when: {every_write: {under: /w}}}
  - {deny: anything, id: private, when: {any_path: {glob: "/w/résumés/**"}}}
  - {deny: read, id: old, when: {p: {under: "/w/cafe\u0301"}}}
  - {deny: read, id: one, when: {p: {equals: "/w/naïve.txt"}}}
  - {deny: read, id: end, when: {p: {suffix: "é.pem"}}}
  - {deny: read, id: part, when: {p: {contains_regex: "ü"}}}
  - {deny: read, id: apart, when: {p: {glob: "/w/tasche\u0301/*"}}}
  - {deny: read, id: apart-too, when: {p: {contains_regex: "o\u0301k"}}}
"#;

/// Composed and decomposed spellings are one name to a deny; a link and its target are both decided.
#[test]
fn an_allow_needs_every_reading_of_a_path_and_a_deny_any() {
    let links = Links::of(&[("/w/out", "/etc/passwd"), ("/etc/in", "/w/x"), ("/w/hidden", "/w/résumés/a")], &[]);
    let world = World::resolving(NAMED, FACE, links, None);
    let check = |tool: &str, path: &str, expected: &str| {
        let mut made = call(tool, "{}");
        made.args.insert("p".to_owned(), path.into());
        let ran = world.ran();
        let got = match world.enforcer.enforce(made, world.tool()) {
            Ok(_) => "ran".to_owned(),
            Err(refused) if refused.rules.is_empty() => refused.code.to_string(),
            Err(refused) => refused.rules.join(","),
        };
        assert_eq!((got.as_str(), world.ran() > ran), (expected, expected == "ran"), "{tool} {path}");
    };
    check("read", "/w/résumés/a", "private");
    check("read", "/w/re\u{301}sume\u{301}s/a", "private");
    check("read", "/w/resumes/a", "ran");
    check("read", "/w/café/a", "old");
    check("read", "/w/cafe\u{301}/a", "old");
    check("read", "/w/cafe/a", "ran");
    check("read", "/w/naïve.txt", "one");
    check("read", "/w/nai\u{308}ve.txt", "one");
    check("read", "/w/naive.txt", "ran");
    check("read", "/w/e\u{301}.pem", "end");
    check("read", "/w/e.pem", "ran");
    check("read", "/w/u\u{308}.txt", "part");
    check("read", "/w/u.txt", "ran");
    check("read", "/w/n\u{303}.txt", "ran");
    // A pattern that is decomposed itself.
    check("read", "/w/tasch\u{e9}/a", "apart");
    check("read", "/w/tasche\u{301}/a", "apart");
    check("read", "/w/tasche/a", "ran");
    check("read", "/w/\u{f3}k", "apart-too");
    check("read", "/w/o\u{301}k", "apart-too");
    check("read", "/w/ok", "ran");
    check("read", "/w/out", "no_rule");
    check("remove", "/w/out", "no_rule");
    check("remove", "/etc/in", "no_rule");
    check("remove", "/w/x", "ran");
    check("remove", "/w/hidden", "private");
}

/// A call that was frozen under a policy that is no longer in force is frozen again: the tool gets what the new one says.
#[test]
fn a_path_is_read_as_the_policy_in_force_says() {
    let policy = |base: &str| SPELLED.replace("{p: path}", &format!("{{p: {{type: path, base: {base}}}}}"));
    let world = World::resolving(&policy("/w/a"), FACE, Links::of(&[], &[]), None);
    let (enforcer, changed) = (world.enforcer.clone(), policy("/w/b"));
    // The call is frozen and decided before it takes the log's turn; there the new policy overtakes it.
    world.store.at_next_turn(move || {
        let (reloading, reloaded) = (enforcer.clone(), support::load(&changed));
        let digest = *reloaded.digest();
        std::thread::spawn(move || reloading.rebind(reloaded).unwrap());
        while *enforcer.policy().digest() != digest {
            std::thread::yield_now();
        }
    });
    world.enforcer.enforce(call("read", r#"{"p":"f"}"#), world.tool()).unwrap();
    assert_eq!(world.effects.lock().unwrap().as_slice(), [r#"{"p":"/w/b/f"}"#]);
}
