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
    APPEND writes "append.lua" "19a545eaf0ca833e4aa3843e9499eddefda98be2";
    BEGIN_TURN writes "begin_turn.lua" "d521b68a6c0522e99818e07022630d7d14c2b0a2";
    CREATE writes "create.lua" "1f5d4e0eddb9bc5af055b9f7b6b0a130c3b89f2a";
    DELETE writes "delete.lua" "81313c0213d1761e333fd42147a8d95b409cfa19";
    FINISH_TURN writes "finish_turn.lua" "748735b7d25614f5dec55b8451689837ddb22918";
    FORK writes "fork.lua" "14be3857c28098d8e33c8ac11375bb39652cdbe0";
    HISTORY reads "history.lua" "eb70dbf2955ec6348ca741697d88ce34742ea9f9";
    IMPORT writes "import.lua" "e8e3b52b35284370f2c3fedb6fe1f44f60937ac3";
    LIST reads "list.lua" "251e3d4e66396f6d0e74808d87bd11afe7c43496";
    PATCH writes "patch.lua" "f5f329f682d8e60d1fb67f98e0c15b31a2e6996e";
    READ_STATE reads "read_state.lua" "9f1863dc688e0289332235b3a197b991a7c364c5";
    RELEASE_TURN writes "release_turn.lua" "ebe83ff0b342e04085be10c0600c50df5362e354";
    RESTORE writes "restore.lua" "43b77c2db02f88e70fe32b4272491cb2a1632a0a";
    TOUCH writes "touch.lua" "ffdf430637f972be949eb51f94e6e3003ef61cd0";
    TRUNCATE writes "truncate.lua" "c0e9bb62397b2e2be931bc3b4f6a285a7d47225c";
    WRITE_STATE writes "write_state.lua" "7fd3e0d3035e44f0748a7fd9a9b7df5712d57d67";
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
