//! `enforcecore explain`: what a code means.

use clap::Args;
use enforcecore::codes::{self, Code, Family};
use enforcecore::diagnostic::closest;
use enforcecore_host::config::Given;
use serde_json::{Value as Json, json};

use crate::dispatch::{Command, Invocation};
use crate::error::{CommandError, Exit};
use crate::output::Output;
use crate::render::hanging;

/// Say what a code means, why, and what to do
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
        let pages = match &self.code {
            Some(code) => pages(code)?,
            None => codes::all().collect(),
        };
        if self.json {
            output.json(
                &json!({"v": 1, "pages": pages.iter().map(|(family, page)| machine(*family, page)).collect::<Vec<_>>()}),
            )?;
        } else if self.code.is_some() {
            pages.iter().try_for_each(|(family, page)| output.line(&human(*family, page)))?;
        } else {
            pages.iter().try_for_each(|(family, page)| {
                output.line(&format!("{:<28}  {:<6}  {}", page.code, family.as_str(), page.title))
            })?;
        }
        output.flush()?;
        Ok(Exit::Clean)
    }
}

fn pages(code: &str) -> Result<Vec<(Family, &'static Code)>, CommandError> {
    let pages = codes::explain(code);
    if !pages.is_empty() {
        return Ok(pages);
    }
    let close = closest(code, codes::all().map(|(_, page)| page.code));
    let help = close.map_or_else(
        || "`enforcecore explain --list` has every code".to_owned(),
        |close| format!("did you mean `{close}`?"),
    );
    Err(CommandError::usage(format!("there is no code `{code}`")).help(help))
}

fn machine(family: Family, page: &Code) -> Json {
    let Code { code, title, explanation, example, instead } = page;
    json!({
        "code": code,
        "about": family.as_str(),
        "title": title,
        "explanation": explanation,
        "example": example,
        "instead": instead,
    })
}

fn human(family: Family, page: &Code) -> String {
    let Code { code, title, explanation, example, instead } = page;
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
