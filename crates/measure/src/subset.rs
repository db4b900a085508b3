//! Answers to the examples that have a property beside their class.

use serde::{Deserialize, Serialize};

use crate::{Objective, Tally};

/// One example with what a 0/1 column says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// Its class.
    pub class: usize,
    /// The class that it was taken for.
    pub called: usize,
    /// The value of the column; `None` where that is missing.
    pub value: Option<bool>,
}

/// The answers to the examples for which a 0/1 column has one value.
///
/// A column is about those classes of which it is 1 for at least one example: "near" is about persons, "dark" about every
/// class. Only their examples are members of its subsets. The examples of all other classes, whatever the column says of
/// them, are the counterpart: what members have to be told apart from. Persons that are near are held against all pictures
/// without a person, dark pictures with a person against dark pictures without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subset {
    /// The answers to the members.
    pub members: Tally,
    /// The answers to members and counterpart.
    pub contrasted: Tally,
}

impl Subset {
    /// The two subsets of a column, of the examples for which it is 0 and of those for which it is 1.
    ///
    /// # Panics
    /// If an example is not of one of so many classes, or was taken for another.
    pub fn by_value(
        classes: usize,
        examples: impl Iterator<Item = Described> + Clone,
    ) -> [Subset; 2] {
        let mut is_about = vec![false; classes];
        for example in examples.clone() {
            is_about[example.class] |= example.value == Some(true);
        }
        [false, true].map(|value| {
            let (mut members, mut counterpart) = (Tally::new(classes), Tally::new(classes));
            for example in examples.clone() {
                if !is_about[example.class] {
                    counterpart.count(example.class, Some(example.called));
                } else if example.value == Some(value) {
                    members.count(example.class, Some(example.called));
                }
            }
            counterpart.add(&members);
            Subset {
                members,
                contrasted: counterpart,
            }
        })
    }

    /// Examples of the counterpart.
    pub fn counterparts(&self) -> u64 {
        let all = self.contrasted.examples();
        all.saturating_sub(self.members.examples())
    }

