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
    APPEND writes "append.lua" "308bbe289321487a344e31d6f46c9c122bafffc9";
    ARRIVE writes "arrive.lua" "6281fa19f3ec578ed1c27c8071a7463a2102ca6e";
    BEGIN_TURN writes "begin_turn.lua" "1b61718ee2313defca85e8a4cd9aff70bed1b519";
    CHARGE_TURN writes "charge_turn.lua" "8b4f3a871f108a2dc80e54a5ebfdcb0f64522acd";
    CLAIM_VISITOR writes "claim_visitor.lua" "4ffcbb833f522a0262a06dbce4485d2ab40f9c55";
    CREATE writes "create.lua" "b2b80ee181911872c3b00fb5cbb2ee86aefc59c0";
    DELETE writes "delete.lua" "42dc6dddca68dfbaa3080c0adebd262d216f2ed9";
    DEPART writes "depart.lua" "9864091fdafc3ea9db4ab2197b63f823cbdbfa5f";
    FINISH_TURN writes "finish_turn.lua" "921317caf056f753b4beb6a1736e496e115bfed8";
    FORK writes "fork.lua" "b3e30a7b270a30388291cd1dd431ee976b273bba";
    HISTORY reads "history.lua" "f9b86306c1847e20875fd581b882b6fc6f26662f";
    IMPORT writes "import.lua" "1152ad76980f06968e06488ad55a3944486303bf";
    LEAVE writes "leave.lua" "44b842ba28ce14dd2a942e62330c3678ebc39db7";
    LIST reads "list.lua" "2a6fed918e47669e88bb39b11d8b06e3cbe267bb";
    NOTE_OWNER writes "note_owner.lua" "7f0ea56373620de3770ac1652c2966264d0cc989";
    PATCH writes "patch.lua" "c5108fa01745cfa2dede31376ba7acbbc3d21ae5";
    PREPEND writes "prepend.lua" "f5a0c79981bfdd19ec549847d730299d1ce90c90";
    READ_STATE reads "read_state.lua" "b9894f655c2878b4f8533c1bc5943d508a9203ed";
    READ_SUMMARY reads "read_summary.lua" "806021f375edb1235615694146c19c55abcfd696";
    REINDEX writes "reindex.lua" "f97ca6cb787fd09242407ffcc9d1837dbedc715f";
    RELEASE_TURN writes "release_turn.lua" "da7c3d03e229976755c0f07d149cca110e48313e";
    RENEW_TURN writes "renew_turn.lua" "a7a2f253cf64704aedb05e1a95a8f98d93325bd5";
    RESEAL writes "reseal.lua" "52a4857cf0cd0d1735d84600f4f606a85abdff1f";
    RESTORE writes "restore.lua" "6ce06d4d29bc06cd1dbad117d5135c49ecba2fc9";
    SUMMARISE writes "summarise.lua" "124bb06ed9ed94c9a55df62841e6ead6845282d1";
    SURVEY reads "survey.lua" "5089a17cd58615a4dbbfe30b2351a05f253a258f";
    TOUCH writes "touch.lua" "18e65fce8ca9b4da2f2c8c3a7e6fc4df4706c43c";
    TRUNCATE writes "truncate.lua" "765f7e65b5edab9d4c775f27870040a45cc19d88";
    WEIGH reads "weigh.lua" "6063ff644e52fb612e8bc5b4db441f1fe263a620";
    WRITE_STATE writes "write_state.lua" "5f4c197acc76f3a415a92b64f2137cdcc27f254c";
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
