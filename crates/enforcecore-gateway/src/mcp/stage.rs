//! Between a stream and the session's loop: its lines, inspected in their order, on a thread of their own.
//!
//! The loop passes on what both sides say, so slow work there delays everything else: the other side, a deadline,
//! the order to stop. To read a message, to look for what is classified in it and to write it down takes as long as the message
//! wants, so none of it is done on the loop or on a thread that the loop may need. Each stream has one thread from its beginning
//! on: what is said keeps its order, and no number of calls, which wait on threads for their answers, can keep those answers
//! from being read.
//!
//! What waits is limited in bytes and not only in messages. Of a line that is longer than a message may be nothing is kept but what
//! its outline tells.

use std::mem::take;
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{AbortHandle, spawn_blocking};

use super::frame::Line;
use super::outline::Outline;

/// Lines that wait to be inspected at most.
const LINES_AHEAD_MAX: usize = 4;
/// Inspected messages that wait to be handled at most; then the other side waits.
const INSPECTED_AHEAD_MAX: usize = 16;
/// Bytes of a line that is too long that are handed on at once.
const PART_BYTES: usize = 1 << 16;

/// What a stream says, inspected.
pub struct Stage<T> {
    inspected: mpsc::Receiver<(T, Held)>,
    reader: AbortHandle,
}

/// Keeps room for a line as long as it waits.
type Held = Option<OwnedSemaphorePermit>;

/// A piece of a stream.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// A line, without its end.
    Line(Vec<u8>),
    /// A part of a line that is too long.
    Part(Vec<u8>),
    /// The end of that line.
    End,
}

/// Inspects every line of a stream, in order, until the stream ends, the inspection breaks off, or the stage is dropped. A line
/// of which it keeps nothing is nothing. Of a line with more than `most` bytes it gets the outline.
pub fn stage<T: Send + 'static>(
    input: impl AsyncBufRead + Unpin + Send + 'static,
    most: usize,
    mut inspect: impl FnMut(Line) -> ControlFlow<(), Option<T>> + Send + 'static,
) -> Stage<T> {
    let (pieces, mut read) = mpsc::channel(LINES_AHEAD_MAX);
    let (sender, inspected) = mpsc::channel(INSPECTED_AHEAD_MAX);
    // Room for one line that is inspected and one that waits.
    let room = (most + PART_BYTES).saturating_mul(2).min(Semaphore::MAX_PERMITS);
    let room = Arc::new(Semaphore::new(room));
    let reader = tokio::spawn(async move {
        let mut input = Pieces::of(input, most);
        while let Some(piece) = input.next().await {
            let held = hold(&room, &piece).await;
            if pieces.send((piece, held)).await.is_err() {
                break;
            }
        }
    });
    spawn_blocking(move || {
        let mut long = Line::default();
        while let Some((piece, held)) = read.blocking_recv() {
            let line = match piece {
                Piece::Line(text) => Line { bytes: text.len(), text, outline: None },
                Piece::Part(part) => {
                    long.bytes += part.len();
                    long.outline.get_or_insert_with(Outline::default).follow(&part);
                    continue;
                }
                Piece::End => take(&mut long),
            };
            let ControlFlow::Continue(said) = inspect(line) else { break };
            if said.is_some_and(|said| sender.blocking_send((said, held)).is_err()) {
                break;
            }
        }
    });
    Stage { inspected, reader: reader.abort_handle() }
}

async fn hold(room: &Arc<Semaphore>, piece: &Piece) -> Held {
    let (Piece::Line(bytes) | Piece::Part(bytes)) = piece else { return None };
    let bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    Arc::clone(room).acquire_many_owned(bytes).await.ok()
}

/// Cuts a stream into pieces.
struct Pieces<R> {
    input: R,
    most: usize,
    line: Vec<u8>,
    /// Whether a part of the line at hand was handed on.
    is_long: bool,
    /// Whether the last part was the end of its line.
    at_end: bool,
}

impl<R: AsyncBufRead + Unpin> Pieces<R> {
    fn of(input: R, most: usize) -> Pieces<R> {
        Pieces { input, most, line: Vec::new(), is_long: false, at_end: false }
    }

    /// The next piece. None at the end, or where reading fails.
    async fn next(&mut self) -> Option<Piece> {
        if take(&mut self.at_end) {
            self.is_long = false;
            return Some(Piece::End);
        }
        loop {
            let chunk = self.input.fill_buf().await.ok()?;
            if chunk.is_empty() {
                return self.last();
            }
            let chunk = chunk.get(..PART_BYTES).unwrap_or(chunk);
            let end = memchr::memchr(b'\n', chunk);
            let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            self.line.extend_from_slice(part);
            let taken = part.len() + usize::from(end.is_some());
            self.input.consume(taken);
            let is_too_long = self.is_long || self.line.len() > self.most;
            match (is_too_long, end.is_some()) {
                (false, true) => return Some(Piece::Line(take(&mut self.line))),
                (false, false) => {}
                (true, false) if self.is_long && self.line.len() < PART_BYTES => {}
                (true, at_end) => {
                    (self.is_long, self.at_end) = (true, at_end);
                    return Some(Piece::Part(take(&mut self.line)));
                }
            }
        }
    }
}

