//! Tests that do not run, or whose verdict does not count: each stands in this list, or the run fails.
//!
//! A test that was switched off looks in a count like a test that passed, so switching one off is a change of this file.

/// Why a test that gives files away runs for root alone.
const ROOT: &str = "only root can give a file to another user";

/// Tests that may be skipped: the name, the reason.
const LISTED: [(&str, &str); 15] = [
    (
        "enforcecore-audit::verify::tests::every_flipped_bit_is_named_in_longer_logs",
        "it takes minutes, and the tests before it flip a bit of every byte",
    ),
    ("enforcecore-host::child_is_a_proxy", "the tests in `killed.rs` start it"),
    ("enforcecore-host::child_fork_bombs", "`a_fork_bomb_is_ended` starts it"),
    ("enforcecore-host::child_echoes", "the tests in `spawn_anywhere.rs` start it"),
    ("enforcecore-host::child_ignores_ends", "`no_other_process_is_ended` starts it"),
    (
        "enforcecore-host::files::walk::tests::a_folder_whose_names_others_can_exchange_is_refused_wherever_it_lies",
        ROOT,
    ),
    ("enforcecore-host::files::walk::tests::what_lies_in_a_shared_folder_is_ours", ROOT),
    ("enforcecore-host::files::walk::tests::links_are_followed_where_every_one_is_ours", ROOT),
    ("enforcecore-host::files::walk::tests::a_volume_of_a_container_is_read_where_it_is_read_only", ROOT),
    ("enforcecore-host::files::walk::tests::forty_links_are_followed_and_no_more", ROOT),
    ("enforcecore-host::files::walk::tests::a_group_reads_a_secret_only_where_no_one_can_exchange_it", ROOT),
    ("enforcecore-host::files::walk::tests::a_folder_is_made_only_where_its_names_are_ours", ROOT),
    ("enforcecore-host::what_belongs_to_others_decides_nothing", ROOT),
    ("bindings/python/tests/test_configuration.py::test_a_projects_file_of_another_user_decides_nothing", ROOT),
    (
        "enforcecore-cli::a_volume_of_a_container_loads_where_it_is_mounted_read_only",
        "not every system lets its user mount; `a_volume_of_a_container_is_read_where_it_is_read_only` plays it",
    ),
];

/// A test that did not run, or whose verdict does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The test, after its package or file.
    pub test: String,
    /// What is said about it.
    pub why: String,
}

impl Skip {
    /// True for one that stands in the list.
    pub fn is_listed(&self) -> bool {
        LISTED.iter().any(|(test, _)| *test == self.test)
    }
}

/// The line about the skips of a run that stand in the list.
pub fn listed_line(listed: &[Skip]) -> String {
    if listed.is_empty() {
        return "0 skipped".to_owned();
    }
    let names: Vec<&str> = listed.iter().map(|skip| skip.test.as_str()).collect();
    format!("{} skipped, as listed in xtask/src/skips.rs: {}", names.len(), names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(test: &str) -> Skip {
        Skip { test: test.to_owned(), why: "whatever it says".to_owned() }
    }

    #[test]
    fn only_what_is_listed_may_be_skipped() {
        assert!(skip("enforcecore-host::child_fork_bombs").is_listed());
        assert!(!skip("enforcecore-host::child_fork_bombs_too").is_listed());
        assert!(!skip("child_fork_bombs").is_listed());
        assert!(!skip("bindings/python/tests/test_line.py::test_line").is_listed());
        assert!(LISTED.iter().all(|(_, why)| !why.is_empty()));
    }

    #[test]
    fn the_line_names_them() {
        let line = listed_line(&[skip("a::b"), skip("c")]);
        assert_eq!(listed_line(&[]), "0 skipped");
        assert_eq!(line, "2 skipped, as listed in xtask/src/skips.rs: a::b, c");
    }
}
