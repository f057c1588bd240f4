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
    APPEND writes "append.lua" "96239d1121459ed2027366b24fa983caba18f843";
    ARRIVE writes "arrive.lua" "5c9e2bc3107c5af6dfeb0303fdc1cd02384f64d7";
    BEGIN_TURN writes "begin_turn.lua" "69e8524aa468654956d8fdadeb92999b9237e1c9";
    CHARGE_TURN writes "charge_turn.lua" "16b76734b69cd14d6c361208b8e14be0747ad1bb";
    CLAIM_VISITOR writes "claim_visitor.lua" "0b5badeacc8bde0c04065e0fbdc2f97c2e047827";
    CREATE writes "create.lua" "ef342ecca8dfb0e061aed31348124601c606c9e2";
    DELETE writes "delete.lua" "7785127a96689d7f9cddf2ced6d976b8929408b6";
    DEPART writes "depart.lua" "f1b9225806de6949ff6c91fb3b729cfdb137b32d";
    FINISH_TURN writes "finish_turn.lua" "fde821b62abc56d56e3f4f04f36a3ad347b7ced9";
    FORK writes "fork.lua" "c210492b78a0ac5ce0879d67f609616d6ede8cf8";
    HISTORY reads "history.lua" "173a841b3c17fc0f7ea16ff798219d48a136b255";
    IMPORT writes "import.lua" "252868e981e3fe1858ac3e56fe6b6ee1e8ad59d1";
    LEAVE writes "leave.lua" "052ef716151354bb08430583b36b38207397472a";
    LIST reads "list.lua" "d2b5a537b354de2ffb91056e4f9f793e6dbf5c59";
    NOTE_OWNER writes "note_owner.lua" "b932abbe4aae7faa6fb8094eb1d6afb15d77029a";
    PATCH writes "patch.lua" "f94b90a17f75a6f3e95f636c19c0a7b16e2e444c";
    READ_STATE reads "read_state.lua" "32b6f44c390a8d96da0d82e326552b4b632c693c";
    READ_SUMMARY reads "read_summary.lua" "4b79c9ac2bde83d877058abb5b14b3760b24aea6";
    REINDEX writes "reindex.lua" "59296540b599031f59e6d4ba965f37d94cd52e6c";
    RELEASE_TURN writes "release_turn.lua" "a10b14f9a20c398ede12779105ca41d64e731f71";
    RENEW_TURN writes "renew_turn.lua" "76095635070d2ddcbc1b8798a8604db58af0723c";
    RESTORE writes "restore.lua" "bee055db5538a5d246c9bf7745f213f55542d2f8";
    SUMMARISE writes "summarise.lua" "415814826f772e8819aee677d2a36e031886ac30";
    SURVEY reads "survey.lua" "69e12b0f849139d35954b01d357dbdf1daa31354";
    TOUCH writes "touch.lua" "40c493e5c4dc6daec8a18b4606a6437a8cb09234";
    TRUNCATE writes "truncate.lua" "4d7c00436b48a71b71a1208468f21c59bb45a19c";
    WEIGH reads "weigh.lua" "390c51b7a749ba0db457f4511d92684f30c0a858";
    WRITE_STATE writes "write_state.lua" "c2ea961e83159a6d99f0d131a5f5b31200ea41aa";
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
