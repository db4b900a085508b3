//! Made-up searches, for the example and for the tests: layers and memory are those of real networks, accuracies come
//! from a formula.

use danas_measure::{Described, Objective, Subset, Tally, mcnemar};
use danas_study::{
    AuditRecord, CandidateRecord, ClassRecord, ColumnRecord, LimitRecord, ModelRecord,
    PairedRecord, PhaseRecord, RunRecord, Summary,
};
use network::{Dice, KIB, Network};
use serde_json::json;

// The tests have this file by its path, too, and look for others beside it.
#[path = "network.rs"]
mod network;

/// What a made-up search is like.
pub(crate) struct Plan {
    pub(crate) classes: Vec<String>,
    pub(crate) candidates: u64,
    pub(crate) models: usize,
    pub(crate) ram: u64,
    pub(crate) flash: u64,
    pub(crate) resolutions: Vec<u64>,
    pub(crate) objective: Objective,
    /// How many times the examples of the first class the others have.
    pub(crate) imbalance: u64,
}

impl Default for Plan {
    fn default() -> Plan {
        let classes = [
            "buildings",
            "forest",
            "glacier",
            "mountain",
            "sea",
            "street",
        ];
        Plan {
            classes: classes.map(str::to_owned).to_vec(),
            candidates: 300,
            models: 4,
            ram: 256 * KIB,
            flash: 1024 * KIB,
            resolutions: vec![32, 48, 64, 96],
            objective: Objective::Accuracy,
            imbalance: 1,
        }
    }
}

/// The made-up search called `kind`.
pub(crate) fn by_name(kind: &str) -> Option<Summary> {
    let usual = Plan::default();
    let numbered = |n: usize| (1..=n).map(|i| format!("class {i}")).collect();
    let plan = match kind {
        "usual" => usual,
        "infeasible" => Plan {
            ram: 12 * KIB,
            flash: 60 * KIB,
            candidates: 8,
            models: 0,
            ..usual
        },
        "two" => Plan {
            classes: vec!["background".into(), "person".into()],
            ..usual
        },
        "balanced" => Plan {
            classes: vec!["person".into(), "background".into()],
            objective: Objective::Balanced,
            imbalance: 10,
            ..usual
        },
        "rare" => Plan {
            objective: Objective::F1(0),
            imbalance: 8,
            ..usual
        },
        "forty" => Plan {
            classes: numbered(40),
            ..usual
        },
        "hundred" => Plan {
            classes: numbered(100),
            models: 5,
            ..usual
        },
        "hostile" => Plan {
            classes: hostile_names(),
            models: 3,
            ..usual
        },
        "single" => Plan {
            candidates: 1,
            models: 1,
            ..usual
        },
        "unfinished" => Plan { models: 0, ..usual },
        "large" => Plan {
            candidates: 2000,
            models: 5,
            resolutions: vec![30, 40, 50, 60, 70, 80, 96, 112],
            ..usual
        },
        "empty" => Plan {
            candidates: 0,
            models: 0,
            ..usual
        },
        _ => return None,
    };
    let mut summary = summary(&plan);
    if kind == "hostile" {
        let nasty =
            "</script><script>alert(1)</script> \"quoted\" 'x' & <img src=x onerror=alert(2)>";
        summary.run.source = format!("photos/{nasty}");
        summary
            .run
            .options
            .push((nasty.to_owned(), nasty.to_owned()));
        summary
            .notes
            .push(format!("skipped {nasty}: {}", "long".repeat(80)));
        for candidate in &mut summary.candidates {
            candidate.summary = format!("{} {nasty}", candidate.summary);
        }
        for model in &mut summary.models {
            model.path = format!("models/{}/model.tflite", nasty.repeat(2));
            model.layers[0].name = nasty.to_owned();
            model.memory[0].name = nasty.to_owned();
        }
    }
    if kind == "two" || kind == "hostile" {
        let names = ["near", "far", "rainy </td><script>alert(3)</script>"];
        for model in &mut summary.models {
            model.columns = columns(&names, &model.confusion);
        }
    }
    Some(summary)
}

/// What extra columns could say of test examples with these answers: the first two something of the last class alone, the
/// others of every fiftieth example of all classes.
fn columns(names: &[&str], confusion: &[Vec<u64>]) -> Vec<ColumnRecord> {
    let classes = confusion.len();
    let answers = confusion.iter().enumerate().flat_map(|(class, row)| {
        let called = row.iter().enumerate();
        called.flat_map(move |(called, &count)| (0..count).map(move |n| (class, called, n)))
    });
    let described = |place: usize| {
        answers.clone().map(move |(class, called, n)| Described {
            class,
            called,
            value: match place < 2 {
                true => (class + 1 == classes).then_some(n % 3 == place as u64),
                false => Some(n % 50 == 0),
            },
        })
    };
    let mut columns = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let [zeros, ones] = Subset::by_value(classes, described(place));
        for (value, answers) in [(true, ones), (false, zeros)] {
            columns.push(ColumnRecord {
                column: (*name).to_owned(),
                value,
                answers,
            });
        }
    }
    columns
}

