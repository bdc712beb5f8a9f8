//! What no policy opens on this machine: the files that enforcement is made from, and those that say whether it is started.

use std::path::{PathBuf, absolute};

use enforcecore::policy::{Place, Policy, Protected};
use enforcecore::traits::StoreError;

use crate::assembly::Setup;
use crate::config::CONFIG_FILE;
use crate::paths::{Walk, walk};

/// What a workspace holds that starts programs, or says which are started: the settings of coding agents and editors, git's
/// hooks, the environment of a shell. Whoever writes there needs no call to do something.
pub const STARTERS: [&str; 13] = [
    ".mcp.json",
    ".claude",
    ".codex",
    ".cursor",
    ".gemini",
    ".amazonq",
    ".roo",
    ".zed",
    ".vscode",
    "claude_desktop_config.json",
    ".git/hooks",
    ".git/config",
    ".envrc",
];

/// The places that no policy opens to the tools of this setup.
pub(crate) fn places(setup: &Setup, policy: &Policy) -> Result<Protected, StoreError> {
    let Setup { folders, workspace, configuration, .. } = setup;
    let bound = policy.documents.iter().skip(1).map(PathBuf::from);
    let policies = [setup.policy.clone()].into_iter().chain(bound).map(|file| (file, "the policy", true));
    let evidence = [(folders.log.clone(), "the evidence log", false), (folders.keys.clone(), "the keys", false)];
    let anchor = folders.anchor.clone().map(|folder| (folder, "the anchor of the evidence log", true));
    let files = configuration.iter().cloned().chain([workspace.join(CONFIG_FILE)]);
    let files = files.map(|file| (file, "the configuration", true));
    let starters = STARTERS.iter().map(|name| (workspace.join(name), "settings that start programs", true));
    let mut places = Vec::new();
    for (path, what, readable) in policies.chain(evidence).chain(anchor).chain(files).chain(starters) {
        let failed = |error| StoreError::new(format!("find {what}, `{}`", path.display()), error);
        let found = with_links(absolute(&path).map_err(failed)?);
        places.extend(found.into_iter().map(|path| Place { path, what, readable }));
    }
    Ok(Protected::new(places))
}

/// Where a path leads, and the symbolic links on the way, one of which could be exchanged or taken away.
///
/// What cannot be looked at stays as it is named: a tool's path that leads there cannot be resolved either, and is denied.
fn with_links(path: PathBuf) -> Vec<PathBuf> {
    match walk(&path) {
        Ok(Walk { mut links, end }) => {
            links.push(end);
            links
        }
        Err(_) => vec![path],
    }
}
