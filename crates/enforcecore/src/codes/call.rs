//! What becomes of a call: decisions, refusals and ends.

use super::code::{Code, Family, Page, codes};

codes! {
    Family::Call;

    ABANDONED = "abandoned", "call that was never finished":
        "The host began this call and did not finish it: the program lost track of it, or was stopped. The tool may have run, so the call's share of its budgets is not given back. Finish every call that was begun, also when its tool fails."
        example "admitted = guard.begin(call), and then an exception"
        instead "finish the call in a `finally` block";
    ALLOWED = "allowed", "call that may run":
        "A rule allows the call, none denies it, none asks, and it fits its budgets."
        example "{\"tool\":\"refund\",\"args\":{\"amount\":10}} under `allow: refund`"
        instead "nothing; `rules` names the rules that permit it";
    ALREADY_FINISHED = "already_finished", "call that is finished twice":
        "The host finished this call before, or it was recorded as void or abandoned. The second result is not recorded and not shown. Finish each call once."
        example "guard.finish(admitted, result), twice"
        instead "finish the call once, with its only result";
    APPROVAL_REQUIRED = "approval_required", "call that needs an approval":
        "A rule or a budget asks for an approval of exactly this call. Nothing ran. After the approval the same call may be made again and runs; with any other argument it is another call and asks again."
        example "{\"tool\":\"refund\",\"args\":{\"amount\":80}} under `ask: refund`"
        instead "have it approved, then make the same call";
    APPROVED = "approved", "call that asked and may run":
        "A rule or a budget asks for an approval, and this call has one that is neither expired nor used."
        example "the same call again, after its approval"
        instead "nothing; the approval is used up when the call runs";
    ARGUMENTS_DO_NOT_FIT = "arguments_do_not_fit", "arguments that the function does not take":
        "A Python function was called with an argument it has no parameter for, without one it needs, or with one twice. It is refused and recorded like every other call that does not fit its tool."
        example "send(copy=\"x\") for `def send(to: str)`"
        instead "the arguments the message names";
    BAD_MESSAGE = "bad_message", "message outside the protocol":
        "The line is JSON, and not a message of the Model Context Protocol: a batch, a member that is missing or of another type, or a duplicate one. It was not passed on."
        example "{\"jsonrpc\":\"2.0\",\"method\":7}"
        instead "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}";
    BAD_NUMBER = "bad_number", "number beyond what is exact":
        "Numbers are decimals with at most 36 significant digits, up to ten to the power of 308. A number that is rounded could be decided as one value and executed as another."
        example "{\"amount\":1e999}"
        instead "{\"amount\":1000}";
    BAD_TOOL_NAME = "bad_tool_name", "name that no tool can have":
        "A tool's name is 1 to 128 bytes without spaces and control characters. Anything else could hide which tool is meant."
        example "{\"tool\":\"re fund\",\"args\":{}}"
        instead "{\"tool\":\"refund\",\"args\":{}}";
    BUDGET_EXCEEDED = "budget_exceeded", "budget that is used up":
        "The call would take more from a budget than is left in its window; `rules` names the budget. Trying again helps only when the window has moved on."
        example "a sixth call under `count: calls, at_most: 5, per: day UTC`"
        instead "wait for the next window, or raise `at_most` in the policy";
    CANCELLED = "cancelled", "call that was cancelled before it started":
        "The client cancelled the call before its server was asked, so the tool did not start, and what the call took from budgets and approvals is given back. A call that is cancelled later has started: its outcome says that its effect is unknown."
        example "`tools/call`, followed at once by `notifications/cancelled`"
        instead "nothing; make the call again if it is wanted after all";
    CONTENTION = "contention", "session state that kept changing":
        "Other calls of this session changed its state after each decision about this one. It was refused, because a decision on old state may be wrong. Make it again."
        example "many calls of one session at the same moment"
        instead "make fewer calls of one session at once";
    CYCLIC_VALUE = "cyclic_value", "container that contains itself":
        "A Python list or dictionary contains itself, so it has no end and cannot be frozen."
        example "items = []; items.append(items)"
        instead "pass a value with an end";
    DEADLINE_EXCEEDED = "deadline_exceeded", "call that took too long":
        "The tool did not end before the policy's `deadline`. It was told to stop where that is possible. Its effect may have happened; a late result is withheld. Check whether it took effect before you try again."
        example "`deadline: 5s` and a tool that takes 6 seconds"
        instead "a longer `deadline`, a tool that reports its progress, which extends the deadline up to `deadline_max`, or one that does less at once";
    DENIED_BY_RULE = "denied_by_rule", "call that a rule denies":
        "A deny rule matches the call, or its condition could not be evaluated: a deny holds on an error. `rules` names it and `reason` says why."
        example "{\"tool\":\"refund\",\"args\":{\"amount\":2000}} under `deny: refund, when: {amount: {more_than: 1000}}`"
        instead "another call; if the rule is too wide, change its `when`";
    DUPLICATE_KEY = "duplicate_key", "key twice in one object":
        "JSON readers disagree about duplicate keys, so the decided and the executed call could differ."
        example "{\"amount\":1,\"amount\":9000}"
        instead "{\"amount\":1}";
    EXPIRED = "expired", "call that is finished too late":
        "The call began more than a day ago, so its host has lost track of it. It is recorded as abandoned, and the result is not shown."
        example "guard.finish(admitted, result), two days after guard.begin"
        instead "finish the call when its tool ends";
    FINDING_IN_EXECUTED_ARGUMENT = "finding_in_executed_argument", "sensitive text where the tool acts on it":
        "The policy redacts this class everywhere, and it was found in a path, URL, address or number. A rewritten value would be another call than the one that was decided, so the call is refused."
        example "a card number in a URL's query"
        instead "send it in an argument that is `text`, or do not send it";
    ID_IN_USE = "id_in_use", "request with an id that is in use":
        "A request with this id is not answered yet. Two answers under one id would be ambiguous."
        example "two requests with \"id\":1, one after the other"
        instead "a new id for every request";
    KEY_NOT_TEXT = "key_not_text", "key that is not text":
        "A Python dictionary has a key that is not exactly a `str`. Rules and tools read keys as text, and different readers convert a key of another type differently."
        example "{1: \"a\"}"
        instead "{\"1\": \"a\"}";
    LOG_UNAVAILABLE = "log_unavailable", "evidence that cannot be written":
        "The evidence log cannot be written, so the call was refused; or its outcome could not be recorded, so its result is withheld. A call that cannot be recorded does not run."
        example "a full disk, or a folder this user may not write"
        instead "repair the folder; `enforcecore audit verify LOG` says whether the log is intact";
    LONE_SURROGATE = "lone_surrogate", "text with half a character":
        "Text in Python and in JSON can hold one half of a surrogate pair. It has no UTF-8 encoding, so programs read it differently. In arguments it is refused with its place; in results it becomes U+FFFD, which the log says."
        example "\"\\ud800\""
        instead "text that encodes to UTF-8";
    LOOKALIKE_TOOL = "lookalike_tool", "name that only looks like a declared one":
        "The name differs from a declared tool's by case, width, script or an invisible character. A person who reads the log could confuse them."
        example "{\"tool\":\"Refund\",\"args\":{}}"
        instead "{\"tool\":\"refund\",\"args\":{}}";
    METHOD_NOT_ALLOWED = "method_not_allowed", "method that is not served":
        "Only messages that a policy can decide about pass between an agent and a server. Prompts, resources, sampling and methods of later versions are not decided yet, so they do not pass."
        example "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/read\",\"params\":{}}"
        instead "a tool that does the same";
    MISSING_ARGUMENT = "missing_argument", "required argument that is missing":
        "The tool's declaration requires this argument. A tool that fills it in by itself would run a call that was not decided. Null counts as missing."
        example "{\"tool\":\"refund\",\"args\":{}}"
        instead "{\"tool\":\"refund\",\"args\":{\"amount\":10}}, or declare it as `amount?`";
    NO_APPROVER = "no_approver", "approval without an approver":
        "A rule or a budget asks for an approval, and this program cannot reach an approver, so the call is denied. The MCP proxy and the Python package have no approver yet, so there every `ask` is denied."
        example "`ask: refund` in a program that was given no approver"
        instead "an `allow` with a tighter `when`; or a program that has an approver";
    NO_CALL_ID = "no_call_id", "call without a name":
        "The operating system gave no random bytes for the name of the call. A call without a name cannot be recorded, so it is refused."
        example "a container without a source of random bytes"
        instead "repair the source of random bytes, then make the call again";
    NO_RULE = "no_rule", "call that no rule permits":
        "A call runs only if a rule allows it, and no allow rule matches this call; `reason` says which of them could not be evaluated."
        example "{\"tool\":\"refund\",\"args\":{\"amount\":60}} under `allow: refund, when: {amount: {at_most: 50}}`"
        instead "a rule that allows exactly what is missing";
    NOT_A_CALL = "not_a_call", "object that is not a call":
        "A call is an object with `tool` and `args`, and perhaps `id`, `principal`, `session`, `facts` and `tenant`; nothing else."
        example "{\"name\":\"refund\",\"arguments\":{}}"
        instead "{\"tool\":\"refund\",\"args\":{}}";
    NOT_AN_OBJECT = "not_an_object", "arguments that are not an object":
        "Arguments have names, so that rules can speak about them."
        example "{\"tool\":\"refund\",\"args\":[10]}"
        instead "{\"tool\":\"refund\",\"args\":{\"amount\":10}}";
    NOT_INITIALIZED = "not_initialized", "request before the session began":
        "A session begins with one `initialize`, in which both sides list their capabilities."
        example "`tools/call` as the first request"
        instead "`initialize`, then `tools/call`";
    NOT_JSON = "not_json", "text that is not JSON":
        "The text is not strict JSON: no comments, no comma at the end, no `NaN`, no second value. A lenient reader would have to guess."
        example "{'amount': 10,}"
        instead "{\"amount\": 10}";
    NOT_STARTED = "not_started", "tool that did not start":
        "The host reports that nothing was executed, sent or written. The call is void, and its share of budgets is given back."
        example "a program that cannot be found"
        instead "repair the cause, then make the call again";
    NOT_UTF8 = "not_utf8", "bytes that are not UTF-8":
        "JSON is UTF-8. A program that writes another encoding is read differently by each reader. In arguments such bytes are refused with their place; in results they become U+FFFD, which the log and the result's `_meta` say."
        example "{\"name\":\"café\"} in Latin-1"
        instead "the same text in UTF-8; a server in Python writes it with PYTHONUTF8=1";
    NUL_CHARACTER = "nul_character", "NUL character in text":
        "Many programs take NUL for the end of the text, so they would act on a shorter text than the decided one. In arguments it is refused with its place; in results it becomes U+FFFD, which the log says."
        example "{\"name\":\"report.txt\\u0000.exe\"}"
        instead "{\"name\":\"report.txt\"}";
    OTHER_PROCESS = "other_process", "call that is finished in another process":
        "The call began in another process, before a fork. Only the process that began a call can finish it."
        example "admitted = guard.begin(call), and guard.finish(admitted, result) in a child of os.fork()"
        instead "finish the call in the process that began it";
    PATH_CHANGED = "path_changed", "path that was exchanged":
        "Between the decision and the start of the tool a folder or link of the path was exchanged, so the path leads elsewhere than decided. The tool did not start, and the call's budgets and approvals are given back. Find out what changes links in that folder, and make the call again."
        example "`work/notes` becomes a link out of the workspace while the call waits"
        instead "the same call, once nothing exchanges the folders of its path";
    PATH_FORM = "path_form", "path that programs read differently":
        "Tools trim, decode and expand what they get: white space or quotes at an end, `file:` and other schemes, `~`, `$NAME`, `${`, `%NAME%`, `%2e`, full-width dots and slashes, backslashes, invisible characters, and `..` that leads out of the only folder the tool takes paths of. Such a path could be decided as one file and opened as another, so it is refused. All other names are ordinary."
        example "{\"path\":\"FILE:///etc/passwd\"}"
        instead "{\"path\":\"/srv/project/passwd\"}; `./a:b` for a name with a colon";
    PATH_UNRESOLVED = "path_unresolved", "path that cannot be followed":
        "The path cannot be resolved: its links form a circle, a folder on the way is not readable, or a file stands where a folder should be. A path that cannot be resolved is not permitted."
        example "{\"path\":\"loop/a\"} where `loop` is a link to itself"
        instead "a path whose folders this user may read";
    PLACEHOLDER_IN_ARGUMENT = "placeholder_in_argument", "placeholder in the place of a value":
        "A result of this session was redacted, and a placeholder from it, such as `EC_EMAIL_1`, stands in an argument of a tool that does more than read. The tool would write or send the placeholder where the value belongs, and destroy it. Only placeholders that the session was shown count; text that merely looks like one passes."
        example "a file is read with `EC_URL_CREDENTIALS_1` in place of a password, edited, and written back whole"
        instead "change the file without touching that part; or `{type: text, on_placeholder: send}` in the policy, where a placeholder may be sent";
    PROTECTED_PATH = "protected_path", "path that no policy permits":
        "A path argument leads to a file that enforcement depends on (the policy and its bounds, the evidence log, its anchor and keys, the configuration), or to a name on the built-in list, in any folder: settings of coding agents and editors, git's own files, and files that start programs later, such as hooks, package managers' settings, shell start files and workflows. A tool that may write there could permit itself anything. A tool that only reads may read those that hold no secret. A tool that `deletes` may not remove a folder that contains the policy, log, keys, configuration or the workspace. Upper and lower case count as equal. `docs/policy.md` lists the names that a policy may permit with `unprotected`."
        example "{\"tool\":\"write_file\",\"args\":{\"path\":\"enforcecore.toml\",\"content\":\"\"}}"
        instead "change the file yourself, or keep log and keys outside the folder that the tool works in";
    RELATIVE_PATH = "relative_path", "relative path without a known base":
        "Programs resolve a relative path from folders of their own: a server's first allowed folder, the argument of `--directory`, a base folder in the code. The path could be decided in one folder and opened in another, so it is refused where no base is declared. In a Python program the base is the working directory."
        example "{\"path\":\"notes.md\"} for `args: {path: path}` through `enforcecore mcp`"
        instead "`args: {path: {type: path, base: session.workspace}}` in the policy, or an absolute path in the call";
    RELEASED = "released", "result that was passed on":
        "The tool ran, and its result was passed on, redacted."
        example "a call that succeeded"
        instead "nothing";
    RESULT_BEYOND_LIMITS = "result_beyond_limits", "result that is too large":
        "The tool ran, and its result has more than 64 MiB or 128 levels, more than is inspected. It is withheld whole; its effect happened."
        example "a result of 100 MiB"
        instead "ask the tool for less at once";
    SESSION_ENDED = "session_ended", "call in a session that was ended":
        "The host ended this session, so no call is decided in it any more: what it knew and spent cannot be used again under its name. Closing a connection or a pause ends no session. Begin a session with another name."
        example "a call after `enforcer.end_session(\"s1\")`, in session s1"
        instead "the same call in a new session";
    TOO_DEEP = "too_deep", "nested too deeply":
        "Arguments are nested at most 64 levels deep, results at most 128: more is a mistake or an attack on the reader. A deeper result is withheld; its effect happened."
        example "a list in a list, a hundred times"
        instead "a flatter value";
    TOO_LARGE = "too_large", "value that is too large":
        "The arguments of a call have at most 1 MiB, so that it is decided in bounded time; no setting changes that. A message between an MCP client and its server has at most 16 MiB, or what `mcp_message_max` sets (up to 64 MiB). A larger answer is withheld; its effect happened. The message says the size and the limit."
        example "a file's whole contents as an argument"
        instead "the file's path; for an answer, ask for less at once or raise `mcp_message_max`";
    TOO_MANY_REQUESTS = "too_many_requests", "too many requests at once":
        "The client has 256 requests without an answer, the limit for bounded memory. This one was not passed on."
        example "the 257th request while 256 are unanswered"
        instead "the request again, after an answer";
    TOOL_CRASHED = "tool_crashed", "tool that crashed":
        "The tool panicked or its process died. Whether its effect happened is unknown, so the call's share of budgets is not given back."
        example "a process that is killed while it works"
        instead "check whether it took effect before you call again";
    TOOL_FAILED = "tool_failed", "tool that reported a failure":
        "The tool itself reported a failure; its message is passed on, redacted. Enforcement worked."
        example "`File not found` from a tool that reads files"
        instead "what the tool's message says";
    UNDECLARED_ARGUMENT = "undeclared_argument", "argument the tool does not take":
        "The tool's declaration has no argument of this name, so no rule can decide about it."
        example "{\"tool\":\"refund\",\"args\":{\"amount\":10,\"force\":true}}"
        instead "declare the argument, if the tool really takes it";
    UNKNOWN_TOOL = "unknown_tool", "tool that is not declared":
        "No document of the policy declares a tool of this name, so its effects are unknown."
        example "{\"tool\":\"refnud\",\"args\":{}}"
        instead "{\"tool\":\"refund\",\"args\":{}}, or declare the tool";
    UNREDACTABLE_ARGUMENT = "unredactable_argument", "argument that cannot be redacted":
        "The policy redacts this argument, and it cannot be examined (binary data in text), or redaction does not end. An unexamined argument is not passed on."
        example "a base64 image under `redact: {args: {every_string: [secret]}}`"
        instead "a path to the image, or a narrower `redact`";
    UNREDACTABLE_RESULT = "unredactable_result", "result that cannot be redacted":
        "The policy redacts results, and this one cannot be examined. It is withheld; its effect happened."
        example "an image under `redact: {result: [secret]}`"
        instead "text, or a narrower `redact` for this tool";
    UNSUPPORTED_TYPE = "unsupported_type", "object that cannot be frozen":
        "The tool must get exactly what was decided, so only the types None, bool, int, float, Decimal, str, bytes, list, tuple and dict are read. A subclass could show one value to the check and another to the tool. Data of another type is refused everywhere, also in a parameter that is declared opaque; the message names the conversion that works. A result of another type is withheld."
        example "path=pathlib.Path(\"/srv\")"
        instead "path=str(path)";
    VALUE_NOT_ADMITTED = "value_not_admitted", "value outside the declaration":
        "The argument has the right type, but its declaration admits only some values: a list, a range or a pattern."
        example "{\"sortBy\":\"owner\"} where `in: [name, size]`"
        instead "{\"sortBy\":\"size\"}";
    WRONG_TYPE = "wrong_type", "argument of another type":
        "The argument is not of its declared type. Nothing is converted: `\"10\"` is text, not a number."
        example "{\"tool\":\"refund\",\"args\":{\"amount\":\"10\"}}"
        instead "{\"tool\":\"refund\",\"args\":{\"amount\":10}}";
}
