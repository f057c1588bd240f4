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
    APPEND writes "append.lua" "a45b2d6b408b6e12ce41dc577e83842fe7470b5f";
    ARRIVE writes "arrive.lua" "c3e8185f69ac71004d3336cbd9e94f521eeb6125";
    BEGIN_TURN writes "begin_turn.lua" "0b9c673038a3f3265d665c392954b9e7a2b9dd4b";
    CHARGE_TURN writes "charge_turn.lua" "be5f53a1988ba91ad185d97f2e136b053694f055";
    CLAIM_VISITOR writes "claim_visitor.lua" "73e6173c816c92f25c325d1531de3f61cb76819b";
    CREATE writes "create.lua" "319a5439517f5e142ed92ac8cf85f50852eeffe4";
    DELETE writes "delete.lua" "e299ce8eb0ba99ef048e4de65233128c8ca13ac5";
    DEPART writes "depart.lua" "05750cf384e3ef284d23c79a30c10787007efddb";
    FINISH_TURN writes "finish_turn.lua" "cedde12d4a43960777379914f8f0ff1a173530f1";
    FORK writes "fork.lua" "467fff3671acca7881c9037de8ab454f705c7be0";
    HISTORY reads "history.lua" "fb53ed542876550efbed34ab34451826b8c36711";
    IMPORT writes "import.lua" "9f0c454aed7043deb81122d1dae946633752cfc8";
    LEAVE writes "leave.lua" "caf5e4566eed14ef94b2cd0b3985a423e9d95ebc";
    LIST reads "list.lua" "90b443a7a714b37b4fbb8f9e06e5adecc2035b9f";
    NOTE_OWNER writes "note_owner.lua" "cc31c6af9d70ca2009efa071b4a87f6dc5c42752";
    PATCH writes "patch.lua" "56645d9c7047e69d4e4982bc68d24b3a2addaac3";
    PREPEND writes "prepend.lua" "5ae2107944e3c968eb5bbb50fa5e09439655fefb";
    READ_STATE reads "read_state.lua" "29a823803295e34e58dc56548a7b413412135898";
    READ_SUMMARY reads "read_summary.lua" "3d08b5833495e6aa38195f7b66b7033ed5e114eb";
    REINDEX writes "reindex.lua" "a3ebe0196b302416826467355b8755d93a736609";
    RELEASE_TURN writes "release_turn.lua" "19029e3b1b4b6bd447c8e135c7123cddd875b45a";
    RENEW_TURN writes "renew_turn.lua" "5885a3eb0e7d597f88945e8f226327f529b3a2c5";
    RESEAL writes "reseal.lua" "4aebd5c6e77077e14aff117d7a7a900f1a856fb3";
    RESTORE writes "restore.lua" "1d9544b5c0b723caa3dc04280a907949f936c409";
    SUMMARISE writes "summarise.lua" "5ec9be391664092a9ce3a9e3a95cced9743ab3fc";
    SURVEY reads "survey.lua" "2538d9217c5304e0306e318cbefeb44bb10e2afc";
    TOUCH writes "touch.lua" "9b71717e4dfa92fce23b752ae8c483684593eac2";
    TRUNCATE writes "truncate.lua" "14ef447e4949cdb00a8f15761b2789228b87508d";
    WEIGH reads "weigh.lua" "833e829bf756928244413997f0716d52f91e7030";
    WRITE_STATE writes "write_state.lua" "978ff750c8a47d33c291f335ce5be40e3659a7cf";
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
