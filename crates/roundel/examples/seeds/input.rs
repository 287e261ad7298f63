//! S3-E4: standard input, a selector, and a loop of one's own.

use std::{fs::File, io::Read, sync::Arc};

use roundel::selector::{Interest, SelectorMap, Source};

use super::{seed::Played, stage::Stage};

/// What a selector calls when its source is ready; false at the end of the input.
type Reader = fn(&Stage, &File, &mut Vec<u8>) -> std::io::Result<bool>;

/// The reader is registered with its source and called when that is ready. Python's program goes
/// round for ever; this one ends with its input.
pub(crate) fn dispatched(stage: &Stage) -> Played {
    let input = Arc::new(stage.input()?);
    let mut pending = Vec::new();
    let mut selector = SelectorMap::with_selector(stage.selector()?);
    selector.register(Source::shared(input.clone()), Interest::READ, read as Reader)?;

    let mut open = true;
    while open {
        for (key, _readiness) in selector.select(None)? {
            let callback = key.data();
            open = callback(stage, &input, &mut pending)?;
        }
    }
    Ok(())
}

/// Prints the lines that have come. One read takes them all: what stayed behind in a buffer of ours
/// the selector could not see.
fn read(stage: &Stage, mut input: &File, pending: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut room = [0; 4096];
    let length = input.read(&mut room)?;
    pending.extend_from_slice(&room[..length]);
    while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
        say_line(stage, &pending.drain(..=end).collect::<Vec<_>>());
    }
    // The last line may end without a line feed.
    if length == 0 && !pending.is_empty() {
        say_line(stage, pending);
    }
    Ok(length > 0)
}

fn say_line(stage: &Stage, line: &[u8]) {
    stage.say(format!("Got input from stdin: '{}'", String::from_utf8_lossy(line).escape_debug()));
}
