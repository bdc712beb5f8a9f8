//! What can be wrong with a configuration.

use super::code::{Code, Family, Page, codes};

codes! {
    Family::Config;

    UNREADABLE = "EC1000", "configuration that cannot be read":
        "The file is missing, is no regular file, is larger than 64 KiB, or this user may not read it. Its values might be stricter than the defaults, so nothing runs without it."
        example "enforcecore --config enforcecore.tml config show"
        instead "enforcecore --config enforcecore.toml config show";
    NOT_TOML = "EC1001", "not TOML":
        "The file is not TOML: a value without quotes, a key twice, a bracket that is not closed."
        example "policy = policy.yaml"
        instead "policy = \"policy.yaml\"";
    UNKNOWN_KEY = "EC1002", "unknown key":
        "The key has no meaning here. An unknown key is never ignored: a mistyped `lgo` would otherwise send the evidence elsewhere."
        example "lgo = \"evidence\""
        instead "log = \"evidence\"";
    BAD_VALUE = "EC1003", "unusable value":
        "The value is empty, of another type, or not one of those the key takes."
        example "durability = \"fast\""
        instead "durability = \"strict\"";
    UNKNOWN_VARIABLE = "EC1004", "unknown variable":
        "A variable that begins with ENFORCECORE_ is meant for this program, and there is none of this name. It is never ignored: a mistyped variable would otherwise silently change nothing."
        example "ENFORCECORE_LOGLEVEL=info"
        instead "ENFORCECORE_LOG_LEVEL=info";
    NOT_TRUSTED = "EC1005", "configuration that other users can change":
        "Other users can change the file. A folder on the way to it, from the root on, belongs to another user or is writable by others; or the file was found by searching upwards from the working folder and belongs to another user, is writable by others, or is a symbolic link; or the same holds for the policy that it names, or a link stands on the way to the policy, the log or the keys within the project. A user who can write the configuration can change the enforcement. A group that may write counts, unless it has the number of the owner, as a user's own group has. A folder that every user may write counts, unless it has the sticky bit, as /tmp has. On a read-only mount every folder passes."
        example "an enforcecore.toml that another user left in /tmp"
        instead "a file of this user in folders that no one else can write; a link, or a file of another user, named with `--config` or, in Python, `config=`";
    RETIRED_VARIABLE = "EC1006", "variable of version 1.14":
        "The variable set something that version 1.14 had and this version has not, or has in the policy. It is refused and not ignored, because the person who set it relies on it."
        example "ENFORCECORE_COST_BUDGET_USD=5"
        instead "budgets: [{budget: {does: pays}, id: a, sum: USD, at_most: 5, per: ever, for_each: everyone}]";
    PROJECT_AGAINST_USER = "EC1007", "project against its user":
        "The user's own file and the project's say different things about the policy, the log, the keys, the anchor, the log's name or the durability, or the project's workspace does not lie in the user's. A project file cannot weaken the user's configuration. The user settles it: by the flag or the variable for one run, or permanently by listing the project's folder under `trusted_projects` in the user's own file."
        example "policy = \"lax.yaml\" in a project, under a user's policy = \"mine.yaml\""
        instead "trusted_projects = [\"/home/me/project\"] in the user's own file";
    TOO_MANY_FINDINGS = "EC1008", "more findings than are listed":
        "A load lists 100 findings and then reads no further. A hundred findings often have one cause: correct the first ones and check again."
        example "a file of another program under the name enforcecore.toml"
        instead "a file with the keys that `enforcecore config show` prints";
}
