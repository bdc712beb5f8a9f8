//! Where each value comes from, and everything that is refused. The paths in here are Unix's, and so are the pipes.
#![cfg(test)]
#![cfg(unix)]

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use enforcecore::audit::Durability;
use enforcecore::diagnostic::Diagnostic;
use enforcecore::identity::Identities;
use enforcecore_host::config::{Config, Given, Key, Origin, are_log_levels};

fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn load(folder: &Path, variables: &[(&str, &str)]) -> Result<Config, Vec<Diagnostic>> {
    load_given(folder, variables, &[])
}

fn load_given(folder: &Path, variables: &[(&str, &str)], flags: &[(Key, &str)]) -> Result<Config, Vec<Diagnostic>> {
    let environment = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let mut given = Given::by(Origin::Flag);
    flags.iter().for_each(|(key, value)| given.add(*key, Some(value)));
    Config::load(folder, None, environment, given)
}

/// The values of this file, read as a named one.
fn load_named(folder: &Path, file: &Path) -> Result<Config, Vec<Diagnostic>> {
    Config::load(folder, Some(file), [], Given::by(Origin::Flag))
}

/// What is said about a file of this text.
fn said(text: &str) -> String {
    let place = tempfile::tempdir().unwrap();
    write(&place.path().join("enforcecore.toml"), text);
    render(place.path(), load(place.path(), &[]).map(|_| ()))
}

/// What is said about these variables.
fn said_of(variables: &[(&str, &str)]) -> String {
    let place = tempfile::tempdir().unwrap();
    render(place.path(), load(place.path(), variables).map(|_| ()))
}

