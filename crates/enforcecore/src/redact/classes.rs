//! The names of what is redacted.

/// One class of classified text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// An e-mail address.
    Email,
    /// A payment card number that passes Luhn and lies in an issuer's range.
    CreditCard,
    /// A private key block: PEM, OpenSSH.
    PrivateKey,
    /// The user name and password inside a URL.
    UrlCredentials,
    /// A GitHub token with its CRC32.
    GithubToken,
    /// An AWS access key id.
    AwsAccessKey,
    /// A Slack token.
    SlackToken,
    /// A Stripe secret or restricted key.
    StripeKey,
}

/// Every class with the name policies use and whether `secret` includes it.
pub const CLASSES: &[(Class, &str, bool)] = &[
    (Class::Email, "email", false),
    (Class::CreditCard, "credit_card", false),
    (Class::PrivateKey, "private_key", true),
    (Class::UrlCredentials, "url_credentials", true),
    (Class::GithubToken, "github_token", true),
    (Class::AwsAccessKey, "aws_access_key", true),
    (Class::SlackToken, "slack_token", true),
    (Class::StripeKey, "stripe_key", true),
];

impl Class {
    /// The name in policies, logs and machine output.
    pub fn as_str(self) -> &'static str {
        CLASSES.iter().find(|(class, _, _)| *class == self).map_or("", |(_, name, _)| name)
    }
}

/// A set of classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassSet(u64);

impl ClassSet {
    /// No class.
    pub const NONE: ClassSet = ClassSet(0);

    /// Every class there is.
    pub fn all() -> ClassSet {
        CLASSES.iter().fold(ClassSet::NONE, |set, (class, _, _)| set.with(*class))
    }

    /// The classes a policy's word stands for: a class's own name, or `secret` for every secret.
    pub fn named(name: &str) -> Option<ClassSet> {
        let chosen = CLASSES.iter().filter(|(_, own, secret)| *own == name || (name == "secret" && *secret));
        let set = chosen.fold(ClassSet::NONE, |set, (class, _, _)| set.with(*class));
        (!set.is_empty()).then_some(set)
    }

    /// The set with one more class.
    pub fn with(self, class: Class) -> ClassSet {
        ClassSet(self.0 | 1 << class as u8)
    }

    /// Both sets' classes.
    pub fn union(self, other: ClassSet) -> ClassSet {
        ClassSet(self.0 | other.0)
    }

    /// Whether the set has the class.
    pub fn contains(self, class: Class) -> bool {
        self.0 & (1 << class as u8) != 0
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}
