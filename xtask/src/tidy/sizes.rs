//! No file over 800 lines, no function over 70: what does not fit in one look is not understood in one.

use anyhow::{Context, Result};

use super::{File, Tree, source};

/// Lines of a file at most.
const FILE_LINES_MAX: usize = 800;

/// Lines of a function at most, from its name to its end: a screen.
const FUNCTION_LINES_MAX: usize = 70;

/// Files that may be longer: the path, the limit, the reason.
const LONGER_FILES: [(&str, usize, &str); 0] = [];

/// Functions that may be longer: the path with the name, the limit, the reason.
const LONGER_FUNCTIONS: [(&str, usize, &str); 0] = [];

pub fn within_limits(tree: &Tree) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in tree.with_extension("rs").chain(tree.with_extension("py")) {
        let lines = file.text.lines().count();
        if lines > limit(&LONGER_FILES, &file.path, FILE_LINES_MAX) {
            findings.push(format!("{}: {lines} lines; the limit is {FILE_LINES_MAX}", file.path));
        }
        for function in functions(file)? {
            let place = format!("{}::{}", file.path, function.name);
            if function.lines > limit(&LONGER_FUNCTIONS, &place, FUNCTION_LINES_MAX) {
                let (path, line, name, lines) = (&file.path, function.line, &function.name, function.lines);
                findings.push(format!("{path}:{line}: `{name}` has {lines} lines; the limit is {FUNCTION_LINES_MAX}"));
            }
        }
    }
    Ok(findings)
}

fn limit(exceptions: &[(&str, usize, &str)], place: &str, usual: usize) -> usize {
    exceptions.iter().find(|(path, ..)| *path == place).map_or(usual, |(_, limit, _)| *limit)
}

fn functions(file: &File) -> Result<Vec<source::Function>> {
    if file.path.ends_with(".py") {
        return Ok(python_functions(&file.text));
    }
    let syntax = syn::parse_file(&file.text).with_context(|| format!("cannot read `{}`", file.path))?;
    Ok(source::functions(&syntax))
}

/// Python's functions end where the indentation does.
fn python_functions(text: &str) -> Vec<source::Function> {
    let lines: Vec<&str> = text.lines().collect();
    let mut functions = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let mut end = start;
        for (index, line) in lines.iter().enumerate().skip(start + 1) {
            let text = line.trim_start();
            // A signature over several lines closes at the indentation of its `def`.
            if text.is_empty() || text.starts_with(')') {
                continue;
            }
            if indentation(line) <= indentation(lines.get(start).unwrap_or(&"")) {
                break;
            }
            end = index;
        }
        functions.push(source::Function { name: name.to_owned(), line: start + 1, lines: end - start + 1 });
    }
    functions
}

fn function_name(line: &str) -> Option<&str> {
    let text = line.trim_start();
    let rest = text.strip_prefix("async ").unwrap_or(text).strip_prefix("def ")?;
    rest.split_once('(').map(|(name, _)| name.trim())
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(within_limits(&Tree::of(path, text)).unwrap(), expected);
    }

    #[test]
    fn a_function_of_71_lines_is_found_and_one_of_70_is_not() {
        let rust = |lines: usize| format!("/// Doc.\nfn long() {{\n{}}}\n", "    work();\n".repeat(lines - 2));
        check("a.rs", &rust(70), &[]);
        check("a.rs", &rust(71), &["a.rs:2: `long` has 71 lines; the limit is 70"]);
        let python = |lines: usize| format!("def long(\n    a,\n):\n{}\n\nx = 1\n", "    work()\n".repeat(lines - 3));
        check("a.py", &python(70), &[]);
        check("a.py", &python(71), &["a.py:1: `long` has 71 lines; the limit is 70"]);
    }

    #[test]
    fn a_file_of_801_lines_is_found_and_one_of_800_is_not() {
        check("a.rs", &"//\n".repeat(800), &[]);
        check("a.rs", &"//\n".repeat(801), &["a.rs: 801 lines; the limit is 800"]);
        check("a.md", &"//\n".repeat(801), &[]);
    }
}
