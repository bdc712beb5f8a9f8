//! A measured number in the readme stands with the command that measured it and the day it did.

use anyhow::Result;

use super::Tree;

const README: &str = "README.md";

/// Units that make a number a measurement.
const UNITS: [&str; 29] = [
    "ns", "us", "µs", "μs", "ms", "s", "sec", "seconds", "min", "minutes", "B/s", "KB/s", "MB/s", "GB/s", "KiB/s",
    "MiB/s", "GiB/s", "KB", "MB", "GB", "KiB", "MiB", "GiB", "x", "×", "%", "calls/s", "ops/s", "lines/s",
];

pub fn have_a_source(tree: &Tree) -> Result<Vec<String>> {
    Ok(tree.file(README).map(|readme| findings(&readme.text)).unwrap_or_default())
}

fn findings(text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (line, paragraph) in paragraphs(text) {
        let Some(number) = measurement(&without_code(&paragraph)) else { continue };
        if !has_command(&paragraph) || !has_date(&paragraph) {
            findings.push(format!("{README}:{line}: `{number}` needs its `command` and date (YYYY-MM-DD) beside it"));
        }
    }
    findings
}

/// Paragraphs, list items and table rows outside code blocks, each with the line it begins on.
fn paragraphs(text: &str) -> Vec<(usize, String)> {
    let mut paragraphs: Vec<(usize, String)> = Vec::new();
    let mut continues = false;
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") {
            in_code = !in_code;
        }
        let is_boundary = in_code || trimmed.is_empty() || trimmed.starts_with("```");
        let begins = ["|", "#", "* ", "- "].iter().any(|start| trimmed.starts_with(start));
        match paragraphs.last_mut() {
            _ if is_boundary => {}
            Some((_, paragraph)) if continues && !begins => {
                paragraph.push(' ');
                paragraph.push_str(line);
            }
            _ => paragraphs.push((index + 1, line.to_owned())),
        }
        continues = !is_boundary && !trimmed.starts_with('#');
    }
    paragraphs
}

/// The first number with a unit.
fn measurement(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || "|()*_;".contains(c)).collect();
    words.iter().enumerate().find_map(|(index, word)| {
        let word = word.trim_start_matches(['~', '<', '>', '≤', '≥', '±', '+', '-']);
        let number: String = word.chars().take_while(|c| c.is_ascii_digit() || ".,_".contains(*c)).collect();
        if !number.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let attached = word.strip_prefix(number.as_str()).unwrap_or_default();
        let unit = if attached.is_empty() { words.get(index + 1).copied().unwrap_or_default() } else { attached };
        let unit = unit.trim_end_matches(['.', ',', ':', '!', '?']);
        // "5, s.t." is no measurement: punctuation between the number and the next word ends it.
        let ended = attached.is_empty() && number.ends_with([',', '.']);
        (!ended && UNITS.contains(&unit)).then(|| format!("{number} {unit}"))
    })
}

/// The text outside backticks.
fn without_code(text: &str) -> String {
    text.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

/// True when something in backticks is a command: a program and at least one word for it.
fn has_command(text: &str) -> bool {
    text.split('`').skip(1).step_by(2).any(|code| code.split_whitespace().count() >= 2)
}

fn has_date(text: &str) -> bool {
    text.as_bytes().windows(10).any(|window| {
        window.iter().enumerate().all(|(index, byte)| match index {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_a_unit_needs_command_and_date() {
        let check = |text: &str, expected: usize| assert_eq!(findings(text).len(), expected, "{text}");
        check("A decision takes 12 µs.", 1);
        check("A decision takes 12µs (`cargo xtask bench decide`, 2026-01-31).", 0);
        check("A decision takes 12 µs (`cargo xtask bench decide`).", 1);
        check("A decision takes 12 µs (2026-01-31).", 1);
        check("| decide | 1,200 ns | `cargo xtask bench decide` | 2026-01-31 |\n| redact | 95 MB/s | | |", 1);
        check("Coverage is 97 %, and\nit was 3x (`cargo xtask test`)\non 2026-01-31.", 0);
        check("It has 10 invariants and 4 crates, version 2.0.", 0);
        check("`sleep 5 s` is code.\n\n```text\n12 ms\n```\n", 0);
        check("~5 ms.", 1);
    }
}
