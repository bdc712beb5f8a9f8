//! Names that others may have made. The tables are of modes, owners and links; what is asked is whether the file is read.
//!
//! They run as root, who alone can give a file away, and read-only mounts are played by an answer that is put in; that the
//! system's own answer is used is shown by the command line's tests.

use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::path::Path;

use super::*;

/// A user that is neither this one nor root.
const OTHER: u32 = 65534;

/// What is read at this name below the place, or why not.
fn read(place: &Path, name: &str, made_by: MadeBy, read_only: fn(BorrowedFd<'_>) -> bool) -> String {
    let walk = Walk::by(made_by, read_only).unwrap();
    match walk.file(&place.join(name), How::Read) {
        Ok(Opened { mut file, .. }) => {
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            text
        }
        Err(refused) => refused.to_string().replace(&format!("{}/", place.display()), ""),
    }
}

fn set(path: &Path, owner: u32, group: u32, mode: u32) {
    chown(path, Some(owner), Some(group)).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// `a/b/file`, in which one folder was given away.
fn place(name: &str, owner: u32, group: u32, mode: u32) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir_all(place.path().join("a/b")).unwrap();
    fs::write(place.path().join("a/b/file"), "read").unwrap();
    set(&place.path().join(name), owner, group, mode);
    place
}

#[test]
fn a_folder_whose_names_others_can_exchange_is_refused_wherever_it_lies() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: only root can give a file away");
    }
    let ways = "or use a folder that only this user and root can write";
    for (owner, group, mode, expected) in [
        (0, 0, 0o755, "read"),
        (0, 0, 0o777, "mode 0777) may be written by every user: `chmod go-w"),
        (0, 0, 0o1777, "read"),
        (0, 0, 0o775, "read"),
        (0, 12345, 0o775, "mode 0775) may be written by a group: `chmod go-w"),
        (0, 12345, 0o1775, "read"),
        (0, 12345, 0o755, "read"),
        (OTHER, OTHER, 0o755, "mode 0755) belongs to another user: make"),
        (OTHER, OTHER, 0o1777, "mode 1777) belongs to another user: make"),
    ] {
        for folder in ["a", "a/b"] {
            let place = place(folder, owner, group, mode);
            let said = read(place.path(), "a/b/file", MadeBy::Us, |_| false);
            assert!(said.contains(expected), "{folder} {owner} {group} {mode:o}: {said}");
            if expected != "read" {
                assert!(said.starts_with(&format!("the folder `{folder}` (owner {owner}, ")), "{said}");
                assert!(said.ends_with(ways), "{said}");
            }
            // Each twin differs in one fact: what is only judged, or where no name can be exchanged.
            assert_eq!(read(place.path(), "a/b/file", MadeBy::Anyone, |_| false), "read");
            assert_eq!(read(place.path(), "a/b/file", MadeBy::Us, |_| true), "read");
        }
    }
}

#[test]
fn what_lies_in_a_shared_folder_is_ours() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: only root can give a file away");
    }
    for (owner, mode, shared, alone) in [
        (0, 0o644, "read", "read"),
        (OTHER, 0o644, "belongs to another user", "read"),
        (0, 0o646, "may be written by every user", "may be written by every user"),
        (0, 0o664, "read", "read"),
    ] {
        for (folder, expected) in [(0o1777, shared), (0o755, alone)] {
            let place = place("a/b", 0, 0, folder);
            set(&place.path().join("a/b/file"), owner, 12345, mode);
            let said = read(place.path(), "a/b/file", MadeBy::Us, |_| false);
            assert!(said.contains(expected), "{owner} {mode:o} in {folder:o}: {said}");
        }
    }
}

