//! What only looks classified, and what is classified beside it: literal tables, one for each kind, each with both.
#![cfg(test)]

use enforcecore::redact::{Class, ClassSet, redact_text};

fn redacted(class: Class, text: &str) -> String {
    redact_text(text, ClassSet::NONE.with(class)).text
}

fn check_kept(class: Class, texts: &[&str]) {
    for text in texts {
        assert_eq!(redacted(class, text), *text);
    }
}

fn check(class: Class, rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        assert_eq!(redacted(class, text), *expected, "{text}");
    }
}

#[test]
fn what_another_scheme_explains_is_no_card() {
    check_kept(
        Class::CREDIT_CARD,
        &[
            // Accounts.
            "IBAN DE37 6460 7675 6109 6144 35",
            "iban=FR78 8785 4333 6875 9894 8424 009",
            "My iban is IT40 U314 6763 3914 4694 4563 636.",
            // Luhn and an issuer fit within; the remainder does not, and it is called an IBAN.
            "iban: DE00 4111 1111 1111 1111 00",
            "to DE37 6460 7675 6109 6144 35.",
            // Articles.
            "EAN 4916100102964",
            "4006310103000",
            "shelf 5012310102959, 4510000103022",
            "{\"gtin\": \"36011000103023\"}",
            "product_ean13: 6304100102953",
            "UPC code: 630427373398",
            "630410103000",
            "isbn 6304100102953",
            // Accounts of a cloud.
            "arn:aws:iam::630427373398:role/admin",
            "630427373398.dkr.ecr.us-east-1.amazonaws.com/app",
            "https://sqs.us-east-1.amazonaws.com/630427373398/queue",
            "\"AccountId\": \"630427373398\"",
            "aws account id: 630427373398",
            // Rows of tables, years and steps.
            "4111 1111 1111 1111 2222 3333 4444 5550",
            "8123 7070 4111 1111 1111 1111 9876",
            "2300-4111-1111-1111-1111-8200",
            "5104 5204 5304 5404",
            "4001 4006 4011 4016",
            "6011 6012 6013 6014",
            "1984 1985 1986 1987 1988 1989 1990 1991",
            // Versions, times, names.
            "version 4111.1111.1111.1111",
            "v4111.1111.1111.1111",
            "timestamp 4700000000423 epoch end",
            "ts 1755302400123 ok",
            "661224-2265201",
            "xoxb-500484336135-2305107050534-x",
            // Identifiers.
            "8fb18978-0baf-4829-8569-24624d8529dc",
            "9fce4111111111111111d95dc970b74767f39372",
            "0.4111111111111111",
        ],
    );
}

#[test]
fn a_card_beside_a_lookalike_is_found() {
    let card = |rest: &str| rest.replace("CARD", "EC_CREDIT_CARD_1");
    for text in [
        "IBAN DE37 6460 7675 6109 6144 35 CARD",
        "BE68 5390 0754 7034 CARD",
        "CARD DE37 6460 7675 6109 6144 35",
        "IBAN or card: CARD",
        "EAN 4916100102964, CARD",
        "arn:aws:iam::630427373398:role/x CARD",
        "2026 CARD",
        "CARD 2026",
        "CARD 12/27",
        "CARD 1227 123",
        "years 2019 2020 2021 2022 CARD",
        "1 CARD 2",
        "version 1.2 CARD",
        "8fb18978-0baf-4829-8569-24624d8529dc CARD",
        "account CARD",
        "{\"ean\": \"4006310103000\", \"pan\": \"CARD\"}",
    ] {
        for number in ["4111 1111 1111 1111", "5555 5555 5555 4444", "4111111111111111", "378282246310005"] {
            assert_eq!(redacted(Class::CREDIT_CARD, &text.replace("CARD", number)), card(text), "{number} in {text}");
        }
    }
    check(
        Class::CREDIT_CARD,
        &[
            ("4111 1111 1111 1111 5555 5555 5555 4444", "EC_CREDIT_CARD_1 EC_CREDIT_CARD_2"),
            ("4222222222222", "EC_CREDIT_CARD_1"),
            ("30569309025904", "EC_CREDIT_CARD_1"),
            ("card 4006310103000", "card EC_CREDIT_CARD_1"),
            ("4916100102964", "EC_CREDIT_CARD_1"),
            ("4444 4444 4444 4448", "EC_CREDIT_CARD_1"),
        ],
    );
}

