//! `TaskTree`: who awaits whom.
//!
//! A snapshot is plain records. Taking it polls nothing, wakes nobody and waits for nothing, and it
//! shows what was so at that moment.
//!
//! It is drawn without recursion, each task in full once: tasks can wait for each other in chains
//! as long as memory, in diamonds, and by mistake in circles.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    io::Write,
};

use roundel_loop::LoopHandle;

use crate::registry::{TaskInfo, tasks_of};

/// What is deeper goes on at the left, since each level is written further to the right.
const DEEPEST: usize = 64;

/// The tasks of a loop and who awaits whom, at one moment.
///
/// A task stands below the tasks that await it, also through `timeout`, `gather`, `wait`, `shield`
/// and groups, which all wait in the name of the task that called them. It prints as a tree, like
/// `python -m asyncio pstree` does:
///
/// ```
/// use roundel_executor::{Builder, spawn_on, task_tree, yield_now};
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let reader = Builder::new().name("reader").spawn(async {
///         yield_now().await;
///         println!("{}", task_tree());
///     });
///     reader.await
/// });
/// event_loop.run_until_complete(task)???;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```text
/// Task-1: waits for task 2, 1 poll, 21µs old, spawned at src/main.rs:4:12
/// └── reader: running, 2 polls, 17µs old, spawned at src/main.rs:5:42
/// ```
///
/// A wait that was given up (a `timeout` around `&mut task`) shows until the task ends: a task is
/// not told that nobody waits for it any more.
#[derive(Clone, Debug)]
#[doc(alias = "FutureCallGraph")]
pub struct TaskTree {
    /// By number.
    tasks: Vec<TaskInfo>,
    /// By a task's number: its place in `tasks`, and whom it awaits.
    places: HashMap<u64, Place>,
}

#[derive(Clone, Debug, Default)]
struct Place {
    nth: usize,
    awaits: Vec<u64>,
}

/// Who awaits whom on the running loop.
///
/// # Panics
/// If no loop runs in this thread; see [`task_tree_of`].
#[doc(alias = "capture_call_graph")]
#[doc(alias = "format_call_graph")]
#[track_caller]
pub fn task_tree() -> TaskTree {
    task_tree_of(&LoopHandle::current())
}

/// Who awaits whom on a loop.
pub fn task_tree_of(handle: &LoopHandle) -> TaskTree {
    TaskTree::new(tasks_of(handle))
}

/// Writes the running loop's [`TaskTree`] to standard error.
///
/// # Panics
/// If no loop runs in this thread.
#[doc(alias = "print_stack")]
#[doc(alias = "print_call_graph")]
#[track_caller]
pub fn print_task_tree() {
    let tree = task_tree();
    // Standard error may be closed; there is nobody left to tell.
    let _ = write!(std::io::stderr(), "{tree}");
}

impl TaskTree {
    fn new(tasks: Vec<TaskInfo>) -> Self {
        let place = |(nth, task): (usize, &TaskInfo)| (task.id, Place { nth, awaits: Vec::new() });
        let mut places: HashMap<u64, Place> = tasks.iter().enumerate().map(place).collect();
        for task in &tasks {
            for waiting in &task.awaited_by {
                if let Some(place) = places.get_mut(waiting) {
                    place.awaits.push(task.id);
                }
            }
        }
        Self { tasks, places }
    }

    /// Every task, by number.
    pub fn tasks(&self) -> &[TaskInfo] {
        &self.tasks
    }

    /// The task with this number.
    pub fn task(&self, id: u64) -> Option<&TaskInfo> {
        Some(&self.tasks[self.places.get(&id)?.nth])
    }

    /// The tasks whose end this one awaits.
    pub fn awaits(&self, id: u64) -> impl Iterator<Item = &TaskInfo> {
        let awaits = self.places.get(&id).map_or(&[][..], |place| &place.awaits);
        awaits.iter().filter_map(|&id| self.task(id))
    }

    /// The tasks that await the end of this one.
    pub fn awaited_by(&self, id: u64) -> impl Iterator<Item = &TaskInfo> {
        let awaited_by = self.task(id).map_or(&[][..], |task| &task.awaited_by);
        awaited_by.iter().filter_map(|&id| self.task(id))
    }

    /// One task with whom it awaits below it.
    pub fn branch(&self, id: u64) -> Branch<'_> {
        Branch { tree: self, root: id, up: false }
    }

    /// One task with who awaits it below it: why it was started, all the way to the main task.
    #[doc(alias = "print_call_graph")]
    pub fn awaiters(&self, id: u64) -> Branch<'_> {
        Branch { tree: self, root: id, up: true }
    }

    /// What is drawn below a task, last first.
    fn next(&self, id: u64, up: bool) -> Vec<u64> {
        let mut next: Vec<u64> = match up {
            true => self.awaited_by(id).map(|task| task.id).collect(),
            false => self.awaits(id).map(|task| task.id).collect(),
        };
        next.reverse();
        next
    }

    /// Draws each of the roots, first of `roots` last, with what hangs below it.
    fn draw(&self, mut roots: Vec<u64>, up: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut drawn = HashSet::new();
        while let Some(root) = roots.pop() {
            if drawn.insert(root)
                && let Some(task) = self.task(root)
            {
                writeln!(f, "{task}")?;
                self.draw_below(root, up, &mut drawn, &mut roots, f)?;
            }
        }
        Ok(())
    }

    /// Draws what hangs below a task, depth first; what is too deep becomes a root.
    fn draw_below(
        &self,
        root: u64,
        up: bool,
        drawn: &mut HashSet<u64>,
        roots: &mut Vec<u64>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        // What is still to be drawn on each level, last first.
        let mut levels = vec![self.next(root, up)];
        while let Some(level) = levels.last_mut() {
            let Some(id) = level.pop() else {
                levels.pop();
                continue;
            };
            for level in &levels[..levels.len() - 1] {
                f.write_str(if level.is_empty() { "    " } else { "│   " })?;
            }
            let last = levels.last().is_none_or(Vec::is_empty);
            f.write_str(if last { "└── " } else { "├── " })?;
            let Some(task) = self.task(id) else { continue };
            let next = self.next(id, up);
            if !drawn.insert(id) {
                writeln!(f, "{}, see above", task.name)?;
            } else if levels.len() == DEEPEST && !next.is_empty() {
                writeln!(f, "{task} …")?;
                roots.extend(next);
            } else {
                writeln!(f, "{task}")?;
                levels.push(next);
            }
        }
        Ok(())
    }
}

/// First the tasks that nobody awaits, with what hangs below them; then what is left: circles.
impl fmt::Display for TaskTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let awaited = |task: &&TaskInfo| self.awaited_by(task.id).next().is_some();
        let (awaited, first): (Vec<_>, Vec<_>) = self.tasks.iter().partition(awaited);
        let roots = first.into_iter().chain(awaited).map(|task| task.id);
        self.draw(roots.rev().collect(), false, f)
    }
}

/// A part of a [`TaskTree`], to be printed; empty if its task is not there.
#[derive(Clone, Copy, Debug)]
pub struct Branch<'a> {
    tree: &'a TaskTree,
    root: u64,
    up: bool,
}

impl fmt::Display for Branch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.draw(vec![self.root], self.up, f)
    }
}
