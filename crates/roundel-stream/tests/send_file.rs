//! What is sent of a file: all of it, in order with what is written, and never too much at a time.

mod support;

use std::{
    cell::Cell,
    io::{ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    rc::Rc,
};

use roundel_executor::{spawn, yield_now};
use roundel_loop::{Attached, File, LoopHandle, Socket};
use roundel_stream::WaterMarks;

use support::{End, ends, file_of, run, run_on_kernel, turns};

/// More than a block, and no multiple of one.
const LONG: usize = 300_007;

fn content() -> Vec<u8> {
    (0..LONG).map(|nth| (nth % 251) as u8).collect()
}

// spec: NET-31
#[test]
fn a_file_goes_out_behind_what_was_written_before() {
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        let file = file_of(&content()).await;
        let sending = spawn(async move {
            ours.writer.set_limits(WaterMarks::high_at(20_000));
            ours.writer.write_buffered(b"head ").unwrap();
            let sent = ours.writer.send_file(&file, 0, u64::MAX).await.unwrap();
            ours.writer.write(b" tail").await.unwrap();
            ours.writer.flush().await.unwrap();
            sent
        });
        assert_eq!(theirs.hear(5).await, b"head ");
        assert!(theirs.hear(LONG).await == content(), "all of it, once");
        assert_eq!(theirs.hear(5).await, b" tail");
        assert_eq!(sending.await.unwrap(), LONG as u64);
    });
}

#[test]
fn a_part_is_as_long_as_the_file_goes() {
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        let file = file_of(b"0123456789").await;
        for (offset, at_most, part) in
            [(2, 3, "234"), (8, 100, "89"), (10, 1, ""), (1 << 40, 1, ""), (0, 0, "")]
        {
            let sent = ours.writer.send_file(&file, offset, at_most).await.unwrap();
            assert_eq!(sent, part.len() as u64, "from {offset}");
            assert_eq!(theirs.hear(part.len()).await, part.as_bytes());
        }
    });
}

// spec: NET-30
#[test]
fn a_stream_that_has_ended_takes_no_file_and_is_not_harmed() {
    run(async || {
        for closed in [true, false] {
            let (mut ours, mut theirs) = ends().await;
            let file = file_of(b"0123456789").await;
            match closed {
                true => ours.writer.close(),
                false => ours.writer.write_eof().await.unwrap(),
            }
            let refused = ours.writer.send_file(&file, 0, u64::MAX).await.unwrap_err();
            assert_eq!(
                (refused.kind(), refused.sent()),
                (ErrorKind::BrokenPipe, 0),
                "as a write's"
            );
            assert_eq!(refused.io_error().to_string(), "writing after the writer's end");
            assert!(theirs.reader.read_to_end().await.unwrap().is_empty());
            if !closed {
                theirs.tell(b"still there").await;
                assert_eq!(ours.hear(11).await, b"still there");
                ours.writer.closed().await.unwrap();
            }
        }
    });
}

#[test]
fn any_part_goes_exactly() {
    let content = content();
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        let file = file_of(&content).await;
        for (offset, at_most) in [
            (0, 1),
            (1, 4095),
            (4095, 2),
            (4097, 65_537),
            (12_345, 262_144),
            (12_345, 262_145),
            (LONG - 1, 7),
            (0, LONG),
            (3, LONG),
        ] {
            let part = &content[offset..LONG.min(offset + at_most)];
            let reading = spawn(async move {
                let heard = theirs.hear(LONG.min(offset + at_most) - offset).await;
                (theirs, heard)
            });
            let sent = ours.writer.send_file(&file, offset as u64, at_most as u64).await.unwrap();
            assert_eq!(sent, part.len() as u64, "from {offset}");
            let heard;
            (theirs, heard) = reading.await.unwrap();
            assert!(heard == part, "{at_most} from {offset}");
        }
    });
}

