//! `enforcecore explain`: what a code means.

use clap::Args;
use enforcecore::codes::{self, Code, Page};
use enforcecore::diagnostic::closest;
use enforcecore_host::config::Given;
use serde_json::{Value as Json, json};

use crate::dispatch::{Command, Invocation};
use crate::error::{CommandError, Exit};
use crate::output::Output;
use crate::render::hanging;

/// Explain a code: its meaning, its reason, and what to do
#[derive(Debug, Args)]
#[command(after_help = "\
Codes stand in diagnostics (EC0020), in decisions and logs (no_rule) and in what
`audit verify` finds (altered).

Examples:
  enforcecore explain EC0020
  enforcecore explain no_rule --json
  enforcecore explain --list")]
#[command(group(clap::ArgGroup::new("what").required(true).args(["code", "list"])))]
pub struct Explain {
    /// The code
    code: Option<String>,
    /// Every code with its title
    #[arg(long)]
    list: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Columns of text at most.
const COLUMNS: usize = 96;

impl Command for Explain {
    fn enforces(&self) -> bool {
        false
    }

    fn give(&self, _: &mut Given) {}

    fn run(self, _: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        let codes = match &self.code {
            Some(word) => codes_of(word)?,
            None => codes::all().collect(),
        };
        let pages: Vec<&Page> = codes.into_iter().map(Code::page).collect();
        if self.json {
            output.json(&json!({"v": 1, "pages": pages.iter().map(|page| machine(page)).collect::<Vec<_>>()}))?;
        } else if self.code.is_some() {
            pages.iter().try_for_each(|page| output.line(&human(page)))?;
        } else {
            pages.iter().try_for_each(|Page { code, family, title, .. }| {
                output.line(&format!("{code:<28}  {:<6}  {title}", family.as_str()))
            })?;
        }
        output.flush()?;
        Ok(Exit::Clean)
    }
}

fn codes_of(word: &str) -> Result<Vec<Code>, CommandError> {
    let codes = codes::explain(word);
    if !codes.is_empty() {
        return Ok(codes);
    }
    let close = closest(word, codes::all().map(Code::as_str));
    let help = close.map_or_else(
        || "`enforcecore explain --list` has every code".to_owned(),
        |close| format!("did you mean `{close}`?"),
    );
    Err(CommandError::usage(format!("there is no code `{word}`")).help(help))
}

fn machine(page: &Page) -> Json {
    let Page { code, family, title, explanation, example, instead } = page;
    json!({
        "code": code,
        "about": family.as_str(),
        "title": title,
        "explanation": explanation,
        "example": example,
        "instead": instead,
    })
}

fn human(page: &Page) -> String {
    let Page { code, family, title, explanation, example, instead } = page;
    let about = family.as_str();
    format!(
        "{code} ({about}): {title}\n\n{}\n\nExample:\n{}\nInstead:\n{}",
        hanging("", "", explanation, COLUMNS),
        indented(example),
        indented(instead)
    )
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