fn render(folder: &Path, result: Result<(), Vec<Diagnostic>>) -> String {
    let found = result.err().unwrap_or_default();
    let lines = found.iter().map(|one| one.to_string().replace(&format!("{}/", folder.display()), ""));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_nearest_word_counts() {
    let place = tempfile::tempdir().unwrap();
    let (home, project) = (place.path().join("home"), place.path().join("home/project"));
    let inside = project.join("deep/er");
    fs::create_dir_all(&inside).unwrap();
    let user = "policy = \"u.yaml\"\nlog = \"u-log\"\nkeys = \"/u/keys\"\norigin = \"u\"\nlog_level = \"info\"\n";
    let user = format!("{user}trusted_projects = [{project:?}]\n");
    write(&home.join(".config/enforcecore/enforcecore.toml"), &user);
    write(
        &project.join("enforcecore.toml"),
        "\nlog = \"p-log\"\norigin = \"p\"\nanchor = \"a\"\ndurability = \"buffered\"\n",
    );
    let home_text = home.to_str().unwrap();
    let variables = [("HOME", home_text), ("ENFORCECORE_ANCHOR", "v-anchor"), ("ENFORCECORE_LOG_FORMAT", "json")];
    let config = load_given(&inside, &variables, &[(Key::Origin, "flag")]).unwrap();
    let shown = |key: Key| {
        let setting = config.get(key).unwrap();
        let text = format!("{} from {}", setting.value.display(), setting.origin);
        text.replace(home_text, "HOME")
    };
    let expected = [
        "HOME/.config/enforcecore/u.yaml from HOME/.config/enforcecore/enforcecore.toml:1",
        "HOME/project/p-log from HOME/project/enforcecore.toml:2",
        "/u/keys from HOME/.config/enforcecore/enforcecore.toml:3",
        "HOME/project/deep/er/v-anchor from ENFORCECORE_ANCHOR",
        "flag from flag",
        "buffered from HOME/project/enforcecore.toml:5",
        "keyed from default",
        "24h from default",
        ". from default",
        "16MiB from default",
        "5s from default",
        "info from HOME/.config/enforcecore/enforcecore.toml:5",
        "json from ENFORCECORE_LOG_FORMAT",
    ];
    assert_eq!(Key::ALL.iter().map(|key| shown(*key)).collect::<Vec<_>>(), expected);
    assert_eq!(config.durability(), Durability::Buffered);
    assert_eq!(config.folders().log, project.join("p-log"));
    // XDG_CONFIG_HOME counts before HOME, and a relative one not at all.
    let elsewhere = place.path().join("xdg");
    write(&elsewhere.join("enforcecore/enforcecore.toml"), "log_level = \"trace\"\n");
    let level = |xdg: &str| {
        let config = load(place.path(), &[("HOME", home_text), ("XDG_CONFIG_HOME", xdg)]).unwrap();
        config.text(Key::LogLevel).to_owned()
    };
    assert_eq!(level(elsewhere.to_str().unwrap()), "trace");
    assert_eq!(level("xdg"), "info");
}

#[test]
fn a_named_file_counts_in_place_of_the_projects() {
    let both = Both::new("policy = \"mine\"\norigin = \"mine\"\nworkspace = \"/nowhere\"\n", "no configuration");
    let named = both.place.path().join("named.toml");
    let load = |text: &str| {
        write(&named, text);
        both.load_named(&named)
    };
    let config = load("origin = \"named\"\nkeys = \"named\"\nworkspace = \"/\"\n").unwrap();
    let words = [Key::Origin, Key::Keys, Key::Workspace, Key::Policy, Key::Log].map(|key| config.text(key));
    let here = |name: &str| both.place.path().join(name).display().to_string();
    let expected = ["named", &here("named"), "/", &here("xdg/enforcecore/mine"), ".enforcecore/log"];
    assert_eq!(words, expected, "what the named file does not say, the user's does");
    let codes = |result: Result<Config, Vec<Diagnostic>>| result.map_err(|found| found[0].code.as_str()).err();
    assert_eq!(codes(load("trusted_projects = []\n")), Some("EC1002"), "it is not the user's");
    assert_eq!(codes(both.load_named(&both.place.path().join("missing.toml"))), Some("EC1000"));
    assert_eq!(codes(both.load_named(&both.project().join("enforcecore.toml"))), Some("EC1001"));
    // The user's own file may be named too, also by another name, and is then read once.
    write(&both.user(), "trusted_projects = []\n");
    symlink(both.user(), both.place.path().join("link.toml")).unwrap();
    assert_eq!(codes(both.load_named(&both.user())), None);
    assert_eq!(codes(both.load_named(&both.place.path().join("link.toml"))), None);
    // A mistake in it stops everything, whatever is named.
    write(&both.user(), "polcy = \"mine\"\n");
    assert_eq!(codes(load("origin = \"named\"\n")), Some("EC1002"));
}

#[test]
fn the_user_has_a_file_only_where_a_folder_is_named() {
    let check = |variables: &[(&str, &str)], expected: &str| assert_eq!(said_of(variables), expected, "{variables:?}");
    let nowhere = "HOME: error[EC1003]: no absolute path says where the user's own file is\n  help: set HOME or \
                   XDG_CONFIG_HOME";
    check(&[], "");
    check(&[("HOME", "/nowhere")], "");
    check(&[("HOME", "")], nowhere);
    check(&[("HOME", "home"), ("XDG_CONFIG_HOME", "xdg")], nowhere);
    check(&[("HOME", "home"), ("XDG_CONFIG_HOME", "/nowhere")], "");
}

#[test]
fn nothing_is_set_by_default() {
    let place = tempfile::tempdir().unwrap();
    let config = load(place.path(), &[("PATH", "/bin"), ("ENFORCE", "x")]).unwrap();
    Key::ALL.iter().for_each(|key| assert_eq!(config.get(*key), Config::default().get(*key)));
    assert_eq!(config.trusted_projects(), None);
    let files = [place.path(), Path::new("/")].map(|folder| folder.join("enforcecore.toml"));
    assert!(
        files.iter().all(|file| config.files().contains(file)),
        "any of them would have a word: {:?}",
        config.files()
    );
    assert_eq!((config.get(Key::Policy), config.get(Key::Anchor)), (None, None));
    assert_eq!((config.durability(), config.identities()), (Durability::Strict, Identities::Keyed));
    assert_eq!(config.session_idle(), Duration::from_secs(86_400));
    assert_eq!(config.cancel_grace(), Duration::from_secs(5));
}

/// The key of a length of time, what it takes, what it does not, and its bounds.
const TIMES: [(&str, &[&str], &[&str], &str); 2] = [
    ("cancel_grace", &["1ms", "5s", "10m", "600s"], &["601s", "1h", "0s"], "from 1ms to 10m, as `5s`"),
    ("session_idle", &["1m", "60s", "24h", "31d"], &["59s", "500ms", "32d"], "from 1m to 31d, as `24h`"),
];

#[test]
fn a_length_of_time_has_a_unit_and_is_within_its_bounds() {
    for (key, fit, do_not, bounds) in TIMES {
        for time in fit {
            assert_eq!(said(&format!("{key} = \"{time}\"\n")), "", "{key} {time}");
        }
        for time in do_not.iter().chain(&["24", "24 h", "-1h", "1w", "0h", "never"]) {
            let why =
                format!("enforcecore.toml:1:16: error[EC1003]: `{key}` is a length of time {bounds}, not `{time}`");
            assert_eq!(said(&format!("{key} = \"{time}\"\n")), why);
        }
    }
}

#[test]
fn a_length_of_time_has_its_bounds() {
    let check = |text: &str, expected: &str| assert_eq!(said(text), expected, "{text}");
    for (time, fits) in [
        ("1m", true),
        ("60s", true),
        ("24h", true),
        ("31d", true),
        ("59s", false),
        ("0h", false),
        ("32d", false),
        ("24", false),
        ("24 h", false),
        ("-1h", false),
        ("1w", false),
        ("never", false),
    ] {
        let why = format!(
            "enforcecore.toml:1:16: error[EC1003]: `session_idle` is a length of time from 1m to 31d, as `24h`, not `{time}`"
        );
        check(&format!("session_idle = \"{time}\"\n"), if fits { "" } else { &why });
    }
}

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    let check = |text: &str, expected: &str| assert_eq!(said(text), expected, "{text}");
    check("log = \"a\"\n", "");
    check("\n  lgo = \"a\"\n", "enforcecore.toml:2:3: error[EC1002]: unknown key `lgo`\n  help: did you mean `log`?");
    check(
        "[audit]\npath = \"a\"\n",
        "enforcecore.toml:1:2: error[EC1002]: unknown key `audit`\n  help: the keys are policy, log, keys, anchor, origin, \
         durability, identities, session_idle, workspace, mcp_message_max, cancel_grace, log_level, log_format, \
         trusted_projects",
    );
    check("log = 5\n", "enforcecore.toml:1:7: error[EC1003]: `log` must be text in quotes");
    check(
        "log = \"~/log\"\n",
        "enforcecore.toml:1:7: error[EC1003]: `log` begins with `~`, which only a shell expands",
    );
    for (level, fits) in [
        ("warn", true),
        ("OFF", true),
        ("info,enforcecore_gateway=debug", true),
        ("info, enforcecore = trace", true),
        ("wran", false),
        ("banana", false),
        ("enforcecore_gateway", false),
        ("loud=very", false),
        ("=info", false),
        ("info,", false),
        ("3", false),
    ] {
        assert_eq!(are_log_levels(level), fits, "{level}");
    }
    let levels = "off, error, warn, info, debug or trace, or TARGET=LEVEL joined by commas";
    check(
        "log_level = \"banana\"\n",
        &format!("enforcecore.toml:1:13: error[EC1003]: `log_level` is {levels}, not `banana`"),
    );
    check("log = \"\"\n", "enforcecore.toml:1:7: error[EC1003]: `log` is empty");
    check(
        "durability = \"fast\"\n",
        "enforcecore.toml:1:14: error[EC1003]: `durability` is one of strict, buffered, not `fast`",
    );
    check("identities = \"clear\"\n", "");
    check(
        "identities = \"yes\"\n",
        "enforcecore.toml:1:14: error[EC1003]: `identities` is one of keyed, clear, not `yes`",
    );
    check(
        "origin = \"a b\"\n",
        "enforcecore.toml:1:10: error[EC1003]: `origin` is a name without spaces and plus signs",
    );
    for not_toml in ["log = a\n", "log = \"a\"\nlog = \"b\"\n", "log = [\n", "log\n"] {
        assert!(said(not_toml).contains("error[EC1001]"), "{not_toml} {}", said(not_toml));
    }
    let both = said("lgo = \"a\"\nkeys = 1\n");
    assert!(both.contains("EC1002") && both.contains("EC1003"), "everything at once: {both}");
    assert!(said(&"#".repeat(64 * 1024 + 1)).contains("error[EC1000]"));
    assert!(said(&format!("log = {}", "[".repeat(60_000))).contains("error[EC1001]"));
}

