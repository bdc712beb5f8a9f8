//! What can be told of a line that is no message, byte by byte: its id, its method and the tool it names.
//!
//! An answer that cannot be read still belongs to a request, and its id may stand anywhere: most servers in TypeScript write it last,
//! behind the result. So the line is followed to its end whatever is wrong with it and however long it is, with no more memory
//! than its short words need. Only brackets, quotation marks and what stands between them on the two outer levels count.

use enforcecore::value::Value;

/// Bytes of a word that is kept at most: ids and names are shorter.
const WORD_BYTES_MAX: usize = 4096;
/// Levels whose keys count: the message, and what stands in its `params`.
const LEVELS: usize = 2;

/// The bytes of a byte order mark.
const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Follows one line.
#[derive(Debug, Default)]
pub struct Outline {
    /// The first byte that is neither white space nor of a byte order mark.
    begins: Option<u8>,
    depth: usize,
    /// Whether the levels that count are objects.
    objects: [bool; LEVELS],
    /// The key last read on each of them.
    keys: [Vec<u8>; LEVELS],
    inside: Inside,
    word: Vec<u8>,
    /// A word that ended, of which it is not clear yet whether it is a key.
    ended: bool,
    ids: Vec<Value>,
    methods: Vec<Value>,
    tools: Vec<Value>,
    answers: bool,
    versioned: bool,
}

/// What a byte stands in.
#[derive(Debug, Default, PartialEq, Eq)]
enum Inside {
    /// Between words.
    #[default]
    Nothing,
    /// A number, a truth value, or what is none.
    Bare,
    /// A text.
    Text,
    /// A text, behind a backslash.
    Escape,
}

impl Outline {
    /// Of a whole line.
    pub fn of(line: &[u8]) -> Outline {
        let mut outline = Outline::default();
        outline.follow(line);
        outline
    }

