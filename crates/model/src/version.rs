//! Which clients the API still speaks with. The path says the version of the API (`/v1`); this is how far a client knows it.

use crate::error::{Code, Problem};

/// Where a client says how far it knows the API. Who says nothing is taken as they are.
pub const HEADER: &str = "chatkeep-client";

/// What the SDK of this version says. Raised with what an older SDK must not meet without knowing it.
pub const CURRENT: u32 = 1;

/// The oldest that is still understood.
pub const OLDEST: u32 = 1;

/// Refuses clients that are too old.
///
/// # Errors
/// `client_too_old`. One from the future is welcome: what it asks for and isn't here is refused by itself.
pub fn admit(header: Option<&str>) -> Result<(), Problem> {
    match header.and_then(|version| version.parse::<u32>().ok()) {
        Some(version) if version < OLDEST => {
            Err(Problem::new(Code::ClientTooOld).detail("load the page anew, or update the package"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_client_that_says_so_is_too_old() {
        let refused = |header: Option<&str>| admit(header).err().map(|problem| problem.code);
        assert_eq!(refused(Some("0")), Some(Code::ClientTooOld));
        for header in [None, Some(""), Some("1"), Some("99"), Some("-1"), Some("one"), Some("9999999999999")] {
            assert_eq!(refused(header), None, "{header:?}");
        }
        const { assert!(OLDEST <= CURRENT) };
    }
}
