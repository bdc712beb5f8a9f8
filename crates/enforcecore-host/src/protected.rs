//! Protected paths: the files that enforcement depends on. No policy can allow access to them. The settings of programs are
//! protected by name, in the core.

use std::path::{PathBuf, absolute};

use enforcecore::policy::{Place, Policy, Protected};
use enforcecore::ports::StoreError;

use crate::paths::{FollowedPath, walk};
use crate::setup::Setup;

/// The protected paths of this setup: no policy can allow its tools to use them.
pub(crate) fn places(setup: &Setup, policy: &Policy) -> Result<Protected, StoreError> {
    let Setup { folders, workspace, configuration, .. } = setup;
    let bound = policy.documents.iter().skip(1).map(PathBuf::from);
    let policies = [setup.policy.clone()].into_iter().chain(bound).map(|file| (file, "the policy", true));
    let evidence = [(folders.log.clone(), "the evidence log", false), (folders.keys.clone(), "the keys", false)];
    let anchor = folders.anchor.clone().map(|folder| (folder, "the anchor of the evidence log", true));
    let files = configuration.iter().map(|file| (file.clone(), "the configuration", true));
    let mut places = Vec::new();
    for (path, what, readable) in policies.chain(evidence).chain(anchor).chain(files) {
        let found = found(&path, what)?;
        places.extend(found.into_iter().map(|path| Place { path, what, readable }));
    }
    let workspace = found(workspace, "the workspace")?.pop();
    Ok(Protected::new(places, workspace.as_deref()))
}

/// Where a path leads, last, and the symbolic links on the way, one of which could be exchanged or taken away.
///
/// What cannot be looked at stays as it is named: a tool's path that leads there cannot be resolved either, and is denied.
fn found(path: &std::path::Path, what: &str) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |error| StoreError::new(format!("find {what}, `{}`", path.display()), error);
    let path = absolute(path).map_err(failed)?;
    Ok(match walk(&path) {
        Ok(FollowedPath { mut links, end }) => {
            links.push(end);
            links
        }
        Err(_) => vec![path],
    })
}
