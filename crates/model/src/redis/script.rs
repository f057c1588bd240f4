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
    APPEND writes "append.lua" "2e19218b0e5b44d1f4563ccc857193acb79621c4";
    BEGIN_TURN writes "begin_turn.lua" "adf11d006814053805ae8231877e6f6ff1ff6f9d";
    CHARGE_TURN writes "charge_turn.lua" "65519911c6ddfde67f2658794f76ffbf9ce39a9c";
    CREATE writes "create.lua" "ec792928e83f63b462a802f8dedf14617db19235";
    DELETE writes "delete.lua" "5120401b0aa53a49cd80a994638be8feee8fd0ca";
    FINISH_TURN writes "finish_turn.lua" "aa9f549b5d843ef9f4943682f95aa83844e2e99f";
    FORK writes "fork.lua" "7d9db4dffae856d26eb78b654730b907043dbafd";
    HISTORY reads "history.lua" "46e77c66a29831d5113a2c294fe9f26e09ba4be7";
    IMPORT writes "import.lua" "00a9152c481b4710316adbc83a322a00b52d1cb7";
    LIST reads "list.lua" "916ba7b102d74e2916e8b4354c7467f513d6db4f";
    NOTE_OWNER writes "note_owner.lua" "ef73d540ead8614afeb303804bc827da49ac8e73";
    PATCH writes "patch.lua" "dffb2fa16e80d822519d14c7f6ff107c281b2ec2";
    READ_STATE reads "read_state.lua" "4e8cf228669a53c99d7b73b49697b0ff16413305";
    REINDEX writes "reindex.lua" "a9be967212141f732f4cc145afd6cafd0625b62c";
    RELEASE_TURN writes "release_turn.lua" "57887b2c3091747fe603cf78510d70bf0f89449f";
    RESTORE writes "restore.lua" "4843a6b581ba89135afe238f218bf9439fbdb3f6";
    TOUCH writes "touch.lua" "9c9c86af9c57e56e181d69790bcfa635a785aff0";
    TRUNCATE writes "truncate.lua" "916975d5a31989ffdaa9ee3e9597105e9322b55e";
    WRITE_STATE writes "write_state.lua" "fc0fb17690e9d238fa7597a8ede1d825161f217f";
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