    /// The class whose F1 says how well members are recognised: the only class that has members, or else the one that
    /// `objective` names, or else the second of two. `None` where no class stands out, and where there is nothing to tell it
    /// apart from.
    pub fn subject(&self, objective: Objective) -> Option<usize> {
        let of_members = self.members.classes().iter().enumerate();
        let mut with_members = of_members.filter(|(_, class)| class.examples > 0);
        let (first, second) = (with_members.next()?.0, with_members.next());
        let subject = match (second, objective) {
            (None, _) => first,
            (Some(_), Objective::F1(class)) => class,
            (Some(_), _) if self.members.classes().len() == 2 => 1,
            _ => return None,
        };
        let others = self.contrasted.classes().iter().enumerate();
        others
            .filter(|(class, _)| *class != subject)
            .any(|(_, class)| class.examples > 0)
            .then_some(subject)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn described(examples: &[(usize, usize, Option<bool>)]) -> Vec<Described> {
        let one = |&(class, called, value)| Described {
            class,
            called,
            value,
        };
        examples.iter().map(one).collect()
    }

    fn by_value(classes: usize, examples: &[(usize, usize, Option<bool>)]) -> [Subset; 2] {
        Subset::by_value(classes, described(examples).into_iter())
    }

    /// Ten pictures, as a person would count them: 0 is nobody, 1 is a person.
    #[test]
    fn a_column_of_one_class_is_held_against_all_of_the_other() {
        let (yes, no) = (Some(true), Some(false));
        let [far, near] = by_value(
            2,
            &[
                // Persons: four near, of whom three are found; two not near, of whom one is; one unknown.
                (1, 1, yes),
                (1, 1, yes),
                (1, 1, yes),
                (1, 0, yes),
                (1, 1, no),
                (1, 0, no),
                (1, 1, None),
                // Nobody: three of four are right. What the column says of them makes no difference.
                (0, 0, no),
                (0, 0, None),
                (0, 0, no),
                (0, 1, no),
            ],
        );
        assert_eq!((near.members.examples(), near.counterparts()), (4, 4));
        assert_eq!(near.members.accuracy(), 0.75);
        assert_eq!(near.contrasted.balanced_accuracy(), 0.75);
        assert_eq!(near.subject(Objective::Accuracy), Some(1));
        // Three found, one missed, one false alarm: 2 * 3 / (2 * 3 + 1 + 1).
        assert_eq!(near.contrasted.score(Objective::F1(1)), 0.75);
        // As many persons as not: rates of 3/4 found, 1/4 missed, 1/4 false alarms: 1.5 / (1.5 + 0.25 + 0.25).
        let even = near.contrasted.even_f1(1).expect("both classes");
        assert!((even.value - 0.75).abs() < 1e-12);
        assert_eq!((far.members.examples(), far.counterparts()), (2, 4));
        // One of two found, one false alarm of four: 2 * 0.5 / (1 + 0.5 + 0.25).
        assert!((far.contrasted.even_f1(1).expect("both").value - 1.0 / 1.75).abs() < 1e-12);
    }

    #[test]
    fn a_column_of_both_classes_compares_like_with_like() {
        let (yes, no) = (Some(true), Some(false));
        let examples = [
            (1, 1, yes),
            (1, 0, no),
            (0, 0, yes),
            (0, 1, yes),
            (0, 0, no),
            (0, 0, None),
        ];
        let [light, dark] = by_value(2, &examples);
        assert_eq!(
            (dark.contrasted.examples(), light.contrasted.examples()),
            (3, 2)
        );
        assert_eq!((dark.counterparts(), light.counterparts()), (0, 0));
        assert_eq!(dark.subject(Objective::Accuracy), Some(1));
        assert_eq!(dark.subject(Objective::F1(0)), Some(0));
    }

    #[test]
    fn of_many_classes_one_stands_out_if_it_alone_has_members_or_was_asked_for() {
        let (yes, no) = (Some(true), Some(false));
        let all = [(0, 0, yes), (1, 2, yes), (2, 2, no), (3, 3, None)];
        let [zeros, ones] = by_value(4, &all);
        assert_eq!(ones.subject(Objective::Balanced), None);
        assert_eq!(ones.subject(Objective::F1(1)), Some(1));
        assert_eq!(zeros.subject(Objective::F1(1)), None, "no members");
        let [_, one] = by_value(4, &[(1, 1, yes), (2, 2, no), (3, 3, None)]);
        assert_eq!(one.subject(Objective::F1(2)), Some(1));
        assert_eq!(one.counterparts(), 2);
        let [_, alone] = by_value(2, &[(1, 1, yes)]);
        assert_eq!(
            alone.subject(Objective::Accuracy),
            None,
            "nothing to tell apart"
        );
    }

    proptest! {
        /// Members are the examples that a naive count finds, and both values with the unknown ones are everything.
        #[test]
        fn subsets_are_their_definition(
            examples in prop::collection::vec((0usize..3, 0usize..3, any::<Option<bool>>()), 0..60),
        ) {
            let subsets = by_value(3, &examples);
            let is_about = |class| examples.iter().any(|(c, _, v)| *c == class && *v == Some(true));
            for (value, subset) in [false, true].into_iter().zip(&subsets) {
                for class in 0..3 {
                    let of_class = examples.iter().filter(|(c, _, _)| *c == class);
                    let members = of_class.clone().filter(|(_, _, v)| *v == Some(value)).count() as u64;
                    let [own, all] = [&subset.members, &subset.contrasted].map(|t| t.classes()[class].examples);
                    match is_about(class) {
                        true => prop_assert_eq!([own, all], [members; 2]),
                        false => prop_assert_eq!([own, all], [0, of_class.count() as u64]),
                    }
                }
                prop_assert!(subset.members.right() <= subset.contrasted.right());
                let json = serde_json::to_string(subset).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Subset>(&json).unwrap(), subset);
            }
        }
    }
}
