//! No file over 800 lines: what a file is about fits in a person's head. Clippy and ruff hold functions to their length.

use anyhow::Result;

use super::Tree;

/// Lines of a file at most.
const FILE_LINES_MAX: usize = 800;

pub fn within_limits(tree: &Tree) -> Result<Vec<String>> {
    let files = tree.with_extension("rs").chain(tree.with_extension("py"));
    let sizes = files.map(|file| (&file.path, file.text.lines().count()));
    let longer = sizes.filter(|(_, lines)| *lines > FILE_LINES_MAX);
    Ok(longer.map(|(path, lines)| format!("{path}: {lines} lines; the limit is {FILE_LINES_MAX}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_801_lines_is_found_and_one_of_800_is_not() {
        let check = |path: &str, text: &str, expected: &[&str]| {
            assert_eq!(within_limits(&Tree::of(path, text)).unwrap(), expected);
        };
        check("a.rs", &"//\n".repeat(800), &[]);
        check("a.rs", &"//\n".repeat(801), &["a.rs: 801 lines; the limit is 800"]);
        check("a.md", &"//\n".repeat(801), &[]);
    }
}
