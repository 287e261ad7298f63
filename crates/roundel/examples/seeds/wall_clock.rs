//! `WallClock`: the time of day in a program's story.

use std::time::{Duration, Instant};

use super::stage::Stage;

/// A clock that was set to the time at which a note was recorded, and goes as fast as the program.
pub(crate) struct WallClock {
    stage: Stage,
    set_at: Instant,
    set_to: Duration,
}

impl WallClock {
    /// Sets a clock to hours, minutes and seconds.
    pub(crate) fn set(stage: &Stage, [hours, minutes, seconds]: [u64; 3]) -> Self {
        let set_to = Duration::from_secs((hours * 60 + minutes) * 60 + seconds);
        Self { stage: stage.clone(), set_at: stage.now(), set_to }
    }

    /// As `time.strftime('%X')` gives it.
    pub(crate) fn time(&self) -> String {
        let seconds = self.now().as_secs();
        let (minutes, hours) = (seconds / 60, seconds / 3600);
        format!("{:02}:{:02}:{:02}", hours % 24, minutes % 60, seconds % 60)
    }

    /// As `datetime.now().time()` gives it.
    pub(crate) fn exact_time(&self) -> String {
        format!("{}.{:06}", self.time(), self.now().subsec_micros())
    }

    fn now(&self) -> Duration {
        self.set_to + Duration::from_secs_f64(self.stage.since(self.set_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::{ClockKind, Setting};

    #[test]
    fn it_goes_as_fast_as_the_program_and_past_midnight() {
        let driver = "default".to_owned();
        let setting = Setting { driver, clock: ClockKind::Virtual, scale: 0.1 };
        let stage = Stage::new(&setting, None, Box::new(std::io::sink()));
        let clock = WallClock::set(&stage, [22, 58, 57]);
        assert_eq!(clock.time(), "22:58:57");
        stage.block(stage.seconds(3662.5));
        assert_eq!(clock.exact_time(), "23:59:59.500000");
        stage.block(stage.seconds(1.0));
        assert_eq!(clock.time(), "00:00:00");
    }
}
