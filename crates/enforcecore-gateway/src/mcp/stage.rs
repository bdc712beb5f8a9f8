//! Between a stream and the session's loop: its lines, inspected in their order, on a thread of their own.
//!
//! The loop passes on what both sides say, so slow work there delays everything else: the other side, a deadline,
//! the order to stop. To read a message, to look for what is classified in it and to write it down takes as long as the message
//! wants, so none of it is done on the loop or on a thread that the loop may need. Each stream has one thread from its beginning
//! on: what is said keeps its order, and no number of calls, which wait on threads for their answers, can keep those answers
//! from being read.

use std::ops::ControlFlow;

use tokio::io::AsyncBufRead;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, spawn_blocking};

use super::frame::{Line, next_line};

/// Lines that wait to be inspected at most: a few, because one may have four MiB.
const LINES_AHEAD_MAX: usize = 4;
/// Inspected messages that wait to be handled at most; then the other side waits.
const INSPECTED_AHEAD_MAX: usize = 16;

/// What a stream says, inspected.
pub struct Stage<T> {
    inspected: mpsc::Receiver<T>,
    reader: AbortHandle,
}

/// Inspects every line of a stream, in order, until the stream ends, the inspection breaks off, or the stage is dropped. A line
/// of which it keeps nothing is nothing.
pub fn stage<T: Send + 'static>(
    mut input: impl AsyncBufRead + Unpin + Send + 'static,
    mut inspect: impl FnMut(Line) -> ControlFlow<(), Option<T>> + Send + 'static,
) -> Stage<T> {
    let (lines, mut read) = mpsc::channel(LINES_AHEAD_MAX);
    let (sender, inspected) = mpsc::channel(INSPECTED_AHEAD_MAX);
    let reader = tokio::spawn(async move {
        while let Some((text, bytes)) = next_line(&mut input).await {
            if lines.send(Line { text, bytes }).await.is_err() {
                break;
            }
        }
    });
    spawn_blocking(move || {
        while let Some(line) = read.blocking_recv() {
            let ControlFlow::Continue(said) = inspect(line) else { break };
            if said.is_some_and(|said| sender.blocking_send(said).is_err()) {
                break;
            }
        }
    });
    Stage { inspected, reader: reader.abort_handle() }
}

impl<T> Stage<T> {
    /// The next thing said. None when nothing more will be.
    pub async fn recv(&mut self) -> Option<T> {
        self.inspected.recv().await
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
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    /// On a runtime with one thread, which an inspection on that thread would keep for itself.
    #[tokio::test]
    async fn lines_are_inspected_in_order_and_away_from_the_thread_that_asks() {
        let (open, gate) = channel::<()>();
        let here = thread::current().id();
        let text = format!("{}\na\n\nb\nstop\nc\n", "x".repeat(1 << 20));
        let mut stage = stage(std::io::Cursor::new(text), move |Line { text, bytes }| {
            if bytes == 1 << 20 {
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
        assert_eq!(said, [1 << 20, 1, 1]);
    }
}
