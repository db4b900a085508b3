//! What is measured: the three workloads, a supernet's own steps, a small part of a supernet against the largest, and
//! training on real pictures against the same on fixed ones.

mod elastic;
mod pictures;
mod supernet;
mod workloads;

use danas_data::Dataset;
use danas_kernels::Isa;
use danas_supernet::SupernetError;
use danas_supernet::workload::Workload;

use crate::error::BenchError;
use supernet::DefaultSpace;

/// Something whose time is taken.
pub(crate) trait Task: Send {
    /// What has to be done before every run and takes no part in its time.
    fn prepare(&mut self) -> Result<(), SupernetError> {
        Ok(())
    }

    /// What is timed: always the same amount of work.
    fn run(&mut self) -> Result<(), SupernetError>;
}

/// A task, ready to run.
pub(crate) struct Subject<'a> {
    pub(crate) name: String,
    /// Pictures per run, through all networks.
    pub(crate) images: u64,
    /// Floating-point operations per run.
    pub(crate) operations: u64,
    pub(crate) task: Box<dyn Task + 'a>,
}

/// What tasks are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    Workloads,
    Supernet,
    Elastic,
    Pictures,
}

/// Tasks that take turns.
#[derive(Debug)]
pub(crate) struct Group {
    topic: Topic,
    pub(crate) names: Vec<String>,
}

impl Topic {
    const ALL: [Topic; 4] = [
        Topic::Workloads,
        Topic::Supernet,
        Topic::Elastic,
        Topic::Pictures,
    ];

    fn names(self) -> Vec<String> {
        let of_workloads = |kinds: [&str; 2]| {
            Workload::all()
                .iter()
                .flat_map(|workload| kinds.map(|kind| format!("{}-{kind}", workload.name())))
                .collect()
        };
        match self {
            Topic::Workloads => of_workloads(workloads::KINDS),
            Topic::Pictures => of_workloads(pictures::KINDS),
            Topic::Supernet => supernet::NAMES.map(str::to_owned).to_vec(),
            Topic::Elastic => elastic::NAMES.map(str::to_owned).to_vec(),
        }
    }
}

/// The names of all tasks; those of [`Workload`]s on real pictures end in `-pictures` and `-fixed`.
pub fn names() -> Vec<String> {
    Topic::ALL.into_iter().flat_map(Topic::names).collect()
}

/// The tasks asked for, or all for which there is what they need.
pub(crate) fn groups(only: &[String], pictures: bool) -> Result<Vec<Group>, BenchError> {
    let all = names();
    if let Some(name) = only.iter().find(|name| !all.contains(name)) {
        return Err(BenchError::UnknownTask { name: name.clone() });
    }
    let mut groups = Vec::new();
    for topic in Topic::ALL {
        let mut names = topic.names();
        names.retain(|name| only.is_empty() || only.contains(name));
        if topic == Topic::Pictures && !pictures {
            if let Some(name) = names.into_iter().find(|name| only.contains(name)) {
                return Err(BenchError::NoPictures { name });
            }
        } else if !names.is_empty() {
            groups.push(Group { topic, names });
        }
    }
    Ok(groups)
}

impl Group {
    /// Makes the tasks, in the order of the names, and does `work` with them.
    ///
    /// # Errors
    /// If what the tasks are built on cannot be made, and those of `work`.
    pub(crate) fn with_subjects(
        &self,
        pictures: Option<&Dataset>,
        isa: Isa,
        work: impl FnOnce(Vec<Subject<'_>>) -> Result<(), BenchError>,
    ) -> Result<(), BenchError> {
        let names = || self.names.iter();
        match (self.topic, pictures) {
            (Topic::Supernet, _) => {
                let space = DefaultSpace::new()?;
                let (sampler, supernet) = (space.sampler(), space.supernet(isa));
                let subject = |name: &String| supernet::subject(name, &space, &sampler, &supernet);
                work(names().map(subject).collect())
            }
            (Topic::Elastic, _) => {
                let space = DefaultSpace::new()?;
                let supernet = space.supernet(isa);
                let subject = |name: &String| elastic::subject(name, &space, &supernet);
                work(names().map(subject).collect())
            }
            (Topic::Pictures, Some(dataset)) => {
                let subject = |name: &String| pictures::subject(name, dataset, isa);
                work(names().map(subject).collect())
            }
            // `groups` makes none of pictures where there are none.
            (Topic::Workloads | Topic::Pictures, _) => {
                work(names().map(|name| workloads::subject(name, isa)).collect())
            }
        }
    }
}

/// The workload that a task's name begins with, and the rest of the name.
fn split(name: &str) -> (Workload, &str) {
    let (workload, kind) = name.split_once('-').expect("a name of a workload's task");
    let found = Workload::all()
        .into_iter()
        .find(|known| known.name() == workload);
    (found.expect("a workload of this name"), kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_a_name_of_its_own() {
        let mut names = names();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn without_pictures_all_other_tasks_are_run() {
        let run = |pictures| {
            let groups = groups(&[], pictures).expect("groups");
            groups
                .into_iter()
                .flat_map(|group| group.names)
                .collect::<Vec<_>>()
        };
        assert_eq!(run(true), names());
        assert!(run(false).iter().all(|name| !name.ends_with("-pictures")));
        assert_eq!(run(false).len(), names().len() - 6);
    }
}
