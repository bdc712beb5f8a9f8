//! What `init` takes a Python function for: what it does by its name, what its arguments are, and whether it is let through.
#![cfg(test)]

mod cli_support;

use std::collections::BTreeMap;

use cli_support::Place;

/// An effect, and the words in a name that say it. Of several words the first says most.
const WORDS: &[(&str, &str)] = &[
    ("executes", "run exec execute shell bash python eval command"),
    ("pays", "pay refund charge transfer buy purchase order"),
    ("deletes", "delete remove drop erase purge"),
    ("sends", "send mail email notify post publish message reply"),
    ("deploys", "deploy release rollout"),
    ("writes", "write create save update add set append edit insert upload store"),
    ("fetches", "fetch download http web browse scrape"),
    ("reads", "read get list search find load query lookup show count check describe"),
    // What says nothing may do anything.
    ("changes", "handle process frobnicate x do manage configure sync reads getting deletion"),
];

/// Names of several words, and what they say.
const NAMES: &[(&str, &str)] = &[
    ("get_order", "reads"),
    ("order_get", "pays"),
    ("delete_and_list", "deletes"),
    ("list_and_delete", "reads"),
    ("my_delete", "deletes"),
    ("do_send_it", "sends"),
    ("the_thing_runs", "changes"),
    ("run_read_only", "executes"),
    ("READ_FILE", "reads"),
    ("Send_Mail", "sends"),
    ("_get", "reads"),
    ("get", "reads"),
    ("set_up_and_run", "writes"),
    ("a_b_c", "changes"),
];

/// A parameter, and how the policy declares it; nothing where it has no type there.
const PARAMS: &[(&str, &str)] = &[
    ("name: str", "name: string"),
    ("path: str", "path: path"),
    ("log_path: str", "log_path: path"),
    ("file: str", "file: path"),
    ("out_dir: str", "out_dir: path"),
    ("folder: str", "folder: path"),
    ("where: Path", "where: path"),
    ("where: pathlib.Path", "where: path"),
    ("url: str", "url: url"),
    ("home_uri: str", "home_uri: url"),
    ("to: str", "to: email"),
    ("email: str", "email: email"),
    ("recipient: str", "recipient: email"),
    ("body: str", "body: text"),
    ("query: str", "query: text"),
    ("PATH: str", "PATH: path"),
    ("limit: int", "limit: integer"),
    ("price: float", "price: decimal"),
    ("price: Decimal", "price: decimal"),
    ("fast: bool", "fast: bool"),
    ("name: str = \"a\"", "name?: string"),
    ("limit: int = 3", "limit?: integer"),
    ("name: Optional[str] = None", "name?: string"),
    ("name: str | None = None", "name?: string"),
    ("name: Annotated[str, 1]", "name: string"),
    ("name: \"str\"", "name: string"),
    ("name", ""),
    ("names: list[str]", ""),
    ("options: dict", ""),
    ("any: Any", ""),
    ("raw: bytes", ""),
    ("either: str | int", ""),
];

