//! URLs: read by the WHATWG's algorithm, and only where every other reader would agree.
//!
//! A host in a policy is compared after parsing, so that `http://0x7f.1/` is `127.0.0.1` and `EXAMPLE.com` is `example.com`.
//! What curl, a browser and a server library are known to read differently (a backslash, user information, a tab inside, an
//! encoded host) is an error: no rule opens on it and every deny about the URL holds.

use url::{Host, Url};

/// Schemes whose hosts the WHATWG's algorithm normalises.
const SPECIAL: &[&str] = &["http", "https", "ws", "wss", "ftp"];

/// The parts of one URL that comparators speak about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct UrlView {
    url: Url,
    host: Option<String>,
}

impl UrlView {
    /// Reads a URL, or says why it is not decided.
    pub(in super::super) fn parse(text: &str) -> Result<UrlView, &'static str> {
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("white space in a URL");
        }
        if text.contains('\\') {
            return Err("a backslash in a URL");
        }
        let url = Url::parse(text).map_err(|_| "not an absolute URL")?;
        let written = text.split_once("://").map_or("", |(_, rest)| rest);
        let authority = written.split(['/', '?', '#']).next().unwrap_or_default();
        if !url.username().is_empty() || url.password().is_some() || authority.contains('@') {
            return Err("a URL with user information");
        }
        if authority.contains('%') {
            return Err("an encoded host in a URL");
        }
        let special = SPECIAL.contains(&url.scheme());
        if special && (authority.is_empty() || !text.get(url.scheme().len()..).is_some_and(|t| t.starts_with("://"))) {
            return Err("a URL with an unusual beginning");
        }
        let host = match url.host() {
            Some(host) if special => Some(normal_host(&host).ok_or("a host with an empty label")?),
            _ => None,
        };
        Ok(UrlView { url, host })
    }

    pub(in super::super) fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// The host in one spelling; an error where the scheme has no host that is normalised.
    pub(in super::super) fn host(&self) -> Result<&str, &'static str> {
        self.host.as_deref().ok_or("a URL without a decided host")
    }

    pub(in super::super) fn port(&self) -> Option<u16> {
        self.url.port_or_known_default()
    }

    /// The path; an error where an encoded separator makes readers disagree about its components.
    pub(in super::super) fn path(&self) -> Result<&str, &'static str> {
        let path = self.url.path();
        let lower = path.to_ascii_lowercase();
        if ["%2f", "%5c", "%2e", "%00"].iter().any(|code| lower.contains(code)) {
            return Err("an encoded separator in a URL's path");
        }
        Ok(path)
    }

    /// The URL in one spelling.
    pub(in super::super) fn normal(&self) -> &str {
        self.url.as_str()
    }
}

/// A host as a policy writes it, in one spelling: a name, an IPv4 address, or an IPv6 address with or without brackets.
pub(in super::super) fn host_literal(text: &str) -> Option<String> {
    if text.contains(['*', '%', '/', '@', '?', '#', '\\']) || text.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return None;
    }
    host_of_text(text).or_else(|| host_of_text(&format!("[{text}]")))
}

/// A host from bare text, as the host of an `https` URL would be read.
pub(in super::super) fn host_of_text(text: &str) -> Option<String> {
    normal_host(&Host::parse(text).ok()?)
}

/// One trailing dot is the same name to DNS and goes; an empty label is no name.
fn normal_host<T: AsRef<str>>(host: &Host<T>) -> Option<String> {
    match host {
        Host::Domain(name) => {
            let name = name.as_ref();
            let name = name.strip_suffix('.').unwrap_or(name);
            let labels = name.split('.').all(|label| {
                let plain = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                (1..=63).contains(&label.len()) && plain && !label.starts_with('-') && !label.ends_with('-')
            });
            (labels && name.len() <= 253).then(|| name.to_ascii_lowercase())
        }
        // An IPv4 address inside an IPv6 one reaches the same machine, so it is compared as that.
        Host::Ipv6(address) => {
            Some(address.to_ipv4_mapped().map_or_else(|| format!("[{address}]"), |mapped| mapped.to_string()))
        }
        Host::Ipv4(address) => Some(address.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_one_spelling_or_are_errors() {
        let host = |text: &str| UrlView::parse(text).and_then(|url| url.host().map(str::to_owned));
        for (text, expected) in [
            ("https://api.example.com/x", "api.example.com"),
            ("https://API.Example.COM./", "api.example.com"),
            ("https://bücher.example/", "xn--bcher-kva.example"),
            ("https://ａｐｉ.example.com/", "api.example.com"),
            ("http://0x7f.1/", "127.0.0.1"),
            ("http://2130706433/", "127.0.0.1"),
            ("http://017700000001/", "127.0.0.1"),
            ("http://[::ffff:127.0.0.1]/", "127.0.0.1"),
            ("http://[::1]/", "[::1]"),
            ("https://api.example.com:444/", "api.example.com"),
        ] {
            assert_eq!(host(text).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "https://api.example.com@evil.example/",
            "https://@evil.example/",
            "https://user:pw@api.example.com/",
            "https:\\\\api.example.com/",
            "https://evil.example\\@api.example.com/",
            "https:/api.example.com/",
            "https:api.example.com/",
            "https:///api.example.com/",
            " https://api.example.com/",
            "https://api.exa\tmple.com/",
            "https://api.exa%6dple.com/",
            "https://api..example.com/",
            "https://api.example.com../",
            "api.example.com",
            "//api.example.com/",
            "javascript:alert(1)",
            "foo://api.example.com/",
            "file:///etc/passwd",
            "https://",
            "https://1.2.3.4.5/",
            "",
        ] {
            assert!(host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_is_read_only_where_readers_agree() {
        let path = |text: &str| UrlView::parse(text).and_then(|url| url.path().map(str::to_owned));
        assert_eq!(path("https://a.b/v1/../admin").as_deref(), Ok("/admin"));
        assert_eq!(path("https://a.b/v1/%2e%2e/admin").as_deref(), Ok("/admin"));
        assert!(path("https://a.b/v1/..%2fadmin").is_err());
        assert!(path("https://a.b/v1/%5c..").is_err());
    }
}
