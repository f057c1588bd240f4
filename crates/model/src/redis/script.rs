//! The Lua scripts, each one atomic operation with every key declared.

/// A script and the SHA-1 that Redis knows it by.
#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    /// Its Lua source.
    pub source: &'static str,
    /// SHA-1 of the source, in hex. A test holds it against the source.
    pub sha1: &'static str,
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $file:literal, $sha1:literal;)*) => {
        $($(#[$doc])* pub static $name: Script = Script { source: include_str!(concat!("lua/", $file, ".lua")), sha1: $sha1 };)*

        /// Every script.
        pub static ALL: &[&Script] = &[$(&$name,)*];
    };
}

scripts! {
    /// See [`crate::plan::begin_turn`].
    BEGIN_TURN = "begin_turn", "d0cc2b9eb59e62020285d83453f4ffb63c55cb3e";
    /// See [`crate::plan::finish_turn`].
    FINISH_TURN = "finish_turn", "520ba868f805ffcecf8f485cd76e65a91aed95b3";
    /// See [`crate::plan::release_turn`].
    RELEASE_TURN = "release_turn", "7db421d73de0976969b4568afeadca56e7ad68ce";
    /// See [`crate::plan::create`].
    CREATE = "create", "c5f5485b101013d9840f66e567ef5e20aced17e2";
    /// See [`crate::plan::history`].
    HISTORY = "history", "4a61c709cdb5d489511902972d8665547bf81da0";
    /// See [`crate::plan::list`].
    LIST = "list", "b1c311b409e33426e730319926fa47cb4029a9b5";
    /// See [`crate::plan::delete`].
    DELETE = "delete", "5fb0c91ab35d6e33e676d9019f8ea090d5cb0869";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sha1_is_its_sources() {
        let wrong: Vec<_> = ALL
            .iter()
            .map(|script| (script.sha1, sha1_smol::Sha1::from(script.source).hexdigest(), script.source))
            .filter(|(pinned, real, _)| pinned != real)
            .map(|(pinned, real, source)| format!("{pinned} should be {real} ({})", source.lines().nth(1).unwrap_or("")))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn every_script_declares_how_it_locks() {
        for script in ALL {
            let first = script.source.lines().next().unwrap_or_default();
            assert!(
                matches!(first, "#!lua flags=allow-key-locking" | "#!lua flags=no-writes,allow-key-locking"),
                "{first}"
            );
        }
    }
}
