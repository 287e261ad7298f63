//! The tables, in Markdown.

use std::{fmt::Write, fs};

use crate::{
    groups::Group,
    plan::Plan,
    race,
    row::{ROUNDEL, Target, Unit},
    spread::Spread,
};

/// One table for rows whose peers may differ: a line per row and figure, a column per peer, and in
/// each peer's cell our ratio to it.
pub fn table(rows: &[race::Result]) -> String {
    let mut peers: Vec<&str> = Vec::new();
    for name in rows.iter().flat_map(|row| &row.runners).map(|runner| runner.name) {
        if !peers.contains(&name) {
            peers.push(name);
        }
    }
    let mut text = format!("| | {} | target | |\n", peers.join(" | "));
    text += &format!("|---|{}---|---|\n", "---|".repeat(peers.len()));
    for row in rows {
        for (nth, figure) in row.figures.iter().enumerate() {
            let cells: Vec<_> = peers.iter().map(|peer| cell(row, peer, nth)).collect();
            let targets: Vec<_> =
                figure.targets.iter().map(|target| wanted(target, figure.unit)).collect();
            let verdict = match row.is_met(nth) {
                Some(true) => "met",
                Some(false) => "**missed**",
                None => "",
            };
            let (title, name) = (&row.title, figure.name);
            let (cells, target) = (cells.join(" | "), targets.join("; "));
            writeln!(text, "| {title}; {name} | {cells} | {target} | {verdict} |")
                .expect("a string takes everything");
        }
    }
    text
}

/// A peer's median with its spread, and our ratio to it.
fn cell(row: &race::Result, peer: &str, figure: usize) -> String {
    let Some(spread) = row.spread(peer, figure) else { return String::new() };
    let unit = row.figures[figure].unit;
    let text = amount(spread, unit);
    match row.ratio_to(peer, figure) {
        Some(ratio) if peer != ROUNDEL && is_comparable(row, figure) => {
            format!("{text}; **×{:.2}** ({:.2}…{:.2})", ratio.median, ratio.min, ratio.max)
        }
        _ => text,
    }
}

/// What has a limit of its own, or may be below zero, is not compared.
fn is_comparable(row: &race::Result, figure: usize) -> bool {
    row.figures[figure].unit != Unit::Microseconds
}

fn amount(spread: Spread, unit: Unit) -> String {
    let Spread { median, min, max } = spread;
    let precise = |number: f64| match number.abs() {
        size if size < 100.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    };
    let symbol = match unit {
        Unit::Nanoseconds => "ns",
        Unit::Microseconds => "µs",
        Unit::Bytes => "B",
        Unit::PerSecond => "/s",
    };
    format!("{} {symbol} ({}…{})", precise(median), precise(min), precise(max))
}

fn wanted(target: &Target, unit: Unit) -> String {
    match target {
        Target::Times(times, peers) => format!("≤ {times} × {}", peers.join(", ")),
        Target::Pair(times, one, other) => format!("{one} ≤ {times} × {other}"),
        Target::Limit(limit) if unit == Unit::Microseconds => format!("≤ {limit} µs"),
        Target::Limit(limit) => format!("≤ {limit}"),
    }
}

/// All of a run as one document.
pub fn document(name: &str, plan: &Plan, groups: &[(&Group, Vec<race::Result>)]) -> String {
    let mut text = format!(
        "# Measured: {name}\n\nWritten by `cargo xtask bench {name} --rounds {}`, on {}.\n\n\
         Each cell is the median of the rounds and, in brackets, the least and the greatest. A \
         peer's cell ends with our ratio to it, **×ours / theirs**, taken within each round: its \
         median and its spread. CPU times are those of one thread or process, so other programs \
         disturb them through the caches only. How to read it: [perf.md](../perf.md).\n\n\
         ![Cost relative to the peer]({name}.svg)\n",
        plan.rounds,
        machine(),
    );
    for (group, rows) in groups.iter().filter(|(_, rows)| !rows.is_empty()) {
        text += &format!("\n## {}\n\n{}", group.subject, table(rows));
    }
    text
}

/// The kernel and the processor, as far as they tell.
fn machine() -> String {
    let field = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim_start_matches([' ', '\t', ':']).trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "a processor".into());
    let kernel = field("/proc/sys/kernel/osrelease", "").unwrap_or_else(|| "?".into());
    // After pinning it is one core that is ours; the machine's number is told by the kernel.
    let online = fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let cores = online
        .trim()
        .rsplit('-')
        .next()
        .and_then(|last| last.parse::<usize>().ok())
        .map_or(cores, |last| last + 1);
    format!("Linux {kernel}, {processor}, {cores} cores")
}

#[cfg(test)]
mod tests {
    use super::table;
    use crate::{
        plan::Plan,
        race::race,
        row::{Figure, ROUNDEL, Row, Target, Unit},
    };

    #[test]
    fn a_table_has_a_line_per_figure_and_says_what_is_missed() {
        let figures = [
            Figure::new("cost", Unit::Nanoseconds).target(Target::Times(0.5, &["peer"])),
            Figure::new("rate", Unit::PerSecond),
        ];
        let row = Row::new("row", figures)
            .peer(ROUNDEL, || vec![60.0, 1000.0])
            .peer("peer", || vec![100.0, 500.0]);
        let lines = [
            "| | roundel | peer | target | |",
            "|---|---|---|---|---|",
            "| row; cost | 60.0 ns (60.0…60.0) | 100 ns (100…100); **×0.60** (0.60…0.60) \
             | ≤ 0.5 × peer | **missed** |",
            "| row; rate | 1000 /s (1000…1000) | 500 /s (500…500); **×2.00** (2.00…2.00) |  |  |",
        ];
        assert_eq!(table(&[race(row, &Plan::default())]), lines.join("\n") + "\n");
    }
}
