//! Folders and links that are exchanged while calls go through: what is promised, and how often the rest is hit.
//!
//! A folder and a link out of the workspace change places as fast as the system lets them, as a build, a checkout or a second
//! tool may do. Each call that is refused must have had no effect, and each call that ran must have got the path that was
//! decided. Where that path's folder became a link between the enforcer's last look and the tool's own opening of it, the
//! file lands outside: only isolation closes that. The count is printed, and stands in `docs/soak.md`.
#![cfg(test)]
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
#![allow(clippy::print_stderr, reason = "the counts are what is wanted of a longer run")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use enforcecore::call::{Call, Context};
use enforcecore::capabilities::{Capabilities, Face};
use enforcecore::enforcer::Enforcer;
use enforcecore::outcome::{Outcome, Permit};
use enforcecore::value::{Map, Value};
use enforcecore_host::assembly::{Setup, enforcer};
use rustix::fs::{CWD, RenameFlags, renameat_with};

const POLICY: &str = r#"
enforcecore: 1
name: exchange
version: "1"
tools:
  write: {does: writes, args: {path: path}, returns: trusted}
rules:
  - {allow: write, id: inside, when: {path: {under: session.workspace}}}
"#;

const FACE: Face = Face::new("test", Capabilities::ALL);

/// Calls in one round.
const CALLS: usize = 300;

#[derive(Debug, Default)]
struct Counts {
    calls: usize,
    ran: usize,
    denied: usize,
    changed: usize,
    outside: usize,
}

struct World {
    _folder: tempfile::TempDir,
    workspace: PathBuf,
    outside: PathBuf,
    enforcer: Enforcer,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (workspace, outside) = (root.join("work"), root.join("out"));
        for made in [&workspace.join("d"), &outside] {
            fs::create_dir_all(made).unwrap();
        }
        symlink(&outside, workspace.join("l")).unwrap();
        fs::write(root.join("policy.yaml"), POLICY).unwrap();
        let mut setup = Setup::new(root.join("policy.yaml"), FACE);
        setup.folders.log = root.join("log");
        setup.folders.keys = root.join("keys");
        setup.workspace.clone_from(&workspace);
        World { _folder: folder, enforcer: enforcer(setup).unwrap(), workspace, outside }
    }

    fn write(&self, name: &str, counts: &mut Counts) {
        let text = |path: &Path| Value::from(path.to_str().unwrap());
        let args = Map::from_iter([("path".to_owned(), text(&self.workspace.join("d").join(name)))]);
        let session = Map::from_iter([("workspace".to_owned(), text(&self.workspace))]);
        let context = Context { session_id: "s".to_owned(), session, ..Context::default() };
        let call = Call { id: self.enforcer.call_id().unwrap(), parent: None, tool: "write".to_owned(), args, context };
        counts.calls += 1;
        let here = self.workspace.join("d").join(name);
        let there = self.outside.join(name);
        let decided = here.to_str().unwrap().to_owned();
        match self.enforcer.enforce(call, move |permit: Permit| {
            let path = permit.call().args().get("path").and_then(Value::as_text).unwrap().to_owned();
            assert_eq!(path, decided, "the tool gets what was decided");
            let _ = fs::write(path, "written");
            Outcome::Done(Value::Null)
        }) {
            Ok(_) => counts.ran += 1,
            Err(refused) => {
                match refused.code.as_str() {
                    "path_changed" => counts.changed += 1,
                    "no_rule" | "path_unresolved" => counts.denied += 1,
                    other => panic!("refused as {other}: {}", refused.reason),
                }
                assert!(!there.exists(), "a refused call had an effect");
            }
        }
        counts.outside += usize::from(there.exists());
    }
}

/// Ends the exchanging, also when a call is not as it should be.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn what_is_refused_has_no_effect_while_folders_and_links_are_exchanged() {
    let seconds = std::env::var("TEST_SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    let mut counts = Counts::default();
    loop {
        let world = World::new();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let (folder, link) = (world.workspace.join("d"), world.workspace.join("l"));
                while !stop.load(Ordering::Relaxed) {
                    let _ = renameat_with(CWD, &folder, CWD, &link, RenameFlags::EXCHANGE);
                }
            });
            let _stop = Stop(&stop);
            (0..CALLS).for_each(|n| world.write(&format!("f{n}"), &mut counts));
        });
        if Instant::now() >= until {
            break;
        }
    }
    let Counts { calls, ran, denied, changed, outside } = counts;
    eprintln!(
        "exchange: {calls} calls, {ran} ran, {denied} denied, {changed} seen to change, {outside} landed outside"
    );
    assert_eq!(ran + denied + changed, calls);
    // On a system that exchanges nothing every call runs.
    let world = World::new();
    let mut still = Counts::default();
    (0..10).for_each(|n| world.write(&format!("f{n}"), &mut still));
    assert_eq!((still.ran, still.outside), (10, 0));
}
