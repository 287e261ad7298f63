//! The flow control of a writer, against a peer that reads when it likes: nothing is lost, nobody
//! waits below the low water mark or passes above the high one, and every wait ends.
#![no_main]

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
    task::{Context, Poll, Waker},
};

use libfuzzer_sys::fuzz_target;
use roundel_loop::{EventLoop, Family, LoopConfig, LoopHandle, Outcome, SocketKind};
use roundel_sim::{Faults, Network};
use roundel_stream::{StreamReader, StreamWriter, WaterMarks, open};

fuzz_target!(|input: &[u8]| {
    let network = Network::new(u64::from(input.first().copied().unwrap_or(0)));
    network.set_faults(Faults::SOME);
    let host = network.add_host("here");
    let mut config = LoopConfig::with_driver(Box::new(network.driver(host)));
    config.clock = network.clock().clone().into();
    config.slow_callback = None;
    let mut event_loop = EventLoop::with_config(config);
    event_loop.run_until_complete(run(input)).unwrap();
});

/// What was written and not yet read, as numbers: the nth byte is n.
#[derive(Default)]
struct Model {
    written: usize,
    read: usize,
}

impl Model {
    fn next(&mut self, len: usize) -> Vec<u8> {
        let bytes = (self.written..self.written + len).map(|nth| (nth % 251) as u8).collect();
        self.written += len;
        bytes
    }

    fn check(&mut self, bytes: &[u8]) {
        for byte in bytes {
            assert_eq!(usize::from(*byte), self.read % 251, "byte {}", self.read);
            self.read += 1;
        }
    }
}

async fn run(input: &[u8]) {
    let (mut writer, mut reader) = pair().await;
    let mut model = Model::default();
    for step in input.chunks_exact(3) {
        let amount = usize::from(u16::from_le_bytes([step[1], step[2]]));
        match step[0] % 8 {
            0 => {
                let data = model.next(amount);
                // Handed over at the first poll, whether it then waits or not.
                let _ = poll_once(writer.write(data));
            }
            1 => writer.write_buffered(&model.next(amount % 300)).unwrap(),
            2 => {
                let parts = [amount % 7, amount % 4000, 1].map(|len| model.next(len).into());
                let _ = poll_once(writer.write_vectored(parts.into()));
            }
            3 => {
                let low = amount % 5000;
                writer.set_limits(WaterMarks::new(low, low + usize::from(step[1]) * 100).unwrap());
            }
            4 => model.check(reader.read_chunk_now()),
            5 => settle().await,
            6 => {
                let at_most = amount.min(model.written - model.read);
                if at_most > 0 {
                    let read = reader.0.read(at_most).await.unwrap().to_vec();
                    model.check(&read);
                }
            }
            _ => {}
        }
        check_marks(&mut writer);
    }
    end(&mut writer, &mut reader, &mut model).await;
    assert!(reader.0.read(1).await.unwrap().is_empty());
    assert_eq!(writer.buffered_bytes(), 0);
}

/// Whatever has come to pass, the rest goes out, and the end behind it.
async fn end(writer: &mut StreamWriter, reader: &mut Reader, model: &mut Model) {
    let _ = poll_once(writer.write_eof());
    while model.read < model.written {
        let read = reader.0.read(usize::MAX).await.unwrap().to_vec();
        assert!(!read.is_empty(), "{} of {} bytes", model.read, model.written);
        model.check(&read);
    }
    writer.write_eof().await.unwrap();
}

/// A drain waits only with more than the low mark unsent, and passes only with no more than the
/// high one.
fn check_marks(writer: &mut StreamWriter) {
    let drained = poll_once(writer.drain());
    let (unsent, marks) = (writer.buffered_bytes(), writer.limits());
    match drained {
        Poll::Ready(drained) => {
            drained.unwrap();
            assert!(unsent <= marks.high(), "{unsent} unsent, and passed {marks:?}");
        }
        Poll::Pending => assert!(unsent > marks.low(), "{unsent} unsent, and waits at {marks:?}"),
    }
}

struct Reader(StreamReader);

impl Reader {
    /// What is there without a wait.
    fn read_chunk_now(&mut self) -> &[u8] {
        match poll_once(self.0.fill()) {
            Poll::Ready(there) => {
                let len = there.unwrap().len();
                match poll_once(self.0.read(len)) {
                    Poll::Ready(read) => read.unwrap(),
                    Poll::Pending => unreachable!("it was there"),
                }
            }
            Poll::Pending => &[],
        }
    }
}

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Lets what is on its way arrive.
async fn settle() {
    let mut turns = 0;
    std::future::poll_fn(|context| {
        turns += 1;
        context.waker().wake_by_ref();
        if turns > 5 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

async fn pair() -> (StreamWriter, Reader) {
    let handle = LoopHandle::current();
    let socket = || handle.socket(Family::V4, SocketKind::Stream).unwrap();
    let listener = socket();
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    listener.listen(1).unwrap();
    let address = listener.local_address().unwrap();
    let (listener, ours) = (handle.attach(listener), handle.attach(socket()));
    ours.connect(address).await.unwrap();
    let Outcome::Accepted(theirs) = listener.accept().await.unwrap() else { unreachable!() };
    (open(ours).1, Reader(open(handle.attach(theirs)).0))
}
