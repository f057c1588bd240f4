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
    APPEND writes "append.lua" "2315929661e1ee53e36712fbce0418f89941753b";
    BEGIN_TURN writes "begin_turn.lua" "4733d8f9f69e58e55787c02593f59a75974c4ea6";
    CREATE writes "create.lua" "46c431c55768216726c9029981626ac1e2bdf1d2";
    DELETE writes "delete.lua" "1aa6eb8b97f1b1949fc37d2538eda86fdb7d93f5";
    FINISH_TURN writes "finish_turn.lua" "9f014fb2dfc26dda813601de009e38bc1eb2fa70";
    FORK writes "fork.lua" "3f4b53cf4737cdb578d172fcd4219efa33761d2f";
    HISTORY reads "history.lua" "2bbd95025a573b6012d87282b01e98ed98ae1367";
    IMPORT writes "import.lua" "2061fdf239699c67537ee5f5452a29ebbbefafa8";
    LIST reads "list.lua" "372bd0142cabc4ecff29072c63051a5ea8d6da2d";
    PATCH writes "patch.lua" "92de3eec04db6738830c5338a631660c94e1a93c";
    READ_STATE reads "read_state.lua" "3fdde51922a49b193f72bf18d3910e2ee13d0bc0";
    REINDEX writes "reindex.lua" "ad766c45e9f2262e2d8938bf8e8c9793f2094ea2";
    RELEASE_TURN writes "release_turn.lua" "c96d4677d11e021cd6a281ee16e24423ace65539";
    RESTORE writes "restore.lua" "54ad8387e27b57ead47a252037b32eb92f88e6eb";
    TOUCH writes "touch.lua" "8b8b217ca55a90f4142d4b859261eda9b16ae1ff";
    TRUNCATE writes "truncate.lua" "b65b0555684c2ba3140b40433ecc026b904d2396";
    WRITE_STATE writes "write_state.lua" "b7e0d04fa5b9765616fdc19311583465e632fd31";
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