#[test]
fn a_name_with_an_at_sign_is_no_address() {
    check_kept(
        Class::EMAIL,
        &[
            // Units.
            "user@1000.service",
            "getty@tty1.service",
            "systemd-fsck@dev-sda1.service",
            "openvpn@client.conf.service",
            "container@debian.bookworm.service",
            "ssh@host.socket",
            "backup@daily.timer",
            "user@1000.service.d/override.conf",
            "dbus@x.service.wants",
            // Source text.
            "@app.route('/')",
            "+@app.route('/')",
            "12:@app.route('/')",
            "12-@app.route('/')",
            r"pass\n@app.route('/')\ndef f():",
            r#"{"a": "@app.route", "b": "@pytest.fixture"}"#,
            r#"["@types.node", "@babel.core"]"#,
            "this@MainActivity.applicationContext",
            "super@Outer.method()",
            // Repositories.
            "git@github.com:org/repo.git",
            "git@gitlab.example.com:org/repo",
            "ssh://git@example.com/org/repo.git",
            "ssh -T git@github.com",
            "hg@bitbucket.org:a/b",
            "org-123@github.com:org/repo.git",
            // Packages and versions.
            "react@18.2.0",
            "pkg@1.2.3",
            "pkg@1.2.3-beta.rc1",
            "pkg@v1.0.0-rc.beta",
            "@scope/pkg@1.0.0-next.alpha",
            "actions/checkout@v4.1.1",
            "golang.org/x/a@v0.0.0-20210101000000-abcdef.dirty",
            // Files.
            "icon@2x.png",
            "icon@1.5x.png",
            "logo@dark.svg",
            "data@2024.tar.gz",
        ],
    );
}

