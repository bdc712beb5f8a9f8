//! Processes as `/proc` shows them.

use std::collections::HashSet;
use std::fs;

use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};

/// One process as it was seen: a process id alone may since mean another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub(super) id: i32,
    parent: i32,
    session: i32,
    started: u64,
}

impl Process {
    /// Sends a signal to the process that was seen, and to no other one that has its id by now. One that is gone is fine.
    pub(super) fn signal(&self, signal: Signal) {
        let Some(id) = Pid::from_raw(self.id) else { return };
        let Ok(handle) = pidfd_open(id, PidfdFlags::empty()) else { return };
        if look_at(self.id).is_some_and(|now| now.started == self.started) {
            let _ = pidfd_send_signal(handle, signal);
        }
    }
}

/// Everybody alive who is one of `roots`, in the session of one, or below either.
pub(super) fn members(roots: &HashSet<i32>) -> Result<Vec<Process>, String> {
    let everyone = all()?;
    let mut inside = roots.clone();
    inside.extend(everyone.iter().filter(|process| roots.contains(&process.session)).map(|process| process.id));
    loop {
        let before = inside.len();
        let below = everyone.iter().filter(|process| inside.contains(&process.parent)).map(|process| process.id);
        inside.extend(below.collect::<Vec<_>>());
        if inside.len() == before {
            break;
        }
    }
    Ok(everyone.into_iter().filter(|process| inside.contains(&process.id)).collect())
}

/// The ids of our children, those that ended and were not waited for among them. The kernel lists one thread's children in the
/// order in which they came and takes each step at once, so among those that stay it misses none.
pub(super) fn own_children() -> Result<Vec<i32>, String> {
    let unlisted = |error| format!("the kernel does not list the children of a process: {error}");
    let mut children = Vec::new();
    for task in fs::read_dir(format!("/proc/{}/task", getpid().as_raw_nonzero())).map_err(unlisted)?.flatten() {
        match fs::read_to_string(task.path().join("children")) {
            Ok(list) => children.extend(list.split_whitespace().filter_map(|id| id.parse::<i32>().ok())),
            // A thread may end meanwhile.
            Err(_) if !task.path().exists() => {}
            Err(error) => return Err(unlisted(error)),
        }
    }
    Ok(children)
}

/// Every process of this machine that still runs.
fn all() -> Result<Vec<Process>, String> {
    let listed = fs::read_dir("/proc").map_err(|error| format!("/proc cannot be read: {error}"))?;
    Ok(listed.flatten().filter_map(|entry| look_at(entry.file_name().to_str()?.parse().ok()?)).collect())
}

/// Reads `/proc/ID/stat` (proc(5)); none for a process that has ended, waited for or not.
fn look_at(id: i32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in parentheses may hold anything; the fields after it are counted from 3.
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    if matches!(field(3)?, "Z" | "X") {
        return None;
    }
    let (parent, session) = (field(4)?.parse().ok()?, field(6)?.parse().ok()?);
    Some(Process { id, parent, session, started: field(22)?.parse().ok()? })
}
