//! A connection that shows every command that Redis gets.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::target::{RedisTarget, Stream};

/// See the module.
pub(crate) struct Monitor {
    lines: BufReader<Box<dyn Stream>>,
    /// What has come of the next line, should somebody stop waiting for it.
    begun: Vec<u8>,
}

impl Monitor {
    /// Opens one.
    pub(crate) async fn open(target: &RedisTarget) -> std::io::Result<Self> {
        let mut monitor = Self { lines: BufReader::new(target.open().await?), begun: Vec::new() };
        let login = target.login();
        if let Some(password) = login.password() {
            let mut auth = redis::cmd("AUTH");
            auth.arg(login.username()).arg(password);
            monitor.run(&auth).await?;
        }
        monitor.run(&redis::cmd("MONITOR")).await?;
        Ok(monitor)
    }

    /// The next command's line; nothing when the connection has ended.
    pub(crate) async fn next_line(&mut self) -> Option<Vec<u8>> {
        match self.lines.read_until(b'\n', &mut self.begun).await {
            Ok(length) if length > 0 => {
                let line = std::mem::take(&mut self.begun);
                let line = line.strip_prefix(b"+").unwrap_or(&line);
                Some(line.trim_ascii_end().to_vec())
            }
            _ => None,
        }
    }

    async fn run(&mut self, command: &redis::Cmd) -> std::io::Result<()> {
        self.lines.write_all(&command.get_packed_command()).await?;
        match self.next_line().await {
            Some(line) if line == b"OK" => Ok(()),
            _ => Err(std::io::ErrorKind::PermissionDenied.into()),
        }
    }
}