#[test]
fn a_slow_reader_gets_it_all_and_keeps_nobody_else() {
    let content: Vec<u8> = (0..6_000_011).map(|nth| (nth % 251) as u8).collect();
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        let file = file_of(&content).await;
        let len = content.len() as u64;
        let sending = spawn(async move {
            assert_eq!(ours.writer.send_file(&file, 0, u64::MAX).await.unwrap(), len);
            ours.writer.write_eof().await.unwrap();
        });
        // The kernel is full long before the end, and the loop goes on.
        turns(1000).await;
        assert!(!sending.is_done());
        let mut heard = Vec::new();
        loop {
            let data = theirs.reader.read(30_011).await.unwrap();
            if data.is_empty() {
                break;
            }
            heard.extend_from_slice(data);
            yield_now().await;
        }
        assert!(heard == content);
        sending.await.unwrap();
    });
}

// spec: NET-32, LPK-12
#[test]
fn a_peer_that_goes_in_the_middle_is_an_error_that_says_how_much_went() {
    let content: Vec<u8> = (0..6_000_011).map(|nth| (nth % 251) as u8).collect();
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        let file = file_of(&content).await;
        let sending = spawn(async move {
            let failed = ours.writer.send_file(&file, 0, u64::MAX).await.unwrap_err();
            (ours, failed)
        });
        assert_eq!(theirs.hear(4).await, content[..4]);
        turns(100).await;
        drop(theirs);
        let (mut ours, failed) = sending.await.unwrap();
        let gone = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
        assert!(gone.contains(&failed.kind()), "{failed:?}");
        assert!((4..6_000_011).contains(&failed.sent()), "{failed}");
        let told = std::io::Error::from(failed);
        assert!(told.to_string().starts_with("sending a file, after "), "{told}");
        assert_eq!(ours.writer.write(b"x").await.unwrap_err().kind(), told.kind());
    });
}

#[test]
fn a_file_that_is_cut_meanwhile_ends_where_it_then_ends() {
    const KEPT: usize = 5_000_000;
    let content: Vec<u8> = (0..9_000_011).map(|nth| (nth % 251) as u8).collect();
    run_on_kernel(async || {
        let (mut ours, mut theirs) = ends().await;
        let file = file_of(&content).await;
        let descriptor = file.file().source().unwrap();
        let sending = spawn(async move {
            let sent = ours.writer.send_file(&file, 0, u64::MAX).await.unwrap();
            ours.writer.write_eof().await.unwrap();
            sent
        });
        assert_eq!(theirs.hear(4).await, content[..4]);
        rustix::fs::ftruncate(&descriptor, KEPT as u64).unwrap();
        let rest = theirs.reader.read_to_end().await.unwrap();
        let sent = sending.await.unwrap() as usize;
        assert_eq!(rest.len() + 4, sent);
        // What was under way was still of the old length.
        assert!((KEPT..content.len()).contains(&sent), "{sent}");
        assert!(rest[..KEPT - 4] == content[4..KEPT]);
    });
}

/// The kernel's file, and whether the kernel tells what it has of it in memory.
fn kernels_file(content: &[u8]) -> (Attached<File>, std::fs::File, bool) {
    let mut file = tempfile();
    file.write_all(content).unwrap();
    file.sync_all().unwrap();
    let tells = in_memory(&file).is_ok();
    if !tells {
        eprintln!("not shown here: the temporary directory's files do not tell what is in memory");
    }
    (LoopHandle::current().attach(File::new(file.try_clone().unwrap())), file, tells)
}

fn tempfile() -> std::fs::File {
    let path =
        std::env::temp_dir().join(format!("roundel-send-file-{:?}", std::thread::current().id()));
    let mut options = std::fs::OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    file
}

/// One byte, if it costs no wait.
fn in_memory(file: &std::fs::File) -> rustix::io::Result<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};
    let byte = &mut [0];
    preadv2(file, &mut [std::io::IoSliceMut::new(byte)], 0, ReadWriteFlags::NOWAIT)
}

