//! The race: peers answer a row in turn, round by round.
//!
//! A machine that is busy with something else, or slower when it is warm, is so for minutes. Peers
//! measured one after the other would each get another machine; interleaved they share it, and the
//! ratio within a round holds still where the figures themselves do not.

use crate::{
    plan::Plan,
    row::{Figure, ROUNDEL, Row, Target},
    spread::Spread,
};

/// What one peer answered: its samples, a line per round, a column per figure.
#[derive(Debug)]
pub struct Runner {
    /// The peer.
    pub name: &'static str,
    rounds: Vec<Vec<f64>>,
}

/// A row with its answers.
#[derive(Debug)]
pub struct Result {
    /// The question.
    pub title: String,
    /// What was asked for.
    pub figures: Vec<Figure>,
    /// Who answered, we first.
    pub runners: Vec<Runner>,
}

/// Runs a row. The first round of each peer warms it up and does not count.
pub fn race(mut row: Row, plan: &Plan) -> Result {
    row.peers.retain(|peer| peer.name.contains(&plan.peer));
    let peers = row.peers.len();
    let mut runners: Vec<_> =
        row.peers.iter().map(|peer| Runner { name: peer.name, rounds: Vec::new() }).collect();
    for round in 0..=plan.rounds {
        // Nobody always runs behind the same one.
        for nth in (0..peers).map(|nth| (nth + round) % peers) {
            let samples = (row.peers[nth].measure)();
            if round > 0 {
                runners[nth].rounds.push(samples);
            }
        }
    }
    Result { title: row.title, figures: row.figures, runners }
}

impl Result {
    /// The samples of a peer that ran.
    fn runner(&self, name: &str) -> Option<&Runner> {
        self.runners.iter().find(|runner| runner.name == name)
    }

    /// A peer's answer to one of the figures.
    pub fn spread(&self, name: &str, figure: usize) -> Option<Spread> {
        let rounds = &self.runner(name)?.rounds;
        Some(Spread::of(rounds.iter().map(|round| round[figure])))
    }

    /// How many times the peer's figure ours is, round against round.
    pub fn ratio_to(&self, name: &str, figure: usize) -> Option<Spread> {
        self.ratio(ROUNDEL, name, figure)
    }

    fn ratio(&self, one: &str, other: &str, figure: usize) -> Option<Spread> {
        let (one, other) = (self.runner(one)?, self.runner(other)?);
        let pairs = one.rounds.iter().zip(&other.rounds);
        Some(Spread::of(pairs.map(|(one, other)| one[figure] / other[figure])))
    }

    /// Whether a figure is what we want it to be; none if nothing was agreed or not all who are
    /// needed ran.
    pub fn is_met(&self, figure: usize) -> Option<bool> {
        let targets = &self.figures[figure].targets;
        let met: Option<Vec<bool>> = targets.iter().map(|it| self.meets(it, figure)).collect();
        met.filter(|met| !met.is_empty()).map(|met| met.into_iter().all(|met| met))
    }

    fn meets(&self, target: &Target, figure: usize) -> Option<bool> {
        let at_most = |times, ratio: Option<Spread>| ratio.map(|ratio| ratio.median <= times);
        match target {
            Target::Limit(limit) => Some(self.spread(ROUNDEL, figure)?.median <= *limit),
            Target::Pair(times, one, other) => at_most(*times, self.ratio(one, other, figure)),
            Target::Times(times, peers) => {
                let met = peers.iter().map(|peer| at_most(*times, self.ratio_to(peer, figure)));
                Some(met.collect::<Option<Vec<bool>>>()?.into_iter().all(|met| met))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use super::*;
    use crate::row::Unit;

    fn figure() -> Figure {
        Figure::new("cost", Unit::Nanoseconds).target(Target::Times(0.5, &["peer"]))
    }

    #[test]
    fn peers_take_turns_and_the_first_round_does_not_count() {
        let order = Rc::new(RefCell::new(String::new()));
        let runner = |letter: char| {
            let order = Rc::clone(&order);
            move || {
                order.borrow_mut().push(letter);
                order.borrow().len() as f64
            }
        };
        let row = Row::new("row", [figure()]).only(ROUNDEL, runner('a')).only("peer", runner('b'));
        let result = race(row, &Plan { rounds: 2, ..Plan::default() });
        assert_eq!(*order.borrow(), "abbaab");
        assert_eq!(result.spread(ROUNDEL, 0).unwrap().min, 4.0);
    }

    #[test]
    fn a_target_is_met_by_the_median_of_the_rounds_ratios() {
        let result = |ours: f64| {
            let row =
                Row::new("row", [figure()]).only(ROUNDEL, move || ours).only("peer", || 100.0);
            race(row, &Plan::default())
        };
        assert_eq!(result(50.0).is_met(0), Some(true));
        assert_eq!(result(51.0).is_met(0), Some(false));
        assert_eq!(result(51.0).ratio_to("peer", 0).unwrap().median, 0.51);
    }

    #[test]
    fn a_figure_is_met_if_all_its_targets_are() {
        let met = |times: f64| {
            let figure = figure().target(Target::Pair(times, "other", "peer"));
            let row = Row::new("row", [figure])
                .only(ROUNDEL, || 10.0)
                .only("other", || 90.0)
                .only("peer", || 100.0);
            race(row, &Plan::default()).is_met(0)
        };
        assert_eq!([met(0.8), met(0.9)], [Some(false), Some(true)]);
    }

    #[test]
    fn without_its_peer_a_target_is_neither_met_nor_missed() {
        let row = Row::new("row", [figure()]).only(ROUNDEL, || 1.0).only("peer", || 2.0);
        let plan = Plan { peer: ROUNDEL.to_owned(), ..Plan::default() };
        assert_eq!(race(row, &plan).is_met(0), None);
    }
}
