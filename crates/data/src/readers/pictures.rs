//! Pictures that a list names: files below a folder, or members of archives, found by base name.

use super::archive::{self, Kind};
use super::container::{Container, Packing};
use super::dropped::Tally;
use super::table::Reading;
use crate::catalogue::Location;
use crate::error::DataError;
use crate::folder;
use crate::split_map::{MappedSplit, part_within};
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Where a picture lies.
#[derive(Debug)]
struct Place {
    /// Path relative to the source, with `/`; that of a member begins with its archive's.
    name: String,
    /// Container and position, for members.
    packed: Option<(usize, u64)>,
    is_used: bool,
}

/// All pictures, sorted by base name without extension.
#[derive(Debug)]
pub(crate) struct Pictures {
    root: PathBuf,
    places: Vec<Place>,
    map: Vec<MappedSplit>,
}

impl Pictures {
    /// The picture files below the source.
    pub(crate) fn of_folder(reading: &Reading, map: &[MappedSplit]) -> Result<Self, DataError> {
        let names = folder::pictures_below(&reading.root)?;
        let places = names.into_iter().map(|name| Place {
            name,
            packed: None,
            is_used: false,
        });
        Ok(Self::new(reading, places.collect(), map))
    }

    /// The pictures in archives; what is in them that cannot be used is counted.
    pub(crate) fn of_archives(
        reading: &Reading,
        archives: &[PathBuf],
        map: &[MappedSplit],
        dropped: &mut Tally,
    ) -> Result<(Self, Vec<Container>), DataError> {
        let listed: Vec<(Vec<Place>, Tally)> = archives
            .par_iter()
            .enumerate()
            .map(|(container, path)| list_archive(reading, path, container))
            .collect::<Result<_, _>>()?;
        let mut places = Vec::new();
        for (of_archive, refused) in listed {
            places.extend(of_archive);
            dropped.join(refused);
        }
        let containers = archives.iter().map(|path| Container {
            path: path.clone(),
            packing: Packing::Archive,
        });
        Ok((Self::new(reading, places, map), containers.collect()))
    }

    fn new(reading: &Reading, mut places: Vec<Place>, map: &[MappedSplit]) -> Self {
        places.sort_by(|a, b| (stem(&a.name), &a.name).cmp(&(stem(&b.name), &b.name)));
        Self {
            root: reading.root.clone(),
            places,
            map: map.to_vec(),
        }
    }

    /// How many pictures there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Finds the picture that a row of the part `part` names, and marks it as used.
    ///
    /// A name may be a base name with or without extension, or a path. Of several pictures with one base name the one
    /// whose path ends like the name is meant, or else the one in a folder or archive of the part.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn find(
        &mut self,
        name: &str,
        part: Option<&str>,
    ) -> Result<(String, Location), &'static str> {
        let name = name.replace('\\', "/");
        let base = base(&name);
        let has_extension = folder::is_picture_name(base);
        let wanted = if has_extension { stem(base) } else { base };
        let first = self
            .places
            .partition_point(|place| stem(&place.name) < wanted);
        let mut found: Vec<usize> = (first..self.places.len())
            .take_while(|&at| stem(&self.places[at].name) == wanted)
            .collect();
        if has_extension {
            found.retain(|&at| self::base(&self.places[at].name) == base);
        }
        self.prefer(&mut found, |place| ends_like(place, &name));
        if let Some(part) = part {
            self.prefer(&mut found, |place| self.is_in(place, part));
        }
        match found[..] {
            [] => Err("its picture is not there"),
            [only] if self.places[only].is_used => Err("its picture is listed again"),
            [only] => Ok(self.take(only)),
            _ => Err("several pictures have its name"),
        }
    }

    /// Keeps those that are preferred, if there are any.
    fn prefer(&self, found: &mut Vec<usize>, keep: impl Fn(&str) -> bool) {
        if found.iter().any(|&at| keep(&self.places[at].name)) {
            found.retain(|&at| keep(&self.places[at].name));
        }
    }

    fn take(&mut self, at: usize) -> (String, Location) {
        let place = &mut self.places[at];
        place.is_used = true;
        let location = match place.packed {
            Some((container, position)) => Location::Packed {
                container,
                position,
            },
            None => Location::File(self.root.join(&place.name)),
        };
        (place.name.clone(), location)
    }

    /// Whether a folder or archive on the way to a picture is that of a part.
    fn is_in(&self, place: &str, part: &str) -> bool {
        let mut above: Vec<&str> = place.split('/').collect();
        above.pop();
        above
            .into_iter()
            .any(|folder| part_within(folder, &self.map).as_deref() == Some(part))
    }
}

fn list_archive(
    reading: &Reading,
    path: &Path,
    container: usize,
) -> Result<(Vec<Place>, Tally), DataError> {
    let (mut places, mut refused) = (Vec::new(), Tally::default());
    let archive = reading.relative(path);
    archive::walk(path, &mut |member| {
        let name = format!("{archive}/{}", member.name);
        match member.kind {
            Kind::Picture(position) => places.push(Place {
                name,
                packed: Some((container, position)),
                is_used: false,
            }),
            Kind::Refused(reason) => refused.add(reason, &name),
            Kind::File => {}
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((places, refused))
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The base name without its last extension.
fn stem(name: &str) -> &str {
    let base = base(name);
    base.rsplit_once('.').map_or(base, |(stem, _)| stem)
}

/// Whether the last components of a path are those of `end`.
fn ends_like(path: &str, end: &str) -> bool {
    let end = end.trim_start_matches("./").trim_start_matches('/');
    path.strip_suffix(end)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}
