//! What is said to people: errors with hints on stderr, and the exit status that a script sees.

use std::fmt;
use std::process::ExitCode;

/// How a command ended, as the shell sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Done, and the answer is there.
    Done,
    /// What the user gave cannot be used.
    Input,
    /// Done, but nothing satisfies the limits.
    Infeasible,
    /// An internal failure, or the machine refused something (a full disk, for example).
    Internal,
    /// Stopped on request before the end; the same command continues.
    Interrupted,
}

impl Status {
    /// The number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Status::Done => 0,
            Status::Input => 1,
            Status::Infeasible => 2,
            Status::Internal => 3,
            Status::Interrupted => 130,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(status.code())
    }
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    status: Status,
    error: anyhow::Error,
    hint: Option<String>,
}

impl Failure {
    /// The user's input is wrong: exit status 1.
    pub(crate) fn input(error: impl Into<anyhow::Error>) -> Self {
        Failure {
            status: Status::Input,
            error: error.into(),
            hint: None,
        }
    }

    /// The user's input is wrong, in words: exit status 1.
    pub(crate) fn input_text(text: impl Into<String>) -> Self {
        Self::input(anyhow::Error::msg(text.into()))
    }

    /// Something failed that the user's input is not to blame for: exit status 3.
    pub(crate) fn internal(error: impl Into<anyhow::Error>) -> Self {
        Failure {
            status: Status::Internal,
            error: error.into(),
            hint: None,
        }
    }

    /// Stopped on request: exit status 130.
    pub(crate) fn interrupted(text: impl Into<String>) -> Self {
        Failure {
            status: Status::Interrupted,
            error: anyhow::Error::msg(text.into()),
            hint: None,
        }
    }

    /// The same failure with a hint on how to go on.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure with what was being done in front.
    pub(crate) fn context(mut self, context: impl fmt::Display + Send + Sync + 'static) -> Self {
        self.error = self.error.context(context);
        self
    }

    /// The exit status and the message, printed on stderr.
    pub(crate) fn report(&self) -> Status {
        eprintln!("{self}");
        self.status
    }
}

impl fmt::Display for Failure {
    /// The error, its causes (without repeating what an outer message says already) and the hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.error.to_string();
        let kind = if self.status == Status::Interrupted {
            "stopped"
        } else {
            "error"
        };
        write!(f, "{kind}: {last}")?;
        for cause in self.error.chain().skip(1) {
            let text = cause.to_string();
            if !last.contains(&text) {
                write!(f, "\n  because: {text}")?;
            }
            last = text;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// The result of a command or of one of its steps.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// Names whose fault an error is.
pub(crate) trait Blame<T> {
    /// The user's input.
    fn or_input(self) -> Outcome<T>;
    /// Not the user's.
    fn or_internal(self) -> Outcome<T>;
}

impl<T, E: Into<anyhow::Error>> Blame<T> for Result<T, E> {
    fn or_input(self) -> Outcome<T> {
        self.map_err(Failure::input)
    }

    fn or_internal(self) -> Outcome<T> {
        self.map_err(Failure::internal)
    }
}

/// A failure of the room of examples: of the user's input, but where the machine refuses to write or a stop was asked
/// for.
pub(crate) fn from_data(error: danas_data::DataError) -> Failure {
    use danas_data::DataError as E;
    let hint = error.hint();
    let failure = match &error {
        E::Stopped { .. } => Failure::interrupted(error.to_string()),
        E::DiskTooSmall { .. } => Failure::internal(error),
        E::Write { source, .. } if !is_of_input(source.kind()) => Failure::internal(error),
        _ => Failure::input(error),
    };
    with_hint(failure, hint)
}

/// Whether a failed reading or writing is for whoever named the file to mend.
fn is_of_input(kind: std::io::ErrorKind) -> bool {
    matches!(
        kind,
        std::io::ErrorKind::PermissionDenied
            | std::io::ErrorKind::NotFound
            | std::io::ErrorKind::NotADirectory
            | std::io::ErrorKind::ReadOnlyFilesystem
    )
}

/// A failure of the room of records: of the user's input where the folder is the wrong one.
pub(crate) fn from_study(error: danas_study::StudyError) -> Failure {
    use danas_study::StudyError as E;
    let hint = error.hint().map(str::to_string);
    let of_input = match &error {
        E::NotAFolder { .. }
        | E::NoRun { .. }
        | E::NotARun { .. }
        | E::OtherConfiguration { .. }
        | E::Busy { .. }
        | E::NewerSchema { .. }
        | E::NotAStudy { .. }
        | E::NotDescribed => true,
        E::Io { source, .. } => is_of_input(source.kind()),
        _ => false,
    };
    let failure = if of_input {
        Failure::input(error)
    } else {
        Failure::internal(error)
    };
    with_hint(failure, hint)
}

fn with_hint(failure: Failure, hint: Option<String>) -> Failure {
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The known name nearest to `given`, if any is near enough to be what was meant.
pub(crate) fn nearest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|&(distance, name)| distance <= name.len().max(given.len()).div_ceil(3).max(1))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

/// On a panic: a short message on stderr; the exit status is set by whoever catches it.
pub(crate) fn install_panic_message() {
    std::panic::set_hook(Box::new(|info| {
        let text = info
            .payload()
            .downcast_ref::<&str>()
            .map(|text| (*text).to_string())
            .or_else(|| info.payload().downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_string());
        let place = info
            .location()
            .map(|place| format!(" ({}:{})", place.file(), place.line()))
            .unwrap_or_default();
        eprintln!(
            "error: danas failed internally: {text}{place}\n\nhint: this is a fault in danas, not in your \
             input; what was recorded is kept, and the same command continues a search"
        );
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_far_ones_are_not_proposed() {
        let known = ["nano-33-ble", "stm32f746", "esp32-s3"];
        assert_eq!(nearest("nano33ble", known), Some("nano-33-ble"));
        assert_eq!(nearest("stm32f756", known), Some("stm32f746"));
        assert_eq!(nearest("toaster", known), None);
    }

    #[test]
    fn a_failure_prints_its_causes_and_its_hint_on_their_own_lines() {
        let io = std::io::Error::other("disk on fire");
        let failure = Failure::internal(io)
            .context("cannot write report.html")
            .hint("use water");
        assert_eq!(
            failure.to_string(),
            "error: cannot write report.html\n  because: disk on fire\n\nhint: use water"
        );
        assert_eq!(failure.status.code(), 3);
    }
}
