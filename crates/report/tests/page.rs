//! The whole page, for usual and for odd searches.

#[path = "../examples/sample/made_up.rs"]
mod made_up;

use danas_measure::Objective;
use danas_report::{ReportError, render};
use danas_study::Summary;

fn summary(kind: &str) -> Summary {
    made_up::by_name(kind).unwrap_or_else(|| panic!("no made-up search is called {kind}"))
}

fn page(kind: &str) -> String {
    render(&summary(kind)).expect("a made-up search has a page")
}

/// Elements that HTML closes by itself or that have no end.
const NO_END: [&str; 5] = ["meta", "link", "br", "img", "input"];

/// Walks through the tags outside scripts and styles and complains about the first that does not fit.
fn check_tags(page: &str) -> Result<usize, String> {
    let mut open: Vec<&str> = Vec::new();
    let mut seen = 0;
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if rest.starts_with('!') {
            continue;
        }
        let end = rest.find('>').ok_or("a tag without end")?;
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        seen += 1;
        if let Some(name) = tag.strip_prefix('/') {
            let expected = open.pop().ok_or(format!("</{name}> closes nothing"))?;
            if expected != name {
                return Err(format!("</{name}> closes <{expected}>"));
            }
            continue;
        }
        let name = tag.split([' ', '/', '\n']).next().unwrap_or_default();
        if tag.matches('"').count() % 2 == 1 {
            return Err(format!("unbalanced quotes in <{tag}>"));
        }
        if tag.ends_with('/') || NO_END.contains(&name) {
            continue;
        }
        if name == "script" || name == "style" {
            let close = format!("</{name}>");
            let end = rest.find(&close).ok_or(format!("<{name}> without end"))?;
            rest = &rest[end + close.len()..];
            continue;
        }
        open.push(name);
    }
    if open.is_empty() {
        Ok(seen)
    } else {
        Err(format!("left open: {open:?}"))
    }
}

const KINDS: [&str; 11] = [
    "usual",
    "balanced",
    "rare",
    "infeasible",
    "two",
    "forty",
    "hundred",
    "hostile",
    "single",
    "unfinished",
    "empty",
];

#[test]
fn every_kind_of_search_has_a_sound_page() {
    for kind in KINDS {
        let page = page(kind);
        let tags = check_tags(&page).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert!(tags > 100, "{kind}: {tags} tags");
        for wrong in ["NaN", "undefined", "inf%", "\"inf\"", "&amp;nbsp;"] {
            let body = page.split("<script").next().unwrap_or_default();
            assert!(!body.contains(wrong), "{kind}: {wrong}");
        }
    }
}

#[test]
fn nothing_outside_the_page_is_asked_for() {
    for kind in KINDS {
        let page = page(kind);
        for reference in [
            "http:", "https:", "src=\"", "url(", "@import", "<link", "href=\"/", "//cdn",
        ] {
            assert!(!page.contains(reference), "{kind}: {reference}");
        }
    }
}

#[test]
fn hostile_names_stay_text() {
    let page = page("hostile");
    assert_eq!(
        page.matches("<script").count(),
        2,
        "the page's own: its data and its script"
    );
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("<img"));
    assert!(page.contains("&lt;script&gt;"));
    assert!(
        page.contains("}}{{ 7 * 7 }}{% raw %}"),
        "names are no templates"
    );
    assert!(page.contains("<bdi>قطة سوداء</bdi>"));
    check_tags(&page).expect("tags fit");
}

#[test]
fn the_scripts_data_are_the_candidates() {
    let summary = summary("hostile");
    let page = render(&summary).expect("a made-up search has a page");
    let from =
        page.find("id=\"candidates\">").expect("the data are there") + "id=\"candidates\">".len();
    let json = &page[from..from + page[from..].find("</script>").expect("and end")];
    let rows: Vec<Vec<String>> = serde_json::from_str(json).expect("they are JSON");
    assert_eq!(rows.len(), summary.candidates.len());
    for (row, candidate) in rows.iter().zip(&summary.candidates) {
        assert_eq!(row.len(), 10);
        assert_eq!(row[0], candidate.id.to_string());
        assert_eq!(row[2], candidate.summary);
    }
}