#[test]
fn a_hundred_findings_are_listed_and_one_line_says_that_there_are_more() {
    let unknown = |n: usize| (0..n).map(|n| format!("k{n} = 1\n")).collect::<String>();
    let place = tempfile::tempdir().unwrap();
    for (count, expected) in [(1, 1), (99, 99), (100, 100), (101, 101), (5000, 101)] {
        write(&place.path().join("enforcecore.toml"), &unknown(count));
        let found = load(place.path(), &[]).unwrap_err();
        assert_eq!(found.len(), expected, "{count}");
        assert_eq!(found.last().unwrap().code == "EC1008", count > 100, "{count}");
    }
    fs::remove_file(place.path().join("enforcecore.toml")).unwrap();
    let names: Vec<String> = (0..5000).map(|n| format!("ENFORCECORE_{n}")).collect();
    let variables: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(load(place.path(), &variables).unwrap_err().len(), 101);
}

#[test]
fn variables_are_held_to_the_same_rules() {
    let check = |name: &str, value: &str, expected: &str| assert_eq!(said_of(&[(name, value)]), expected, "{name}");
    check("ENFORCECORE_LOG_LEVEL", "info", "");
    check(
        "ENFORCECORE_LOGLEVEL",
        "info",
        "ENFORCECORE_LOGLEVEL: error[EC1004]: unknown variable\n  help: did you mean `ENFORCECORE_LOG_LEVEL`?",
    );
    check(
        "ENFORCECORE_POLICY",
        "p.yaml",
        "ENFORCECORE_POLICY: error[EC1004]: unknown variable\n  help: did you mean `ENFORCECORE_DEFAULT_POLICY`?",
    );
    check(
        "ENFORCECORE_FAIL_OPEN",
        "true",
        "ENFORCECORE_FAIL_OPEN: error[EC1006]: the variable of version 1.14 has no meaning any more\n  help: unset it: a \
         failure never lets a call through",
    );
    check(
        "ENFORCECORE_TRUSTED_PROJECTS",
        "/",
        "ENFORCECORE_TRUSTED_PROJECTS: error[EC1004]: unknown variable\n  help: `trusted_projects` stands in the user's own \
         file alone",
    );
    let levels = "off, error, warn, info, debug or trace, or TARGET=LEVEL joined by commas";
    check(
        "ENFORCECORE_LOG_LEVEL",
        "banana",
        &format!("ENFORCECORE_LOG_LEVEL: error[EC1003]: the variable is {levels}, not `banana`"),
    );
    check("ENFORCECORE_ANCHOR", "", "ENFORCECORE_ANCHOR: error[EC1003]: the variable is empty");
    let odd = OsString::from_vec(vec![b'a', 0xff]);
    let odd = [(OsString::from("ENFORCECORE_LOG_LEVEL"), odd)];
    let found = Config::load(Path::new("/"), None, odd, Given::by(Origin::Flag)).unwrap_err();
    assert_eq!(found[0].code, "EC1003");
}