/// Names of folders that somebody could have.
pub(crate) fn hostile_names() -> Vec<String> {
    [
        "<script>alert('class')</script>",
        "\"double\" and 'single'",
        "قطة سوداء",
        "&amp; already &lt;escaped&gt;",
        "a name that goes on and on without ever coming to the point because somebody typed a sentence",
        "averylongwordwithoutanyplacetobreakitanywherewhatsoeverreally",
        "x",
        "}}{{ 7 * 7 }}{% raw %}",
        "日本語のクラス",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// A made-up search.
pub(crate) fn summary(plan: &Plan) -> Summary {
    let mut dice = Dice(0x5eed);
    let examples = 12_000 / plan.classes.len() as u64;
    let classes: Vec<ClassRecord> = plan
        .classes
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let rarer = if i == 0 { plan.imbalance } else { 1 };
            let all = examples * (80 + (i as u64 * 37) % 60) / 100 / rarer;
            ClassRecord {
                name: name.clone(),
                train: all * 7 / 10,
                validation: all * 3 / 20,
                test: all - all * 7 / 10 - all * 3 / 20,
                pretraining: 0,
            }
        })
        .collect();
    let limits = LimitRecord {
        ram_bytes: Some(plan.ram),
        flash_bytes: Some(plan.flash),
        latency_ms: None,
        macs: None,
    };
    let mut networks = Vec::new();
    let mut candidates: Vec<CandidateRecord> = Vec::new();
    for attempt in 0..plan.candidates * 400 {
        if candidates.len() as u64 == plan.candidates {
            break;
        }
        let place = attempt as usize;
        let resolution = plan.resolutions[place % plan.resolutions.len()];
        let channels = if (place / plan.resolutions.len()).is_multiple_of(2) {
            3
        } else {
            1
        };
        let shrink = plan.models == 0 && plan.ram < 32 * KIB;
        let network = Network::roll(
            &mut dice,
            resolution,
            channels,
            classes.len() as u64,
            shrink,
        );
        let cost = network.cost();
        let violation = over(cost.arena_bytes, plan.ram) + over(cost.flash_bytes, plan.flash);
        if violation > 0.0 && !shrink {
            continue;
        }
        let id = candidates.len() as u64 + 1;
        let colour = if channels == 3 { "rgb" } else { "mono" };
        let tally = (violation <= 0.0).then(|| {
            let validation = |class: &ClassRecord| class.validation;
            let accuracy = network.accuracy(&mut dice);
            Tally::of_confusion(&confusion(&classes, validation, accuracy, &mut dice))
        });
        candidates.push(CandidateRecord {
            id,
            genome: format!("{{\"made-up\":{id}}}"),
            data: [
                ("resolution".to_owned(), json!(resolution)),
                ("colour".to_owned(), json!(colour)),
            ]
            .into(),
            data_label: format!("{resolution}x{resolution} {colour}"),
            summary: network.summary(),
            cost,
            violation,
            val_accuracy: tally.as_ref().map_or(0.0, Tally::accuracy),
            val_tally: tally,
            at_seconds: 300.0 + id as f64 * 0.7,
        });
        networks.push(network);
    }
    let feasible = plan.candidates == 0 || candidates.iter().any(|c| c.violation == 0.0);
    let front = front(&candidates);
    let models = models(plan, &classes, &candidates, &front, &networks, &mut dice);
    Summary {
        run: RunRecord {
            source: "photos/scenes".to_owned(),
            board: "Arduino Nano 33 BLE Sense (Cortex-M4F, 64 MHz)".to_owned(),
            limits,
            objective: plan.objective,
            options: [
                ("time", "10 min"),
                ("seed", "1"),
                ("threads", "2"),
                ("space", "default"),
                ("strategy", "NSGA-II"),
                ("out", "runs/scenes"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
            classes,
            validation_sample: None,
            data_configurations: plan
                .resolutions
                .iter()
                .flat_map(|r| [format!("{r}x{r} rgb"), format!("{r}x{r} mono")])
                .chain([String::from("160x160 rgb")])
                .collect(),
            feasible,
            latency_published: true,
            version: "0.1.0".to_owned(),
        },
        phases: phases(candidates.len()),
        audits: audits(plan, &candidates),
        candidates,
        front,
        models,
        notes: vec![
            "3 of 12,004 files could not be decoded and were skipped: sea/0412.jpg, sea/0577.jpg, street/0019.png"
                .to_owned(),
            "the loss was no number at step 212; went on from the checkpoint of step 200 with half the step size".to_owned(),
        ],
    }
}

/// Every tenth candidate, trained alone; of a search that is not finished none.
fn audits(plan: &Plan, candidates: &[CandidateRecord]) -> Vec<AuditRecord> {
    let all = match plan.models {
        0 => &[],
        _ => candidates,
    };
    let audit = |candidate: &CandidateRecord| AuditRecord {
        candidate: candidate.id,
        steps: 4000,
        val_accuracy: candidate.val_accuracy.sqrt() - 0.01 * (candidate.id % 7) as f64,
        val_tally: None,
        seconds: 20.0,
    };
    all.iter().step_by(10).map(audit).collect()
}

fn phases(candidates: usize) -> Vec<PhaseRecord> {
    let phase = |name: &str, planned, seconds, done: String, reason: &str| PhaseRecord {
        name: name.to_owned(),
        planned_seconds: planned,
        seconds,
        done,
        reason: reason.to_owned(),
    };
    vec![
        phase(
            "data",
            12.0,
            9.4,
            "12,001 pictures decoded".into(),
            "estimated from the first 200 files",
        ),
        phase(
            "supernet",
            330.0,
            331.8,
            "1,240 steps of 64 pictures".into(),
            "a ranking is worth no more than the weights it is made with: more than half of the time",
        ),
        phase(
            "search",
            90.0,
            84.1,
            format!("{candidates} candidates scored"),
            "at 0.28 s per score enough for the front to stand still for 100 candidates",
        ),
        phase(
            "final training",
            160.0,
            163.0,
            "4 models, 210 steps each".into(),
            "four models spread along the front, trained until the learning rate is 0",
        ),
        phase(
            "report",
            8.0,
            5.2,
            "files written".into(),
            "measured on earlier runs",
        ),
    ]
}

fn models(
    plan: &Plan,
    classes: &[ClassRecord],
    candidates: &[CandidateRecord],
    front: &[u64],
    networks: &[Network],
    dice: &mut Dice,
) -> Vec<ModelRecord> {
    let mut order: Vec<&CandidateRecord> = front
        .iter()
        .map(|id| &candidates[*id as usize - 1])
        .collect();
    order.sort_by(|a, b| b.val_accuracy.total_cmp(&a.val_accuracy));
    let wanted = plan.models.min(order.len());
    (0..wanted)
        .map(|k| {
            let candidate = order[k * (order.len() - 1) / wanted.max(2).saturating_sub(1).max(1)];
            let network = &networks[candidate.id as usize - 1];
            let share = 0.4 + 0.58 * candidate.val_accuracy;
            let mut tally = |of: fn(&ClassRecord) -> u64, better: f64| {
                Tally::of_confusion(&confusion(classes, of, share + better, dice))
            };
            let val_float = tally(|class| class.validation, 0.004);
            let val_int8 = tally(|class| class.validation, 0.002);
            let test_float = tally(|class| class.test, 0.003);
            let confusion = confusion(classes, |class| class.test, share, dice);
            let different = 12 + 9 * k as u64;
            let p = mcnemar(different, 12);
            ModelRecord {
                candidate: candidate.id,
                path: format!("models/{}/model.tflite", candidate.id),
                cost: candidate.cost,
                host_arena_bytes: candidate.cost.arena_bytes + 6 * KIB,
                val_accuracy_float: val_float.accuracy(),
                val_accuracy_int8: val_int8.accuracy(),
                test_accuracy_float: test_float.accuracy(),
                test_accuracy_int8: Tally::of_confusion(&confusion).accuracy(),
                val_tally_float: Some(val_float),
                val_tally_int8: Some(val_int8),
                test_tally_float: Some(test_float),
                columns: Vec::new(),
                confusion,
                layers: network.layers.clone(),
                memory: network.memory(),
                recommended: k == 0,
                paired: (k > 0).then_some(PairedRecord {
                    only_this: 12,
                    only_recommended: different,
                    p,
                    apart: Some(0.8 * k as f64),
                    tie: candidate.cost.macs > order[0].cost.macs,
                }),
            }
        })
        .collect()
}

fn confusion(
    classes: &[ClassRecord],
    examples: impl Fn(&ClassRecord) -> u64,
    share: f64,
    dice: &mut Dice,
) -> Vec<Vec<u64>> {
    let n = classes.len();
    let mut confusion = vec![vec![0; n]; n];
    for (class, record) in classes.iter().enumerate() {
        for _ in 0..examples(record) {
            let right = dice.roll() < share - 0.06 * (class % 3) as f64 / 2.0;
            let near = (class + 1 + (dice.roll().powi(3) * (n - 1) as f64) as usize) % n;
            confusion[class][if right { class } else { near }] += 1;
        }
    }
    confusion
}

/// Members that no other candidate beats in accuracy, RAM, flash and latency together.
fn front(candidates: &[CandidateRecord]) -> Vec<u64> {
    let key = |c: &CandidateRecord| {
        [
            1.0 - c.val_accuracy,
            c.cost.arena_bytes as f64,
            c.cost.flash_bytes as f64,
            c.cost.latency_ms,
        ]
    };
    let beats = |a: [f64; 4], b: [f64; 4]| a != b && a.iter().zip(&b).all(|(a, b)| a <= b);
    candidates
        .iter()
        .filter(|c| c.violation == 0.0)
        .filter(|c| {
            !candidates
                .iter()
                .any(|o| o.violation == 0.0 && beats(key(o), key(c)))
        })
        .map(|c| c.id)
        .collect()
}

fn over(need: u64, limit: u64) -> f64 {
    (need as f64 / limit as f64 - 1.0).max(0.0)
}
