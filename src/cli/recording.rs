//! Where a flight is recorded: a new file for its owner only, and what had its name set aside.
//!
//! The recording from before may be of a crash that somebody wants to see, so it is kept as
//! `FILE.previous`. Only a recording is ever replaced there; anything else in the way, and any link,
//! is left as it is and named in a sentence.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::Failure;
use crate::files;
use crate::recorder::{Recorder, is_recording};
use crate::universe::BUILT_IN;

/// Bytes that tell a recording.
const BEGINNING_BYTES: u64 = 8;

/// Starts to record to `file` a universe that was read from `world`, or the built-in one.
pub(super) fn start(file: &Path, world: Option<&Path>) -> Result<Recorder, Failure> {
    let universe = match world {
        Some(world) => fs::read_to_string(world).map_err(|error| {
            Failure::unusable(format!(
                "cannot read the universe file {}: {error}",
                world.display()
            ))
        })?,
        None => BUILT_IN.to_owned(),
    };
    let sink = open(file)?;
    Recorder::start(Box::new(sink), universe).map_err(|error| cannot(file, &error))
}

fn cannot(file: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::unusable(format!("cannot record to {}: {why}", file.display()))
}

/// Makes the file, and sets aside what had its name.
fn open(file: &Path) -> Result<File, Failure> {
    let failed = |error: io::Error| cannot(file, &error);
    match fs::symlink_metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
        Ok(found) if found.is_file() => set_aside(file)?,
        Ok(found) if found.is_symlink() => {
            return Err(cannot(
                file,
                &"it is a link, and nothing is recorded through a link: remove it or give another \
                  name",
            ));
        }
        Ok(_) => {
            return Err(cannot(file, &"it is no file: give another name"));
        }
    }
    files::create_new(file).map_err(failed)
}

/// Keeps a file as `FILE.previous`.
fn set_aside(file: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| cannot(file, &error);
    let previous = files::beside(file, ".previous");
    if may_be_replaced(&previous).map_err(failed)? {
        fs::rename(file, &previous).map_err(failed)?;
    } else {
        files::vacant(&previous).map_err(|why| {
            let why = format!("{why}, or set it aside: it is no recording");
            cannot(file, &why)
        })?;
        files::publish(file, &previous).map_err(failed)?;
    }
    files::tighten(&previous).map(drop).map_err(failed)
}

/// Whether this is a recording, and no link to one.
fn may_be_replaced(previous: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(previous) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Ok(found) if !found.is_file() => return Ok(false),
        found => found?,
    };
    let mut beginning = Vec::new();
    File::open(previous)?
        .take(BEGINNING_BYTES)
        .read_to_end(&mut beginning)?;
    Ok(is_recording(&beginning))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_recording_is_made_for_its_owner_and_the_one_from_before_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("flight");
        let previous = folder.path().join("flight.previous");
        for (nth, kept) in ["ORRERYFR one", "ORRERYFR two", ""].into_iter().enumerate() {
            open(&file).unwrap();
            let mode = fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            if nth > 0 {
                assert!(text(&previous).starts_with("ORRERYFR"));
            }
            fs::write(&file, kept).unwrap();
        }
    }

    #[test]
    fn nothing_is_recorded_through_a_link_or_into_what_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let [victim, link] = ["victim", "link"].map(|name| folder.path().join(name));
        fs::write(&victim, "precious").unwrap();
        for target in [victim.as_path(), &folder.path().join("nowhere")] {
            symlink(target, &link).unwrap();
            let failure = open(&link).unwrap_err();
            assert!(
                failure.sentence.contains("is a link"),
                "{}",
                failure.sentence
            );
            assert_eq!(failure.exit_code, 2);
            fs::remove_file(&link).unwrap();
        }
        assert_eq!(text(&victim), "precious");
        assert!(!folder.path().join("nowhere").exists());
        let failure = open(folder.path()).unwrap_err();
        assert!(
            failure.sentence.contains("is no file"),
            "{}",
            failure.sentence
        );
    }

    #[test]
    fn what_is_no_recording_is_set_aside_once_and_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let [file, previous] = ["notes", "notes.previous"].map(|name| folder.path().join(name));
        fs::write(&file, "precious notes").unwrap();
        open(&file).unwrap();
        assert_eq!(text(&previous), "precious notes");
        fs::write(&file, "ORRERYFR").unwrap();
        let failure = open(&file).unwrap_err();
        assert!(
            failure.sentence.contains("notes.previous exists already"),
            "{}",
            failure.sentence
        );
        assert_eq!(
            (text(&file).as_str(), text(&previous).as_str()),
            ("ORRERYFR", "precious notes")
        );
        fs::remove_file(&previous).unwrap();
        symlink(folder.path().join("elsewhere"), &previous).unwrap();
        let failure = open(&file).unwrap_err();
        assert!(
            failure.sentence.contains("is a link"),
            "{}",
            failure.sentence
        );
        assert!(!folder.path().join("elsewhere").exists());
    }
}