/// Per tool of the policy that a project with these functions gets, the lines of its declaration.
fn declared(functions: &str) -> (Place, BTreeMap<String, Vec<String>>) {
    let place = Place::new();
    place.write("requirements.txt", "langchain\n");
    place.write("tools.py", functions);
    let ran = place.run(&["init"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let policy = place.read("policy.yaml");
    let mut tools: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut name = None;
    for line in policy.lines().skip_while(|line| *line != "tools:").skip(1).take_while(|line| line.starts_with(' ')) {
        match line.strip_prefix("    ") {
            Some(more) => tools.get_mut(name.as_ref().unwrap()).unwrap().push(more.to_owned()),
            None => {
                let own = line.trim().split(':').next().unwrap().to_owned();
                tools.insert(own.clone(), Vec::new());
                name = Some(own);
            }
        }
    }
    (place, tools)
}

fn effect(lines: &[String]) -> &str {
    lines[0].strip_prefix("does: ").unwrap().split(' ').next().unwrap()
}

#[test]
fn a_function_does_what_the_first_known_word_of_its_name_says() {
    let single = WORDS.iter().flat_map(|(effect, words)| words.split(' ').map(move |word| (word, *effect)));
    let named: Vec<(&str, &str)> = single.chain(NAMES.iter().copied().filter(|(name, _)| *name != "get")).collect();
    let text: String = named.iter().map(|(name, _)| format!("@tool\ndef {name}(a: str) -> str: ...\n\n")).collect();
    let (place, tools) = declared(&text);
    for (name, expected) in &named {
        // YAML would take some of these names for something else, so they are written in quotes.
        let lines = tools.get(*name).unwrap_or_else(|| panic!("`{name}` is not declared"));
        assert_eq!(effect(lines), *expected, "{name}");
        // What only looks is let through, and nothing else is.
        let call = format!(r#"{{"tool":"{name}","args":{{"a":"x"}}}}"#);
        let decided = place.run(&["decide", "--call", &call]).json();
        let verdict = if *expected == "reads" { "allow" } else { "ask" };
        assert_eq!(decided["decision"], verdict, "{name}: {decided}");
    }
}

#[test]
fn a_parameter_is_what_its_annotation_and_its_name_say() {
    for effect in ["get", "send"] {
        let functions = PARAMS.iter().enumerate();
        let text: String =
            functions.map(|(at, (param, _))| format!("@tool\ndef {effect}_{at}({param}) -> str: ...\n\n")).collect();
        let (place, tools) = declared(&text);
        let policy = place.read("policy.yaml");
        for (at, (param, expected)) in PARAMS.iter().enumerate() {
            let name = format!("{effect}_{at}");
            let Some(lines) = tools.get(&name) else {
                assert_eq!(*expected, "", "{param}");
                assert!(policy.contains(&format!("{name} in tools.py")), "{param}: it is said why");
                continue;
            };
            assert_eq!(lines[1], format!("args: {{{expected}}}"), "{param}");
            // A function that takes a URL reaches out, whatever it is called.
            let does = match (effect, expected.ends_with(": url")) {
                ("get", true) => "fetches",
                ("get", false) => "reads",
                _ => "sends",
            };
            assert_eq!(lines[0].split(' ').nth(1), Some(does), "{effect}: {param}");
        }
    }
}

/// Where a function stands, and whether it is taken for a tool.
const PLACES: &[(&str, bool)] = &[
    ("tools.py", true),
    ("app/deep/er/tools.py", true),
    ("app/tools.PY", false),
    ("tools.pyi", false),
    ("tools.txt", false),
    (".hidden/tools.py", false),
    ("app/.hidden.py", false),
    ("node_modules/a/tools.py", false),
    ("site-packages/a/tools.py", false),
    ("__pycache__/tools.py", false),
    ("venv/tools.py", false),
    ("build/tools.py", false),
    ("dist/tools.py", false),
    ("app/dist/tools.py", false),
    ("distribution/tools.py", true),
    ("a/b/c/d/e/f/g/h/tools.py", true),
    ("a/b/c/d/e/f/g/h/i/tools.py", false),
];

#[test]
fn tools_are_those_of_the_projects_own_files() {
    for (file, found) in PLACES {
        let place = Place::new();
        place.write("requirements.txt", "langchain\n");
        place.write(file, "@tool\ndef get_it(a: str) -> str: ...\n");
        let ran = place.run(&["init"]);
        assert_eq!((ran.status, ran.stdout.contains("`get_it`")), (0, *found), "{file}: {}", ran.stdout);
    }
}

/// What is there before, and whether `init` leaves all as it is.
#[test]
fn what_is_there_is_never_overwritten() {
    for there in ["policy.yaml", "enforcecore.toml"] {
        for text in ["", "mine"] {
            let place = Place::new();
            place.write(there, text);
            let ran = place.run(&["init"]);
            assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{there}: {ran:?}");
            assert!(ran.stderr.contains(&format!("`./{there}` is there already")), "{ran:?}");
            assert_eq!(place.read(there), text);
            let other = if there == "policy.yaml" { "enforcecore.toml" } else { "policy.yaml" };
            assert!(!place.path(other).exists(), "{other} is not written either");
        }
        let place = Place::new();
        std::fs::create_dir(place.path(there)).unwrap();
        assert_eq!(place.run(&["init"]).status, 2, "a folder is called {there}");
    }
}
