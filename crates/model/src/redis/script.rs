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
    APPEND writes "append.lua" "5d179babb796111d8a5ba15e552df14375daff87";
    ARRIVE writes "arrive.lua" "e33e9de3bc6b64ff498f6c24141b71812b8e2ea6";
    BEGIN_TURN writes "begin_turn.lua" "1c97a6b6d0e13403a331dc1e96b9247a36956079";
    CHARGE_TURN writes "charge_turn.lua" "7886782187e88a75a0e4392af399ddbcca367a4b";
    CLAIM_VISITOR writes "claim_visitor.lua" "2b6cf3dc626e9d29a1212e7e830805d35625722e";
    CREATE writes "create.lua" "954698585edb7be836e74c19cfff025889e3e932";
    DELETE writes "delete.lua" "bc638644150a309673e6ba7b5cddaa757c3ed68b";
    DEPART writes "depart.lua" "77be9243b3cfb964d28f68d2351a9c0457f79c4c";
    FINISH_TURN writes "finish_turn.lua" "046a73a34b2cd7f3278fb13f9aad71227922d7aa";
    FORK writes "fork.lua" "48f4114a0142cba26a90b78197a6a1217e81c95e";
    HISTORY reads "history.lua" "c563f03689637a5e5a8bbe104bbad35aabeb3931";
    IMPORT writes "import.lua" "3ae9f3301f681983ea6b46f3d76d590d51942c4c";
    LEAVE writes "leave.lua" "53cbd080660f17cedbbae509ab4c8dbd69b40705";
    LIST reads "list.lua" "1054972816e34f6aee20f3d9cf8fd1f30292fe2a";
    NOTE_OWNER writes "note_owner.lua" "d2310f16a2345e7901c83da268527090407233a8";
    PATCH writes "patch.lua" "a808db02060e02e65400fcdfea40bbcb1aca63cf";
    READ_STATE reads "read_state.lua" "4e6370d39b37d9edc33f13bc70ce34006e0b8c63";
    READ_SUMMARY reads "read_summary.lua" "4b4857f0ee045d4ecb7b6dac18f59fe993ddf763";
    REINDEX writes "reindex.lua" "e0e342984cb9725cf1db75399e31708cf49b1b3b";
    RELEASE_TURN writes "release_turn.lua" "13f854b6bd958bea359e3a10fc7af72532541e0b";
    RENEW_TURN writes "renew_turn.lua" "fe483470bb5547a6b7848e826d09ae79c313a59f";
    RESEAL writes "reseal.lua" "9ea8e2c449f9ac35abba0dfdd8d8a95d97db4745";
    RESTORE writes "restore.lua" "859fb0b13f1fdce71b5362226209dc0246504a1e";
    SUMMARISE writes "summarise.lua" "ef4f3f0794024d84069ac055dcbd72899a6caf50";
    SURVEY reads "survey.lua" "02d68a3c8e9d573520611fc1db82e048bb5ae09a";
    TOUCH writes "touch.lua" "bcedcec4bfd681ae6891e61085a3fb3c1e00d295";
    TRUNCATE writes "truncate.lua" "79162ee749ddafafacd25fbbd7b1233b5aa55a9c";
    WEIGH reads "weigh.lua" "56482b1bf7c8818a26fa5d63eab15fc8bec2dedd";
    WRITE_STATE writes "write_state.lua" "7692742e07a2b6c5e1ac63e38df11f83ec938ca0";
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