#[test]
fn a_file_that_cannot_be_trusted_decides_nothing() {
    let place = tempfile::tempdir().unwrap();
    let (folder, file) = (place.path().join("a/b"), place.path().join("enforcecore.toml"));
    fs::create_dir_all(&folder).unwrap();
    let code = || load(&folder, &[]).map(|_| "none").unwrap_or_else(|found| found[0].code.as_str());
    write(&file, "log = \"evidence\"\n");
    assert_eq!(code(), "none");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert_eq!(code(), "EC1000");
    fs::remove_dir(&file).unwrap();
    symlink("nowhere", &file).unwrap();
    assert_eq!(code(), "EC1005", "what a link leads to might have been stricter");
    fs::remove_file(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    assert_eq!(code(), "EC1000", "and nobody waits for a pipe");
}

/// A project of this user's, which is well, after something was done to it; and what is said then.
fn said_after(harm: impl Fn(&Path)) -> String {
    let place = tempfile::tempdir().unwrap();
    let project = place.path().join("project");
    write(&project.join("enforcecore.toml"), "policy = \"rules/policy.yaml\"\n");
    write(&project.join("rules/policy.yaml"), "");
    write(&place.path().join("other.toml"), "log = \"log\"\n");
    assert_eq!(render(place.path(), load(&project, &[]).map(|_| ())), "", "the twin to which nothing was done");
    harm(&project);
    let found = load(&project, &[]).map(|_| ());
    if let Err(found) = &found {
        assert_eq!(found.iter().map(|one| one.code.as_str()).collect::<Vec<_>>(), ["EC1005"]);
    }
    let mine = format!("(owner {}, ", rustix::process::geteuid().as_raw());
    let said = render(place.path(), found).replace("decides nothing here: ", "").replace(&mine, "(owner 0, ");
    let (said, help) = said.split_once("\n  help: ").unwrap_or((&said, ""));
    // Who names the file, or another policy, answers for it, and not for who else may exchange it.
    let named = load_named(&project, &project.join("enforcecore.toml")).is_ok();
    assert_eq!(named, !said.contains("the configuration") || help.contains("`--config`"), "{said} {help}");
    let named = load_given(&project, &[], &[(Key::Policy, "named.yaml")]);
    assert_eq!(named.is_ok(), said.is_empty() || said.contains("the policy"), "{said} {help}");
    said.to_owned()
}

#[test]
fn what_others_can_write_decides_nothing() {
    let mode = |name: &'static str, mode: u32| {
        said_after(move |project| fs::set_permissions(project.join(name), Permissions::from_mode(mode)).unwrap())
    };
    let configuration = |why: &str| format!("project/enforcecore.toml: error[EC1005]: the configuration {why}");
    let all = "may be written by every user";
    assert_eq!(
        mode("enforcecore.toml", 0o646),
        configuration(&format!("the file `project/enforcecore.toml` (owner 0, mode 0646) {all}"))
    );
    assert_eq!(mode("enforcecore.toml", 0o644), "");
    let folder = format!("the folder `project` (owner 0, mode 0757) {all}");
    assert_eq!(mode("", 0o757), configuration(&folder));
    assert_eq!(mode("", 0o755), "");
    assert_eq!(mode("", 0o1777), "", "as in /tmp, each can exchange only what is theirs");
    let policy = |why: &str| {
        let line = "project/enforcecore.toml:1:1: error[EC1005]: the policy";
        format!("{line} `project/rules/policy.yaml` {why}")
    };
    assert_eq!(
        mode("rules/policy.yaml", 0o646),
        policy(&format!("the file `project/rules/policy.yaml` (owner 0, mode 0646) {all}"))
    );
    assert_eq!(mode("rules", 0o757), policy(&format!("the folder `project/rules` (owner 0, mode 0757) {all}")));
    assert_eq!(mode("rules", 0o1777), "");
    // A link that this user made in a folder of theirs is refused too: its maker is not who wrote the file.
    let link = |name: &'static str, target: &'static str| {
        said_after(move |project| {
            fs::remove_file(project.join(name)).unwrap();
            symlink(target, project.join(name)).unwrap();
        })
    };
    let is_link = |name: &str| format!("`project/{name}` is a symbolic link");
    assert_eq!(link("enforcecore.toml", "../other.toml"), configuration(&is_link("enforcecore.toml")));
    assert_eq!(link("rules/policy.yaml", "../../other.toml"), policy(&is_link("rules/policy.yaml")));
    let folder = said_after(|project| {
        fs::rename(project.join("rules"), project.join("real")).unwrap();
        symlink("real", project.join("rules")).unwrap();
    });
    assert_eq!(folder, policy(&is_link("rules")));
}

