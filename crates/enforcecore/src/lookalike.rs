//! Names that look alike: one skeleton for every way to write a name that a person would read as the same.

use unicode_normalization::UnicodeNormalization;

/// The skeleton (UTS #39, section 4) of the name after compatibility and case folding, invisible characters left out.
pub(crate) fn skeleton(name: &str) -> String {
    let folded: String = name.nfkc().filter(|c| !is_invisible(*c)).flat_map(char::to_lowercase).collect();
    unicode_security::skeleton(&folded).flat_map(char::to_lowercase).nfkc().collect()
}

/// Characters without a shape of their own: what Unicode lets programs ignore (`Default_Ignorable_Code_Point`), its format
/// characters (`Cf`), and what turns the direction of text.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use regex_automata::meta::Regex;

    use super::{is_invisible, skeleton};

    #[test]
    fn what_is_invisible_is_what_unicode_says() {
        let class = Regex::new(r"\A[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Bidi_Control}]\z").unwrap();
        for c in '\0'..=char::MAX {
            assert_eq!(is_invisible(c), class.is_match(c.to_string().as_str()), "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn look_alikes_share_a_skeleton() {
        for other in [
            "Execute_Shell",
            "ｅxecute_shell",
            "ехecute_shell",
            "execute\u{200b}_shell",
            "execute_she11",
            "EXECUTE_SHELL",
        ] {
            assert_eq!(skeleton("execute_shell"), skeleton(other), "{other}");
        }
        for other in ["execute_shells", "execute-shell", "run_shell"] {
            assert_ne!(skeleton("execute_shell"), skeleton(other), "{other}");
        }
    }
}
