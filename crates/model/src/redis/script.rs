//! The Lua scripts, each one atomic operation with every key declared.

/// A script and the SHA-1 that Redis knows it by.
#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    /// Its Lua source.
    pub source: &'static str,
    /// SHA-1 of the source, in hex. A test holds it against the source.
    pub sha1: &'static str,
}

impl Script {
    /// The source as stock Redis takes it.
    #[must_use]
    pub fn stock_source(&self) -> String {
        stock_source(self.source)
    }
}

/// A source as stock Redis takes it, which refuses the flag `allow-key-locking`: without that flag, and where it is the only
/// one, with an empty first line. The gateway makes the same of it.
#[must_use]
pub fn stock_source(source: &str) -> String {
    let (first, rest) = source.split_once('\n').unwrap_or(("", source));
    let first = match first {
        "#!lua flags=allow-key-locking" => "",
        "#!lua flags=no-writes,allow-key-locking" => "#!lua flags=no-writes",
        other => other,
    };
    format!("{first}\n{rest}")
}

/// A script's source: how it locks, what all of them share, and its own.
macro_rules! source {
    (reads $file:literal) => {
        concat!(
            "#!lua flags=no-writes,allow-key-locking\n",
            include_str!("lua/session.lua"),
            include_str!(concat!("lua/", $file))
        )
    };
    (writes $file:literal) => {
        concat!(
            "#!lua flags=allow-key-locking\n",
            include_str!("lua/session.lua"),
            include_str!(concat!("lua/", $file))
        )
    };
}

macro_rules! scripts {
    ($($name:ident $how:ident $file:literal $sha1:literal;)*) => {
        $(#[doc = concat!("`lua/", $file, "`")] pub static $name: Script = Script { source: source!($how $file), sha1: $sha1 };)*

        /// Every script, with its file's name.
        pub static ALL: &[(&str, &Script)] = &[$(($file, &$name),)*];
    };
}

// `scripts/pin-lua` writes the digests.
scripts! {
    APPEND writes "append.lua" "f5a91c058d95acfe774a6eca7489adc01cd4b0f6";
    BEGIN_TURN writes "begin_turn.lua" "73895130e73ef894c4745c672031e1b0f62c6b49";
    CHARGE_TURN writes "charge_turn.lua" "0454ce799e2146b4c9c41fc36473014a64601f12";
    CREATE writes "create.lua" "ea1b434c116d7eaa5b6b59a086ce3969e1f6d04f";
    DELETE writes "delete.lua" "766b818d476b6dcbccc2f495e60ff8ce0c98db37";
    FINISH_TURN writes "finish_turn.lua" "b5eff95d2376cd6bd6e91347cb9fef0befc27c46";
    FORK writes "fork.lua" "b489ce3a10ced0884c7ba138016191dd0043eae7";
    HISTORY reads "history.lua" "0802e4ffa3fa694fe9da848b65c0535022cb436f";
    IMPORT writes "import.lua" "dd568a2d260f20769b75c25f32cb43ed0d473485";
    LIST reads "list.lua" "b89b73aa0d7ba37dbd55cbbaeb1ff2e1cada204b";
    NOTE_OWNER writes "note_owner.lua" "2cf70bf24e2f30143514396f30092546de8faa83";
    PATCH writes "patch.lua" "9b5e9e739af52d4dd3d166d68395b3460fe53ceb";
    READ_STATE reads "read_state.lua" "f0876ae2b149f8564267161fcf4b807bf3272656";
    REINDEX writes "reindex.lua" "ba327fc8ce212f03c44bf6af1db2444c91430409";
    RELEASE_TURN writes "release_turn.lua" "437571f72d4839be5632ee5555fe2e8d28839647";
    RENEW_TURN writes "renew_turn.lua" "6fb30cd999d2ed00e664613a19ed086d54e8f0ad";
    RESTORE writes "restore.lua" "000a21cb0e2c5327f95af9814f6e0528232cb1c6";
    SURVEY reads "survey.lua" "ad3ebdcda90fbf4a8b9cd05a2ebc875cb656acc3";
    TOUCH writes "touch.lua" "29e782d4aba9143959ec77954e79294215a2e24f";
    TRUNCATE writes "truncate.lua" "20256671c014086a47e16eda7e6852f787dd182c";
    WEIGH reads "weigh.lua" "cee465848ece5c5393feccc26b5d7e715c3fb29a";
    WRITE_STATE writes "write_state.lua" "0bae38f77b47a982f029a3f22508d6cd14b796ce";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digest_is_its_scripts() {
        for (file, script) in ALL {
            let real = sha1_smol::Sha1::from(script.source).hexdigest();
            assert_eq!(script.sha1, real, "{file}: run scripts/pin-lua");
            assert!(!script.stock_source().contains("allow-key-locking"), "{file}");
        }
    }
}