/// Only a driver that has other threads read for it shows without an executor who reads.
fn needs_an_executor() -> bool {
    LoopHandle::current().driver_name() != "uring"
}

// spec: LPK-10
#[test]
fn what_is_in_memory_the_kernel_sends_and_the_disk_is_read_elsewhere() {
    let content = content();
    run_on_kernel(async || {
        let (mut ours, mut theirs) = ends().await;
        let (file, descriptor, tells) = kernels_file(&content);
        if !tells {
            return;
        }
        // Nobody could read a block here.
        let sent = ours.writer.send_file(&file, 0, 70_001).await.unwrap();
        assert_eq!(sent, 70_001);
        assert!(theirs.hear(70_001).await == content[..70_001]);

        rustix::fs::fadvise(&descriptor, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        if needs_an_executor() {
            let failed = ours.writer.send_file(&file, 0, u64::MAX).await.unwrap_err();
            assert_eq!((failed.kind(), failed.sent()), (ErrorKind::Unsupported, 0));
            LoopHandle::current().set_default_executor(|job| drop(std::thread::spawn(job)));
            rustix::fs::fadvise(&descriptor, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        }
        let reading = spawn(async move { theirs.hear(LONG).await });
        assert_eq!(ours.writer.send_file(&file, 0, u64::MAX).await.unwrap(), LONG as u64);
        assert!(reading.await.unwrap() == content);
    });
}

#[test]
fn a_socket_that_would_make_the_kernel_wait_is_written_in_blocks() {
    let content = content();
    run_on_kernel(async || {
        let (near, mut far) = UnixStream::pair().unwrap();
        let (file, _, _) = kernels_file(&content);
        let mut ours = End::new(Socket::new(near));
        if needs_an_executor() {
            let failed = ours.writer.send_file(&file, 0, 1).await.unwrap_err();
            assert_eq!(failed.kind(), ErrorKind::Unsupported, "the kernel was not to be asked");
            LoopHandle::current().set_default_executor(|job| drop(std::thread::spawn(job)));
        }
        let sending = spawn(async move {
            ours.writer.send_file(&file, 0, u64::MAX).await.unwrap();
            ours.writer.write_eof().await.unwrap();
        });
        // The socket is full by now, and the loop goes on.
        turns(1000).await;
        assert!(!sending.is_done());
        let reading = std::thread::spawn(move || {
            let mut heard = Vec::new();
            far.read_to_end(&mut heard).map(|_| heard)
        });
        sending.await.unwrap();
        assert!(reading.join().unwrap().unwrap() == content);
    });
}

#[test]
fn what_lies_on_no_disk_is_read() {
    run_on_kernel(async || {
        let path = "/proc/self/mountinfo";
        let Ok(expected) = std::fs::read(path) else { return };
        let (mut ours, mut theirs) = ends().await;
        let handle = LoopHandle::current();
        handle.set_default_executor(|job| drop(std::thread::spawn(job)));
        let file = handle.attach(File::new(std::fs::File::open(path).unwrap()));
        let sent = ours.writer.send_file(&file, 0, u64::MAX).await.unwrap();
        assert!(sent > 0);
        assert!(theirs.hear(sent as usize).await == expected);
    });
}

#[test]
fn sending_that_never_waits_lets_others_have_their_turn() {
    run_on_kernel(async || {
        let (mut ours, mut theirs) = ends().await;
        let (file, _, tells) = kernels_file(&content());
        if !tells {
            return;
        }
        let turns = Rc::new(Cell::new(0));
        let counting = spawn({
            let turns = Rc::clone(&turns);
            async move {
                loop {
                    turns.set(turns.get() + 1);
                    yield_now().await;
                }
            }
        });
        for nth in 0..8 {
            ours.writer.send_file(&file, nth, 1).await.unwrap();
        }
        assert!(turns.get() >= 2, "{}", turns.get());
        counting.cancel();
        assert_eq!(theirs.hear(8).await, content()[..8]);
    });
}
