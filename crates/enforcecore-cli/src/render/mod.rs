//! What people and machines see of the core's types: one file each, and lines that fit a terminal.

pub mod decision;
pub mod diagnostic;
pub mod report;

/// The words of a text as lines of at most so many columns, unless a word is longer. The first line begins with `first`, the
/// others with `rest`.
pub fn hanging(first: &str, rest: &str, text: &str, columns: usize) -> String {
    let mut lines = String::new();
    let mut line = first.to_owned();
    let mut fresh = true;
    for word in text.split(' ') {
        if !fresh && line.chars().count() + 1 + word.chars().count() > columns {
            lines.push_str(&line);
            lines.push('\n');
            rest.clone_into(&mut line);
            fresh = true;
        }
        if !fresh {
            line.push(' ');
        }
        line.push_str(word);
        fresh = false;
    }
    lines + &line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        let check = |first, rest, text, expected| assert_eq!(hanging(first, rest, text, 10), expected, "{text}");
        check("", "", "one two three", "one two\nthree");
        check("# ", "#   ", "one two three", "# one two\n#   three");
        check("- ", "  ", "a-long-word-first and one", "- a-long-word-first\n  and one");
        check("", "", "", "");
    }
}
