//! What is maximised on validation, and whether accuracy is the right thing.

use danas_data::Dataset;
use danas_measure::{IMBALANCED_ABOVE, Objective, imbalance};
use danas_study::Store;

use crate::args::ObjectiveName;
use crate::config::Configuration;
use crate::message::{Failure, Outcome, from_study, nearest};
use crate::pipeline::session::Session;

/// The objective that was asked for, of examples with these classes.
///
/// # Errors
/// A failure of the user's input if it names none of the classes.
pub(crate) fn resolve(config: &Configuration, classes: &[String]) -> Outcome<Objective> {
    match &config.objective {
        None | Some(ObjectiveName::Accuracy) => Ok(Objective::Accuracy),
        Some(ObjectiveName::Balanced) => Ok(Objective::Balanced),
        Some(ObjectiveName::F1(name)) => (classes.iter())
            .position(|class| class == name)
            .map(Objective::F1)
            .ok_or_else(|| unknown_class(name, classes)),
    }
}

fn unknown_class(name: &str, classes: &[String]) -> Failure {
    let failure = Failure::input_text(format!(
        "`--objective f1:{name}`: there is no class `{name}` in the examples"
    ));
    match nearest(name, classes.iter().map(String::as_str)) {
        Some(class) => failure.hint(format!("did you mean `f1:{class}`?")),
        None => failure.hint(format!("the classes are {}", classes.join(", "))),
    }
}

/// Says once that accuracy may be the wrong thing to maximise, where classes differ much in size and nobody chose.
pub(crate) fn hint(session: &Session<'_>, dataset: &Dataset) -> Outcome<()> {
    let counts = dataset.counts();
    let pictures: Vec<usize> = counts.iter().map(|class| class.train).collect();
    let ratio = imbalance(&pictures);
    if session.config.objective.is_some() || ratio <= IMBALANCED_ABOVE {
        return Ok(());
    }
    let rarest = (counts.iter().filter(|class| class.train > 0)).min_by_key(|class| class.train);
    let rarest = rarest.map_or("", |class| class.class.as_str());
    let text = format!(
        "the largest class has {ratio:.1} times the pictures of the smallest, {rarest}: a model may be accurate and miss \
         most of it"
    );
    session.study.note(&text).map_err(from_study)?;
    session.screen.say(format!(
        "{text}\nhint: `--objective balanced` counts every class alike, `--objective f1:{rarest}` looks at that one, \
         `--objective accuracy` at all pictures alike, in training too"
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use danas_measure::Objective;

    use super::resolve;
    use crate::args::{Arguments, Command};
    use crate::config::Configuration;
    use clap::Parser;

    fn configuration(objective: &str) -> Configuration {
        let line = "danas search --data photos --ram 64KiB --objective";
        let line = line.split(' ').chain([objective]);
        match Arguments::try_parse_from(line).unwrap().command {
            Command::Search(command) => Configuration::resolve(*command).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_class_is_found_by_its_name() {
        let classes = ["no person", "person"].map(str::to_string);
        let resolved = |objective: &str| resolve(&configuration(objective), &classes);
        assert_eq!(resolved("accuracy").unwrap(), Objective::Accuracy);
        assert_eq!(resolved("balanced").unwrap(), Objective::Balanced);
        assert_eq!(resolved("f1:person").unwrap(), Objective::F1(1));
        let typo = resolved("f1:persn").unwrap_err().to_string();
        assert!(typo.contains("did you mean `f1:person`?"), "{typo}");
        let far = resolved("f1:elephant").unwrap_err().to_string();
        assert!(far.contains("the classes are no person, person"), "{far}");
    }
}
