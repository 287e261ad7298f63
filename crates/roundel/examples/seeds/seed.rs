//! `Seed`: a program of the seed notes, and `SEEDS`, all that can be played.

use std::{error::Error, io::Write};

use super::{
    by_hand, connections, fetch, generator,
    golden::{Golden, Tolerance},
    input, printer, saying, sleeper,
    stage::{ClockKind, Setting, Stage},
    transcript::Transcript,
};

/// How a program ends; what it prints is on its stage.
pub(crate) type Played = Result<(), Box<dyn Error>>;

/// A program with its name and what it once printed.
#[derive(Debug)]
pub(crate) struct Seed {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    play: fn(&Stage) -> Played,
    golden: &'static str,
}

macro_rules! seed {
    ($id:literal, $title:literal, $play:expr) => {
        Seed {
            id: $id,
            title: $title,
            play: $play,
            golden: include_str!(concat!("golden/", $id, ".txt")),
        }
    };
}

/// In the order of the notes.
pub(crate) const SEEDS: &[Seed] = &[
    seed!("S0-E1", "ten blocking requests, one after the other", fetch::synchronously),
    seed!("S0-E2", "ten threads that call back, and lose what is returned", fetch::by_call_back),
    seed!("S0-E3", "a promise kept by hand, seen before and after", by_hand::inspected),
    seed!("S0-E4", "ten promises that timer threads keep", fetch::by_future),
    seed!("S1-E3", "ten coroutines, each a future by hand", generator::waited_for),
    seed!("S2-E1", "hello, a pause, world", saying::hello_world),
    seed!("S2-E2", "two pauses after each other", saying::after_each_other),
    seed!("S2-E3", "two pauses at the same time, as tasks", saying::at_the_same_time),
    seed!("S2-E4", "two that repeat themselves, after each other", saying::repeating_in_turn),
    seed!("S2-E5", "three that repeat themselves, as tasks", saying::repeating_as_tasks),
    seed!("S2-E6", "three that repeat themselves, gathered", saying::repeating_gathered),
    seed!("S2-E7", "hello, a pause, world, on a loop by hand", saying::hello_world_by_hand),
    seed!("S2-E8", "a promise kept before it is awaited", by_hand::kept_already),
    seed!("S3-E1", "three sleepers and who waits for them", sleeper::waited_for),
    seed!("S3-E2", "a sleeper from a call-back; the loop is stopped", sleeper::from_a_call_back),
    seed!("S3-E3", "where every task stands", sleeper::stacks_printed),
    seed!("S3-E4", "standard input on a selector, in a loop of one's own", input::dispatched),
    seed!("S3-E5", "blocking call-backs, scheduled in four ways", printer::blocking),
    seed!("S3-E6", "tasks that sleep, scheduled in four ways", printer::sleeping),
    seed!("S3-E11", "a server, and clients that take their time", connections::both_roles),
    seed!("S4-E1", "a promise passed in and kept after 2 s; prints nothing", by_hand::passed_in),
    seed!("S4-E2", "three sleeps gathered, of 10 s, 1 s and 1 s", sleeper::gathered),
];

impl Seed {
    /// The seed called `name`, in whatever case.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        SEEDS.iter().find(|seed| seed.id.eq_ignore_ascii_case(name))
    }

    /// Runs the program on the user's standard input.
    pub(crate) fn run(&self, setting: &Setting, live: Box<dyn Write + Send>) -> Played {
        self.play_on(Stage::new(setting, None, live)).map(drop)
    }

    /// Runs the program on its recorded input and compares what it prints.
    ///
    /// # Errors
    /// The differences, or the program's own failure.
    pub(crate) fn check(
        &self,
        setting: &Setting,
        tolerance: Tolerance,
        live: Box<dyn Write + Send>,
    ) -> Result<Transcript, Box<dyn Error>> {
        let golden = Golden::parse(self.golden)?;
        let script = Some(golden.input().to_owned());
        let transcript = self.play_on(Stage::new(setting, script, live))?;
        golden.compare(&transcript, tolerance)?;
        Ok(transcript)
    }

    fn play_on(&self, stage: Stage) -> Result<Transcript, Box<dyn Error>> {
        (self.play)(&stage)?;
        Ok(stage.finish())
    }
}

impl Setting {
    /// The rule of the notes: exact on the virtual clock, 0.1 s on the real one. A program played
    /// faster is allowed the same 0.1 s, for a machine's hiccups do not scale.
    pub(crate) fn tolerance(&self) -> Tolerance {
        match self.clock {
            ClockKind::Virtual => Tolerance::Exact,
            ClockKind::Real => Tolerance::Late(0.1 / self.scale.min(1.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn virtual_setting() -> Setting {
        Setting { driver: "default".to_owned(), clock: ClockKind::Virtual, scale: 1.0 }
    }

    #[test]
    fn no_program_passes_for_another() {
        for program in SEEDS {
            // S2-E7 is S2-E1 by other means.
            let recorded = |seed: &Seed| seed.golden.split_once("\n\n").map(|(_, lines)| lines);
            for other in SEEDS.iter().filter(|other| recorded(other) != recorded(program)) {
                let impostor = Seed { golden: other.golden, ..*program };
                let result =
                    impostor.check(&virtual_setting(), Tolerance::Exact, Box::new(std::io::sink()));
                assert!(result.is_err(), "{} passes for {}", program.id, other.id);
            }
        }
    }

    #[test]
    fn standard_output_is_the_transcript_and_nothing_else() {
        let seed = Seed::find("S3-E5").unwrap();
        let (mut reader, writer) = std::io::pipe().unwrap();
        seed.run(&virtual_setting(), Box::new(writer)).unwrap();
        let printed = std::io::read_to_string(&mut reader).unwrap();
        let lines: Vec<_> = seed.golden.lines().skip(3).filter(|l| !l.starts_with('@')).collect();
        assert_eq!(printed.lines().collect::<Vec<_>>(), lines);
    }

    #[test]
    fn a_machine_may_be_as_late_on_a_faster_clock() {
        let mut setting = virtual_setting();
        assert_eq!(setting.tolerance(), Tolerance::Exact);
        setting.clock = ClockKind::Real;
        assert_eq!(setting.tolerance(), Tolerance::Late(0.1));
        setting.scale = 0.1;
        assert_eq!(setting.tolerance(), Tolerance::Late(1.0));
        setting.scale = 10.0;
        assert_eq!(setting.tolerance(), Tolerance::Late(0.1));
    }

    #[test]
    fn names_are_told_apart_but_not_by_case() {
        assert_eq!(Seed::find("s3-e5").map(|seed| seed.id), Some("S3-E5"));
        assert!(Seed::find("S3-E").is_none());
    }
}
