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
    APPEND writes "append.lua" "1f1cc0e0390b64a505539a3cd2d0fe70afc79ee1";
    BEGIN_TURN writes "begin_turn.lua" "21399cced73df4e198f14d16bd1f1108dd17280d";
    CREATE writes "create.lua" "5220b541b9aee989786a6be03e3823bd9e71f575";
    DELETE writes "delete.lua" "d392f7995f43e47ca1ac055c981323b1ea505ebf";
    FINISH_TURN writes "finish_turn.lua" "6f7c4680c8fb7f14901c20e7c94403eeb283f4df";
    FORK writes "fork.lua" "a4bb88a8f0533ccdb0364d14afed66dac2837eba";
    HISTORY reads "history.lua" "bb0ecacfba280f9efe7d809c0138a64956eb9dbe";
    IMPORT writes "import.lua" "6fd8c6dcd2ce5ca9bd8622af99f3d740ace300c2";
    LIST reads "list.lua" "1625ad98c3a9907054a6d7e4704e6efb98dc6ef8";
    PATCH writes "patch.lua" "2e0ee9673f0a5cf88671290b8587548588bf4c00";
    READ_STATE reads "read_state.lua" "b4b9e197dc942686169ad1cdc8af67ed4f2e249f";
    RELEASE_TURN writes "release_turn.lua" "49a813215915f97926f38ed1f0ad78dc8f4b3aa5";
    RESTORE writes "restore.lua" "ec434abdd3cd39f52d659c5032dfc79fbf81985e";
    TOUCH writes "touch.lua" "9d1a663b3e5803ee662ebb91966c4e828235c96f";
    TRUNCATE writes "truncate.lua" "47bffc308aed327f06889a090c07e1dbadfeb00a";
    WRITE_STATE writes "write_state.lua" "7a6d7c08f722e2e72a5b7e9993e86bac19fd2fae";
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
