//! Three-valued logic: true, false, or an error with its reason (Kleene).

/// True, false, or why nothing can be said.
pub(crate) type Truth = Result<bool, String>;

/// Kleene's "and": false wins over error, error over true.
pub(crate) fn all(truths: impl IntoIterator<Item = Truth>) -> Truth {
    let mut error = None;
    for truth in truths {
        match truth {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            Err(why) => {
                error.get_or_insert(why);
            }
        }
    }
    error.map_or(Ok(true), Err)
}

/// Kleene's "or": true wins over error, error over false.
pub(crate) fn any(truths: impl IntoIterator<Item = Truth>) -> Truth {
    all(truths.into_iter().map(not)).map(|truth| !truth)
}

/// Kleene's "not": an error stays one.
pub(crate) fn not(truth: Truth) -> Truth {
    truth.map(|truth| !truth)
}

/// What several meanings of one thing agree on. Where they do not agree it is an error, which permits nothing and restricts.
pub(crate) fn agreed(truths: impl IntoIterator<Item = Truth>, why: &str) -> Truth {
    let mut truths = truths.into_iter();
    let first = truths.next().unwrap_or(Ok(true))?;
    for truth in truths {
        if truth? != first {
            return Err(why.to_owned());
        }
    }
    Ok(first)
}
