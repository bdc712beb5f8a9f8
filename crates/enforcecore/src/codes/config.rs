//! What can be wrong with a configuration.

use super::code::{Code, Family, Page, codes};

codes! {
    Family::Config;

    UNREADABLE(
        "EC1000",
        "configuration that cannot be read",
        "The file is missing, is no regular file, is larger than 64 KiB, or this user may not read it. What it says might be stricter than the defaults, so nothing runs without it.",
        "enforcecore --config enforcecore.tml config show",
        "enforcecore --config enforcecore.toml config show",
    );
    NOT_TOML(
        "EC1001",
        "not TOML",
        "The file is not TOML: a value without quotes, a key twice, a bracket that is not closed.",
        "policy = policy.yaml",
        "policy = \"policy.yaml\"",
    );
    UNKNOWN_KEY(
        "EC1002",
        "unknown key",
        "The key has no meaning here. An unknown key is never ignored: a mistyped `lgo` would otherwise send the evidence elsewhere.",
        "lgo = \"evidence\"",
        "log = \"evidence\"",
    );
    BAD_VALUE(
        "EC1003",
        "unusable value",
        "The value is empty, of another type, or not one of those the key takes.",
        "durability = \"fast\"",
        "durability = \"strict\"",
    );
    UNKNOWN_VARIABLE(
        "EC1004",
        "unknown variable",
        "A variable that begins with ENFORCECORE_ is meant for this program, and there is none of this name. It is never ignored: a mistyped one would otherwise change nothing, without a word.",
        "ENFORCECORE_LOGLEVEL=info",
        "ENFORCECORE_LOG_LEVEL=info",
    );
    NOT_TRUSTED(
        "EC1005",
        "configuration in somebody else's hands",
        "Others have a say in it. A folder on the way to the file, from the root on, belongs to another user or lets others exchange what is in it; or the file was found by looking upwards from the working folder and belongs to another user or may be written by others, or it is a symbolic link; or that holds of the policy that it names, and a link stands on the way to that, to the log or the keys within the project. Who can write it could turn enforcement into something else. A group's right to write counts, unless the group has the number of the owner, as a user's own group has; so does every user's to a folder, unless each can exchange only what is theirs, as in /tmp. On a mount that is read-only nothing can be exchanged, so every folder passes.",
        "an enforcecore.toml that somebody left in /tmp",
        "a file of this user in folders that no one else can write; a link, or a file of another user, named with `--config` or, in Python, `config=`",
    );
    RETIRED_VARIABLE(
        "EC1006",
        "variable of version 1.14",
        "The variable set something that version 1.14 had and this version has not, or has in the policy. It is refused rather than ignored, because whoever set it relies on it.",
        "ENFORCECORE_COST_BUDGET_USD=5",
        "budgets: [{budget: {does: pays}, id: a, sum: USD, at_most: 5, per: ever, for_each: everyone}]",
    );
    PROJECT_AGAINST_USER(
        "EC1007",
        "project against its user",
        "The user's own file and the project's say different things about the policy, the log, the keys, the anchor, the log's name or the durability, or the project's workspace does not lie in the user's. A project comes from whoever wrote it, and a file in it must not take away what its user set up. Whoever runs the command settles it: by the flag or the variable, or for good by listing the project's folder under `trusted_projects` in the user's own file.",
        "policy = \"lax.yaml\" in a project, under a user's policy = \"mine.yaml\"",
        "trusted_projects = [\"/home/me/project\"] in the user's own file",
    );
    TOO_MANY_FINDINGS(
        "EC1008",
        "more findings than are listed",
        "A load lists 100 findings and then reads no further. What is wrong a hundred times is most often wrong once: mend the first ones and look again.",
        "a file of another program under the name enforcecore.toml",
        "a file with the keys that `enforcecore config show` prints",
    );
}
