//! URLs: read by the WHATWG's algorithm, and only where every other reader would agree.
//!
//! A host in a policy is compared after parsing, so that `http://0x7f.1/` is `127.0.0.1` and `EXAMPLE.com` is `example.com`.
//! What curl, a browser and a server library are known to read differently (a backslash, user information, a tab inside, an
//! encoded host, a name that old and new readers look up differently, an invisible character) is an error: no rule opens on
//! it and every deny about the URL holds.

use std::net::{Ipv4Addr, Ipv6Addr};

use unicode_normalization::UnicodeNormalization;
use url::{Host, Url};

use crate::lookalike::is_invisible;

/// Schemes whose hosts the WHATWG's algorithm normalises.
const SPECIAL: &[&str] = &["http", "https", "ws", "wss", "ftp"];

/// What ends a label, also in the names that UTS 46 reads as ASCII.
const LABEL_ENDS: [char; 5] = ['.', ':', '\u{3002}', '\u{ff0e}', '\u{ff61}'];

/// A host in one spelling, as each kind of reader takes it.
///
/// Some networks carry IPv4 in IPv6 addresses (NAT64, 6to4 and the like), and there `[64:ff9b::a9fe:a9fe]` is the machine
/// 169.254.169.254; elsewhere it is not. Whether a call is made in such a network is not known, so both readings count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostName {
    native: String,
    embedded: Option<Ipv4Addr>,
}

impl HostName {
    /// The host as it is written.
    pub(crate) fn native(&self) -> &str {
        &self.native
    }

    /// The host as it is written.
    pub(crate) fn into_native(self) -> String {
        self.native
    }

    /// The host for a reader that leaves it as it is, and for one that sees the IPv4 address inside.
    pub(crate) fn readings(&self) -> [String; 2] {
        let embedded = self.embedded.map_or_else(|| self.native.clone(), |address| address.to_string());
        [self.native.clone(), embedded]
    }
}

/// The parts of one URL that comparators speak about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UrlView {
    url: Url,
    host: Option<HostName>,
}

impl UrlView {
    /// Reads a URL, or says why it is not decided.
    pub(crate) fn parse(text: &str) -> Result<UrlView, &'static str> {
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("white space in a URL");
        }
        if text.chars().any(is_invisible) {
            return Err("an invisible character in a URL");
        }
        if text.contains('\\') {
            return Err("a backslash in a URL");
        }
        let mut url = Url::parse(text).map_err(|_| "not an absolute URL")?;
        let written = text.split_once("://").map_or("", |(_, rest)| rest);
        let authority = written.split(['/', '?', '#']).next().unwrap_or_default();
        if !url.username().is_empty() || url.password().is_some() || authority.contains('@') {
            return Err("a URL with user information");
        }
        if authority.contains('%') {
            return Err("an encoded host in a URL");
        }
        if is_read_differently(authority) {
            return Err("a host that old and new readers look up as different names");
        }
        let special = SPECIAL.contains(&url.scheme());
        if special && (authority.is_empty() || !text.get(url.scheme().len()..).is_some_and(|t| t.starts_with("://"))) {
            return Err("a URL with an unusual beginning");
        }
        let host = match url.host() {
            Some(host) if special => Some(normal_host(&host).ok_or("a host with an empty label")?),
            _ => None,
        };
        if let Some(host) = &host {
            // A final dot and an IPv4 address in the long form are other spellings of the URL.
            url.set_host(Some(host.native())).map_err(|_| "a host that cannot be written in one way")?;
        }
        Ok(UrlView { url, host })
    }

    pub(crate) fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// The host in one spelling; an error where the scheme has no host that is normalised.
    pub(crate) fn host(&self) -> Result<&HostName, &'static str> {
        self.host.as_ref().ok_or("a URL without a decided host")
    }

    pub(crate) fn port(&self) -> Option<u16> {
        self.url.port_or_known_default()
    }

    /// The path; an error where an encoded separator makes readers disagree about its components.
    pub(crate) fn path(&self) -> Result<&str, &'static str> {
        let path = self.url.path();
        let lower = path.to_ascii_lowercase();
        if ["%2f", "%5c", "%2e", "%00"].iter().any(|code| lower.contains(code)) {
            return Err("an encoded separator in a URL's path");
        }
        Ok(path)
    }

    /// The URL in one spelling, with the host as each kind of reader takes it.
    pub(crate) fn readings(&self) -> [String; 2] {
        let mut embedded = self.url.clone();
        if let Some(address) = self.host.as_ref().and_then(|host| host.embedded) {
            // A special URL has a host, so that one can be set.
            let _ = embedded.set_ip_host(address.into());
        }
        [self.url.clone().into(), embedded.into()]
    }
}

/// A host as a policy writes it, in one spelling: a name, an IPv4 address, or an IPv6 address with or without brackets.
pub(crate) fn host_literal(text: &str) -> Option<HostName> {
    if text.contains(['*', '%', '/', '@', '?', '#', '\\']) || text.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return None;
    }
    host_of_text(text).or_else(|| host_of_text(&format!("[{text}]")))
}

/// A host from bare text, as the host of an `https` URL would be read; none where readers differ about it.
pub(crate) fn host_of_text(text: &str) -> Option<HostName> {
    if text.contains('%') || text.chars().any(is_invisible) || is_read_differently(text) {
        return None;
    }
    normal_host(&Host::parse(text).ok()?)
}