#[test]
fn the_answer_names_what_matters() {
    let summary = summary("usual");
    let page = render(&summary)
        .expect("a made-up search has a page")
        .replace('\u{a0}', " ");
    let best = summary
        .models
        .iter()
        .find(|m| m.recommended)
        .expect("one is recommended");
    let candidate = &summary.candidates[best.candidate as usize - 1];
    let accuracy = format!("{:.1} %", best.test_accuracy_int8 * 100.0);
    let from = page
        .find("class=\"sentence\"")
        .expect("there is a sentence");
    let sentence = &page[from..from + page[from..].find("</p>").expect("and it ends")];
    for part in [
        &summary.run.board,
        &candidate.data_label,
        &accuracy,
        "256 KiB RAM",
        "1 MiB flash",
        "95 %",
    ] {
        assert!(sentence.contains(part), "{part} in {sentence}");
    }
}

#[test]
fn when_nothing_fits_the_broken_limit_is_told() {
    let summary = summary("infeasible");
    let page = render(&summary)
        .expect("a made-up search has a page")
        .replace('\u{a0}', " ");
    assert!(page.contains("Nothing in the search space meets the limits"));
    assert!(page.contains("where 12 KiB are allowed"));
    assert!(page.contains("% too much"));
}

#[test]
fn a_latency_that_nobody_measured_is_called_extrapolated() {
    let mut summary = summary("usual");
    summary.run.latency_published = true;
    assert!(!render(&summary).expect("a page").contains("extrapolated"));
    summary.run.latency_published = false;
    let page = render(&summary).expect("a page").replace('\u{a0}', " ");
    let (answer, rest) = page.split_once("id=\"asked\"").expect("sections");
    assert!(answer.contains(" ms (extrapolated) per inference"));
    assert!(answer.contains(">extrapolated, "));
    assert!(rest.contains("<figcaption>latency (extrapolated)</figcaption>"));
    assert_eq!(rest.matches("latency (extrapolated)</th>").count(), 2);
}

#[test]
fn values_that_are_no_numbers_are_shown_as_unknown() {
    let mut summary = summary("usual");
    for candidate in summary.candidates.iter_mut().step_by(3) {
        candidate.val_accuracy = f64::NAN;
        candidate.cost.latency_ms = f64::INFINITY;
    }
    for model in &mut summary.models {
        model.test_accuracy_int8 = f64::NAN;
        model.val_accuracy_float = f64::NEG_INFINITY;
        model.cost.latency_ms = f64::NAN;
    }
    summary.phases[1].seconds = f64::NAN;
    summary.run.limits.latency_ms = Some(f64::NAN);
    summary.run.limits.macs = Some(0);
    let page = render(&summary).expect("a page");
    let body = page.split("<script").next().unwrap_or_default();
    assert!(!body.contains("NaN"));
    check_tags(&page).expect("tags fit");
}

#[test]
fn counts_at_the_end_of_their_range_do_not_overflow() {
    let mut summary = summary("usual");
    let candidate = &mut summary.candidates[0];
    candidate.cost.arena_bytes = u64::MAX;
    candidate.cost.flash_bytes = 0;
    for model in &mut summary.models {
        model.confusion[0][0] = u64::MAX;
        model.confusion[1][0] = u64::MAX;
        model.memory[0].offset = u64::MAX;
        model.memory[0].last = u64::MAX;
        model.layers[0].weights = u64::MAX;
        model.cost.persistent_bytes = u64::MAX;
    }
    for class in &mut summary.run.classes {
        class.validation = u64::MAX;
    }
    check_tags(&render(&summary).expect("a page")).expect("tags fit");
}

#[test]
fn what_only_loading_needs_is_a_part_of_the_arena() {
    let mut summary = summary("usual");
    for model in &mut summary.models {
        let cost = &mut model.cost;
        let running = cost.head_bytes + cost.scratch_bytes + cost.persistent_bytes;
        // What alignment adds is not worth a word.
        cost.arena_bytes = running + 15;
    }
    assert!(!render(&summary).expect("a page").contains("</i>loading"));
    summary.models[0].cost.arena_bytes += 3 * 1024;
    assert_eq!(summary.models[0].cost.loading_bytes(), 3 * 1024 + 15);
    assert!(render(&summary).expect("a page").contains("</i>loading"));
}