#[test]
fn a_folder_far_above_counts_as_the_one_that_a_file_lies_in() {
    let place = tempfile::tempdir().unwrap();
    let project = place.path().join("shared/mine/project");
    write(&project.join("enforcecore.toml"), "policy = \"policy.yaml\"\n");
    let codes = || {
        let codes =
            |result: Result<Config, Vec<Diagnostic>>| result.map_or_else(|found| found[0].code.as_str(), |_| "none");
        [codes(load(&project, &[])), codes(load_named(&project, &project.join("enforcecore.toml")))]
    };
    for (mode, expected) in [(0o755, "none"), (0o777, "EC1005"), (0o1777, "none"), (0o775, "none")] {
        fs::set_permissions(place.path().join("shared"), Permissions::from_mode(mode)).unwrap();
        assert_eq!(codes(), [expected; 2], "{mode:o}");
    }
}

#[test]
fn a_link_in_a_project_leads_no_evidence_and_no_keys_away() {
    let place = tempfile::tempdir().unwrap();
    let project = place.path().join("project");
    fs::create_dir_all(place.path().join("elsewhere")).unwrap();
    write(&project.join("enforcecore.toml"), "log = \"kept/log\"\nanchor = \"../elsewhere/anchor\"\n");
    let found = |flags: &[(Key, &str)]| {
        let found = load_given(&project, &[], flags).map(|_| ());
        render(place.path(), found).lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(found(&[]), "");
    symlink("../elsewhere", project.join("kept")).unwrap();
    let place_of_log = "project/enforcecore.toml:1:1: error[EC1005]: `log` decides nothing here:";
    assert_eq!(found(&[]), format!("{place_of_log} `project/kept` is a symbolic link"));
    assert_eq!(found(&[(Key::Log, "kept/log")]), "", "who names it answers for it");
    symlink("../elsewhere", project.join(".enforcecore")).unwrap();
    let default = "keys: error[EC1005]: `keys` decides nothing here: `project/.enforcecore` is a symbolic link";
    assert_eq!(found(&[(Key::Log, "log")]), default, "nor the default");
    assert_eq!(found(&[(Key::Log, "log"), (Key::Keys, "keys")]), "");
}

#[test]
fn what_belongs_to_others_decides_nothing() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: only root can give a file away");
    }
    let give = |name: &'static str, user: Option<u32>, group: Option<u32>, mode: u32| {
        said_after(move |project| {
            fs::set_permissions(project.join(name), Permissions::from_mode(mode)).unwrap();
            chown(project.join(name), user, group).unwrap();
        })
    };
    let configuration = |what: &str, owner: u32, mode: &str, why: &str| {
        let said = "project/enforcecore.toml: error[EC1005]: the configuration the";
        format!("{said} {what} (owner {owner}, mode {mode}) {why}")
    };
    let (file, folder) = ("file `project/enforcecore.toml`", "folder `project`");
    let (another, group) = ("belongs to another user", "may be written by a group");
    assert_eq!(give("enforcecore.toml", Some(12345), None, 0o644), configuration(file, 12345, "0644", another));
    assert_eq!(give("", Some(12345), None, 0o1755), configuration(folder, 12345, "1755", another));
    assert!(give("rules/policy.yaml", Some(12345), None, 0o644).ends_with(another));
    assert!(give("rules", Some(12345), None, 0o755).ends_with(another));
    // A group whose number is its owner's is the owner's own.
    assert_eq!(give("enforcecore.toml", None, Some(12345), 0o664), configuration(file, 0, "0664", group));
    assert_eq!(give("enforcecore.toml", None, Some(12345), 0o644), "");
    assert_eq!(give("enforcecore.toml", None, Some(0), 0o664), "");
    assert_eq!(give("", None, Some(12345), 0o775), configuration(folder, 0, "0775", group));
    assert_eq!(give("", None, Some(0), 0o775), "");
}

