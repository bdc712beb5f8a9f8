//! E-mail addresses: exactly one plain mailbox, nothing a mail library would read as two.

use super::url::host_of_text;
use crate::lookalike::is_invisible;

/// Bytes in an address at most (RFC 5321, section 4.5.3.1.3).
const EMAIL_BYTES_MAX: usize = 254;

/// Whether the text is one address of letters, digits and the unquoted specials, at a domain name.
///
/// Quoted local parts, comments, display names, address lists, source routes and address literals are not taken: a library
/// behind the tool may read them differently, and a policy about the receiver would be about another person.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain = |c: char| c.is_alphanumeric() || "!#$&'*+-/=?^_`{|}~.".contains(c);
    let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    let local_fits = (1..=64).contains(&local.len()) && local.chars().all(plain) && dots;
    let is_name = domain.contains('.') && !domain.ends_with('.') && domain.parse::<std::net::IpAddr>().is_err();
    text.len() <= EMAIL_BYTES_MAX
        && local_fits
        && is_name
        && !text.chars().any(is_invisible)
        && host_of_text(domain).is_some_and(|host| !is_address(host.native()))
}

fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_email;

    #[test]
    fn an_address_is_one_plain_mailbox() {
        for good in [
            "a@x.org",
            "first.last+tag@mail.example.com",
            "a@bücher.example",
            "jörg@bücher.example",
            "a@xn--fa-hia.de",
            "用户@例え.jp",
        ] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@",
            "@x.org",
            "a@x",
            "a@x.org,b@y.org",
            "a@x.org;b@y.org",
            "a@x.org b@y.org",
            "A <a@x.org>",
            "\"a\"@x.org",
            "a@b@x.org",
            "a@[1.2.3.4]",
            "a@1.2.3.4",
            "a@x.org\n",
            "a\r\nBcc: b@y.org",
            "a%y.org@x.org",
            ".a@x.org",
            "a..b@x.org",
            "a@x.org.",
            "a@x..org",
            "a@-",
            "a@x.org/",
            "a(b)@x.org",
            "a@x.org\u{200b}",
            "\u{200b}a@x.org",
            "a\u{ad}@x.org",
            "a@x\u{2060}.org",
            "a\u{202e}@x.org",
            "a\u{3164}@x.org",
            "a@x\u{fe0f}.org",
            "a@faß.de",
            "a@FAẞ.de",
            "a@βόλος.com",
            "a@\u{1d6d3}.com",
            "a@x%2eorg",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
