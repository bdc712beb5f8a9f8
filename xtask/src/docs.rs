//! The commands in the documents, each executed as it is written.
//!
//! In `README.md` and `docs/*.md` every block marked `sh` is run in a copy of the tree. A document's commands run in order in one
//! shell, as if all its blocks were pasted into one terminal: where one changes the folder or sets a variable, the next one finds
//! it so. `cargo run --release --` stands for the program that was built for the tests. The conventions:
//!
//! * a command that ends in `# exits N` must end with that status; every other one with 0;
//! * a block marked `text matches` must equal what the commands before it printed on standard output, where a line `...`
//!   stands for any lines and `[..]` for any text within a line;
//! * `cargo xtask ..` is not run from inside itself: it must be a task that exists.
//!
//! Other marks for commands (`bash`, `console`, `shell`) are refused, or a command could hide from this page.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::steps::{Count, Steps};
use crate::tool::{self, command, read, say};
use crate::{is_task, setup, test};

/// Marks that would let a command escape the test.
const REFUSED_MARKS: [&str; 4] = ["bash", "console", "shell", "shell-session"];

/// The document a newcomer reads first.
const README: &str = "README.md";

/// One fenced block of a document.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// What stands after the fence.
    mark: String,
    /// The line of the fence, from 1.
    line: usize,
    /// What stands inside.
    text: String,
}

/// Runs every command of every document; true when each did what it says.
pub fn run_alone() -> Result<bool> {
    let root = tool::root()?;
    let mut steps = Steps::start();
    steps.count("commands in the documents", || run(&root));
    Ok(steps.finish())
}

/// Runs every command of every document.
pub fn run(root: &Path) -> Result<Count> {
    let before = state(root)?;
    let mut total = run_all(root)?;
    if let Some(change) = changed(&before, &state(root)?) {
        say(&format!("    FAILED: the commands change the checkout: {change}"));
        total.failed += 1;
    }
    Ok(total)
}

/// What git says of the checkout: files that were changed, that are new, and that it is told to ignore.
fn state(root: &Path) -> Result<String> {
    read(command("git", root, &["status", "--porcelain", "--ignored"]))
}

/// What is said of the checkout now and was not before, or the other way round.
fn changed(before: &str, after: &str) -> Option<String> {
    let [before, after] = [before, after].map(|state| state.lines().collect::<BTreeSet<_>>());
    let changes: Vec<&str> = before.symmetric_difference(&after).map(|line| line.trim()).collect();
    (!changes.is_empty()).then(|| changes.join(", "))
}

fn run_all(root: &Path) -> Result<Count> {
    let mut total = Count::default();
    let documents: Vec<String> = crate::tidy::tracked(root)?.into_iter().filter(|path| is_document(path)).collect();
    if !documents.iter().any(|path| path == README) {
        bail!("there is no `{README}`");
    }
    for document in documents {
        let copy = tempfile::tempdir().context("cannot make a folder")?;
        copy_tree(root, copy.path())?;
        let text = fs::read_to_string(root.join(&document)).with_context(|| format!("cannot read `{document}`"))?;
        total += run_document(root, copy.path(), &document, &text)?;
    }
    Ok(total)
}

/// True for a document whose commands are run.
pub fn is_document(path: &str) -> bool {
    path == README || (path.starts_with("docs/") && path.ends_with(".md"))
}

/// The fenced blocks of a Markdown text.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in text.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        match (fence, open.take()) {
            (Some(mark), None) => {
                open = Some(Block { mark: mark.trim().to_owned(), line: index + 1, text: String::new() });
            }
            (Some(_), Some(block)) => blocks.push(block),
            (None, Some(mut block)) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    blocks
}

/// Complaints about blocks whose mark would hide their commands.
pub fn refused_marks(document: &str, text: &str) -> Vec<String> {
    let refused = blocks(text).into_iter().filter(|block| REFUSED_MARKS.contains(&first_word(&block.mark)));
    let say = |block: Block| format!("{document}:{}: mark commands with `sh`, so that they are run", block.line);
    refused.map(say).collect()
}

fn run_document(root: &Path, folder: &Path, document: &str, text: &str) -> Result<Count> {
    let mut count = Count::default();
    let mut printed = String::new();
    let mut verdict = |place: usize, what: &str, result: Result<()>| match result {
        Ok(()) => count.passed += 1,
        Err(error) => {
            say(&format!("    FAILED: {document}:{place}: {what}: {error:#}"));
            count.failed += 1;
        }
    };
    let blocks = blocks(text);
    let lines: Vec<String> =
        blocks.iter().filter(|block| block.mark == "sh").flat_map(|block| commands(&block.text)).collect();
    let mut ran = run_in_one_shell(root, folder, &lines)?.into_iter();
    for block in blocks {
        match block.mark.as_str() {
            "sh" => {
                printed.clear();
                for (line, ran) in commands(&block.text).into_iter().zip(ran.by_ref()) {
                    printed.push_str(&ran.stdout);
                    verdict(block.line, &line, ran.judge(&line));
                }
            }
            "text matches" => verdict(block.line, "output", compare(&block.text, &printed)),
            _ => {}
        }
    }
    Ok(count)
}

