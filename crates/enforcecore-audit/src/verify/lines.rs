//! Lines of a log in bounded memory.

use std::io::{self, BufRead};

/// One line, without its newline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Where it starts in the file.
    pub start: u64,
    /// Where the next one starts.
    pub end: u64,
    /// Its bytes; only the first of them if it is longer than the limit.
    pub bytes: &'a [u8],
    /// Whether a newline ends it.
    pub terminated: bool,
    /// Whether it is longer than the limit.
    pub too_long: bool,
}

/// Reads lines one after the other into one buffer.
pub struct Lines<R> {
    input: R,
    at: u64,
    bytes_max: usize,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Reads from `input`, whose first byte stands at `at` in the file.
    pub fn new(input: R, at: u64, bytes_max: usize) -> Lines<R> {
        Lines { input, at, bytes_max, buffer: Vec::new() }
    }

    /// Where the next line starts.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// The next line; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let start = self.at;
        let (mut too_long, mut terminated) = (false, false);
        while !terminated {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                break;
            }
            let newline = memchr::memchr(b'\n', available);
            let part = available.get(..newline.unwrap_or(available.len())).unwrap_or_default();
            let fits = part.len().min(self.bytes_max.saturating_sub(self.buffer.len()));
            self.buffer.extend_from_slice(part.get(..fits).unwrap_or_default());
            too_long |= fits < part.len();
            terminated = newline.is_some();
            let used = part.len() + usize::from(terminated);
            self.input.consume(used);
            self.at += used as u64;
        }
        let line = Line { start, end: self.at, bytes: &self.buffer, terminated, too_long };
        Ok((self.at > start).then_some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_with_their_places_whatever_the_buffer() {
        let text = b"ab\n\nabcdefgh\r\nend";
        for capacity in 1..20 {
            let mut input = io::BufReader::with_capacity(capacity, &text[..]);
            let mut lines = Lines::new(&mut input, 100, 5);
            let mut got = Vec::new();
            while let Some(line) = lines.next().unwrap() {
                let text = String::from_utf8(line.bytes.to_vec()).unwrap();
                got.push((line.start, line.end, text, line.terminated, line.too_long));
            }
            let expected = [
                (100, 103, "ab".to_owned(), true, false),
                (103, 104, String::new(), true, false),
                (104, 114, "abcde".to_owned(), true, true),
                (114, 117, "end".to_owned(), false, false),
            ];
            assert_eq!(got, expected, "{capacity}");
        }
    }
}