    /// Goes on with the next part of the line.
    pub fn follow(&mut self, part: &[u8]) {
        self.begins = self
            .begins
            .or_else(|| part.iter().copied().find(|byte| !byte.is_ascii_whitespace() && !MARK.contains(byte)));
        let mut rest = part;
        while let Some((byte, after)) = rest.split_first() {
            if self.inside == Inside::Text {
                let plain = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                let (text, more) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
                self.keep(text);
                rest = more;
                if let Some((byte, after)) = more.split_first() {
                    self.keep(&[*byte]);
                    self.inside = if *byte == b'"' { Inside::Nothing } else { Inside::Escape };
                    self.ended = self.inside == Inside::Nothing;
                    rest = after;
                }
                continue;
            }
            self.byte(*byte);
            rest = after;
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.inside == Inside::Escape {
            self.keep(&[byte]);
            self.inside = Inside::Text;
            return;
        }
        match byte {
            b'"' => {
                self.begin();
                self.keep(&[byte]);
                self.inside = Inside::Text;
            }
            b'{' | b'[' => {
                // What stands there is no word, and still stands there.
                self.begin();
                self.ended = true;
                self.value();
                self.depth += 1;
                if let Some(level) = self.level() {
                    self.set(level, byte == b'{');
                }
            }
            b'}' | b']' => {
                self.value();
                self.depth = self.depth.saturating_sub(1);
            }
            b',' => self.value(),
            b':' => self.key(),
            b' ' | b'\t' | b'\r' | b'\n' => {
                self.ended |= self.inside == Inside::Bare;
                self.inside = Inside::Nothing;
            }
            _ => {
                if self.inside == Inside::Nothing {
                    self.begin();
                    self.inside = Inside::Bare;
                }
                self.keep(&[byte]);
            }
        }
    }

    /// The level that counts, if this is one.
    fn level(&self) -> Option<usize> {
        self.depth.checked_sub(1).filter(|level| *level < LEVELS)
    }

    fn set(&mut self, level: usize, is_object: bool) {
        if let (Some(object), Some(key)) = (self.objects.get_mut(level), self.keys.get_mut(level)) {
            *object = is_object;
            key.clear();
        }
    }

    /// A word begins.
    fn begin(&mut self) {
        self.word.clear();
        self.ended = false;
    }

    /// A word that is longer than any that counts is cut, and so none.
    fn keep(&mut self, bytes: &[u8]) {
        if self.depth <= LEVELS {
            let room = WORD_BYTES_MAX.saturating_sub(self.word.len());
            self.word.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
    }

    /// The word that ended is a key.
    fn key(&mut self) {
        let Some(level) = self.level() else { return };
        self.ended = false;
        let key =
            Value::from_json(&self.word).ok().and_then(|key| key.as_text().map(str::to_owned)).unwrap_or_default();
        if level == 0 {
            self.answers |= matches!(key.as_str(), "result" | "error");
            self.versioned |= key == "jsonrpc";
        }
        if let Some(last) = self.keys.get_mut(level) {
            *last = key.into_bytes();
        }
    }

    /// The word that ended, if one did, is the value of the key last read.
    fn value(&mut self) {
        let ended = self.ended || self.inside == Inside::Bare;
        (self.ended, self.inside) = (false, Inside::Nothing);
        let Some(level) = self.level().filter(|_| ended) else { return };
        let is_object = self.objects.iter().take(level + 1).all(|object| *object);
        let [outer, inner] = &self.keys;
        let found = match (level, outer.as_slice(), inner.as_slice()) {
            _ if !is_object => return,
            (0, b"id", _) => &mut self.ids,
            (0, b"method", _) => &mut self.methods,
            (1, b"params", b"name") => &mut self.tools,
            _ => return,
        };
        // One that stands there twice is none, so more need not be kept.
        if found.len() < 2 {
            found.push(Value::from_json(&self.word).unwrap_or_default());
        }
    }

    /// The id, if there is one and only one.
    pub fn id(&self) -> Option<Value> {
        only(&self.ids).filter(|id| is_id(id)).cloned()
    }

    /// The method, likewise.
    pub fn method(&self) -> Option<String> {
        only(&self.methods).and_then(Value::as_text).map(str::to_owned)
    }

    /// The tool that a call names, likewise.
    pub fn tool(&self) -> Option<String> {
        only(&self.tools).and_then(Value::as_text).map(str::to_owned)
    }

    /// Whether the line was meant as an answer. One that begins with other text than an object is a log that may quote one. What a
    /// server logs in JSON has perhaps a `result` and no `jsonrpc`; a line that is not JSON and begins like an answer was cut in
    /// the middle.
    pub fn is_answer(&self, is_json: bool) -> bool {
        let asks = !self.methods.is_empty();
        let named = !self.ids.is_empty();
        let seems_one = (self.answers && (self.versioned || named || !is_json)) || (self.versioned && !asks);
        self.begins == Some(b'{') && seems_one
    }
}

/// Whether this is an id: a text or an integer.
pub fn is_id(id: &Value) -> bool {
    match id {
        Value::Text(_) => true,
        Value::Number(number) => number.text().bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'),
        Value::Null
        | Value::Bool(_)
        | Value::WideNumber(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Opaque(_) => false,
    }
}

fn only(found: &[Value]) -> Option<&Value> {
    if let [one] = found { Some(one) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> String {
        let whole = Outline::of(line.as_bytes());
        // In whatever parts it comes.
        let mut parts = Outline::default();
        line.as_bytes().chunks(1).for_each(|part| parts.follow(part));
        let words = |outline: &Outline| {
            let id = outline.id().map_or("-".to_owned(), |id| id.to_json());
            let (method, tool) = (outline.method(), outline.tool());
            let word = |word: Option<String>| word.unwrap_or_else(|| "-".to_owned());
            format!("{id} {} {} {}", word(method), word(tool), outline.is_answer(false))
        };
        assert_eq!(words(&whole), words(&parts), "{line}");
        words(&whole)
    }

    #[test]
    fn the_id_is_found_wherever_it_stands() {
        let deep = format!("{}1{}", r#"{"id":3,"a":["#.repeat(200), "]}".repeat(200));
        for (line, expected) in [
            (r#"{"result":{"content":[]},"jsonrpc":"2.0","id":2}"#, "2 - - true"),
            (r#"{"id":2,"result":{"id":3}}"#, "2 - - true"),
            (r#"{"result":{"id":3,"a":{"id":4}},"id":"x"}"#, r#""x" - - true"#),
            (r#"{"result":{"text":"\"id\":9,\\\"},\"id\":8"},"jsonrpc":"2.0","id":2}"#, "2 - - true"),
            (r#"{"result":{"text":"a\\"},"id" : 2 }"#, "2 - - true"),
            (r#"{"result":{"text":"\ud83d"},"jsonrpc":"2.0","id":2}"#, "2 - - true"),
            (r#"{"result":{"a":1,"a":2,,,},"id":2}"#, "2 - - true"),
            (r#"{"result":[[],{},"]"],"\u0069d":2}"#, "2 - - true"),
            (&format!(r#"{{"result":{deep},"id":2}}"#), "2 - - true"),
            (r#"{"id":-7,"error":null}"#, "-7 - - true"),
            (
                r#"{"method":"tools/call","params":{"arguments":{"name":"u"},"name":"t"},"id":8}"#,
                "8 tools/call t false",
            ),
            (r#"{"params":["name","t"],"id":8,"method":"m"}"#, "8 m - false"),
            // One that stands there twice, or that is none.
            (r#"{"id":1,"result":{},"id":2}"#, "- - - true"),
            (r#"{"id":1,"result":{},"id":[2]}"#, "- - - true"),
            (r#"{"id":{"id":1},"result":{}}"#, "- - - true"),
            (r#"{"id":null,"error":{},"jsonrpc":"2.0"}"#, "- - - true"),
            (r#"{"id":1.5,"result":{}}"#, "- - - true"),
            (r#"{"ID":1,"result":{}}"#, "- - - true"),
            (r#"[{"id":1,"result":{}}]"#, "- - - false"),
            (r#"{"result":{"id":1}}"#, "- - - true"),
            (r#"{"result":{"content":[{"text":"cut"#, "- - - true"),
            // What no server says as an answer.
            ("Server v1.2 starting", "- - - false"),
            ("=====", "- - - false"),
            ("", "- - - false"),
            (r#"{"level":30,"msg":"ready"}"#, "- - - false"),
            (r#"{"id":3,"msg":"ready"}"#, "3 - - false"),
            (r#"{"jsonrpc":"2.0","method":"x","params":{"result":1}}"#, "- x - false"),
            (r#"ready {"jsonrpc":"2.0","id":4,"result":{}}"#, "4 - - false"),
            (r#"DEBUG send: {"jsonrpc":"2.0","id":4,"result":{}}"#, "4 - - false"),
            (r#"[12:00:01] {"id":4,"error":{}}"#, "4 - - false"),
            // White space and a byte order mark stand before any line.
            (" \t{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{}", "4 - - true"),
            ("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{}}", "4 - - true"),
        ] {
            assert_eq!(told(line), expected, "{line}");
        }
        // A line of a log that is JSON.
        assert!(!Outline::of(br#"{"result":"ok","msg":"done"}"#).is_answer(true));
        assert!(Outline::of(br#"{"jsonrpc":"2.0","result":"ok"}"#).is_answer(true));
    }

    #[test]
    fn no_more_is_kept_than_short_words() {
        let mut outline = Outline::default();
        outline.follow(br#"{"result":""#);
        for _ in 0..64 {
            outline.follow(&[b'x'; 1 << 16]);
        }
        outline.follow(br#"","id":2,"id2":"#);
        for _ in 0..64 {
            outline.follow(&[b'7'; 1 << 16]);
        }
        assert!(outline.word.capacity() <= 2 * WORD_BYTES_MAX);
        assert_eq!(outline.id(), Some(Value::from(2)));
        // Half of a long id is not another one.
        let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(2 * WORD_BYTES_MAX));
        assert_eq!(Outline::of(long.as_bytes()).id(), None);
    }
}
