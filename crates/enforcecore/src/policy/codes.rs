//! Every code a policy can earn, with a title and an explanation: the pages of `enforcecore explain CODE`.

/// One code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// `EC0017`.
    pub code: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// Why it is refused and what to do.
    pub explanation: &'static str,
}

/// The page of a code.
pub fn explain(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|own| own.code == code)
}

const fn code(code: &'static str, title: &'static str, explanation: &'static str) -> Code {
    Code { code, title, explanation }
}

/// Every code, in order.
pub const CODES: &[Code] = &[
    code(
        "EC0000",
        "policy that cannot be read",
        "The file is missing, is no regular file, or this user may not read it. Nothing runs under a policy that nobody could read. Mend the path or the file's permissions.",
    ),
    code(
        "EC0001",
        "document too large",
        "A policy document has at most 8 MiB. A longer one is a mistake, or a list that belongs into a store. Split it and name the parts in `bound_by`.",
    ),
    code(
        "EC0002",
        "not UTF-8",
        "Policies are UTF-8. Other encodings are read differently by different tools, so a reviewer and the enforcer could see two documents. Save the file as UTF-8.",
    ),
    code(
        "EC0003",
        "not YAML",
        "The text is not YAML in its strict form: indentation, quotes and brackets must agree, directives (`%YAML`) and NUL characters are not taken.",
    ),
    code(
        "EC0004",
        "nested too deeply",
        "The grammar needs nine levels; 32 are read. Deeper nesting is a mistake or an attack on the reader.",
    ),
    code(
        "EC0005",
        "key twice",
        "One map says one key twice. YAML readers disagree about which of them counts: some take the last, so a second `deny` list would silently replace the first. Keep one.",
    ),
    code(
        "EC0006",
        "anchor or alias",
        "`&name` and `*name` let one place of a document decide what another says. A policy says everything where it holds, so that it can be reviewed line by line. Write the value out.",
    ),
    code(
        "EC0007",
        "tag",
        "`!name` asks the reader for a type. What a node is follows from the policy language alone. Remove the tag.",
    ),
    code("EC0008", "merge key", "`<<` copies keys from elsewhere, and readers disagree about it. Write the keys out."),
    code(
        "EC0009",
        "second document",
        "A file holds one document. Some readers take the first of two and drop the rest without a word. Write each document into a file of its own.",
    ),
    code(
        "EC0010",
        "empty document",
        "There is nothing in the file. An empty policy could be read as one that allows everything or nothing, so it is neither. Begin with `enforcecore: 1`.",
    ),
    code("EC0011", "key that is not text", "Keys are text. A list, a map or nothing as a key has no meaning here."),
    code(
        "EC0012",
        "no language version",
        "The document does not begin with `enforcecore: 1`. Policies of version 1.14 have another meaning and are not supported yet; a document without a version is not guessed at.",
    ),
    code(
        "EC0013",
        "unknown language version",
        "This program knows version 1 of the policy language. A document of a later version may rely on what is not enforced here, so it is refused as a whole.",
    ),
    code(
        "EC0014",
        "too many rules",
        "A document holds at most 100,000 rules. A list of that length belongs into a store that the host consults, with its verdict as a fact.",
    ),
    code(
        "EC0015",
        "direction of text changed",
        "Characters that change the direction of text make a line look like another one to whoever reviews it. Write them as escapes in quotes where they are meant.",
    ),
    code(
        "EC0017",
        "scalar that readers read differently",
        "YAML 1.1 takes `no`, `on`, `017`, `1:30`, `2026-11-23` or `1_000` for a truth value, a number or a date; YAML 1.2 takes some of them for text. A policy must not mean two things. Put text into quotes; write numbers in plain decimal digits.",
    ),
    code(
        "EC0018",
        "number or truth value where text is expected",
        "A plain `2026.10` is a number, and as a number it is `2026.1`. Where text is meant, quote it.",
    ),
    code(
        "EC0020",
        "unknown key",
        "The key is not part of the language at this place. An unknown key is never ignored: a mistyped `denny` would otherwise open a door.",
    ),
    code("EC0021", "missing key", "A key that has no default is missing. What is not said is not guessed."),
    code("EC0022", "wrong shape", "A map, a list, text or a number stands where another of them is meant."),
    code(
        "EC0023",
        "unusable name",
        "Names of documents, tools, arguments, rules, budgets and approvals are 1 to 128 bytes of printable text without white space at the ends. They appear in logs and prompts, where invisible characters would mislead.",
    ),
    code(
        "EC0024",
        "not a length of time",
        "A length of time is digits and one unit: `500ms`, `30s`, `15m`, `24h`, `7d`, up to 31 days. A bare number has no unit, and a unit is not guessed.",
    ),
    code(
        "EC0025",
        "unknown word",
        "The word is not one of those the language has at this place: an effect, a type, a comparator, a class, a kind or a verdict.",
    ),
    code(
        "EC0026",
        "not a reference",
        "References are `principal.NAME`, `fact.NAME` and `session.NAME`: what the host or a trusted result vouches for. Facts are taken from `result.NAME`. Types of arguments mean the same in every session and take no reference.",
    ),
    code(
        "EC0027",
        "unusable pattern",
        "The glob or regular expression does not compile, is too large, or uses look-around or backreferences, whose matching time has no useful bound.",
    ),
    code(
        "EC0028",
        "unusable host, path, scheme or port",
        "A host is a name or an address without scheme, port or path; a root is an absolute path without `.` and `..`; a scheme is lower-case; a port is 1 to 65535.",
    ),
    code(
        "EC0029",
        "unusable window",
        "A budget counts over `90m`, `24h`, `7d` (sliding), over `hour`, `day`, `week` or `month` with a time zone, over `session`, or for `ever`. A day without a time zone would be a different day in two offices.",
    ),
    code(
        "EC0030",
        "bound cannot be read",
        "A document in `bound_by` cannot be read. A policy without one of its bounds would permit more, so it does not load.",
    ),
    code(
        "EC0031",
        "bound by itself",
        "The documents in `bound_by` form a circle, so none of them is the bound of the others.",
    ),
    code("EC0032", "too many bounds", "A policy has at most 32 documents, 8 levels deep."),
    code(
        "EC0033",
        "guardrail that opens",
        "A document of `kind: guardrail` only tightens: it may ask and deny, set budgets, redactions and deadlines. An `allow` in it would have no effect, or a wrong one.",
    ),
    code(
        "EC0034",
        "tool declared in two ways",
        "Two documents of one policy declare a tool with other arguments, other types or other labels. What a tool does unites over documents; how it is called cannot.",
    ),
    code(
        "EC0035",
        "approval defined in two ways",
        "Two documents of one policy define one approval with different approvers or times. Give one of them another name.",
    ),
    code(
        "EC0036",
        "guardrail alone",
        "The document is a guardrail and nothing else is loaded, so every call is denied. Name it in the `bound_by` of a policy.",
    ),
    code(
        "EC0100",
        "unknown tool",
        "The rule names a tool that no document declares, so it would never match. Declare the tool, or mend the name.",
    ),
    code(
        "EC0101",
        "unknown argument",
        "The tool takes no argument of this name, so the test would never be about anything.",
    ),
    code(
        "EC0102",
        "argument that not every selected tool takes",
        "A bare argument name under a selector of several tools must exist in each of them. Otherwise the condition would be an error for some and a surprise for somebody. Name the tools one by one, or speak about `any_K` and `every_K`.",
    ),
    code(
        "EC0103",
        "allow that leaves an argument open",
        "An allow on a tool that does more than read constrains every argument that is not free prose (`text`). An argument nobody thought of is how a narrow rule becomes a wide one. Constrain it, or say `{any: true}` aloud.",
    ),
    code(
        "EC0104",
        "comparator that does not apply",
        "The comparator has no meaning for this type. The text of a URL does not say where it leads, and a prefix of a path is not a folder: use `host` and `under`.",
    ),
    code(
        "EC0105",
        "literal of another type",
        "The literal is not of the argument's type, so the comparison would never hold. Nothing is converted.",
    ),
    code(
        "EC0106",
        "condition that is never true",
        "The tests contradict each other or the type, so the rule can never match. A deny that never matches looks like protection and is none.",
    ),
    code(
        "EC0107",
        "selector that chooses nothing",
        "No declared tool is selected. The rule or budget would never be about anything.",
    ),
    code(
        "EC0108",
        "tool nothing can allow",
        "The tool is declared, and no rule of this document opens it. If that is meant, the declaration may go.",
    ),
    code(
        "EC0109",
        "id twice",
        "Ids name rules and budgets of the whole policy in logs, grants and counters. Two of one name could not be told apart.",
    ),
    code(
        "EC0110",
        "approval that is not defined",
        "The rule or budget asks for an approval that the document does not define, so nobody could ever give it.",
    ),
    code(
        "EC0111",
        "approval where nothing asks",
        "An approval is the answer to an `ask` (or to `over: ask`). On anything else it would have no effect.",
    ),
    code(
        "EC0112",
        "approval nobody asks for",
        "The approval is defined, and no rule or budget of this document asks for it.",
    ),
    code(
        "EC0113",
        "facts from an untrusted result",
        "A fact decides later calls, so only a result that is `returns: trusted` may set one. Otherwise a web page could say whose address mail goes to.",
    ),
    code(
        "EC0114",
        "redaction of an argument that is acted upon",
        "A path, URL, address, number or one of a list is what the tool acts on. Rewriting it would run another call than the one decided. Redact `text` and `string`.",
    ),
    code(
        "EC0115",
        "tools that look alike",
        "Two declared tools have names that a person reads as the same (case, full-width letters, letters of another script, invisible characters). Rename one.",
    ),
    code("EC0120", "budget that cannot fire", "No tool that the budget selects takes an amount of what it adds up."),
    code(
        "EC0121",
        "budget for each choice of the model",
        "`for_each` must be vouched for by the host or a trusted result. If the model chooses the key, it opens a new budget with every call.",
    ),
    code(
        "EC0122",
        "sum that can shrink",
        "A budget adds up what cannot be negative: money, or a number declared with `at_least: 0`. A negative amount would refill the budget.",
    ),
    code(
        "EC0123",
        "unusable bound of a budget",
        "`at_most` is a number from zero to nine thousand million, counted in millionths, so that every log reader agrees on it.",
    ),
    code(
        "EC0124",
        "budget that always stops a tool",
        "What the tool takes from this budget cannot be told: it is undeclared, executes programs, or pays in another currency. Unknown amounts count as over budget.",
    ),
    code(
        "EC0130",
        "unusable test",
        "A test expects `allow`, `ask` or `deny`, perhaps `by ID` or `by no rule`, or `malformed`; moments are written in full, with a zone.",
    ),
    code(
        "EC0140",
        "face cannot redact arguments",
        "The policy redacts arguments, and through this face the tool gets what the model wrote. What cannot be enforced is refused when the policy is bound, never dropped.",
    ),
    code(
        "EC0141",
        "face cannot redact results",
        "The policy redacts results, and through this face the model sees what the tool wrote.",
    ),
    code(
        "EC0142",
        "face cannot end a call",
        "The policy sets a deadline, and this face cannot end a call that is overdue.",
    ),
    code(
        "EC0143",
        "face cannot resolve paths",
        "The policy decides about paths, and this face does not follow symbolic links, so where a path leads is unknown.",
    ),
    code(
        "EC0144",
        "face without durable state",
        "Budgets, facts and single-use approvals need state that outlives the process. Without it a restart would refill every budget.",
    ),
    code(
        "EC0900",
        "not supported yet",
        "The key or word is part of the policy language and cannot be enforced by this version. It is refused, because a policy that is silently enforced in part protects nobody. Remove it, or use a later version.",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The room's own sources, in which every code is written as a literal.
    const SOURCES: &[&str] = &[
        include_str!("check/budget.rs"),
        include_str!("check/condition.rs"),
        include_str!("check/mod.rs"),
        include_str!("document/condition.rs"),
        include_str!("document/fields.rs"),
        include_str!("document/mod.rs"),
        include_str!("document/rule.rs"),
        include_str!("document/tests.rs"),
        include_str!("document/tool.rs"),
        include_str!("load.rs"),
        include_str!("mod.rs"),
        include_str!("source.rs"),
    ];

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let used: BTreeSet<&str> = SOURCES
            .iter()
            .flat_map(|source| source.match_indices("\"EC0").map(|(at, _)| source.get(at + 1..at + 7).unwrap()))
            .collect();
        let paged: BTreeSet<&str> = CODES.iter().map(|code| code.code).collect();
        assert_eq!(used, paged);
        assert!(CODES.is_sorted_by_key(|code| code.code));
        assert!(explain("EC0017").is_some() && explain("EC9999").is_none());
    }
}
