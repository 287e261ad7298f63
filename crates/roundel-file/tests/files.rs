//! Files on every driver: on the proactor by requests, on the selectors by a thread.

use std::{
    cell::Cell,
    future::Future,
    io::ErrorKind,
    path::PathBuf,
    pin::pin,
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll, Waker},
};

use roundel_file::{File, FileKind, OpenOptions, read, write};
use roundel_loop::{Driver, EventLoop, LoopConfig, SelectorDriver};

fn drivers() -> Vec<Box<dyn Driver>> {
    let mut drivers: Vec<Box<dyn Driver>> = Vec::new();
    for name in ["default", "poll"] {
        drivers.push(Box::new(SelectorDriver::by_name(name).unwrap()));
    }
    #[cfg(target_os = "linux")]
    match roundel_uring::UringDriver::new() {
        Ok(driver) => drivers.push(Box::new(driver)),
        Err(reason) => eprintln!("not on io_uring: {reason}"),
    }
    drivers
}

/// Runs the test on each driver, with a path of its own, which is removed afterwards.
fn on_each_driver(test: impl AsyncFn(PathBuf)) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    for driver in drivers() {
        eprintln!("{}", driver.name());
        let mut event_loop = EventLoop::with_config(LoopConfig::with_driver(driver));
        event_loop.handle().set_default_executor(|job| drop(std::thread::spawn(job)));
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("roundel-file-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        event_loop.run_until_complete(test(path.clone())).unwrap();
        let _ = std::fs::remove_file(path);
    }
}

#[test]
fn what_is_written_is_read_wherever_it_was_written() {
    on_each_driver(async |path| {
        let file = File::create(&path).await.unwrap();
        let back = file.write_at(5, b"world").await.unwrap();
        assert_eq!(&back[..], b"world", "the buffer comes back");
        file.write_at(0, b"hello").await.unwrap();
        assert_eq!(&file.read_at(3, 4).await.unwrap()[..], b"lowo");
        assert_eq!(&file.read_at(8, 100).await.unwrap()[..], b"ld");
        assert!(file.read_at(10, 100).await.unwrap().is_empty(), "the end");
        assert!(file.read_at(0, 0).await.unwrap().is_empty());
        file.sync_data().await.unwrap();
        file.sync().await.unwrap();
        file.close().await.unwrap();
        assert_eq!(std::fs::read(path).unwrap(), b"helloworld");
    });
}

#[test]
fn a_whole_file_goes_and_comes() {
    on_each_driver(async |path| {
        let all: Vec<u8> = (0..3_500_000_u32).map(|nth| (nth % 251) as u8).collect();
        write(&path, all.clone()).await.unwrap();
        assert!(read(&path).await.unwrap() == all);
        write(&path, b"shorter").await.unwrap();
        assert_eq!(read(&path).await.unwrap(), b"shorter");
    });
}

#[test]
fn many_reads_are_under_way_at_once() {
    on_each_driver(async |path| {
        let all: Vec<u8> = (0..256_000_u32).map(|nth| (nth / 1000) as u8).collect();
        std::fs::write(&path, all).unwrap();
        let file = File::open(&path).await.unwrap();
        let reads = (0..256).map(|nth| file.read_at(nth * 1000, 1000));
        for (nth, read) in futures::future::join_all(reads).await.into_iter().enumerate() {
            assert_eq!(&read.unwrap()[..], [nth as u8; 1000]);
        }
    });
}

#[test]
fn metadata_tells_what_the_system_knows() {
    on_each_driver(async |path| {
        let before = std::time::SystemTime::now() - std::time::Duration::from_secs(5);
        let file = File::create(&path).await.unwrap();
        file.write_at(41, b"x").await.unwrap();
        let metadata = file.metadata().await.unwrap();
        assert_eq!((metadata.kind, metadata.size, metadata.links), (FileKind::Regular, 42, 1));
        assert!(metadata.modified > before, "{metadata:?}");
        let directory = File::open(std::env::temp_dir()).await.unwrap();
        assert_eq!(directory.metadata().await.unwrap().kind, FileKind::Directory);
    });
}

#[test]
fn errors_name_the_action_and_give_back_the_bytes() {
    on_each_driver(async |path| {
        let missing = File::open(&path).await.unwrap_err();
        assert_eq!((missing.action(), missing.kind()), ("opening a file", ErrorKind::NotFound));
        let senseless = OpenOptions { create: true, ..OpenOptions::default() };
        let senseless = File::open_with(&path, senseless).await.unwrap_err();
        assert_eq!(senseless.kind(), ErrorKind::InvalidInput);
        std::fs::write(&path, b"read only").unwrap();
        let file = File::open(&path).await.unwrap();
        let error = file.write_at(0, b"mine").await.unwrap_err();
        assert_eq!((error.action(), error.transferred()), ("writing a file", 0));
        assert_eq!(error.into_data().unwrap(), b"mine");
        let options = OpenOptions { write: true, create_new: true, ..OpenOptions::NONE };
        let there = File::open_with(&path, options).await.unwrap_err();
        assert_eq!(there.kind(), ErrorKind::AlreadyExists);
    });
}

#[test]
fn a_file_that_std_opened_is_as_good() {
    on_each_driver(async |path| {
        std::fs::write(&path, b"from std").unwrap();
        let file = File::from_std(std::fs::File::open(&path).unwrap());
        assert_eq!(file.read_to_end().await.unwrap(), b"from std");
    });
}

/// Copies a file; every call of this crate is awaited once.
async fn copy(from: PathBuf, to: PathBuf, ended: Rc<Cell<bool>>) {
    let content = read(from).await.unwrap();
    let copy = File::create(to).await.unwrap();
    copy.write_at(0, content).await.unwrap();
    copy.sync().await.unwrap();
    copy.close().await.unwrap();
    ended.set(true);
}

#[test]
fn dropped_at_whatever_await_nothing_is_lost_and_all_can_be_done_again() {
    on_each_driver(async |path| {
        let copied = path.with_extension("copy");
        std::fs::write(&path, b"content").unwrap();
        for dropped_at in 1.. {
            let ended = Rc::new(Cell::new(false));
            {
                let mut copying = pin!(copy(path.clone(), copied.clone(), Rc::clone(&ended)));
                let mut polls = 0;
                // Polled when the loop has news, and dropped at the poll that is to be its last.
                std::future::poll_fn(|context: &mut Context<'_>| {
                    polls += 1;
                    match copying.as_mut().poll(context) {
                        Poll::Pending if polls < dropped_at => Poll::Pending,
                        _ => Poll::Ready(()),
                    }
                })
                .await;
            }
            assert_eq!(std::fs::read(&path).unwrap(), b"content");
            if ended.get() {
                break;
            }
        }
        assert_eq!(read(&copied).await.unwrap(), b"content");
        std::fs::remove_file(copied).unwrap();
    });
}

#[test]
fn without_an_executor_a_selector_says_what_to_do() {
    let driver = Box::new(SelectorDriver::by_name("default").unwrap());
    let mut event_loop = EventLoop::with_config(LoopConfig::with_driver(driver));
    let error = event_loop.run_until_complete(File::open("Cargo.toml")).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.io_error().to_string().contains("set_default_executor"), "{error:?}");
}

#[test]
#[should_panic = "loop"]
fn outside_a_loop_it_panics() {
    let mut opening = pin!(File::open("Cargo.toml"));
    let _ = opening.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}