#[test]
fn a_project_opens_no_folder_but_its_own() {
    let place = tempfile::tempdir().unwrap();
    let (project, home) = (place.path().join("project"), place.path().join("home"));
    fs::create_dir_all(project.join("inside")).unwrap();
    symlink("/", project.join("link")).unwrap();
    let home_text = home.to_str().unwrap();
    for (workspace, allowed) in [
        (".", true),
        ("inside", true),
        ("/", false),
        ("..", false),
        ("link", false),
        ("inside/../..", false),
        ("no", false),
    ] {
        let line = format!("workspace = \"{workspace}\"\n");
        write(&project.join("enforcecore.toml"), &line);
        let code = load(&project.join("inside"), &[]).map_or_else(|found| found[0].code.as_str(), |_| "none");
        assert_eq!(code, if allowed { "none" } else { "EC1003" }, "{workspace}");
        // The person who names the file may open any.
        assert!(load_named(&project, &project.join("enforcecore.toml")).is_ok());
        fs::remove_file(project.join("enforcecore.toml")).unwrap();
        write(&home.join(".config/enforcecore/enforcecore.toml"), &line);
        assert!(load(&project, &[("HOME", home_text)]).is_ok());
        assert!(load(&project, &[("ENFORCECORE_WORKSPACE", workspace)]).is_ok());
    }
}

/// A user with a file of their own, and a project.
struct Both {
    place: tempfile::TempDir,
}

impl Both {
    fn new(user: &str, project: &str) -> Both {
        let both = Both { place: tempfile::tempdir().unwrap() };
        fs::create_dir_all(both.project().join("deep")).unwrap();
        write(&both.user(), &user.replace("HERE", both.place.path().to_str().unwrap()));
        write(&both.project().join("enforcecore.toml"), project);
        both
    }

    fn user(&self) -> PathBuf {
        self.place.path().join("xdg/enforcecore/enforcecore.toml")
    }

