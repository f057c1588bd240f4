//! Bars that show how far something is, on a terminal alone.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of so many; of an unknown number it only counts.
pub(crate) fn bar(total: Option<u64>, what: &str) -> ProgressBar {
    let (bar, form) = match total {
        Some(total) => (ProgressBar::new(total), "{msg} [{wide_bar}] {human_pos}/{human_len} {eta}"),
        None => (ProgressBar::new_spinner(), "{spinner} {msg} {human_pos}"),
    };
    let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style.progress_chars("=> ")).with_message(what.to_owned())
}
