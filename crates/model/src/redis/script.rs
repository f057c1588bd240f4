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
    APPEND writes "append.lua" "a71b344d573580631476185818a0dce139962ff8";
    BEGIN_TURN writes "begin_turn.lua" "6e049c0cecc741d699ac52d9756b2fa7c6ad47ca";
    CHARGE_TURN writes "charge_turn.lua" "1a8111e02a394d0b262cfaaf063c6ab28c0d678c";
    CREATE writes "create.lua" "769e6d1a067eef1eeabc26861fc93631f009cde6";
    DELETE writes "delete.lua" "b8ae96f09bec2f104f6b8d2efd2de03d593ec797";
    FINISH_TURN writes "finish_turn.lua" "f9e46a6f8bfbedcd3ec479c99a915075006b626a";
    FORK writes "fork.lua" "689ab975aa55f30a1bb01ea07b5b0f21ef88eb19";
    HISTORY reads "history.lua" "ce6b059f9031acfb1a538ba4988a7fa392748b09";
    IMPORT writes "import.lua" "a053fd667f63c93000cf184d9cd7ef4462717145";
    LIST reads "list.lua" "7aac58ea50741be02bed2a7836be65790d65f76b";
    NOTE_OWNER writes "note_owner.lua" "b9220e2e3090111027806248ca7b84a3f70287c6";
    PATCH writes "patch.lua" "cb1e90a6b4b85b5c245305440bbc4af5b85876f6";
    READ_STATE reads "read_state.lua" "a506797408720033edaa939058bd29864e813205";
    READ_SUMMARY reads "read_summary.lua" "d920ff6665b3609b033a9b48903935eef6f023d2";
    REINDEX writes "reindex.lua" "23af82be8b2d3390411b1c69ee65a58eb48441d8";
    RELEASE_TURN writes "release_turn.lua" "e521d5ec770949d4e9ef185524fb6c3265ee5dcb";
    RENEW_TURN writes "renew_turn.lua" "f2314b2492d992c7f2cdf3fb8d78172ee02fd94e";
    RESTORE writes "restore.lua" "513d7c983647d2075be8588b40fc12b0d560ed82";
    SUMMARISE writes "summarise.lua" "7a9edaa669044c6e430caed5181d12883f400282";
    SURVEY reads "survey.lua" "8d5a375f6d14107ca961c94a466ca7138c23b2b1";
    TOUCH writes "touch.lua" "e5de4234cef34ba84e6e8041b66a304be40a22f7";
    TRUNCATE writes "truncate.lua" "438bf846d39c4e8dfc7a4de55be95d096d77f5d7";
    WEIGH reads "weigh.lua" "d5c220534cc31124d2c151a91b15f63659468ade";
    WRITE_STATE writes "write_state.lua" "08e57553a2fd4990700c13f3cdc546ed90ad3bff";
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