    fn project(&self) -> PathBuf {
        self.place.path().join("project")
    }

    fn load(&self, variables: &[(&str, &str)], flags: &[(Key, &str)]) -> Result<Config, Vec<Diagnostic>> {
        let xdg = self.place.path().join("xdg");
        let variables = [variables, &[("XDG_CONFIG_HOME", xdg.to_str().unwrap())]].concat();
        load_given(&self.project().join("deep"), &variables, flags)
    }

    /// With a file that is named.
    fn load_named(&self, file: &Path) -> Result<Config, Vec<Diagnostic>> {
        let xdg = OsString::from(self.place.path().join("xdg"));
        let variables = [(OsString::from("XDG_CONFIG_HOME"), xdg)];
        Config::load(&self.project(), Some(file), variables, Given::by(Origin::Flag))
    }

    /// The value that counts, or else the codes.
    fn value(&self, key: Key, variables: &[(&str, &str)], flags: &[(Key, &str)]) -> String {
        match self.load(variables, flags) {
            Ok(config) => config.text(key).rsplit('/').next().unwrap_or_default().to_owned(),
            Err(found) => found.iter().map(|one| one.code.as_str()).collect::<Vec<_>>().join(" "),
        }
    }
}

#[test]
fn a_project_does_not_speak_against_its_user() {
    let protecting = [
        (Key::Policy, "mine", "theirs", "EC1007"),
        (Key::Log, "mine", "theirs", "EC1007"),
        (Key::Keys, "mine", "theirs", "EC1007"),
        (Key::Anchor, "mine", "theirs", "EC1007"),
        (Key::Origin, "mine", "theirs", "EC1007"),
        (Key::Durability, "strict", "buffered", "EC1007"),
        (Key::Durability, "buffered", "strict", "EC1007"),
        (Key::CancelGrace, "1s", "10m", "EC1007"),
        (Key::LogLevel, "info", "debug", "debug"),
        (Key::LogFormat, "human", "json", "json"),
        (Key::Workspace, "/nowhere", "deep", "EC1007"),
    ];
    for (key, mine, theirs, together) in protecting {
        let line = |value: &str| format!("{} = \"{value}\"\n", key.name());
        let trusted = |folder: &str| format!("trusted_projects = [\"/nowhere\", \"{folder}\"]\n");
        let check = |user: &str, project: &str, expected: &str| {
            let value = Both::new(user, project).value(key, &[], &[]);
            assert_eq!(value, expected, "{user} {project}");
        };
        check(&line(mine), &line(theirs), together);
        check(&(line(mine) + &trusted("HERE/project")), &line(theirs), theirs);
        check(&(line(mine) + &trusted("HERE/project/")), &line(theirs), theirs);
        check(&(line(mine) + &trusted("HERE/xdg/../project")), &line(theirs), theirs);
        // A folder means itself: neither what lies below it, nor what lies above.
        check(&(line(mine) + &trusted("HERE")), &line(theirs), together);
        check(&(line(mine) + &trusted("HERE/project/deep")), &line(theirs), together);
        check("", &line(theirs), theirs);
        let both = Both::new(&line(mine), &line(theirs));
        assert_eq!(both.value(key, &[(key.variable(), theirs)], &[]), theirs);
        assert_eq!(both.value(key, &[], &[(key, theirs)]), theirs);
        assert_eq!(both.value(key, &[], &[(Key::ALL[usize::from(key == Key::Policy)], "x")]), together);
        assert!(load_named(both.place.path(), &both.project().join("enforcecore.toml")).is_ok());
    }
}

#[test]
fn a_project_works_in_no_wider_folder_than_its_user() {
    for (mine, theirs, together) in [
        ("HERE/project/deep", ".", "EC1007"),
        ("HERE/project/dee", "deep", "EC1007"),
        ("HERE/nowhere", "deep", "EC1007"),
        ("HERE/project/deep", "deep", "deep"),
        ("HERE/project", "deep", "deep"),
        ("HERE/project/deep/..", "deep", "deep"),
        ("/", ".", "."),
    ] {
        let (user, project) = (format!("workspace = \"{mine}\"\n"), format!("workspace = \"{theirs}\"\n"));
        assert_eq!(Both::new(&user, &project).value(Key::Workspace, &[], &[]), together, "{mine} {theirs}");
        let trusted = user + "trusted_projects = [\"HERE/project\"]\n";
        assert_eq!(Both::new(&trusted, &project).value(Key::Workspace, &[], &[]), theirs, "{mine} {theirs}");
    }
}

