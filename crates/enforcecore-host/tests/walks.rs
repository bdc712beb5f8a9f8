//! Paths walked over links: as many as the kernel follows, and none more.
#![cfg(test)]
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::fs;
use std::os::unix::fs::symlink;

use enforcecore::path::PathError;
use enforcecore::ports::PathResolver as _;
use enforcecore_host::files::{self, How, MadeBy};
use enforcecore_host::paths::FileSystem;

/// How many links stand one behind the other, and whether the path is followed.
const CHAINS: [(usize, bool); 8] =
    [(0, true), (1, true), (2, true), (39, true), (40, true), (41, false), (42, false), (100, false)];

#[test]
fn as_many_links_are_followed_as_the_kernel_follows() {
    for (links, follows) in CHAINS {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::write(root.join("0"), "text").unwrap();
        (0..links).for_each(|link| symlink(link.to_string(), root.join((link + 1).to_string())).unwrap());
        let last = root.join(links.to_string());
        assert_eq!(fs::read(&last).is_ok(), follows, "the kernel follows {links}");
        let expected = if follows { Ok(root.join("0")) } else { Err(PathError::TooManyLinks) };
        assert_eq!(FileSystem.follow(&last), expected, "{links}");
        assert!(FileSystem.follow(&last.join("x")).is_err(), "{links}: there is nothing below a file");
        for made_by in [MadeBy::Anyone, MadeBy::Us] {
            assert_eq!(files::open(&last, made_by, How::Read).is_ok(), follows, "{links}, {made_by:?}");
        }
        // Each link of the path counts, also those that lead to folders.
        let around = format!("{}x", "here/".repeat(links));
        symlink(".", root.join("here")).unwrap();
        assert_eq!(FileSystem.follow(&root.join(around)).is_ok(), follows, "{links} in one path");
    }
}

#[test]
fn a_link_that_leads_to_itself_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    for (link, target) in [("self", "self"), ("a", "b"), ("b", "a"), ("deep", "deep/deep"), ("up", "../up-there/up")] {
        symlink(target, root.join(link)).unwrap();
    }
    for link in ["self", "a", "b", "deep"] {
        assert_eq!(FileSystem.follow(&root.join(link)), Err(PathError::TooManyLinks), "{link}");
        assert!(FileSystem.is_there(&root.join(link)), "{link}");
    }
}

/// A name that no file can have is not one that is not there yet.
#[test]
fn what_cannot_be_looked_at_is_not_taken_for_what_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    fs::write(root.join("file"), "").unwrap();
    let longest = "x".repeat(255);
    for (path, leads) in [
        ("new".to_owned(), true),
        ("new/er/still".to_owned(), true),
        (longest.clone(), true),
        (format!("{longest}x"), false),
        (format!("{longest}x/below"), false),
        (format!("new/{longest}x"), true),
        ("file/below".to_owned(), false),
        ("file/below/it".to_owned(), false),
    ] {
        let followed = FileSystem.follow(&root.join(&path));
        let unreadable = matches!(followed, Err(PathError::Unreadable(_)));
        assert_eq!((followed.is_ok(), unreadable), (leads, !leads), "{path}: {followed:?}");
    }
}