impl<R> Pieces<R> {
    /// What stands behind the last end of a line. If it was cut, it is no JSON: no object begins with another one.
    fn last(&mut self) -> Option<Piece> {
        let line = take(&mut self.line);
        match (take(&mut self.is_long), line.is_empty()) {
            (true, true) => Some(Piece::End),
            (true, false) => {
                self.at_end = true;
                Some(Piece::Part(line))
            }
            (false, true) => None,
            (false, false) => Some(Piece::Line(line)),
        }
    }
}

impl<T> Stage<T> {
    /// The next thing said. None when nothing more will be.
    pub async fn recv(&mut self) -> Option<T> {
        self.inspected.recv().await.map(|(said, _)| said)
    }
}

/// A stream without a listener is not read, so its thread ends too.
impl<T> Drop for Stage<T> {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::mpsc::channel;
    use std::thread;

    use enforcecore::value::Value;
    use tokio::io::BufReader;

    use super::*;

    const MIB: usize = 1 << 20;

    /// On a runtime with one thread, which an inspection on that thread would keep for itself.
    #[tokio::test]
    async fn lines_are_inspected_in_order_and_away_from_the_thread_that_asks() {
        let (open, gate) = channel::<()>();
        let here = thread::current().id();
        let text = format!("{}\na\n\nb\nstop\nc\n", "x".repeat(MIB));
        let mut stage = stage(Cursor::new(text), MIB, move |Line { text, bytes, .. }| {
            if bytes == MIB {
                gate.recv().unwrap();
            }
            match text.as_slice() {
                b"" => ControlFlow::Continue(None),
                b"stop" => ControlFlow::Break(()),
                text => ControlFlow::Continue(Some((text.len(), thread::current().id()))),
            }
        });
        // Nothing is inspected yet, and this thread is free to say that it may be.
        open.send(()).unwrap();
        let mut said = Vec::new();
        while let Some((length, by)) = stage.recv().await {
            assert_ne!(by, here);
            said.push(length);
        }
        assert_eq!(said, [MIB, 1, 1]);
    }

    /// However the stream is cut by its buffer.
    #[tokio::test]
    async fn of_a_line_that_is_too_long_the_outline_is_known_and_nothing_is_kept() {
        let long = |bytes: usize| {
            let line = format!(r#"{{"result":"{}","id":7}}"#, "x".repeat(bytes));
            (line.len(), line)
        };
        let (fits, exceeds, far) = (long(980), long(981), long(3 * PART_BYTES));
        assert_eq!((fits.0, exceeds.0), (1000, 1001));
        let text = format!("{}\n{}\n{}\n\nnext\ncut", fits.1, exceeds.1, far.1);
        for buffer in [1, 7, 999, 1000, 1001, 8192, MIB] {
            let input = BufReader::with_capacity(buffer, Cursor::new(text.clone()));
            let told = |Line { text, bytes, outline }| {
                let id = outline.map(|outline: Outline| outline.id());
                ControlFlow::Continue(Some((text.len(), bytes, id)))
            };
            let mut stage = stage(input, 1000, told);
            let mut said = Vec::new();
            while let Some(line) = stage.recv().await {
                said.push(line);
            }
            let found = Some(Some(Value::from(7)));
            let expected = [
                (1000, 1000, None),
                (0, exceeds.0, found.clone()),
                (0, far.0, found),
                (0, 0, None),
                (4, 4, None),
                (3, 3, None),
            ];
            assert_eq!(said, expected, "{buffer}");
        }
    }

    /// With its end or without it, and however long it is, the last line is one line.
    #[tokio::test]
    async fn the_last_line_needs_no_end() {
        for bytes in [1, 999, 1000, 1001, PART_BYTES, PART_BYTES + 1000, 3 * PART_BYTES, 3 * PART_BYTES + 1] {
            for end in ["", "\n"] {
                let told = |Line { bytes, outline, .. }| ControlFlow::Continue(Some((bytes, outline.is_some())));
                let text = format!("first\n{}{end}", "x".repeat(bytes));
                let mut stage = stage(Cursor::new(text), 1000, told);
                assert_eq!(stage.recv().await, Some((5, false)));
                assert_eq!(stage.recv().await, Some((bytes, bytes > 1000)), "{bytes} {end:?}");
                assert_eq!(stage.recv().await, None, "{bytes} {end:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_line_without_end_is_handed_on_in_parts() {
        let mut pieces = Pieces::of(Cursor::new(vec![b'x'; 4 * MIB]), MIB);
        let mut bytes = 0;
        while let Some(Piece::Part(part)) = pieces.next().await {
            assert!(part.len() <= MIB + PART_BYTES && pieces.line.capacity() == 0);
            bytes += part.len();
        }
        assert_eq!((bytes, pieces.next().await), (4 * MIB, None));
    }
}