#[test]
fn an_address_beside_a_lookalike_is_found() {
    check(
        Class::EMAIL,
        &[
            ("user@1000.service by jane@example.com", "user@1000.service by EC_EMAIL_1"),
            ("@app.route('/jane@example.com')", "@app.route('/EC_EMAIL_1')"),
            ("git@github.com:org/repo jane@example.com", "git@github.com:org/repo EC_EMAIL_1"),
            ("react@18.2.0 <jane@example.com>", "react@18.2.0 <EC_EMAIL_1>"),
            ("this@Main.x this@example.com", "this@Main.x EC_EMAIL_1"),
            (r"\njane@example.com", r"\nEC_EMAIL_1"),
            (r#"{"a": "x", "b": "jane@example.com"}"#, r#"{"a": "x", "b": "EC_EMAIL_1"}"#),
            ("git@vger.kernel.org", "EC_EMAIL_1"),
            ("git@example.com: our list", "EC_EMAIL_1: our list"),
            ("jane@service.example.com", "EC_EMAIL_1"),
            ("jane@163.com", "EC_EMAIL_1"),
            ("jane@1and1.com", "EC_EMAIL_1"),
            ("jane@example.com:22", "EC_EMAIL_1:22"),
            ("jane@example.com.png", "EC_EMAIL_1.png"),
            ("jane@example.co.uk.log", "EC_EMAIL_1.log"),
            ("container@web.example.com.service", "EC_EMAIL_1.service"),
            ("\"jane doe\"@example.com", "EC_EMAIL_1"),
            (r#"to: \"jane doe\"@example.com"#, r"to: \EC_EMAIL_1"),
            ("伊昭傑@郵件.商務", "EC_EMAIL_1"),
            ("联系jane@example.com谢谢", "联系EC_EMAIL_1谢谢"),
        ],
    );
}

#[test]
fn credentials_go_whole_whatever_the_password_holds() {
    const ROWS: [(&str, &str); 24] = [
        ("postgresql://u:p@ss/w0rd@db:5432/app", "postgresql://CRED@db:5432/app"),
        ("postgres://u:p/ss@db/x", "postgres://CRED@db/x"),
        ("postgres://u:p@s@s/w@db.example.com/x", "postgres://CRED@db.example.com/x"),
        ("postgres://u:123/4@db:5432/x", "postgres://CRED@db:5432/x"),
        ("postgres://u@x:p/w@db/x", "postgres://CRED@db/x"),
        ("mysql://root:a/b@c/d@localhost/x", "mysql://CRED@localhost/x"),
        ("jdbc:mysql://u:p@/x@db:3306/y", "jdbc:mysql://CRED@db:3306/y"),
        ("redis://:p/w@cache:6379/0", "redis://CRED@cache:6379/0"),
        ("amqp://u:p?w@h/v", "amqp://CRED@h/v"),
        ("ftp://u:p#1@h.example.com/f", "ftp://CRED@h.example.com/f"),
        ("mongodb+srv://u:p@ss/x@c0.example.net/db", "mongodb+srv://CRED@c0.example.net/db"),
        ("mongodb://u:p@h1:27017,h2:27017/db?x=1", "mongodb://CRED@h1:27017,h2:27017/db?x=1"),
        ("smtp://jane@example.com:s@smtp.example.com:587", "smtp://CRED@smtp.example.com:587"),
        ("https://jane:p@ss/w0rd@example.com/x", "https://CRED@example.com/x"),
        ("https://jane:p@s.s/w0rd@example.com/x", "https://CRED@example.com/x"),
        ("https://jane:p@ss?w0rd@example.com/x", "https://CRED@example.com/x"),
        ("https://u:12345678/9@h.example.com/", "https://CRED@h.example.com/"),
        // What stands behind the host stays.
        ("https://u:p@h.example.com/a@b", "https://CRED@h.example.com/a@b"),
        ("https://u:p@h.example.com/@scope/pkg", "https://CRED@h.example.com/@scope/pkg"),
        ("http://u:p@web/@scope/pkg", "http://CRED@web/@scope/pkg"),
        ("https://u:p@h.example.com/repo@v1.2.3", "https://CRED@h.example.com/repo@v1.2.3"),
        ("https://u:p@h.example.com/v1?to=a@b.co", "https://CRED@h.example.com/v1?to=a@b.co"),
        ("['postgres://u:p@db.example.com/x','a@b.co']", "['postgres://CRED@db.example.com/x','a@b.co']"),
        ("(postgres://u:p@db:5432/x) a@b.co", "(postgres://CRED@db:5432/x) a@b.co"),
    ];
    for (text, expected) in ROWS {
        assert_eq!(redacted(Class::URL_CREDENTIALS, text), expected.replace("CRED", "EC_URL_CREDENTIALS_1"), "{text}");
    }
    check_kept(
        Class::URL_CREDENTIALS,
        &[
            "https://example.com/a:b@c",
            "http://localhost:8080/@scope/package",
            "http://[::1]:80/a@b",
            "https://user@example.com/a:b@c",
            "https://user@example.com:8080/a@b.com",
            "https://medium.example/@jane",
            "https://registry.example.org/@scope%2fpkg",
            "ssh://git@example.com/x",
            "http://host:8080 mail a@b.com",
            "postgres://localhost:5432/a@b",
            "postgres://db.example.com:5432/a@b.com",
            "https://cdn.example.com:8443/npm/pkg@1.2.3/x.js",
            "https://example.com/?q=a:b@c",
            "redis://cache.example.com:6379/0",
        ],
    );
}

/// Lines of a key, the last one shorter.
const BODY: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj
MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SX6dVMvDuictGeurT8jNbvJZHtCSuYEvu
p2PKSQnSJP3AJLQ==";
const NAMES: [&str; 7] = [
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "PGP PRIVATE KEY BLOCK",
    "DSA PRIVATE KEY",
];

/// Writes a block in some way.
type Write = fn(&str) -> String;

/// What is written of a key's block, and what is left of it. `BEGIN`, `BODY` and `END` stand for its parts.
#[rustfmt::skip]
const WRITTEN: [(Write, &str); 16] = [
    (|block| block.to_owned(), "KEY"),
    (|block| block.replace('\n', "\r\n"), "KEY"),
    (|block| format!("    {}", block.replace('\n', "\n    ")), "    KEY"),
    (|block| block.replace('\n', "\\n"), "KEY"),
    (|block| block.replace('\n', "\\r\\n"), "KEY"),
    (|block| block.replace('\n', "\\\\n"), "KEY"),
    (|block| block.replace('/', "\\/").replace('\n', "\\n"), "KEY"),
    (|block| block.replace('\n', " "), "KEY"),
    (|block| block.replace('\n', ""), "KEY"),
    (|block| format!("key = \"{}\"", block.replace('\n', "\\n")), "key = \"KEY\""),
    (|block| format!("> {}", block.replace('\n', "\n> ")), "> KEY"),
    (|block| format!("1\t{}", block.replace('\n', "\n2\t")), "1\tKEY"),
    (|block| format!("\"{}", block.replace('\n', "\\n\" +\n\"")), "\"KEY"),
    (|block| format!("08:00 INFO {}", block.replace('\n', "\n08:00 INFO ")), "08:00 INFO KEY"),
    (|block| format!("a\n{block}\nb c"), "a\nKEY\nb c"),
    (|block| block.replacen('\n', "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF00FF00FF00FF\n\n", 1), "KEY"),
];

#[test]
fn a_key_goes_whole_however_it_is_written_with_or_without_its_end() {
    for name in NAMES {
        let begin = format!("-----BEGIN {name}-----");
        let whole = format!("{begin}\n{BODY}\n-----END {name}-----");
        for (write, expected) in WRITTEN {
            for block in [whole.as_str(), &format!("{begin}\n{BODY}")] {
                let text = write(block);
                let expected = expected.replace("KEY", "EC_PRIVATE_KEY_1");
                assert_eq!(redacted(Class::PRIVATE_KEY, &text), expected, "{text}");
            }
        }
        // Cut in the middle of a line, and between two.
        for kept in [20, 40, 64, 65, 70, 100, 130] {
            let text = format!("{begin}\n{}", BODY.get(..kept).unwrap());
            assert_eq!(redacted(Class::PRIVATE_KEY, &text).trim_end(), "EC_PRIVATE_KEY_1", "{text}");
        }
    }
}

#[test]
fn a_header_that_is_only_mentioned_swallows_nothing() {
    const TEXTS: [&str; 16] = [
        "Paste the text that starts with BEGIN and then press save.\nAfterwards restart it.\n\nSecond paragraph.",
        "It starts with BEGIN and ends with END. Then\nmore.",
        "Starts with `BEGIN`.\n\nThe AuthenticationService reads /etc/ssl/private/server.key then.",
        "const BEGIN: &str = \"BEGIN\";\nconst PRIVATE_KEY_END: &str = \"END\";\nfn main() {}",
        "let privateKeyHeader = 'BEGIN'; let privateKeyFooter = 'END';",
        "if data.startswith('BEGIN'):\n    return load_private_key(data)\n\ndef other():\n    pass",
        "# BEGIN\n\nAfterwards, restart the server now.\n",
        "BEGIN\n...\nEND",
        "BEGIN\n<your key here>\nEND",
        "BEGIN\\nYOUR_PRIVATE_KEY\\nEND",
        "BEGIN (PKCS8) or -----BEGIN RSA PRIVATE KEY----- (PKCS1) are accepted",
        "| `BEGIN` | PKCS#8 |\n| `-----BEGIN EC PRIVATE KEY-----` | SEC1 |\n\nText",
        "grep -l 'BEGIN' /etc/ssl/private/server.key",
        "BEGIN\n\n\nChapter Two\nIt was a dark night.",
        "BEGIN",
        "the key is BEGIN and BEGIN and BEGIN and so on",
    ];
    for text in TEXTS {
        for name in NAMES {
            let begin = format!("-----BEGIN {name}-----");
            let text =
                text.replace("BEGIN:", "B:").replace("_END", "_E").replace("END", &format!("-----END {name}-----"));
            let text = text.replace("-----BEGIN", "\u{1}").replace("BEGIN", &begin).replace('\u{1}', "-----BEGIN");
            assert_eq!(redacted(Class::PRIVATE_KEY, &text), text);
        }
    }
    // And a key behind a mention is found.
    let begin = "-----BEGIN PRIVATE KEY-----";
    let text = format!("It starts with {begin} and is:\n\n{begin}\n{BODY}\n-----END PRIVATE KEY-----\nThe end.");
    let expected = format!("It starts with {begin} and is:\n\nEC_PRIVATE_KEY_1\nThe end.");
    assert_eq!(redacted(Class::PRIVATE_KEY, &text), expected);
}
