//! Policy documents in files: the one named on the command line, and those it is bound by.
//!
//! `bound_by` names a file relative to the document that names it, and never leaves the first document's folder: a policy
//! cannot be made to read what its author does not control.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use enforcecore::policy::DOCUMENT_BYTES_MAX;
use enforcecore::ports::{PolicySource, PolicyText, StoreError};

use crate::files::{self, How, MadeBy, Opened};

/// The documents of one folder.
#[derive(Clone, Debug)]
pub struct PolicyFiles {
    root: PathBuf,
}

impl PolicyFiles {
    /// Reads the first document and says where the others may be.
    pub fn open(file: &Path) -> Result<(PolicyText, PolicyFiles), StoreError> {
        let text = read(opened(file, &file.display().to_string())?, &file.display().to_string())?;
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let failed = |error| StoreError::new(format!("open the folder of `{}`", file.display()), error);
        Ok((text, PolicyFiles { root: fs::canonicalize(parent).map_err(failed)? }))
    }
}

impl PolicySource for PolicyFiles {
    fn read(&self, from: &str, name: &str) -> Result<PolicyText, StoreError> {
        let refused = |why: &str| StoreError::new(format!("read the policy `{name}` that `{from}` is bound by"), why);
        if Path::new(name).components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(refused("name it relative to this document, below its folder"));
        }
        let beside = Path::new(from).parent().unwrap_or(Path::new("")).join(name);
        let shown = beside.display().to_string();
        let opened = opened(&beside, &shown)?;
        // Where it lies is known of the file that is open, so that nothing is exchanged in between.
        if !opened.real.starts_with(&self.root) {
            return Err(refused("it lies outside the first document's folder"));
        }
        read(opened, &shown)
    }
}

fn opened(file: &Path, name: &str) -> Result<Opened, StoreError> {
    files::open(file, MadeBy::Us, How::Read).map_err(|refused| failed(name, &refused))
}

fn read(opened: Opened, name: &str) -> Result<PolicyText, StoreError> {
    // One byte more than the loader takes, so that the loader can say that it is too large.
    let mut bytes = Vec::new();
    opened.file.take(DOCUMENT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(|error| failed(name, &error))?;
    Ok(PolicyText { name: name.to_owned(), bytes })
}

fn failed(name: &str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::new(format!("read the policy `{name}`"), why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_stay_below_the_first_ones_folder() {
        let outside = tempfile::tempdir().unwrap();
        let inside = outside.path().join("policies");
        fs::create_dir_all(inside.join("org")).unwrap();
        for file in ["secret.yaml", "policies/main.yaml", "policies/org/base.yaml"] {
            fs::write(outside.path().join(file), file).unwrap();
        }
        // Elsewhere making a link is a privilege; one that is not there is refused all the same.
        #[cfg(unix)]
        std::os::unix::fs::symlink(outside.path().join("secret.yaml"), inside.join("link.yaml")).unwrap();
        let main = inside.join("main.yaml");
        let (text, files) = PolicyFiles::open(&main).unwrap();
        assert_eq!(text.bytes, b"policies/main.yaml");
        let read = |name: &str| files.read(&text.name, name).map(|text| text.bytes);
        assert_eq!(read("org/base.yaml").unwrap(), b"policies/org/base.yaml");
        assert_eq!(read("./org/base.yaml").unwrap(), b"policies/org/base.yaml");
        for refused in ["../secret.yaml", "link.yaml", "org", "missing.yaml", "org/../../secret.yaml"] {
            assert!(read(refused).is_err(), "{refused}");
        }
        assert!(files.read(&text.name, &outside.path().join("secret.yaml").display().to_string()).is_err());
        assert!(PolicyFiles::open(&inside.join("nothing.yaml")).is_err());
        assert!(PolicyFiles::open(&inside).is_err());
    }
}