/// The commands of a block: comments left out, continued lines joined, a here-document kept with its command.
fn commands(block: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut open = String::new();
    let mut until: Option<String> = None;
    for line in block.lines() {
        if open.is_empty() && (line.trim().is_empty() || line.trim_start().starts_with('#')) {
            continue;
        }
        open.push_str(line);
        open.push('\n');
        let ends_here = until.as_deref().is_some_and(|end| line.trim() == end);
        if until.is_none() {
            until = line.split_once("<<").map(|(_, word)| here_word(word));
        }
        if ends_here || (until.is_none() && !line.ends_with('\\')) {
            commands.push(std::mem::take(&mut open).trim_end().to_owned());
            until = None;
        }
    }
    if !open.is_empty() {
        commands.push(open.trim_end().to_owned());
    }
    commands
}

/// The word that ends a here-document.
fn here_word(rest: &str) -> String {
    first_word(rest.trim_start_matches(['-', ' '])).trim_matches(['\'', '"']).to_owned()
}

/// What became of a command.
struct Ran {
    /// What it ended with; none if the shell did not come to its end.
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ran {
    /// Fails if the command did not end as it says.
    fn judge(&self, line: &str) -> Result<()> {
        if is_own_task(line) {
            return if is_task(line) { Ok(()) } else { bail!("no such task") };
        }
        let expected = expected_status(line)?;
        let Some(status) = self.status else { bail!("the shell ended before\n{}", self.stderr.trim()) };
        if status != expected {
            bail!("{status} instead of {expected}\n{}", [self.stdout.as_str(), &self.stderr].concat().trim());
        }
        Ok(())
    }
}

fn is_own_task(line: &str) -> bool {
    line.starts_with("cargo xtask")
}

/// Runs commands one after the other in one shell, without input.
fn run_in_one_shell(root: &Path, folder: &Path, lines: &[String]) -> Result<Vec<Ran>> {
    let said = tempfile::tempdir().context("cannot make a folder")?;
    let file = |number: usize, what: &str| said.path().join(format!("{number}.{what}"));
    let mut script = String::new();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !is_own_task(line)) {
        let line = line.replace("cargo run --release --", "enforcecore");
        let [out, err, status] = ["out", "err", "status"].map(|what| file(number, what).display().to_string());
        script.push_str(&format!("{{\n{line}\n}} > '{out}' 2> '{err}' < /dev/null\necho $? > '{status}'\n"));
    }
    let path = said.path().join("script");
    fs::write(&path, script).context("cannot write the script")?;
    let mut shell = command("bash", folder, &[&path.to_string_lossy()]);
    shell.envs(test::environment(root)?).env("NO_COLOR", "1").env("VIRTUAL_ENV", setup::venv(root));
    shell.env_remove("CARGO").env_remove("CARGO_MANIFEST_DIR");
    let output = shell.output().context("cannot start bash")?;
    let ran = (0..lines.len()).map(|number| {
        let read = |what: &str| {
            let bytes = fs::read(file(number, what)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        // What the shell itself says is about the command that it did not get past.
        let stderr = [read("err"), String::from_utf8_lossy(&output.stderr).into_owned()].concat();
        Ran { status: read("status").trim().parse().ok(), stdout: read("out"), stderr }
    });
    Ok(ran.collect())
}

/// The status a command says it ends with.
fn expected_status(line: &str) -> Result<i32> {
    match line.rsplit_once("# exits ") {
        None => Ok(0),
        Some((_, status)) => status.trim().parse().with_context(|| format!("`{status}` is no exit status")),
    }
}

/// Compares an output with what a document shows of it.
fn compare(shown: &str, printed: &str) -> Result<()> {
    let shown: Vec<&str> = shown.trim().lines().map(str::trim_end).collect();
    let printed: Vec<&str> = printed.trim().lines().map(str::trim_end).collect();
    if lines_match(&shown, &printed) {
        return Ok(());
    }
    bail!("the document shows\n{}\nthe command printed\n{}", shown.join("\n"), printed.join("\n"));
}

fn lines_match(shown: &[&str], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((&"...", rest)) => {
            (0..=printed.len()).any(|skip| lines_match(rest, printed.get(skip..).unwrap_or_default()))
        }
        Some((line, rest)) => {
            printed.split_first().is_some_and(|(first, others)| line_matches(line, first) && lines_match(rest, others))
        }
    }
}

/// `[..]` matches any text; the parts between must follow each other.
fn line_matches(shown: &str, printed: &str) -> bool {
    let Some((start, rest)) = shown.split_once("[..]") else { return shown == printed };
    // What stands last in the line is what it ends in, wherever else it may stand too.
    let (middle, end) = rest.rsplit_once("[..]").unwrap_or(("", rest));
    let Some(mut between) = printed.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)) else { return false };
    middle.split("[..]").all(|part| match between.split_once(part) {
        Some((_, after)) => {
            between = after;
            true
        }
        None => false,
    })
}

