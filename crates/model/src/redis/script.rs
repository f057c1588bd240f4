//! The Lua scripts, each one atomic operation with every key declared.

/// A script and the SHA-1 that Redis knows it by.
#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    /// Its Lua source.
    pub source: &'static str,
    /// SHA-1 of the source, in hex. A test holds it against the source.
    pub sha1: &'static str,
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
    APPEND writes "append.lua" "cf14717027c21f2e48b3f1a1907791a1db394fe3";
    BEGIN_TURN writes "begin_turn.lua" "d3671f725a6b856be57375a806b90b50e03a5992";
    CHARGE_TURN writes "charge_turn.lua" "d58d340f627fe8e73fdee4100b3d517ac6975fe6";
    CREATE writes "create.lua" "0b7b7f42816122b1beacda4c6247b3078aedef5b";
    DELETE writes "delete.lua" "e2b564a434cdb52bd96cabbdce6018796ef065b3";
    FINISH_TURN writes "finish_turn.lua" "45716d8226be4241572062edfbde979a42e06028";
    FORK writes "fork.lua" "41c1b65e10f8ef4f38082619be1e7de212c40e3c";
    HISTORY reads "history.lua" "2e485cc30e50dd4f8f5d342231f85e73ededebb4";
    IMPORT writes "import.lua" "f9367785066b49653850135ac7d761ca3c66fbf9";
    LIST reads "list.lua" "f50eb1c69190224b45032a425a3001ec9bcad20a";
    NOTE_OWNER writes "note_owner.lua" "d1dbe74afe2ecffbe7af1466437e7014b5097bb3";
    PATCH writes "patch.lua" "8e4346f0c9d7252d8bbd3d3222472a86ff83d3f9";
    READ_STATE reads "read_state.lua" "1c628f3ccc1b07215baabb91f8115e1de718ff7f";
    REINDEX writes "reindex.lua" "43b26fe348c209764a911236334c1832faca5cbd";
    RELEASE_TURN writes "release_turn.lua" "d7f91805a917d16967970b5a2b18717516ec1221";
    RESTORE writes "restore.lua" "34648f751de555da5b644de8f894e2ac362e98c5";
    TOUCH writes "touch.lua" "55f9023f977a1b3fd2425e1d41103040af5f7f84";
    TRUNCATE writes "truncate.lua" "f4aa00c2e7a2263706033e4e800baddd20e60a0f";
    WRITE_STATE writes "write_state.lua" "a5eaa865661feab3c728955514cac224dbc6bf89";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digest_is_its_scripts() {
        for (file, script) in ALL {
            let real = sha1_smol::Sha1::from(script.source).hexdigest();
            assert_eq!(script.sha1, real, "{file}: run scripts/pin-lua");
        }
    }
}
