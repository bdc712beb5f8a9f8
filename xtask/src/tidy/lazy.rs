//! Nothing is initialised at its first use: a program may fork while another thread does it, and the child, which has no such
//! thread, then waits for ever.

use anyhow::Result;

use super::{Tree, source};

/// Where the product's code is.
const PRODUCT: [&str; 2] = ["crates/", "bindings/"];

/// What fills itself at its first use, or makes it easy to.
const LAZY: [&str; 12] = [
    "GILOnceCell",
    "Interned",
    "LazyCell",
    "LazyLock",
    "Once",
    "OnceCell",
    "OnceLock",
    "PyOnceLock",
    "intern",
    "lazy_static",
    "once_cell",
    "thread_local",
];

/// Those that may stand there: the file, the word, and why no child of a fork waits for it.
const ALLOWED: [(&str, &str, &str); 5] = [
    ("bindings/python/src/events.rs", "thread_local", "a constant begins it, so there is nothing to wait for"),
    ("bindings/python/src/known.rs", "PyOnceLock", "it is filled when the module is imported, and then only read"),
    ("bindings/python/src/spans.rs", "thread_local", "a constant begins it, so there is nothing to wait for"),
    ("crates/enforcecore/src/redact/work.rs", "thread_local", "it stands in tests alone"),
    (
        "crates/enforcecore-audit/src/log/batch.rs",
        "OnceLock",
        "it belongs to one open log; a child opens the log for itself",
    ),
];

pub fn nothing_lazy(tree: &Tree) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut used = Vec::new();
    let product = |path: &str| PRODUCT.iter().any(|folder| path.starts_with(folder)) && path.contains("/src/");
    for file in tree.with_extension("rs").filter(|file| product(&file.path)) {
        for word in LAZY {
            let tokens = file.text.parse().map_err(|error| anyhow::anyhow!("cannot read `{}`: {error}", file.path))?;
            let lines = source::lines_with(tokens, word);
            if lines.is_empty() {
                continue;
            }
            match ALLOWED.iter().find(|(path, name, _)| *path == file.path && *name == word) {
                Some(allowed) => used.push(allowed),
                None => findings.extend(lines.iter().map(|line| {
                    format!(
                        "{}:{line}: `{word}` may be filled while another thread forks: fill it at the start",
                        file.path
                    )
                })),
            }
        }
    }
    let unused = ALLOWED.iter().filter(|allowed| tree.file(allowed.0).is_some() && !used.contains(allowed));
    findings.extend(unused.map(|(path, word, _)| format!("`{path}` has no `{word}` any more")));
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_at_its_first_use_is_found() {
        let check = |path: &str, text: &str, expected: usize| {
            assert_eq!(nothing_lazy(&Tree::of(path, text)).unwrap().len(), expected, "{path}: {text}");
        };
        let core = "crates/enforcecore/src/a.rs";
        check(core, "static A: LazyLock<u8> = LazyLock::new(f);", 2);
        check(core, "fn f() { static A: std::sync::OnceLock<u8> = std::sync::OnceLock::new(); }", 2);
        check("bindings/python/src/a.rs", "fn f() { g(pyo3::intern!(py, \"a\")); }", 1);
        check("crates/enforcecore-host/src/a.rs", "thread_local! { static A: u8 = f(); }", 1);
        check(core, "// A LazyLock\nconst A: &str = \"OnceLock\";", 0);
        check("crates/enforcecore/tests/a.rs", "static A: LazyLock<u8> = LazyLock::new(f);", 0);
        check("bindings/python/src/known.rs", "static A: PyOnceLock<u8> = PyOnceLock::new();", 0);
        // Twice what may not stand there, once what is allowed and does not.
        check("bindings/python/src/known.rs", "static A: OnceLock<u8> = OnceLock::new();", 3);
    }
}
