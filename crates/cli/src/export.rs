//! `chatkeep export`: everything, to a file. A stream that breaks off goes on at the last place that it named, and so does a
//! command that was broken off.

use crate::client::{Client, Failure, given, patiently};
use crate::progress::bar;
use crate::stats::figures;
use chatkeep_model::wire::{ExportEnd, ExportLine};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

/// What has been written, and where it goes on.
#[derive(Default)]
struct Written {
    end: ExportEnd,
    cursor: Option<String>,
    is_whole: bool,
    /// Texts that can't be decrypted.
    left_out: u64,
}

impl Written {
    /// Takes a line down. The last line is not written: it counts what came in the last stream alone.
    fn line(&mut self, line: &str) -> bool {
        match serde_json::from_str(line) {
            Ok(ExportLine::Session(_)) => self.end.sessions += 1,
            Ok(ExportLine::Message(_)) => self.end.messages += 1,
            Ok(ExportLine::LeftOut(_)) => self.left_out += 1,
            Ok(ExportLine::Cursor(cursor)) => self.cursor = Some(cursor),
            Ok(ExportLine::End(_)) => self.is_whole = true,
            Err(_) => return false,
        }
        !self.is_whole
    }
}

pub(crate) fn export(client: &Client, output: Option<&Path>, owner: Option<&str>, resume: bool) -> Result<(), Failure> {
    let mut written = Written::default();
    let mut file: Box<dyn Write> = match output {
        Some(path) if resume => Box::new(BufWriter::new(kept(path, &mut written)?)),
        Some(path) => Box::new(BufWriter::new(File::create(path)?)),
        None => Box::new(BufWriter::new(io::stdout())),
    };
    if written.is_whole {
        eprintln!("this export is whole already");
        return Ok(());
    }
    let shown = bar(Some(figures(client, owner)?.sessions), "sessions");
    while !written.is_whole {
        patiently(|| {
            let cursor = written.cursor.clone();
            let query = given(&[("owner", owner), ("cursor", cursor.as_deref())]);
            for line in client.lines("/v1/admin/export", &query)? {
                let line = line?;
                if written.line(&line) {
                    writeln!(file, "{line}")?;
                }
                shown.set_position(written.end.sessions);
            }
            if written.is_whole || written.cursor != cursor {
                return Ok(());
            }
            Err(Failure::Unreachable("the export broke off".to_owned()))
        })?;
    }
    let end = serde_json::to_string(&ExportLine::End(written.end)).unwrap_or_default();
    writeln!(file, "{end}")?;
    file.flush()?;
    shown.finish_and_clear();
    eprintln!("exported {} sessions with {} messages", written.end.sessions, written.end.messages);
    if written.left_out > 0 {
        eprintln!("{} texts can't be decrypted and are left out: lines with left_out name them", written.left_out);
    }
    Ok(())
}

/// The file of an export that broke off, cut after its last whole line.
fn kept(path: &Path, written: &mut Written) -> Result<File, Failure> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    let (mut length, mut line) = (0, String::new());
    let mut reader = BufReader::new(&file);
    while reader.read_line(&mut line)? > 0 && line.ends_with('\n') {
        if written.line(line.trim_end()) || written.is_whole {
            length += line.len() as u64;
        } else {
            return Err(Failure::Other(format!("{} is no export", path.display())));
        }
        line.clear();
    }
    file.set_len(length)?;
    drop(file);
    Ok(OpenOptions::new().append(true).open(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_cut_after_its_last_whole_line() -> Result<(), Box<dyn std::error::Error>> {
        let path = std::env::temp_dir().join(format!("chatkeep-export-{}", std::process::id()));
        let session = r#"{"session":{"session_id":"s","created_ms":1,"updated_ms":1}}"#;
        std::fs::write(&path, format!("{session}\n{{\"cursor\":\"1~2~app\"}}\n{session}\n{{\"mess"))?;
        let mut written = Written::default();
        kept(&path, &mut written).map_err(|failure| failure.to_string())?;
        assert_eq!((written.end.sessions, written.cursor.as_deref()), (2, Some("1~2~app")));
        assert!(!written.is_whole && std::fs::read_to_string(&path)?.ends_with("}}\n"));
        std::fs::write(&path, "something else\n")?;
        assert!(kept(&path, &mut written).is_err());
        std::fs::remove_file(&path)?;
        Ok(())
    }
}
