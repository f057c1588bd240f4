//! Ports outside the range of outgoing connections, reserved as `tests/harness/ports.mjs` does it, in the same place.

use std::fs::{self, File, Metadata};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

const FIRST: u16 = 12_000;
const COUNT: u16 = 10_000;
/// How far above its port a server of a cluster listens for the others.
const BUS_OFFSET: u16 = 10_000;
/// The age from which the lock of a process that ended is removed.
const STALE_AGE: Duration = Duration::from_secs(60);

/// Reserves a port where nobody listens, and its bus port.
pub(crate) fn free_port() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let user = fs::metadata("/proc/self").map_or(0, |own| own.uid());
    let locks = std::env::temp_dir().join(format!("chatkeep-ports-{user}"));
    fs::create_dir_all(&locks).expect("a directory for locks");
    let start = std::process::id().wrapping_mul(7919) as u16;
    for _ in 0..COUNT {
        let port = FIRST + start.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % COUNT;
        if reserve(&locks.join(port.to_string())) && [port, port + BUS_OFFSET].iter().all(|port| is_free(*port)) {
            return port;
        }
    }
    panic!("no port is free; their locks are in {}", locks.display());
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

fn reserve(lock: &PathBuf) -> bool {
    match File::create_new(lock) {
        Ok(mut file) => file.write_all(std::process::id().to_string().as_bytes()).is_ok(),
        Err(_) => {
            remove_stale(lock);
            false
        }
    }
}

/// Removes the lock of a process that ended. The port is for the next who draws it.
fn remove_stale(lock: &Path) {
    let is_old = |found: Metadata| found.modified().ok()?.elapsed().ok().filter(|age| *age > STALE_AGE);
    let is_running = |owner: String| Path::new("/proc").join(owner.trim()).exists();
    if fs::metadata(lock).ok().and_then(is_old).is_some()
        && fs::read_to_string(lock).is_ok_and(|owner| !is_running(owner))
    {
        let _ = fs::remove_file(lock);
    }
}
