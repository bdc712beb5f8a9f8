//! What a bare machine lacks: system packages, a Python environment, the test servers.
//!
//! Each part is skipped when what it would install is there already. Pinned lists make two machines alike; what they pin is
//! fetched with the machine's own configuration of package sources, so no address stands here.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::tool::{command, read, say, watch};

/// Debian packages the tests use: two independent readers of the audit log (Go and its transparency-log library,
/// OpenSSL), and a browser for the server that has one.
pub const TEST_PACKAGES: [&str; 4] = ["chromium", "golang", "golang-golang-x-mod-dev", "openssl"];

/// A Python environment: where it is, and the lists that it is made of, relative to the root: what is needed, and every
/// package with its hashes.
struct PythonEnvironment {
    folder: &'static str,
    lists: [&'static str; 2],
}

/// The environment of the tests.
const PYTHON: PythonEnvironment =
    PythonEnvironment { folder: "target/venv", lists: ["tests/requirements.txt", "tests/requirements.lock"] };

/// Servers and clients that others wrote: those on either side of the Python SDK's change of major version.
const PEERS: [PythonEnvironment; 2] = [
    PythonEnvironment { folder: "target/peers-sdk1", lists: ["tests/peers/sdk1.txt", "tests/peers/sdk1.lock"] },
    PythonEnvironment { folder: "target/peers-sdk2", lists: ["tests/peers/sdk2.txt", "tests/peers/sdk2.lock"] },
];

/// Where the servers written for Node are installed, relative to the root.
const NODE_FOLDER: &str = "tests/npm";

/// Installs those of some Debian packages that are missing.
pub fn system_packages(packages: &[&str]) -> Result<()> {
    let here = Path::new("/");
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    say(&format!("    missing: {}", missing.join(" ")));
    let list = missing.join(" ");
    let install = format!("apt-get update && apt-get install -y --no-install-recommends {list}");
    let is_root = read(command("id", here, &["-u"])).is_ok_and(|id| id.trim() == "0");
    let prefix: &[&str] = if is_root {
        &[]
    } else if read(command("sudo", here, &["-n", "true"])).is_ok() {
        &["sudo", "-n"]
    } else {
        bail!("cannot install system packages without root; run: sudo sh -c '{install}'");
    };
    let mut words: Vec<&str> = prefix.to_vec();
    words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", &install]);
    let (program, arguments) = words.split_first().context("no command to run")?;
    watch(command(program, here, arguments))
}

/// Makes `target/venv` from the pinned lists.
pub fn python_environment(root: &Path) -> Result<()> {
    make(root, &PYTHON)
}

/// Makes the environments of the servers and clients that others wrote.
pub fn python_peers(root: &Path) -> Result<()> {
    PEERS.iter().try_for_each(|environment| make(root, environment))
}

fn make(root: &Path, environment: &PythonEnvironment) -> Result<()> {
    let PythonEnvironment { folder: within, lists } = environment;
    let folder = root.join(within);
    let base = base_python();
    let version = read(command(&base, root, &["--version"])).context("Python 3.11 or newer is needed")?;
    let name = folder.file_name().and_then(|name| name.to_str()).context("an environment without a name")?;
    let stamp = Stamp::of(root, name, lists, &version)?;
    if stamp.is_current() && folder.join("bin/python").exists() {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove `{}`", folder.display()))?;
    }
    watch(command(&base, root, &["-m", "venv", within]))?;
    watch(command(folder.join("bin/python"), root, &install_of(lists[1])))?;
    stamp.keep()
}

/// Installs what a list pins, each file by its hash and nothing beside.
fn install_of(lock: &str) -> [&str; 10] {
    let [quiet, here, silent] = ["--quiet", "--disable-pip-version-check", "--no-input"];
    ["-m", "pip", "install", quiet, here, silent, "--no-deps", "--require-hashes", "--requirement", lock]
}

/// Installs the servers written for Node from their lock file.
pub fn node_servers(root: &Path) -> Result<()> {
    let folder = root.join(NODE_FOLDER);
    let lists = ["tests/npm/package.json", "tests/npm/package-lock.json"];
    let version = read(command("node", root, &["--version"])).context("Node 20 or newer is needed")?;
    let stamp = Stamp::of(root, "npm", &lists, &version)?;
    if stamp.is_current() && folder.join("node_modules").exists() {
        return Ok(());
    }
    watch(command("npm", &folder, &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    stamp.keep()
}

/// The folder of the Python environment.
pub fn venv(root: &Path) -> PathBuf {
    root.join(PYTHON.folder)
}

/// A program of the Python environment.
pub fn venv_program(root: &Path, name: &str) -> PathBuf {
    venv(root).join("bin").join(name)
}

/// The folder with the programs of the servers written for Node.
pub fn node_programs(root: &Path) -> PathBuf {
    root.join(NODE_FOLDER).join("node_modules/.bin")
}

/// True when Debian's package database says so.
fn is_installed(package: &str) -> bool {
    let query = command("dpkg-query", Path::new("/"), &["--show", "--showformat=${Status}", package]);
    read(query).is_ok_and(|status| status == "install ok installed")
}

/// The Python that makes the environment; `PYTHON` names another one.
fn base_python() -> std::ffi::OsString {
    std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into())
}

/// What an installation was made from, kept beside it: an equal text means that nothing has to be done.
struct Stamp {
    file: PathBuf,
    text: String,
}

impl Stamp {
    fn of(root: &Path, name: &str, lists: &[&str], version: &str) -> Result<Stamp> {
        let mut text = format!("{}\n", version.trim());
        for list in lists {
            let part = fs::read_to_string(root.join(list)).with_context(|| format!("cannot read `{list}`"))?;
            text.push_str(&part);
        }
        Ok(Stamp { file: root.join("target/xtask").join(name).with_extension("stamp"), text })
    }

    fn is_current(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|kept| kept == self.text)
    }

    fn keep(&self) -> Result<()> {
        let folder = self.file.parent().context("the stamp has no folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        fs::write(&self.file, &self.text).with_context(|| format!("cannot write `{}`", self.file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in the list is in the lock with the same version; and everything in the lock has a version and a hash.
    fn faults(list: &str, lock: &str) -> Vec<String> {
        let same = |name: &str| {
            let bare = name.split_once('[').map_or(name.to_owned(), |(bare, rest)| {
                bare.to_owned() + rest.split_once(']').map_or("", |(_, version)| version)
            });
            bare.to_lowercase().replace('_', "-")
        };
        let joined = lock.replace("\\\n", " ");
        let mut faults = Vec::new();
        let mut pinned = Vec::new();
        for line in joined.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            let mut words = line.split_whitespace();
            let package = words.next().unwrap();
            let hashes: Vec<&str> = words.collect();
            if !package.contains("==") || hashes.is_empty() || !hashes.iter().all(|hash| is_hash(hash)) {
                faults.push(line.to_owned());
            }
            pinned.push(same(package));
        }
        let wanted = list.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        faults.extend(wanted.filter(|line| !pinned.contains(&same(line))).map(str::to_owned));
        faults
    }

    fn is_hash(word: &str) -> bool {
        let hex = word.strip_prefix("--hash=sha256:");
        hex.is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }

    #[test]
    fn every_python_package_is_pinned_by_its_hashes() {
        let hash = format!("--hash=sha256:{}", "0a".repeat(32));
        let check = |list: &str, lock: &str, expected: usize| assert_eq!(faults(list, lock).len(), expected, "{lock}");
        check("# why\nA_b==1\n", &format!("a-b==1 \\\n    {hash} \\\n    {hash}\nc==2 \\\n    {hash}\n"), 0);
        check("a==1\n", &format!("a==2 {hash}\n"), 1);
        check("", "a==1\n", 1);
        check("", &format!("a {hash}\n"), 1);
        check("", &format!("a==1 {hash}0\n"), 1);
        check("", &format!("--index-url place\na==1 {hash}\n"), 1);
        let root = crate::tool::root().unwrap();
        for environment in [&PYTHON, &PEERS[0], &PEERS[1]] {
            let [list, lock] = environment.lists.map(|file| fs::read_to_string(root.join(file)).unwrap());
            assert_eq!(faults(&list, &lock), [] as [String; 0], "{}", environment.folder);
            assert!(lock.lines().count() > 100);
        }
        assert!(install_of("lock").ends_with(&["--require-hashes", "--requirement", "lock"]));
    }

    #[test]
    fn a_stamp_is_current_until_a_list_changes() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("list"), "a==1\n").unwrap();
        let stamp = || Stamp::of(folder.path(), "test", &["list"], "3.11").unwrap();
        assert!(!stamp().is_current());
        stamp().keep().unwrap();
        assert!(stamp().is_current());
        fs::write(folder.path().join("list"), "a==2\n").unwrap();
        assert!(!stamp().is_current());
    }
}
