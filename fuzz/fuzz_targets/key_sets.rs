#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| chatkeep_testkit::fuzz::run("key_sets", input));