#[test]
fn links_are_followed_where_every_one_is_ours() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: only root can give a file away");
    }
    let place = place("a", 0, 0, 0o755);
    let at = |name: &str| place.path().join(name);
    fs::create_dir(at("open")).unwrap();
    fs::write(at("open/file"), "read").unwrap();
    set(&at("open"), 0, 0, 0o777);
    let far = at("a/b/file");
    for (name, target) in [
        ("absolute", far.to_str().unwrap()),
        ("relative", "a/b/file"),
        ("folder", "a/b"),
        ("up", "a/b/../b/file"),
        ("second", "relative"),
        ("loop", "loop"),
        ("through", "open/file"),
        ("theirs", "a/b/file"),
        ("nowhere", "a/none"),
    ] {
        symlink(target, at(name)).unwrap();
    }
    lchown(at("theirs"), Some(OTHER), Some(OTHER)).unwrap();
    for (name, expected) in [
        ("absolute", "read"),
        ("relative", "read"),
        ("folder/file", "read"),
        ("folder/../b/file", "read"),
        ("up", "read"),
        ("second", "read"),
        ("loop", "Too many levels of symbolic links"),
        ("nowhere", "No such file"),
        ("through", "the folder `open` (owner 0, mode 0777) may be written by every user"),
        ("theirs", "the link `theirs` (owner 65534, mode 0777) belongs to another user"),
        ("folder", "it is not a regular file"),
        ("a/b/file/file", "ot a directory"),
    ] {
        let said = read(place.path(), name, MadeBy::Us, |_| false);
        assert!(said.contains(expected), "{name}: {said}");
    }
    assert_eq!(read(place.path(), "theirs", MadeBy::Us, |_| true), "read");
    let inside = Folder::open(&at("a"), MadeBy::Us).unwrap();
    symlink("b/file", at("a/link")).unwrap();
    assert!(matches!(inside.file("link", How::Read), Err(Refused::Link(_))));
    assert!(inside.below(Path::new("b/file")).is_ok());
    assert!(inside.linked_file("link").is_ok());
}

/// A container's volume as it is mounted: each file leads through `..data` to a folder that is exchanged as a whole.
#[test]
fn a_volume_of_a_container_is_read_where_it_is_read_only() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: only root can give a file away");
    }
    for (mode, writable) in [
        (0o777, "the folder `volume` (owner 0, mode 0777) may be written by every user"),
        (0o3777, "read"),
        (0o755, "read"),
    ] {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::create_dir_all(at("volume/..2026_01_01_x")).unwrap();
        fs::write(at("volume/..2026_01_01_x/policy.yaml"), "read").unwrap();
        symlink("..2026_01_01_x", at("volume/..data")).unwrap();
        symlink("..data/policy.yaml", at("volume/policy.yaml")).unwrap();
        set(&at("volume"), 0, 0, mode);
        let said = read(place.path(), "volume/policy.yaml", MadeBy::Us, |_| false);
        assert!(said.contains(writable), "{mode:o}: {said}");
        assert_eq!(read(place.path(), "volume/policy.yaml", MadeBy::Us, |_| true), "read", "{mode:o}");
    }
}

#[test]
fn forty_links_are_followed_and_no_more() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: only root can give a file away");
    }
    let place = place("a", 0, 0, 0o755);
    for n in 0..=41 {
        let target = if n == 0 { "a/b/file".to_owned() } else { format!("l{}", n - 1) };
        symlink(target, place.path().join(format!("l{n}"))).unwrap();
    }
    let said = |name: &str| read(place.path(), name, MadeBy::Us, |_| false);
    assert_eq!(said("l39"), "read");
    assert!(said("l40").contains("Too many levels"), "{}", said("l40"));
}

#[test]
fn a_group_reads_a_secret_only_where_no_one_can_exchange_it() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: only root can give a file away");
    }
    use super::super::system::is_owners_alone;
    for (owner, mode, writable, read_only) in [
        (0, 0o600, true, true),
        (0, 0o400, true, true),
        (0, 0o440, false, true),
        (0, 0o460, false, false),
        (0, 0o444, false, false),
        (OTHER, 0o440, false, false),
    ] {
        let place = place("a", 0, 0, 0o755);
        set(&place.path().join("a/b/file"), owner, 12345, mode);
        let metadata = fs::metadata(place.path().join("a/b/file")).unwrap();
        assert_eq!(is_owners_alone(&metadata, || false), writable, "{owner} {mode:o}");
        assert_eq!(is_owners_alone(&metadata, || true), read_only, "{owner} {mode:o}");
    }
}

#[test]
fn a_folder_is_made_only_where_its_names_are_ours() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: only root can give a file away");
    }
    for (mode, made) in [(0o755, true), (0o777, false), (0o1777, true)] {
        let place = place("a", 0, 0, mode);
        let folder = place.path().join("a/new/deep");
        assert_eq!(Folder::open_or_make_own(&folder).is_ok(), made, "{mode:o}");
        assert_eq!(folder.is_dir(), made, "{mode:o}");
    }
}
