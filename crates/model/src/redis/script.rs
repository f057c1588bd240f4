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
    APPEND writes "append.lua" "405521b7cdf4fb2007cad70018e9fab3e7afb705";
    ARRIVE writes "arrive.lua" "9006a5777a69d25bd14a81c2d716aab8139a4a70";
    BEGIN_TURN writes "begin_turn.lua" "bd7860f7591b856c70a0c50df6433764dd4a2773";
    CHARGE_TURN writes "charge_turn.lua" "6de9663431ca484985dc719abf961d38e40895ac";
    CLAIM_VISITOR writes "claim_visitor.lua" "ad241b0a0a83a3d010f293c40cf00baf90a75005";
    CREATE writes "create.lua" "b9fb6e2a1f0e84f7a20925fafe02e8df4d3315b8";
    DELETE writes "delete.lua" "38085ad480f493f8301a08ddc49b1e3331eb271c";
    DEPART writes "depart.lua" "5ee93e8f2aae15365003cf98550e791f9126fb5d";
    FINISH_TURN writes "finish_turn.lua" "63431f1549d50e5d1f4c437f17e49f59c9cc03a5";
    FORK writes "fork.lua" "3c9c483b42ca9e2a87f9fbac1f9c3e9bd19aaf20";
    HISTORY reads "history.lua" "1b82cd2e9df3f86ecf90c7f298aa21622cf0fa2a";
    IMPORT writes "import.lua" "a011d102e611a878829dd090062e4046a4a99b1d";
    LEAVE writes "leave.lua" "fcf32a1e530dc0617c084313ab7c18565c31a83c";
    LIST reads "list.lua" "ffd0ef731588e7c231ebfe774b25345da494e50b";
    NOTE_OWNER writes "note_owner.lua" "4815fe2876d643605fcf6077006d069ec7fa5bca";
    PATCH writes "patch.lua" "7b105293159fea0a4256936eb8ead442be61e005";
    PREPEND writes "prepend.lua" "5c7bff528f785297fc78b2ef1f42ba846d9e6746";
    READ_STATE reads "read_state.lua" "820c962150ff696ca5003d592a647053fb2f12d1";
    READ_SUMMARY reads "read_summary.lua" "dd0055d01d07f8182663fc96147c8235d3911245";
    REINDEX writes "reindex.lua" "07c881f289f6649220897b893a9e6a9701419883";
    RELEASE_TURN writes "release_turn.lua" "315b539d1cfaed54833ced1e1cd5367f4460a05d";
    RENEW_TURN writes "renew_turn.lua" "ae9da8be9142f56b7bce4963a419c06ebb360a16";
    RESEAL writes "reseal.lua" "1657f30cecf2502b9776dd65965d3db1dc75e3f6";
    RESTORE writes "restore.lua" "79a5805448e0de5dee784354fb8e5c155669b015";
    SUMMARISE writes "summarise.lua" "7dd87b2c3b885bb2505be73e773f64b0cc570981";
    SURVEY reads "survey.lua" "9362c77e812b6a26b0fbe5e362762533ea006567";
    TOUCH writes "touch.lua" "64073e892a42e07a702a6ce12952d1fb85654c6b";
    TRUNCATE writes "truncate.lua" "da405dbdeb027664b31e82f0857d5716b06cde97";
    WEIGH reads "weigh.lua" "2ac8fb7f933f8dc1937f83db28cf0cbc158a39b7";
    WRITE_STATE writes "write_state.lua" "f7e43591ca69a7778310fb20922cf3cd89c96273";
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
