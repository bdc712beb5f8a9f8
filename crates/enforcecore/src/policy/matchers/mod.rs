//! What a comparator means for one value.
//!
//! Each matcher reads a value the way the tool's own library will, or says that it cannot: where two libraries read a text
//! differently (a URL with a backslash, a path that was not resolved) the answer is an error, which never permits anything.

mod address;
mod pattern;
mod url;

pub(crate) use address::is_email;
pub(crate) use pattern::Pattern;
pub(crate) use url::{HostName, UrlView, ascii_name, host_literal, host_of_text, is_read_differently};

use std::path::{Component, Path};

/// An absolute path without `.`, `..` or anything else a resolver would change. It begins with `/` on every system: a policy
/// means the same wherever it is read.
pub(crate) fn path_literal(text: &str) -> Option<&Path> {
    let path = Path::new(text);
    let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    // `components` drops a `.` and a doubled slash silently, so the text is looked at as well.
    let written_plainly =
        !text.split('/').skip(1).any(|part| part == ".") && !text.contains("//") && !text.contains('\0');
    (text.starts_with('/') && plain && written_plainly).then_some(path)
}

/// Whether a resolved path is `root` or below it, component by component: `/project2` is not under `/project`.
pub(crate) fn is_under(path: &Path, root: &Path) -> bool {
    path.starts_with(root)
}

/// An e-mail address with its domain in one spelling; the part before `@` is the receiver's business and stays.
pub(crate) fn normal_email(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((local, domain)) => {
            format!(
                "{local}@{}",
                host_of_text(domain).map_or_else(|| domain.to_ascii_lowercase(), HostName::into_native)
            )
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_goes_by_components() {
        for (path, root, expected) in [
            ("/project", "/project", true),
            ("/project/a", "/project", true),
            ("/project/a", "/project/", true),
            ("/project2/a", "/project", false),
            ("/projec", "/project", false),
            ("/", "/project", false),
            ("/project", "/", true),
        ] {
            assert_eq!(is_under(Path::new(path), Path::new(root)), expected, "{path} {root}");
        }
        for bad in ["work", "", "C:/a", r"C:\a", "/a/../b", "/a/./b", "/a//b", "./a", "~/a"] {
            assert_eq!(path_literal(bad), None, "{bad}");
        }
        assert!(path_literal("/srv/data").is_some());
    }
}
