//! Which kind of file system a folder lies on: what `fdatasync` costs, and whether it means anything, depends on it.

use std::fs;
use std::path::Path;

use enforcecore::ports::StoreError;

/// Kinds that forget everything when the machine stops.
const IN_MEMORY: [&str; 2] = ["tmpfs", "ramfs"];

/// A kind of file system, as the kernel names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind(String);

impl Kind {
    /// The kernel's name: `ext4`, `xfs`, `tmpfs`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing on it outlives the machine's power.
    pub fn is_in_memory(&self) -> bool {
        IN_MEMORY.contains(&self.0.as_str())
    }
}

/// The kind of file system a folder lies on; `unknown` where the system does not say.
pub fn kind_of(folder: &Path) -> Result<Kind, StoreError> {
    let folder = folder.canonicalize().map_err(|error| StoreError::new("find a folder's file system", error))?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    Ok(Kind(kind_in(&mounts, &folder).unwrap_or_else(|| "unknown".to_owned())))
}

/// The kind of the mount that is nearest above the folder (proc(5), `mountinfo`); the last one of equals hides the others.
fn kind_in(mounts: &str, folder: &Path) -> Option<String> {
    let mount = |line: &str| {
        let (place, kind) = line.split_once(" - ")?;
        let place = place.split(' ').nth(4)?.replace("\\040", " ");
        folder.starts_with(&place).then(|| (place.len(), kind.split(' ').next().unwrap_or_default().to_owned()))
    };
    mounts.lines().filter_map(mount).max_by_key(|(length, _)| *length).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_counts() {
        let mounts = "\
            22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n\
            23 22 0:21 / /tmp rw shared:2 - tmpfs tmpfs rw\n\
            24 22 0:22 / /data\\040disk rw - xfs /dev/sdb rw\n";
        for (folder, expected) in
            [("/home/x", "ext4"), ("/tmp/x", "tmpfs"), ("/tmpfile", "ext4"), ("/data disk/x", "xfs")]
        {
            assert_eq!(kind_in(mounts, Path::new(folder)).as_deref(), Some(expected), "{folder}");
        }
        assert_eq!(kind_in("", Path::new("/")), None);
        assert!(Kind("tmpfs".to_owned()).is_in_memory() && !Kind("ext4".to_owned()).is_in_memory());
    }
}
