//! S0-E1, S0-E2, S0-E4: ten requests of a second each, blocking, by call-back, by future.

use roundel::{Promised, promise::promise};

use super::{seed::Played, stage::Stage};

struct Response {
    success: bool,
    result: u64,
}

impl Response {
    fn to(number: u64) -> Self {
        Self { success: true, result: number * number }
    }

    fn square(&self) -> Option<u64> {
        self.success.then_some(self.result)
    }
}

/// S0-E1: each request is waited for before the next.
pub(crate) fn synchronously(stage: &Stage) -> Played {
    fn network_request(stage: &Stage, number: u64) -> Response {
        stage.block(stage.seconds(1.0));
        Response::to(number)
    }
    fetch_all(stage, |number| {
        clocked(stage, "fetch_square", number, || network_request(stage, number).square());
    });
    Ok(())
}

/// S0-E2: a thread for each request calls back; what the call-back returns goes nowhere.
pub(crate) fn by_call_back(stage: &Stage) -> Played {
    fn network_request<T>(
        stage: &Stage,
        number: u64,
        on_done: impl FnOnce(Response) -> T + Send + 'static,
    ) {
        stage.start_timer_thread(stage.seconds(1.0), move || {
            let _lost = on_done(Response::to(number));
        });
    }
    fetch_all(stage, |number| {
        clocked(stage, "fetch_square_async", number, || {
            network_request(stage, number, |response| response.square());
            None
        });
    });
    Ok(())
}

/// S0-E4: a timer thread for each request keeps a promise; its call-back prints in that thread.
pub(crate) fn by_future(stage: &Stage) -> Played {
    fn network_request(stage: &Stage, number: u64) -> Promised<Response> {
        let (promise, promised) = promise();
        stage.start_timer_thread(stage.seconds(1.0), move || {
            // Nobody cancels; if somebody did, the response would have no taker.
            let _ = promise.set(Response::to(number));
        });
        promised
    }
    fetch_all(stage, |number| {
        clocked(stage, "fetch_square_async", number, || {
            let printer = stage.clone();
            network_request(stage, number).on_done(move |response| {
                if let Ok(Some(square)) = response.map(Response::square) {
                    printer.say(square);
                }
            });
            None
        });
    });
    Ok(())
}

fn fetch_all(stage: &Stage, fetch_square: impl Fn(u64)) {
    let start = stage.now();
    (0..10).for_each(fetch_square);
    stage.say(format!("Total: {:?} sec", stage.since(start)));
}

/// The seed's decorator: says how long a call took and what it returned.
fn clocked(stage: &Stage, name: &str, number: u64, call: impl FnOnce() -> Option<u64>) {
    let start = stage.now();
    let result = call().map_or("None".to_owned(), |square| square.to_string());
    let elapsed = stage.since(start);
    stage.say(format!("[{elapsed:.8}s] {name}({number}, ) -> {result}"));
}
