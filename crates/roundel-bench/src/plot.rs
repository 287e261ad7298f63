//! The plot: every cost relative to the peer that it is compared with, on one scale.
//!
//! A line per row; the vertical line at 1 is the peer, our median is a dot with the rounds' spread
//! as a whisker, a tick shows the target. Twice as fast lies as far to the left as twice as slow
//! to the right.

use std::error::Error;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::{
    race,
    row::{ROUNDEL, Target, Unit},
    spread::Spread,
};

const WIDTH: u32 = 960;
const LINE: u32 = 22;
const HEAD: u32 = 40;
const FOOT: u32 = 40;
/// Room for the rows' names.
const LABELS: i32 = 470;
/// The ends of the scale; what lies beyond is drawn at the edge.
const SCALE: (f64, f64) = (1.0 / 64.0, 4.0);
const OURS: RGBColor = RGBColor(0x1f, 0x77, 0xb4);
const WANTED: RGBColor = RGBColor(0xd6, 0x27, 0x28);
const FAINT: RGBColor = RGBColor(0xcc, 0xcc, 0xcc);

/// One line of the plot.
struct Line {
    label: String,
    ratio: Spread,
    target: Option<f64>,
}

/// The first figure of each row, where it is a cost and has a peer.
fn lines(rows: &[&race::Result]) -> Vec<Line> {
    let mut lines = Vec::new();
    for row in rows {
        let Some(figure) = row.figures.first() else { continue };
        if !matches!(figure.unit, Unit::Nanoseconds | Unit::Bytes) {
            continue;
        }
        for runner in row.runners.iter().filter(|runner| runner.name != ROUNDEL) {
            let Some(ratio) = row.ratio_to(runner.name, 0) else { continue };
            let target = figure.targets.iter().find_map(|target| match target {
                Target::Times(times, peers) if peers.contains(&runner.name) => Some(*times),
                _ => None,
            });
            let label = format!("{}  /  {}", row.title, runner.name);
            lines.push(Line { label, ratio, target });
        }
    }
    lines
}

/// Draws the rows as an SVG document.
///
/// # Errors
/// The plotting library cannot draw.
pub fn draw(rows: &[&race::Result]) -> Result<String, Box<dyn Error>> {
    let lines = lines(rows);
    let height = HEAD + LINE * u32::try_from(lines.len())? + FOOT;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE)?;
        scale(&area, i32::try_from(height - FOOT)?)?;
        for (nth, line) in lines.iter().enumerate() {
            let y = HEAD + LINE * u32::try_from(nth)? + LINE / 2;
            draw_line(&area, line, i32::try_from(y)?)?;
        }
        area.present()?;
    }
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Where a ratio lies on the scale.
fn x(ratio: f64) -> i32 {
    let (least, greatest) = (SCALE.0.log2(), SCALE.1.log2());
    let part = (ratio.log2().clamp(least, greatest) - least) / (greatest - least);
    LABELS + (f64::from(WIDTH as i32 - LABELS - 30) * part).round() as i32
}

fn text(size: u32, at: HPos) -> TextStyle<'static> {
    let position = Pos::new(at, VPos::Center);
    TextStyle::from(("sans-serif", size).into_font()).color(&BLACK).pos(position)
}

fn scale(area: &Area<'_>, bottom: i32) -> Result<(), Box<dyn Error>> {
    let title = "cost relative to the peer (1: the same; 4: four times or more); | is the target";
    area.draw_text(title, &text(17, HPos::Right), (x(SCALE.1), 16))?;
    for power in -6..=2 {
        let ratio = 2f64.powi(power);
        let color = if power == 0 { BLACK } else { FAINT };
        let path = vec![(x(ratio), HEAD as i32), (x(ratio), bottom)];
        area.draw(&PathElement::new(path, color.stroke_width(1)))?;
        let label = if power < 0 {
            format!("1/{}", 2i32.pow(power.unsigned_abs()))
        } else {
            format!("{ratio}")
        };
        area.draw_text(&label, &text(14, HPos::Center), (x(ratio), bottom + 14))?;
    }
    Ok(())
}

fn draw_line(area: &Area<'_>, line: &Line, y: i32) -> Result<(), Box<dyn Error>> {
    area.draw_text(&line.label, &text(14, HPos::Right), (LABELS - 12, y))?;
    let whisker = vec![(x(line.ratio.min), y), (x(line.ratio.max), y)];
    area.draw(&PathElement::new(whisker, OURS.stroke_width(2)))?;
    area.draw(&Circle::new((x(line.ratio.median), y), 4, OURS.filled()))?;
    if let Some(target) = line.target {
        let tick = vec![(x(target), y - 8), (x(target), y + 8)];
        area.draw(&PathElement::new(tick, WANTED.stroke_width(2)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{LABELS, draw, x};
    use crate::{
        plan::Plan,
        race::race,
        row::{Figure, ROUNDEL, Row, Unit},
    };

    #[test]
    fn halves_and_doubles_lie_at_equal_distances() {
        let (half, double) = (x(1.0) - x(0.5), x(2.0) - x(1.0));
        assert!(half > 50 && half.abs_diff(double) <= 1, "{half} and {double} pixels");
        assert_eq!(x(0.0001), LABELS);
    }

    #[test]
    fn every_peer_gets_a_line() {
        let row = Row::new("a row", [Figure::new("cost", Unit::Nanoseconds)])
            .only(ROUNDEL, || 1.0)
            .only("one", || 2.0)
            .only("two", || 3.0);
        let svg = draw(&[&race(row, &Plan::default())]).unwrap();
        assert!(svg.contains("a row  /  one") && svg.contains("a row  /  two"), "{svg}");
    }
}