#[test]
fn a_project_that_repeats_its_user_says_nothing_against_them() {
    let both = Both::new("policy = \"/p.yaml\"\norigin = \"o\"\n", "policy = \"/p.yaml\"\norigin = \"o\"\n");
    assert_eq!(both.value(Key::Policy, &[], &[]), "p.yaml");
    // The same word is another folder in another file.
    let both = Both::new("log = \"log\"\n", "log = \"log\"\n");
    assert_eq!(both.value(Key::Log, &[], &[]), "EC1007");
    // In the user's folder of configurations there is one file, and not two.
    write(&both.user(), "trusted_projects = []\nlog = \"log\"\n");
    let folder = both.user();
    let folder = folder.parent().unwrap();
    assert!(load(folder, &[("XDG_CONFIG_HOME", both.place.path().join("xdg").to_str().unwrap())]).is_ok());
}

#[test]
fn what_a_project_says_against_its_user_is_named_with_every_way_out() {
    let both = Both::new("\npolicy = \"mine.yaml\"\nlog = \"mine\"\n", "log = \"/l\"\n  policy = \"theirs.yaml\"\n");
    let here = format!("{}/", both.place.path().display());
    let said = both.load(&[], &[(Key::Log, "l")]).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        said.join("\n").replace(&here, ""),
        "project/enforcecore.toml:2:12: error[EC1007]: the user's own file says otherwise about `policy` \
         (xdg/enforcecore/enforcecore.toml:2), and the project is not trusted\n  help: list `project` under \
         `trusted_projects` in the user's own file, say which counts by `--policy` or ENFORCECORE_DEFAULT_POLICY, or remove \
         the line"
    );
    assert_eq!(both.load(&[], &[]).unwrap_err().len(), 2, "everything at once");
}

#[test]
fn only_the_user_says_which_projects_are_trusted() {
    let check = |user: &str, project: &str, expected: &str| {
        let found = Both::new(user, project).load(&[], &[]).err().unwrap_or_default();
        assert_eq!(
            found.first().map(ToString::to_string).unwrap_or_default().split_once(": ").map_or("", |at| at.1),
            expected
        );
    };
    let list = "error[EC1003]: `trusted_projects` is a list of folders in quotes";
    check("trusted_projects = [\"/a\", \"HERE/project\"]\n", "", "");
    check("trusted_projects = []\n", "", "");
    check("trusted_projects = \"/a\"\n", "", list);
    check("trusted_projects = [\"/a\", 1]\n", "", list);
    check("trusted_projects = [\"a\"]\n", "", "error[EC1003]: `trusted_projects` holds absolute paths, not `a`");
    let with = |what: &str| format!("error[EC1003]: `trusted_projects` holds a path that {what}");
    check("trusted_projects = [\"\"]\n", "", &with("is empty"));
    check("trusted_projects = [\"~/a\"]\n", "", &with("begins with `~`, which only a shell expands"));
    let itself = "error[EC1002]: `trusted_projects` has no meaning here: only the user's own file says whom they trust\n  \
                  help: write it into the user's own file, or remove the line";
    check("", "trusted_projects = [\"/a\"]\n", itself);
    // A trusted project trusts no other, and a link is as good as the folder that it leads to.
    check("trusted_projects = [\"HERE/project\"]\n", "trusted_projects = []\n", itself);
    let both = Both::new("log = \"mine\"\ntrusted_projects = [\"HERE/link\"]\n", "log = \"theirs\"\n");
    assert_eq!(both.value(Key::Log, &[], &[]), "EC1007");
    symlink(both.project(), both.place.path().join("link")).unwrap();
    assert_eq!(both.value(Key::Log, &[], &[]), "theirs");
    let config = both.load(&[], &[]).unwrap();
    assert_eq!(config.trusted_projects().unwrap().folders, [both.place.path().join("link")]);
}

#[test]
fn the_page_says_of_each_key_what_its_row_says() {
    let page = include_str!("../../../docs/configuration.md");
    for key in Key::ALL {
        let row = format!("\n| `{}` | `{}` | `{}` | {}", key.name(), key.variable(), key.flag(), key.doc());
        assert!(page.contains(&row), "docs/configuration.md has no {row}");
    }
}