#[test]
fn parts_may_be_missing() {
    let mut summary = summary("usual");
    summary.phases.clear();
    summary.notes.clear();
    summary.front.clear();
    summary.run.options.clear();
    summary.run.data_configurations.clear();
    for candidate in &mut summary.candidates {
        candidate.data.clear();
    }
    for model in &mut summary.models {
        model.recommended = false;
        model.confusion.clear();
        model.memory.clear();
        model.layers.clear();
    }
    let page = render(&summary).expect("a page");
    check_tags(&page).expect("tags fit");
    assert!(page.contains("The front is empty."));
    assert!(page.contains("There is no test example"));
}

#[test]
fn other_kinds_of_data_have_their_own_genes() {
    let mut summary = summary("usual");
    for (i, candidate) in summary.candidates.iter_mut().enumerate() {
        let rate = [8000, 16000][i % 2];
        let representation = ["waveform", "mel", "mfcc", "spectrogram"][i / 2 % 4];
        candidate.data = [
            ("sample_rate".to_owned(), serde_json::json!(rate)),
            (
                "representation".to_owned(),
                serde_json::json!(representation),
            ),
        ]
        .into();
        candidate.data_label = format!("{rate} Hz {representation}");
    }
    let page = render(&summary).expect("a page");
    check_tags(&page).expect("tags fit");
    assert!(page.contains(">sample_rate<"));
    assert!(page.contains(">16000</th>"));
    assert!(page.contains("<bdi>mfcc</bdi>"));
}

#[test]
fn a_summary_that_contradicts_itself_is_refused() {
    let mut unknown = summary("usual");
    unknown.front.push(99_999);
    assert!(matches!(
        render(&unknown),
        Err(ReportError::UnknownCandidate { id: 99_999, .. })
    ));
    let mut narrow = summary("usual");
    narrow.models[0].confusion.pop();
    let error = render(&narrow).expect_err("a matrix that is not square");
    assert!(
        matches!(
            error,
            ReportError::Confusion {
                rows: 5,
                classes: 6,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn large_searches_have_pages_of_moderate_size() {
    let large = page("large");
    assert!(large.len() < 2_500_000, "{}", large.len());
    let hundred = page("hundred");
    assert!(hundred.len() < 4_000_000, "{}", hundred.len());
}

#[test]
fn parts_of_the_test_examples_are_shown_where_there_are_columns() {
    let summary = summary("two");
    let page = render(&summary).expect("a page").replace('\u{a0}', " ");
    assert_eq!(
        page.matches("<h3>Parts of the test examples</h3>").count(),
        summary.models.len()
    );
    let near = &summary
        .models
        .iter()
        .find(|m| m.recommended)
        .unwrap()
        .columns[0];
    assert_eq!((near.column.as_str(), near.value), ("near", true));
    let tally = &near.answers.members;
    let mut row = page.split("<bdi>near</bdi></th><td class=\"n\">1</td>");
    let row = row.nth(1).expect("the recommended model's row");
    let row = &row[..row.find("</tr>").expect("an end")];
    let accuracy = tally.interval(Objective::Accuracy);
    for part in [
        format!(">{}<small>against ", tally.examples()),
        format!(
            "{:.1} %<small>{:.1} to",
            accuracy.value * 100.0,
            accuracy.low * 100.0
        ),
        "of <bdi>person</bdi>".to_owned(),
    ] {
        assert!(row.contains(&part), "{part} in {row}");
    }
    // Hostile names stay text here as well, and a page without columns says nothing of them.
    assert!(self::page("hostile").contains("<bdi>rainy &lt;&#x2f;td&gt;"));
    assert!(!self::page("usual").contains("Parts of the test examples"));
}

#[test]
fn an_audit_is_shown_where_there_was_one() {
    let usual = page("usual");
    assert!(usual.contains("What the scores are worth"));
    assert!(usual.contains("30 candidates of the search were trained alone"));
    assert!(usual.contains("their multiply-accumulates alone with"));
    let mut another_begun = summary("usual");
    let mut longer = another_begun.audits[0].clone();
    longer.steps += 1;
    another_begun.audits.push(longer);
    assert_eq!(render(&another_begun).unwrap(), usual);
    let mut rankless = summary("usual");
    for audit in &mut rankless.audits {
        audit.val_accuracy = 0.5;
    }
    for page in [
        page("unfinished"),
        page("single"),
        render(&rankless).unwrap(),
    ] {
        assert!(!page.contains("What the scores are worth"));
    }
}
