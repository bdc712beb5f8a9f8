//! What can be wrong with a policy.

use super::code::{Code, Family, Page, codes};

codes! {
    Family::Policy;

    UNREADABLE = "EC0000", "policy that cannot be read":
        "The file is missing, is no regular file, or this user may not read it. Nothing runs without its policy. Correct the path or the file's permissions."
        example "enforcecore policy check polcy.yaml"
        instead "enforcecore policy check policy.yaml";
    TOO_LARGE = "EC0001", "document too large":
        "A policy document has at most 8 MiB. A longer one is a mistake, or a list that belongs in a store. Split it and name the parts in `bound_by`."
        example "a list of a million addresses in `in: [..]`"
        instead "a fact that the host sets after looking into its own list";
    NOT_UTF8 = "EC0002", "not UTF-8":
        "Policies are UTF-8. Other encodings are read differently by different tools, so a reviewer and the enforcer could see two documents. Save the file as UTF-8."
        example "name: café, saved as Latin-1"
        instead "name: café, saved as UTF-8";
    NOT_YAML = "EC0003", "not YAML":
        "The text is not YAML in its strict form: indentation, quotes and brackets must agree, directives (`%YAML`) and NUL characters are not taken."
        example "rules: [{deny: refund, id: stop}"
        instead "rules: [{deny: refund, id: stop}]";
    TOO_DEEP = "EC0004", "nested too deeply":
        "The grammar needs nine levels; 32 are read. Deeper nesting is a mistake or an attack on the reader."
        example "tests: [{call: {tool: t, args: {a: [[[[[[[[[[.."
        instead "tests: [{call: {tool: t, args: {a: [1]}}, expect: deny}]";
    DUPLICATE_KEY = "EC0005", "key twice":
        "A map has a duplicate key. YAML readers disagree about duplicate keys: some take the last, so a second `deny` list would silently replace the first. Keep one."
        example "rules: []\nrules: [{deny: refund, id: stop}]"
        instead "rules: [{deny: refund, id: stop}]";
    ANCHOR_OR_ALIAS = "EC0006", "anchor or alias":
        "`&name` and `*name` let one place of a document change the meaning of another. A policy is reviewed line by line, so each value stands where it applies. Write the value out."
        example "rules:\n  - {deny: &tool refund, id: a}\n  - {deny: *tool, id: b}"
        instead "rules:\n  - {deny: refund, id: a}\n  - {deny: refund, id: b}";
    TAG = "EC0007", "tag":
        "`!name` asks the reader for a type. The policy language alone decides the types. Remove the tag."
        example "rules: !!seq []"
        instead "rules: []";
    MERGE_KEY = "EC0008", "merge key":
        "`<<` copies keys from elsewhere, and readers disagree about it. Write the keys out."
        example "tools:\n  a: {does: reads, returns: web}\n  b:\n    <<: {does: reads}\n    returns: web"
        instead "tools:\n  a: {does: reads, returns: web}\n  b: {does: reads, returns: web}";
    SECOND_DOCUMENT = "EC0009", "second document":
        "A file holds one document. Some readers take the first and silently drop the rest. Write each document into a file of its own."
        example "rules: []\n---\nenforcecore: 1"
        instead "rules: []";
    EMPTY_DOCUMENT = "EC0010", "empty document":
        "The file is empty. An empty policy could mean that everything is allowed, or nothing, so it does not load. Begin with `enforcecore: 1`."
        example "# nothing yet"
        instead "enforcecore: 1\nname: first\nversion: \"1\"\nrules: []";
    KEY_NOT_TEXT = "EC0011", "key that is not text":
        "Keys are text. A list, a map or nothing as a key has no meaning here."
        example "rules: []\n? [a]\n: b"
        instead "rules: []";
    NO_VERSION = "EC0012", "no language version":
        "The document does not begin with `enforcecore: 1`. Policies of version 1.14 have another meaning and are not supported yet; the version of a document is not guessed."
        example "name: shop\nrules: []"
        instead "enforcecore: 1\nname: shop\nversion: \"1\"\nrules: []";
    UNKNOWN_VERSION = "EC0013", "unknown language version":
        "This program knows version 1 of the policy language. A document of a later version may need what this version cannot enforce, so it is refused."
        example "enforcecore: 2"
        instead "enforcecore: 1";
    TOO_MANY_RULES = "EC0014", "too many rules":
        "A document holds at most 100,000 rules. A list of that length belongs into a store that the host consults, with its verdict as a fact."
        example "100,001 rules, each for one address"
        instead "one rule that compares with a fact";
    BIDI_CHARACTER = "EC0015", "direction of text changed":
        "Characters that change the direction of text make a line look like another one to a reviewer. Write them as escapes in quotes if they are intended."
        example "a name with U+202E in it"
        instead "name: \"a\\u202eb\", which a reviewer sees";
    AMBIGUOUS_SCALAR = "EC0017", "scalar that readers read differently":
        "YAML 1.1 takes `no`, `on`, `017`, `1:30`, `2026-11-23` or `1_000` for a truth value, a number or a date; YAML 1.2 takes some of them for text. A policy must have one meaning. Put text into quotes; write numbers in plain decimal digits."
        example "rules: [{deny: refund, id: no}]"
        instead "rules: [{deny: refund, id: \"no\"}]";
    NOT_TEXT = "EC0018", "number or truth value where text is expected":
        "A plain `2026.10` is a number, and as a number it is `2026.1`. Where text is meant, quote it."
        example "rules: [{deny: refund, id: 7}]"
        instead "rules: [{deny: refund, id: \"7\"}]";
    UNKNOWN_KEY = "EC0020", "unknown key":
        "The key is not part of the language at this place. An unknown key is never ignored: a mistyped `denny` would otherwise permit calls."
        example "ruels: [{deny: refund, id: stop}]"
        instead "rules: [{deny: refund, id: stop}]";
    MISSING_KEY = "EC0021", "missing key":
        "A required key is missing. Its value is not guessed."
        example "rules: [{deny: refund}]"
        instead "rules: [{deny: refund, id: stop}]";
    WRONG_SHAPE = "EC0022", "wrong shape":
        "A map, a list, text or a number stands where the language has another of them."
        example "rules: {deny: refund, id: stop}"
        instead "rules: [{deny: refund, id: stop}]";
    BAD_NAME = "EC0023", "unusable name":
        "Names of documents, tools, arguments, rules, budgets and approvals are 1 to 128 bytes of printable text without white space at the ends. They appear in logs and prompts, where invisible characters would mislead."
        example "rules: [{deny: refund, id: \"\"}]"
        instead "rules: [{deny: refund, id: stop}]";
    BAD_DURATION = "EC0024", "not a length of time":
        "A length of time is digits and one unit: `500ms`, `30s`, `15m`, `24h`, `7d`, up to 31 days. A bare number has no unit, and a unit is not guessed."
        example "deadline: 30"
        instead "deadline: 30s";
    UNKNOWN_WORD = "EC0025", "unknown word":
        "The word is not one of those the language has at this place: an effect, a type, a comparator, a class, a kind or a verdict."
        example "rules: [{deny: refund, id: big, when: {amount: {above: 50}}}]"
        instead "rules: [{deny: refund, id: big, when: {amount: {more_than: 50}}}]";
    BAD_REFERENCE = "EC0026", "not a reference":
        "References are `principal.NAME`, `fact.NAME` and `session.NAME`: values that the host or a trusted result sets. Facts are taken from `result.NAME`. Types of arguments mean the same in every session and take no reference."
        example "rules: [{deny: refund, id: other, when: {ticket: {same_as: ticket}}}]"
        instead "rules: [{deny: refund, id: other, when: {ticket: {same_as: session.ticket}}}]";
    BAD_PATTERN = "EC0027", "unusable pattern":
        "The glob or regular expression does not compile, is too large, or uses look-around or backreferences, whose matching time has no useful bound."
        example "rules: [{deny: refund, id: odd, when: {ticket: {regex: \"a(\"}}}]"
        instead "rules: [{deny: refund, id: odd, when: {ticket: {regex: \"a[0-9]+\"}}}]";
    BAD_LOCATION = "EC0028", "unusable host, path, scheme or port":
        "A host is a name or an address without scheme, port or path; a root is an absolute path without `.` and `..`; a scheme is lower-case; a port is 1 to 65535. A name that old and new programs look up differently (`faß.de`) is written as it stands in DNS (`xn--fa-hia.de`), and so is a part of a name or of an address: in small letters, without a final dot."
        example "rules: [{allow: fetch, id: api, when: {url: {host: \"https://api.example.com/\"}}}]"
        instead "rules: [{allow: fetch, id: api, when: {url: {scheme: https, host: api.example.com}}}]";
    BAD_WINDOW = "EC0029", "unusable window":
        "A budget counts over `90m`, `24h`, `7d` (sliding), over `hour`, `day`, `week` or `month` with a time zone, over `session`, or for `ever`. A day without a time zone would be a different day in two offices."
        example "rules: []\nbudgets: [{budget: refund, id: a, count: calls, at_most: 5, per: day, for_each: everyone}]"
        instead "rules: []\nbudgets: [{budget: refund, id: a, count: calls, at_most: 5, per: day UTC, for_each: everyone}]";
    UNREADABLE_BOUND = "EC0030", "bound cannot be read":
        "A document in `bound_by` cannot be read. A policy without one of its bounds would permit more, so it does not load."
        example "bound_by: [organisation.yml]"
        instead "bound_by: [organisation.yaml]";
    CIRCULAR_BOUNDS = "EC0031", "bound by itself":
        "The documents in `bound_by` form a circle, so none of them is the bound of the others."
        example "a.yaml: bound_by: [b.yaml], and b.yaml: bound_by: [a.yaml]"
        instead "a.yaml: bound_by: [b.yaml], and b.yaml bound by nothing";
    TOO_MANY_BOUNDS = "EC0032", "too many bounds":
        "A policy has at most 32 documents, 8 levels deep."
        example "a chain of nine guardrails"
        instead "an organisation's, a department's and a team's document";
    GUARDRAIL_ALLOWS = "EC0033", "guardrail that permits":
        "A document of `kind: guardrail` only restricts: it may ask and deny, set budgets, redactions and deadlines. An `allow` in it would have no effect, or a wrong one."
        example "kind: guardrail\nrules: [{allow: refund, id: open}]"
        instead "kind: guardrail\nrules: [{deny: refund, id: stop}]";
    TOOL_CONFLICT = "EC0034", "tool declared in two ways":
        "Two documents of one policy declare a tool with other arguments, other types or other labels. The effects of a tool unite over documents; its arguments must agree."
        example "policy.yaml: args: {a: string}, and its guardrail: args: {a: text}"
        instead "the same arguments in both";
    APPROVAL_CONFLICT = "EC0035", "approval defined in two ways":
        "Two documents of one policy define one approval with different approvers or times. Give one of them another name."
        example "policy.yaml: valid: 15m, and its guardrail: valid: 16m"
        instead "two names: `lead` and `organisation-lead`";
    GUARDRAIL_ALONE = "EC0036", "guardrail alone":
        "The document is a guardrail, and no other document is loaded, so every call is denied. Name it in the `bound_by` of a policy."
        example "kind: guardrail\nrules: []"
        instead "kind: policy\nrules: []";
    TOO_MANY_FINDINGS = "EC0037", "more findings than are listed":
        "A load lists 100 findings, errors before warnings, and ends reading where there are more errors. A hundred findings often have one cause: correct the first ones and check again."
        example "a list of a thousand numbers where names belong"
        instead "a list of names";
    UNKNOWN_TOOL = "EC0100", "unknown tool":
        "The rule names a tool that no document declares, so it would never match. Declare the tool, or correct the name."
        example "rules: [{deny: refnud, id: stop}]"
        instead "rules: [{deny: refund, id: stop}]";
    UNKNOWN_ARGUMENT = "EC0101", "unknown argument":
        "The tool takes no argument of this name, so the test would never apply."
        example "rules: [{deny: refund, id: big, when: {ammount: {more_than: 5}}}]"
        instead "rules: [{deny: refund, id: big, when: {amount: {more_than: 5}}}]";
    UNSHARED_ARGUMENT = "EC0102", "argument that not every selected tool takes":
        "A bare argument name under a selector of several tools must exist in each of them. Otherwise the condition would be an error for some tools. Name the tools one by one, or use `any_K` and `every_K`."
        example "rules: [{deny: [refund, fetch], id: big, when: {amount: {more_than: 5}}}]"
        instead "rules: [{deny: refund, id: big, when: {amount: {more_than: 5}}}]";
    OPEN_ARGUMENT = "EC0103", "allow that leaves an argument open":
        "An allow on a tool that does more than read must constrain every argument that is not free prose (`text`). A forgotten argument makes a narrow rule wide. Constrain it, or write `{any: true}`."
        example "rules: [{allow: refund, id: small, when: {amount: {at_most: 5}}}]"
        instead "rules: [{allow: refund, id: small, when: {amount: {at_most: 5}, ticket: {same_as: session.ticket}}}]";
    WRONG_COMPARATOR = "EC0104", "comparator that does not apply":
        "The comparator has no meaning for this type. The text of a URL does not say where it leads, and a prefix of a path is not a folder: use `host` and `under`."
        example "rules: [{allow: read_file, id: notes, when: {path: {prefix: /srv/notes}}}]"
        instead "rules: [{allow: read_file, id: notes, when: {path: {under: /srv/notes}}}]";
    WRONG_LITERAL = "EC0105", "literal of another type":
        "The literal is not of the argument's type, so the comparison would never hold. Nothing is converted."
        example "rules: [{deny: refund, id: big, when: {amount: {equals: \"5\"}}}]"
        instead "rules: [{deny: refund, id: big, when: {amount: {equals: 5}}}]";
    NEVER_TRUE = "EC0106", "condition that is never true":
        "The tests contradict each other or the type, so the rule can never match. A deny that never matches looks like protection and is none."
        example "rules: [{deny: refund, id: big, when: {amount: {more_than: 5, less_than: 5}}}]"
        instead "rules: [{deny: refund, id: big, when: {amount: {more_than: 5, less_than: 50}}}]";
    EMPTY_SELECTION = "EC0107", "selector that selects nothing":
        "No declared tool is selected. The rule or budget would never apply."
        example "rules: [{deny: {does: deploys}, id: stop}]"
        instead "rules: [{deny: {does: pays}, id: stop}]";
    TOOL_NEVER_ALLOWED = "EC0108", "tool that no rule can allow":
        "The tool is declared, and no rule of this document allows it. If that is intended, remove the declaration."
        example "tools: {a: {does: reads, returns: web}}\nrules: []"
        instead "tools: {a: {does: reads, returns: web}}\nrules: [{allow: a, id: reading}]";
    DUPLICATE_ID = "EC0109", "id twice":
        "Ids name the rules and budgets of the whole policy in logs, grants and counters, so each is unique."
        example "rules: [{deny: refund, id: stop}, {deny: fetch, id: stop}]"
        instead "rules: [{deny: refund, id: stop}, {deny: fetch, id: stop-web}]";
    UNDEFINED_APPROVAL = "EC0110", "approval that is not defined":
        "The rule or budget asks for an approval that the document does not define, so it can never be given."
        example "rules: [{ask: refund, id: big, approval: led}]\napprovals: {lead: {from: {role: lead}, valid: 15m}}"
        instead "rules: [{ask: refund, id: big, approval: lead}]\napprovals: {lead: {from: {role: lead}, valid: 15m}}";
    MISPLACED_APPROVAL = "EC0111", "approval where nothing asks":
        "An approval is the answer to an `ask` (or to `over: ask`). On anything else it would have no effect."
        example "rules: [{deny: refund, id: big, approval: lead}]\napprovals: {lead: {from: {role: lead}, valid: 15m}}"
        instead "rules: [{ask: refund, id: big, approval: lead}]\napprovals: {lead: {from: {role: lead}, valid: 15m}}";
    UNUSED_APPROVAL = "EC0112", "approval that is not asked for":
        "The approval is defined, and no rule or budget of this document asks for it."
        example "rules: []\napprovals: {lead: {from: {role: lead}, valid: 15m}}"
        instead "rules: [{ask: refund, id: big, approval: lead}]\napprovals: {lead: {from: {role: lead}, valid: 15m}}";
    UNTRUSTED_FACTS = "EC0113", "facts from an untrusted result":
        "A fact decides later calls, so only a result of a tool with `returns: trusted` may set one. Otherwise a web page could choose the recipient of a mail."
        example "tools: {get: {does: reads, returns: web, facts: {mail: result.mail}}}"
        instead "tools: {get: {does: reads, returns: trusted, facts: {mail: result.mail}}}";
    UNREDACTABLE_ARGUMENT = "EC0114", "redaction of an argument that is acted upon":
        "The tool acts on a path, URL, address, number or one of a list. A rewritten value would be another call than the one that was decided. Redact `text` and `string`."
        example "tools: {get: {does: reads, args: {p: path}, returns: web, redact: {args: {p: [secret]}}}}"
        instead "tools: {get: {does: reads, args: {p: text}, returns: web, redact: {args: {p: [secret]}}}}";
    LOOKALIKE_TOOLS = "EC0115", "tools that look alike":
        "Two declared tools have names that a person reads as the same (case, full-width letters, letters of another script, invisible characters). Rename one."
        example "tools: {pay: {does: pays, returns: web}, Pay: {does: pays, returns: web}}"
        instead "tools: {pay: {does: pays, returns: web}, pay_all: {does: pays, returns: web}}";
    NOT_PROTECTED = "EC0116", "name that is not protected":
        "`unprotected` lets a tool write names of the built-in table. A name that is not in the table needs no entry, or is misspelt; the table has it as one component of a path, or several, such as `.github/workflows`."
        example "unprotected: {read_file: [.github/workflow]}"
        instead "unprotected: {read_file: [.github/workflows]}";
    ALWAYS_PROTECTED = "EC0117", "name that no policy permits":
        "Enforcement depends on this file, or the file can name an MCP server or a hook, and so start programs without enforcement. A tool that could write it would need no other permission. Edit it yourself."
        example "unprotected: {read_file: [.mcp.json]}"
        instead "unprotected: {read_file: [.husky]}";
    STILL_PROTECTED = "EC0118", "name that another document protects":
        "A tool may write a protected name only if every document says so, those of `bound_by` included. It stays protected."
        example "unprotected: {edit: [.husky]}, bound by a document that does not say it"
        instead "the same entry in each document, or in none";
    UNPROTECTED = "EC0119", "protected name that a tool may write":
        "Every document lets the tool write this name, so the tool may change what starts programs later, or read a file that may hold a secret. This warning and each intent of the tool in the log say so. Remove the name if it is not intended."
        example "unprotected: {read_file: [.github/workflows]}"
        instead "unprotected: {}";
    BUDGET_NEVER_FIRES = "EC0120", "budget that cannot fire":
        "No tool that the budget selects takes an amount of what it adds up."
        example "rules: []\nbudgets: [{budget: refund, id: a, sum: EUR, at_most: 5, per: ever, for_each: everyone}]"
        instead "rules: []\nbudgets: [{budget: refund, id: a, sum: USD, at_most: 5, per: ever, for_each: everyone}]";
    UNTRUSTED_BUDGET_KEY = "EC0121", "budget for each value that the model chooses":
        "`for_each` takes a value that the host or a trusted result sets. If the model chooses the key, each call can start a new budget."
        example "rules: []\nbudgets: [{budget: refund, id: a, sum: USD, at_most: 5, per: ever, for_each: ticket}]"
        instead "rules: []\nbudgets: [{budget: refund, id: a, sum: USD, at_most: 5, per: ever, for_each: principal.id}]";
    SHRINKING_SUM = "EC0122", "sum that can shrink":
        "A budget adds up numbers that cannot be negative: money, or a number declared with `at_least: 0`. A negative amount would refill the budget."
        example "tools: {pay: {does: pays, args: {tip: decimal}, returns: web}}\nrules: []\nbudgets: [{budget: pay, id: a, sum: tip, at_most: 5, per: ever, for_each: everyone}]"
        instead "tools: {pay: {does: pays, args: {tip: {type: decimal, at_least: 0}}, returns: web}}\nrules: []\nbudgets: [{budget: pay, id: a, sum: tip, at_most: 5, per: ever, for_each: everyone}]";
    BAD_BUDGET_BOUND = "EC0123", "unusable bound of a budget":
        "`at_most` is a number from zero to nine thousand million, counted in millionths, so that every log reader agrees on it."
        example "rules: []\nbudgets: [{budget: refund, id: a, count: calls, at_most: -1, per: ever, for_each: everyone}]"
        instead "rules: []\nbudgets: [{budget: refund, id: a, count: calls, at_most: 5, per: ever, for_each: everyone}]";
    BUDGET_ALWAYS_STOPS = "EC0124", "budget that always stops a tool":
        "The amount that the tool takes from this budget is unknown: the tool is undeclared, executes programs, or pays in another currency. Unknown amounts count as over budget."
        example "tools: {sh: {does: executes, returns: web}}\nrules: []\nbudgets: [{budget: sh, id: a, sum: USD, at_most: 5, per: ever, for_each: everyone}]"
        instead "tools: {sh: {does: executes, returns: web}}\nrules: []\nbudgets: [{budget: sh, id: a, count: calls, at_most: 5, per: ever, for_each: everyone}]";
    BAD_TEST = "EC0130", "unusable test":
        "A test expects `allow`, `ask` or `deny`, perhaps `by ID` or `by no rule`, or `malformed`; moments are written in full, with a zone."
        example "rules: []\ntests: [{call: {tool: refund, args: {}}, expect: allowed}]"
        instead "rules: []\ntests: [{call: {tool: refund, args: {}}, expect: malformed}]";
    CANNOT_REDACT_ARGUMENTS = "EC0140", "face cannot redact arguments":
        "The policy redacts arguments, and through this face the tool gets what the model wrote. An obligation that cannot be enforced is refused when the policy is bound, never dropped."
        example "redact: {args: {every_string: [email]}}, with a hook that cannot rewrite arguments"
        instead "{allow: look, id: look, deadline: 30s, withhold_only: true}, or the same policy in front of an MCP server";
    CANNOT_REDACT_RESULTS = "EC0141", "face cannot redact results":
        "The policy redacts results, and through this face the model sees what the tool wrote."
        example "redact: {result: [email]}, with a hook that does not see results"
        instead "{allow: look, id: look, deadline: 30s, withhold_only: true}, or the same policy in front of an MCP server";
    CANNOT_END_CALLS = "EC0142", "face cannot end a call":
        "The policy sets a deadline, and this face cannot end a call that is overdue: a hook, or Python, where a function cannot be stopped from outside. It can withhold a late result, and does so where the policy says that this is enough."
        example "{allow: look, id: look, deadline: 30s}, in Python"
        instead "{allow: look, id: look, deadline: 30s, withhold_only: true}, or the same policy in front of an MCP server";
    CANNOT_RESOLVE_PATHS = "EC0143", "face cannot resolve paths":
        "The policy decides about paths, and this face does not follow symbolic links, so where a path leads is unknown."
        example "when: {path: {under: /srv}}, through a face that does not follow links"
        instead "{allow: look, id: look, deadline: 30s, withhold_only: true}, or the same policy in front of an MCP server";
    NO_DURABLE_STATE = "EC0144", "face without durable state":
        "Budgets, facts and single-use approvals need state that outlives the process. Without it a restart would refill every budget."
        example "per: day UTC, through a face that keeps no log"
        instead "the same policy with a log folder";
    NOT_SUPPORTED = "EC0900", "not supported yet":
        "The key or word is part of the policy language and cannot be enforced by this version. It is refused, because a policy that is enforced in part protects nothing. Remove it, or use a later version."
        example "rules: [{deny: refund, id: stop, shadow: true}]"
        instead "rules: [{deny: refund, id: stop}]";
}
