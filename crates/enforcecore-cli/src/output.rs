//! Results go to stdout, everything else to stderr. Nothing else in this crate writes to either.
//!
//! What others wrote steers no terminal: in a line, control characters are written as escapes. Colours are for terminals: they are taken out of what goes elsewhere, and wherever `NO_COLOR` asks for that.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use enforcecore::diagnostic::one_line;
use serde_json::Value as Json;

use crate::error::CommandError;

/// Where results go.
pub struct Output {
    stream: Box<dyn Write>,
}

impl Output {
    /// The process's stdout: buffered, and without colours where it is no terminal.
    pub fn stdout() -> Output {
        Output { stream: Box::new(io::BufWriter::new(anstream::stdout())) }
    }

    /// One line for people, or some.
    pub fn line(&mut self, text: &str) -> Result<(), CommandError> {
        self.painted(&harmless(text))
    }

    /// One line with colours. The caller has escaped the rest of it.
    pub fn painted(&mut self, text: &str) -> Result<(), CommandError> {
        Ok(writeln!(self.stream, "{text}")?)
    }

    /// One line for machines.
    pub fn json(&mut self, value: &Json) -> Result<(), CommandError> {
        Ok(writeln!(self.stream, "{value}")?)
    }

    /// One record of a table for other programs (RFC 4180), whose fields are escaped already.
    pub fn record(&mut self, text: &str) -> Result<(), CommandError> {
        Ok(write!(self.stream, "{text}\r\n")?)
    }

    /// Everything so far, now.
    pub fn flush(&mut self) -> Result<(), CommandError> {
        Ok(self.stream.flush()?)
    }
}

/// So many of them, in words: `1 error`, `2 errors`.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("{count} {noun}") } else { format!("{count} {noun}s") }
}

/// Says on stderr why a command failed. If stderr is closed, the exit status still says so.
pub fn complain(message: &dyn std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{}", harmless(&message.to_string()));
}

/// Asks a person on stderr, and leaves the cursor behind the question.
pub fn ask_line(question: &str) -> io::Result<()> {
    let mut stream = anstream::stderr();
    write!(stream, "{question}").and_then(|()| stream.flush())
}

/// The lines of a text, each as it may be shown.
fn harmless(text: &str) -> String {
    text.split('\n').map(one_line).collect::<Vec<_>>().join("\n")
}

/// Whether what is written to stderr may have colours.
pub fn colours_stderr() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

/// How far a long piece of work has come, on stderr if that is a terminal: a line that is written over, and gone at the end.
pub struct Progress {
    what: &'static str,
    stream: Option<Box<dyn Write>>,
    begun: Instant,
    shown: Option<Instant>,
}

/// Work that takes less than this shows nothing.
const QUIET: Duration = Duration::from_secs(1);
/// How often the line is written over.
const PAUSE: Duration = Duration::from_millis(200);

impl Progress {
    /// Of work that begins now; `what` names what is counted.
    pub fn of(what: &'static str) -> Progress {
        let stream = io::stderr().is_terminal().then(|| Box::new(io::stderr()) as Box<dyn Write>);
        Progress { what, stream, begun: Instant::now(), shown: None }
    }

    /// So much is done.
    pub fn reached(&mut self, count: u64) {
        self.reached_at(Instant::now(), count);
    }

    fn reached_at(&mut self, now: Instant, count: u64) {
        let Some(stream) = &mut self.stream else { return };
        let due = self.shown.map_or(self.begun + QUIET, |shown| shown + PAUSE);
        if now >= due {
            // Whether it can be written changes nothing.
            let _ = write!(stream, "\r\x1b[K{count} {}", self.what).and_then(|()| stream.flush());
            self.shown = Some(now);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let (Some(stream), Some(_)) = (&mut self.stream, self.shown) {
            let _ = write!(stream, "\r\x1b[K").and_then(|()| stream.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What a screen shows of work that reaches 1, 2, 3 .. after so many milliseconds.
    fn shown(terminal: bool, at_ms: &[u64]) -> String {
        let screen = Screen::default();
        let begun = Instant::now();
        let stream = terminal.then(|| Box::new(screen.clone()) as Box<dyn Write>);
        let mut progress = Progress { what: "calls", stream, begun, shown: None };
        for (count, ms) in (1..).zip(at_ms) {
            progress.reached_at(begun + Duration::from_millis(*ms), count);
        }
        drop(progress);
        String::from_utf8(screen.0.lock().unwrap().clone()).unwrap().replace("\r\x1b[K", "|")
    }

    #[test]
    fn a_line_steers_no_terminal_and_a_painted_one_has_its_colours() {
        let screen = Screen::default();
        let mut output = Output { stream: Box::new(screen.clone()) };
        output.line("a\x1b[2J\n\tb\r\x07").unwrap();
        output.painted("\x1b[1mc\x1b[0m").unwrap();
        let written = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written, "a\\u{1b}[2J\n\tb\\r\\u{7}\n\x1b[1mc\x1b[0m\n");
    }

    #[test]
    fn only_long_work_shows_how_far_it_is() {
        assert_eq!(shown(true, &[0, 500, 999]), "");
        assert_eq!(shown(true, &[500, 1000, 1100, 1200]), "|2 calls|4 calls|", "and the line is gone at the end");
        assert_eq!(shown(false, &[1000, 2000]), "");
    }
}
