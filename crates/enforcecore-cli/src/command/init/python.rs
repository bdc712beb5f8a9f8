//! The functions a Python program calls tools, by a simple reading: a decorator named `tool`, and the `def` below it.
//!
//! Nothing is imported or run. What is not read this way is left for a person to declare.

/// A function that is a tool.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name, by which policies call it.
    pub name: String,
    /// `FILE:LINE` of its `def`.
    pub place: String,
    /// Its parameters in order, without those a framework fills in.
    pub params: Vec<Param>,
    /// Whether it is `async`.
    pub asynchronous: bool,
}

/// A parameter.
#[derive(Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its annotation as it is written; empty where there is none.
    pub annotation: String,
    /// Whether a call may leave it out.
    pub optional: bool,
}

/// What decorators that make a tool end in.
const DECORATORS: [&str; 4] = ["tool", "function_tool", "tool_plain", "beta_tool"];
/// Annotations of parameters that the framework fills in.
const FILLED_IN: [&str; 6] =
    ["RunContext", "RunnableConfig", "RunContextWrapper", "ToolContext", "ToolRuntime", "InjectedState"];
/// Lines of a signature at most.
const SIGNATURE_LINES_MAX: usize = 60;

/// The tools of one file.
pub fn tools(file: &str, text: &str) -> Vec<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let mut decorated = false;
    for (index, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let definition = code.strip_prefix("async def ").or_else(|| code.strip_prefix("def "));
        if is_decorator(code) {
            decorated = true;
        } else if let Some(definition) = definition {
            if decorated {
                let rest = lines.iter().skip(index + 1).take(SIGNATURE_LINES_MAX);
                let signature =
                    rest.fold(definition.to_owned(), |all, line| format!("{all} {}", without_comment(line)));
                let place = format!("{file}:{}", index + 1);
                found.extend(function(&signature, place, code.starts_with("async")));
            }
            decorated = false;
        } else if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            decorated = false;
        }
    }
    found
}

fn is_decorator(code: &str) -> bool {
    let name = code.strip_prefix('@').map(|rest| rest.split(['(', ' ', '#']).next().unwrap_or_default());
    name.and_then(|name| name.rsplit('.').next()).is_some_and(|last| DECORATORS.contains(&last))
}

fn without_comment(line: &str) -> &str {
    line.split(" #").next().unwrap_or_default().trim()
}

fn function(signature: &str, place: String, asynchronous: bool) -> Option<Function> {
    let (name, rest) = signature.split_once('(')?;
    let inside = closed(rest)?;
    let params = split(inside, ',').into_iter().filter_map(param).collect();
    Some(Function { name: name.trim().to_owned(), place, params, asynchronous })
}

fn param(text: &str) -> Option<Param> {
    let text = text.trim();
    let (declared, default) = match split(text, '=').as_slice() {
        [declared, rest @ ..] => (*declared, !rest.is_empty()),
        [] => return None,
    };
    let (name, annotation) = declared.split_once(':').unwrap_or((declared, ""));
    let (name, annotation) = (name.trim(), annotation.trim());
    let framework = FILLED_IN.iter().any(|word| annotation.contains(word));
    if matches!(name, "" | "self" | "cls" | "*" | "/") || framework {
        return None;
    }
    Some(Param { name: name.to_owned(), annotation: annotation.to_owned(), optional: default })
}

/// The text up to the bracket that closes what is open.
fn closed(text: &str) -> Option<&str> {
    let mut depth = 0usize;
    for (at, c) in outside_quotes(text) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => return text.get(..at),
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The parts between separators that stand in no bracket and no quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0usize, 0, Vec::new());
    for (at, c) in outside_quotes(text) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ if c == separator && depth == 0 => {
                parts.extend(text.get(start..at));
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut quote = None;
    text.char_indices().filter(move |(_, c)| match quote {
        Some(open) => {
            if *c == open {
                quote = None;
            }
            false
        }
        None if matches!(c, '"' | '\'') => {
            quote = Some(*c);
            false
        }
        None => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each tool as `NAME(PARAM: ANNOTATION, PARAM?: ..) at LINE`.
    fn check(text: &str, expected: &[&str]) {
        let shown = tools("a.py", text).into_iter().map(|tool| {
            let params = tool.params.iter().map(|param| {
                let (name, mark) = (&param.name, if param.optional { "?" } else { "" });
                format!("{name}{mark}: {}", param.annotation)
            });
            let params = params.collect::<Vec<_>>().join(", ");
            format!("{}{}({params}) at {}", if tool.asynchronous { "async " } else { "" }, tool.name, tool.place)
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn tools_are_read_from_their_definitions() {
        check("@tool\ndef f(a: str, b: int = 5) -> str:\n    ...\n", &["f(a: str, b?: int) at a.py:2"]);
        check("@tool(\"Search (the) web\")\ndef f(q: str): ...\n", &["f(q: str) at a.py:2"]);
        check("@agent.tool_plain\nasync def f(): ...\n", &["async f() at a.py:2"]);
        check("@agent.tool\ndef f(ctx: RunContext[Deps], a: str): ...\n", &["f(a: str) at a.py:2"]);
        check("@tool\n@cached\ndef f(a): ...\n", &["f(a: ) at a.py:3"]);
        check(
            "@function_tool\ndef f(\n    a: dict[str, int],  # a, comment\n    *,\n    b: str = \"x, )\",\n) -> None:\n    ...\n",
            &["f(a: dict[str, int], b?: str) at a.py:2"],
        );
        check("class T:\n    @tool\n    def f(self, a: str | None = None): ...\n", &["f(a?: str | None) at a.py:3"]);
        check("def f(a: str): ...\n", &[]);
        check("@tool\nx = 1\ndef f(a: str): ...\n", &[]);
        check("@toolbox\ndef f(a: str): ...\n", &[]);
        check("@tool\ndef f(a: str", &[]);
        check("@tool\ndef f(*args, **kwargs): ...\n", &["f(*args: , **kwargs: ) at a.py:2"]);
    }
}
