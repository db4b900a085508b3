//! Where one candidate is left there is nothing to search: all the time goes to its training, from scratch.

use danas_data::Dataset;
use danas_space::{Candidate, SearchSpace};
use danas_study::Store;

use crate::clock::{Phase, Plan};
use crate::message::{Outcome, from_study};
use crate::pipeline::searching;
use crate::pipeline::session::{Session, key};
use crate::pipeline::weights::Weights;

/// Records the only candidate, without a score, and gives the time of supernet and search to its training. Returns the
/// weights that it starts from, which were never trained.
///
/// # Errors
/// If something cannot be recorded.
pub(crate) fn prepare<'a>(
    session: &'a Session<'a>,
    space: &SearchSpace,
    dataset: &'a Dataset,
    only: &Candidate,
) -> Outcome<Weights<'a>> {
    if !session.is_over(Phase::Search)? {
        if let Some(plan) = session.plan()? {
            session.put(key::PLAN, &plan_without_search(plan))?;
        }
        if session.study.candidates().map_err(from_study)?.is_empty() {
            let classes = dataset.classes().len();
            let record = searching::record(session, only, classes, None)?;
            session
                .study
                .record_candidate(&record)
                .map_err(from_study)?;
            session.note(&format!(
                "one candidate is left ({}, {}): there is nothing to search, and all the time goes to its training",
                only.data,
                only.network.summary()
            ))?;
        }
        session.end_phase(
            Phase::Search,
            "one candidate, not scored".to_string(),
            Some(
                "with one candidate there is nothing to search, and no use for a supernet"
                    .to_string(),
            ),
        )?;
    }
    Ok(Weights::untrained(session, space, dataset))
}

/// The plan of a run in which final training follows on the data.
fn plan_without_search(plan: Plan) -> Plan {
    Plan {
        supernet: plan.data,
        search: plan.data,
        ..plan
    }
}
