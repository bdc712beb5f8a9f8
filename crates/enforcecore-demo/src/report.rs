//! The demo's result, for people in 80 columns and for machines.

use std::path::PathBuf;

use anstyle::{AnsiColor, Style};
use enforcecore::audit::{LogFinding, LogVerdict};
use serde_json::{Value as Json, json};

use crate::ledger::Call;
use crate::script::{Kind, REDACTED, Step};
use crate::server::TOOLS;
use crate::tampering::{Evidence, Tampering};

/// The result of the script.
pub struct Report {
    /// The tools the agent was shown.
    pub(crate) tools: Vec<String>,
    /// One row a call, in the order of the script.
    pub(crate) rows: Vec<Row>,
    /// The log and its damaged copies; none where nothing was logged.
    pub(crate) evidence: Option<Evidence>,
    /// The demo's folder, if it stays.
    pub kept: Option<PathBuf>,
}

/// The result of one call.
pub struct Row {
    /// The call.
    pub step: &'static Step,
    /// What the log says of it.
    pub call: Call,
    /// Why the agent was told that it was refused.
    pub reason: String,
    /// Whether the effect was found afterwards.
    pub effect_happened: bool,
    /// Whether the rest of a call that is stopped in part was found.
    pub rest_happened: bool,
}

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const TITLE: Style = Style::new().bold();

impl Report {
    /// Whether every call ended as scripted and the tampering was named.
    pub fn is_as_scripted(&self) -> bool {
        self.rows.iter().all(Row::is_as_scripted) && self.evidence.as_ref().is_some_and(Evidence::is_sound)
    }

    /// One object.
    pub fn json(&self) -> Json {
        let evidence = self.evidence.as_ref();
        json!({
            "v": 1,
            "tools": self.tools,
            "calls": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
            "log": evidence.map(|evidence| json!({
                "path": evidence.log,
                "entries": evidence.entries,
                "verdict": evidence.verdict.as_str(),
            })),
            "tampering": evidence.map(|Evidence { changed, cut, .. }| json!({
                "detected": changed.finding.is_some() && cut.finding.is_some(),
                "entry": changed.entry(),
                "finding": kind(changed),
                "cut": {"entry": cut.entry(), "finding": kind(cut)},
            })),
        })
    }

    /// Painted lines for a terminal. Where everything is kept is not among them.
    pub fn human(&self) -> Vec<String> {
        let between = match self.evidence {
            Some(_) => "A scripted agent works through `enforcecore mcp` in front of a real MCP server;",
            None => "A scripted agent works on a real MCP server, and NOTHING stands in between;",
        };
        let (shown, offered) = (self.tools.len(), TOOLS.len());
        let mut lines = vec![
            between.to_owned(),
            format!("it is shown {shown} of the {offered} tools. An effect is what is found afterwards: in"),
            "files, outbox, payments, requests, and in what the agent was sent.".to_owned(),
        ];
        lines.extend(self.table(Kind::Ordinary, "Ordinary work"));
        lines.extend(self.table(Kind::Hostile, "Harm the agent is talked into"));
        if let Some(evidence) = &self.evidence {
            lines.push(String::new());
            lines.extend(lines_of(evidence));
        }
        let summary = painted(&self.summary(), if self.is_as_scripted() { GOOD } else { BAD });
        lines.extend([String::new(), summary]);
        lines
    }

    fn table(&self, kind: Kind, title: &str) -> impl Iterator<Item = String> {
        let head = painted(&columns(title, "decision", "code", "effect"), TITLE);
        let rows = self.rows.iter().filter(move |row| row.step.kind == kind);
        [String::new(), head].into_iter().chain(rows.map(Row::line))
    }

    fn summary(&self) -> String {
        let rows = |kind: Kind| self.rows.iter().filter(move |row| row.step.kind == kind);
        let happened = |kind: Kind| rows(kind).filter(|row| row.effect_happened).count();
        let count = |kind: Kind| format!("{} of {}", happened(kind), rows(kind).count());
        let (ordinary, hostile) = (count(Kind::Ordinary), count(Kind::Hostile));
        let tampering = match &self.evidence {
            Some(evidence) if evidence.is_sound() => " The tampering was named.",
            Some(_) => " The tampering was NOT named.",
            None => "",
        };
        format!("Effects: {ordinary} ordinary, {hostile} hostile.{tampering}")
    }
}

impl Row {
    /// Whether the call was answered as scripted, and what was to happen happened and nothing else.
    pub fn is_as_scripted(&self) -> bool {
        let effect = self.effect_happened == (self.step.kind == Kind::Ordinary);
        self.answer() == self.step.code && effect && self.rest_happened
    }

    /// The code of the decision, or that something was taken out of a call that was let through.
    fn answer(&self) -> &str {
        if self.call.redactions.is_empty() { &self.call.code } else { REDACTED }
    }

    fn line(&self) -> String {
        let effect = match (self.effect_happened, self.step.kind) {
            (true, Kind::Ordinary) => painted("happened", GOOD),
            (false, Kind::Hostile) => painted("none", GOOD),
            (true, Kind::Hostile) => painted("HAPPENED", BAD),
            (false, Kind::Ordinary) => painted("NONE", BAD),
        };
        columns(&format!("  {}", self.step.title), &self.call.decision, self.answer(), &effect)
    }

    fn json(&self) -> Json {
        json!({
            "tool": self.step.tool,
            "title": self.step.title,
            "kind": self.step.kind.as_str(),
            "decision": self.call.decision,
            "code": self.call.code,
            "rules": self.call.rules,
            "reason": self.reason,
            "redactions": self.call.redactions,
            "effect_happened": self.effect_happened,
            "as_scripted": self.is_as_scripted(),
        })
    }
}

fn lines_of(evidence: &Evidence) -> [String; 4] {
    let Evidence { entries, verdict, changed, cut, .. } = evidence;
    let verdict = painted(verdict.as_str(), if *verdict == LogVerdict::Valid { GOOD } else { BAD });
    [
        painted("Evidence", TITLE),
        format!("  The log has {entries} entries and is {verdict} against the anchor in another folder."),
        format!("  A copy with one byte changed in {}: {}", changed.place, named(changed)),
        format!("  A copy without {}: {}", cut.place, named(cut)),
    ]
}

fn kind(tampering: &Tampering) -> Option<&'static str> {
    tampering.finding.as_ref().map(|finding| finding.kind.as_str())
}

fn named(tampering: &Tampering) -> String {
    match &tampering.finding {
        Some(LogFinding { kind, place, .. }) => painted(&format!("{}, {place}", kind.as_str()), GOOD),
        None => painted("NOT NAMED", BAD),
    }
}

fn columns(title: &str, decision: &str, code: &str, effect: &str) -> String {
    format!("{title:<42}{decision:<10}{code:<18}{effect}")
}

fn painted(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
}