/// Whether a name has a letter that UTS 46 keeps today and replaced before (`ß`, the final sigma, the joiners), or one that
/// becomes such a letter in one of the ways to fold it: `faß.de` is `xn--fa-hia.de` to browsers and `fass.de` to other programs. Written as `xn--..` it is
/// one name to all.
pub(crate) fn is_read_differently(name: &str) -> bool {
    let deviates = |c: char| matches!(c, 'ß' | 'ẞ' | 'ς' | '\u{200c}' | '\u{200d}');
    name.split(LABEL_ENDS).filter(|label| !label.is_ascii()).any(|label| {
        let (mapped, _) = idna::domain_to_unicode(label);
        label.nfkc().chain(label.chars()).chain(mapped.chars()).any(deviates)
    })
}

/// A name as it stands in DNS, for a message about one that is written otherwise.
pub(crate) fn ascii_name(name: &str) -> Option<String> {
    idna::domain_to_ascii(name).ok().filter(|ascii| !ascii.is_empty())
}

/// One trailing dot is the same name to DNS and goes; an empty label is no name.
fn normal_host<T: AsRef<str>>(host: &Host<T>) -> Option<HostName> {
    let named = |native: String| HostName { native, embedded: None };
    match host {
        Host::Domain(name) => {
            let name = name.as_ref();
            let name = name.strip_suffix('.').unwrap_or(name);
            let labels = name.split('.').all(|label| {
                let plain = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                (1..=63).contains(&label.len()) && plain && !label.starts_with('-') && !label.ends_with('-')
            });
            (labels && name.len() <= 253).then(|| named(name.to_ascii_lowercase()))
        }
        // An IPv4 address that is only written in the long form reaches the same machine everywhere.
        Host::Ipv6(address) => Some(address.to_ipv4_mapped().map_or_else(
            || HostName { native: format!("[{address}]"), embedded: embedded(*address) },
            |mapped| named(mapped.to_string()),
        )),
        Host::Ipv4(address) => Some(named(address.to_string())),
    }
}

/// The IPv4 address that some networks or systems see in an IPv6 address.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        // Unspecified and loopback.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // IPv4-compatible (RFC 4291), IPv4-translated (RFC 2765), NAT64 (RFC 6052), local NAT64 (RFC 8215).
        [0, 0, 0, 0, 0, 0, a, b]
        | [0, 0, 0, 0, 0xffff, 0, a, b]
        | [0x64, 0xff9b, 0, 0, 0, 0, a, b]
        | [0x64, 0xff9b, 1, _, _, _, a, b]
        // 6to4 (RFC 3056) and ISATAP (RFC 5214).
        | [0x2002, a, b, ..]
        | [_, _, _, _, 0 | 0x200, 0x5efe, a, b] => of(a, b),
        // Teredo (RFC 4380) inverts the client's address.
        [0x2001, 0, _, _, _, _, a, b] => of(!a, !b),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_one_spelling_or_are_errors() {
        let host = |text: &str| UrlView::parse(text).and_then(|url| url.host().map(|host| host.native().to_owned()));
        for (text, expected) in [
            ("https://api.example.com/x", "api.example.com"),
            ("https://API.Example.COM./", "api.example.com"),
            ("https://bücher.example/", "xn--bcher-kva.example"),
            ("https://ａｐｉ.example.com/", "api.example.com"),
            ("https://xn--fa-hia.de/", "xn--fa-hia.de"),
            ("https://fass.de/", "fass.de"),
            ("https://βόλοσ.com/", "xn--nxasmq6b.com"),
            ("https://xn--nxasmm1c.com/", "xn--nxasmm1c.com"),
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
            "https://faß.de/",
            "https://FAẞ.de/",
            "https://a.faß.de:444/",
            "https://βόλος.com/",
            "https://\u{1d6d3}.com/",
            "https://βόλο\u{1d70d}.com/",
            "https://a\u{200d}b.com/",
            "https://क्\u{200d}ष.com/",
            "https://نامه\u{200c}ای.com/",
            "https://a\u{ad}b.com/",
            "https://a.com/\u{200b}",
            "https://a.com/\u{202e}",
            "https://a.com/?q=\u{feff}",
            "",
        ] {
            assert!(host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_ipv4_address_inside_is_a_second_reading() {
        for (text, expected) in [
            ("[::169.254.169.254]", Some("169.254.169.254")),
            ("[::a9fe:a9fe]", Some("169.254.169.254")),
            ("[::2]", Some("0.0.0.2")),
            ("[64:ff9b::a9fe:a9fe]", Some("169.254.169.254")),
            ("[64:ff9b:1::a9fe:a9fe]", Some("169.254.169.254")),
            ("[64:ff9b:1:2:3:4:a9fe:a9fe]", Some("169.254.169.254")),
            ("[2002:a9fe:a9fe::]", Some("169.254.169.254")),
            ("[2002:a9fe:a9fe:1::2]", Some("169.254.169.254")),
            ("[::ffff:0:169.254.169.254]", Some("169.254.169.254")),
            ("[fe80::5efe:169.254.169.254]", Some("169.254.169.254")),
            ("[2001:0:1:2:3:4:5601:5601]", Some("169.254.169.254")),
            ("[::]", None),
            ("[::1]", None),
            ("[::ffff:169.254.169.254]", None),
            ("[64:ff9b:0:1::a9fe:a9fe]", None),
            ("[64:ff9b:2::a9fe:a9fe]", None),
            ("[2001:db8::a9fe:a9fe]", None),
            ("[2003:a9fe:a9fe::]", None),
            ("[fe80::a9fe:a9fe]", None),
            ("169.254.169.254", None),
            ("example.com", None),
        ] {
            let host = host_of_text(text).unwrap();
            assert_eq!(host.embedded.map(|address| address.to_string()).as_deref(), expected, "{text}");
        }
        assert_eq!(host_of_text("[::ffff:a9fe:a9fe]").unwrap().native(), "169.254.169.254");
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