/// Copies the tracked files, so that a document's commands may write where they like.
fn copy_tree(root: &Path, to: &Path) -> Result<()> {
    for path in crate::tidy::tracked(root)? {
        let target = to.join(&path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        }
        fs::copy(root.join(&path), &target).with_context(|| format!("cannot copy `{path}`"))?;
    }
    Ok(())
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_under_another_mark_is_found() {
        assert_eq!(
            refused_marks("a.md", "```console\nls\n```\n"),
            ["a.md:1: mark commands with `sh`, so that they are run"]
        );
        assert!(refused_marks("a.md", "```sh\nls\n```\n").is_empty());
    }

    #[test]
    fn a_checkout_that_changed_is_noticed() {
        let check = |before, after, expected: Option<&str>| assert_eq!(changed(before, after).as_deref(), expected);
        check("", "", None);
        check(" M a\n!! target/\n", " M a\n!! target/\n", None);
        check(" M a\n", " M a\n?? b\n", Some("?? b"));
        check("?? b\n", "", Some("?? b"));
        check("", "!! .enforcecore/\n", Some("!! .enforcecore/"));
    }

    #[test]
    fn a_block_is_read_into_commands() {
        let block = "# a comment\nls -l\n\ncat <<'END' > file\none\ntwo\nEND\nprintf a \\\n  b\n";
        assert_eq!(commands(block), ["ls -l", "cat <<'END' > file\none\ntwo\nEND", "printf a \\\n  b"]);
    }

    fn check(text: &str, passed: usize, failed: usize) {
        let root = crate::tool::root().unwrap();
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(run_document(&root, folder.path(), "a.md", text).unwrap(), Count { passed, failed }, "{text}");
    }

    #[test]
    fn a_document_runs_as_written() {
        check("```sh\ntrue\necho hi > f\ntest -s f\n```\n", 3, 0);
        check("```sh\nfalse\n```\n", 0, 1);
        check("```sh\nfalse # exits 1\n```\n", 1, 0);
        check("```sh\ntrue # exits 1\n```\n", 0, 1);
        check("```sh\ncargo xtask test\ncargo xtask tset\n```\n", 1, 1);
        check("```sh\necho took 12 ms\n```\n```text matches\ntook [..] ms\n```\n", 2, 0);
        check("```sh\necho took 12 ms\n```\n```text matches\ntook 13 ms\n```\n", 1, 1);
        check("```sh\necho anything\n```\n```text\nelse\n```\n", 1, 0);
        check("```sh\necho one\ncat <<END\ntwo\nEND\n```\n```text matches\none\ntwo\n```\n", 3, 0);
        check("```sh\nread line # exits 1\n```\n", 1, 0);
        check("```sh\ntrue\nexit 0\ntrue\n```\n", 1, 2);
        check("```sh\ntrue\necho \"\n```\n", 1, 1);
    }

    #[test]
    fn a_document_is_one_terminal() {
        check("```sh\nmkdir a\ncd a && touch b\n```\n```sh\ncd a && test -e b\n```\n", 2, 1);
        check("```sh\nmkdir a\n(cd a && touch b)\n```\n```sh\n(cd a && test -e b)\n```\n", 3, 0);
        check("```sh\nmkdir a\ncd a\n```\n```sh\nbasename \"$PWD\"\n```\n```text matches\na\n```\n", 4, 0);
        check("```sh\nexport A=1\n```\n```sh\necho \"$A\"\n```\n```text matches\n1\n```\n", 3, 0);
    }

    #[test]
    fn shown_output_may_leave_lines_and_words_out() {
        let check = |shown: &str, printed: &str, expected| {
            assert_eq!(compare(shown, printed).is_ok(), expected, "{shown} / {printed}");
        };
        check("a\n...\nd", "a\nb\nc\nd", true);
        check("a\n...\nd", "a\nb\nc", false);
        check("a\n...", "a", true);
        check("key [..] end", "key abc end", true);
        check("key [..]", "key", false);
        check("key [..] end", "key abc end too", false);
        check("key [..]}", "key {a} {b}}", true);
        check("a [..] b [..] c", "a 1 b 2 c 3 c", true);
    }
}
