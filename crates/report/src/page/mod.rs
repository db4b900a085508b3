//! The page: what its template is filled in with, section by section.

mod answer;
mod asked;
mod audit;
mod columns;
mod confusion;
mod data;
mod front;
mod measure;
mod model;
mod time;

use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use serde::Serialize;

use crate::ReportError;
use crate::format;
use crate::resolve::Resolved;

/// The templates, by the name under which they include each other.
const TEMPLATES: [(&str, &str); 10] = [
    ("page.html", include_str!("../../templates/page.html")),
    ("answer.html", include_str!("../../templates/answer.html")),
    ("asked.html", include_str!("../../templates/asked.html")),
    ("front.html", include_str!("../../templates/front.html")),
    ("data.html", include_str!("../../templates/data.html")),
    ("audit.html", include_str!("../../templates/audit.html")),
    ("time.html", include_str!("../../templates/time.html")),
    ("model.html", include_str!("../../templates/model.html")),
    ("columns.html", include_str!("../../templates/columns.html")),
    (
        "confusion.html",
        include_str!("../../templates/confusion.html"),
    ),
];

const CSS: &str = include_str!("../../templates/page.css");
const JS: &str = include_str!("../../templates/page.js");

#[derive(Serialize)]
struct Page<'a> {
    css: &'static str,
    looks_css: String,
    js: &'static str,
    candidates_json: String,
    version: &'a str,
    source: &'a str,
    board: &'a str,
    latency_published: bool,
    validation_examples: String,
    /// What was maximised.
    objective: String,
    /// What is shown of every split.
    measures: Vec<String>,
    notes: &'a [String],
    answer: answer::Answer<'a>,
    asked: asked::Asked<'a>,
    front: front::Front<'a>,
    data: data::Data<'a>,
    audit: Option<audit::Audit<'a>>,
    time: Option<time::Time<'a>>,
    recommended: Option<model::Model<'a>>,
    finished: Vec<confusion::Finished<'a>>,
}

/// Fills in the page.
///
/// # Errors
/// [`ReportError::Template`] and [`ReportError::Json`].
pub(crate) fn render(resolved: &Resolved) -> Result<String, ReportError> {
    let run = &resolved.summary.run;
    let page = Page {
        css: CSS,
        looks_css: resolved.looks.css(),
        js: JS,
        candidates_json: front::candidates_json(resolved)?,
        version: &run.version,
        source: &run.source,
        board: &run.board,
        latency_published: run.latency_published,
        validation_examples: format::count(resolved.validation_examples()),
        objective: resolved.objective_words(),
        measures: front::headings(resolved),
        notes: &resolved.summary.notes,
        answer: answer::Answer::of(resolved),
        asked: asked::Asked::of(resolved),
        front: front::Front::of(resolved),
        data: data::Data::of(resolved),
        audit: audit::Audit::of(resolved),
        time: time::Time::of(&resolved.summary.phases),
        recommended: resolved
            .recommended()
            .map(|finished| model::Model::of(resolved, finished)),
        finished: confusion::Finished::all(resolved),
    };
    let mut environment = Environment::new();
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment
        .get_template("page.html")?
        .render(Serde(&page))?)
}
