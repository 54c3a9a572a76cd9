//! A bar of as many cells as there is room for.

/// What is done, what can be done at once, and what is missing, as shares of all.
pub(crate) fn bar(done: f64, ready: f64, length: usize) -> String {
    // A share of a few cells.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let cells = |share: f64| (share.clamp(0.0, 1.0) * length as f64) as usize;
    let done = cells(done);
    let ready = cells(ready).max(done);
    format!(
        "{}{}{}",
        "━".repeat(done),
        "─".repeat(ready - done),
        " ".repeat(length - ready),
    )
}
