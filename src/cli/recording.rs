//! Where a flight is recorded: a new file for its owner only, and the recording that had its name set
//! aside.
//!
//! The recording from before may be of a crash that somebody wants to see, so it is kept as
//! `FILE.previous`. Only a recording is ever set aside or replaced there; anything else that has either
//! name, an empty file and a link included, is left as it is and named in a sentence. So is a name
//! that belongs to the database, whether the file is there yet or not.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::{Failure, refuse_own_file};
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
    let made = sink.try_clone().map_err(|error| cannot(file, &error))?;
    Recorder::start(Box::new(sink), universe).map_err(|error| {
        // What could not be begun is no recording, and would be in the way of the next one.
        if files::is_named(&made, file).unwrap_or(false) {
            // The error that matters is the first one.
            let _ = fs::remove_file(file);
        }
        cannot(file, &error)
    })
}

fn cannot(file: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::unusable(format!("cannot record to {}: {why}", file.display()))
}

/// Looks whether a recording can have this name, and changes nothing.
pub(super) fn check(file: &Path, database: &str) -> Result<(), Failure> {
    let previous = files::beside(file, ".previous");
    for path in [file, &previous] {
        refuse_own_file(database, path)?;
        stands(path).map_err(|why| cannot(file, &why))?;
    }
    Ok(())
}

/// Makes the file, and sets aside the recording that had its name.
fn open(file: &Path) -> Result<File, Failure> {
    let previous = files::beside(file, ".previous");
    let is_known = stands(&previous).map_err(|why| cannot(file, &why))?;
    if stands(file).map_err(|why| cannot(file, &why))? {
        let kept = if is_known {
            fs::rename(file, &previous)
        } else {
            files::publish(file, &previous)
        };
        kept.and_then(|()| files::tighten(&previous))
            .map_err(|error| cannot(file, &error))?;
    }
    files::create_new(file).map_err(|error| cannot(file, &error))
}

/// Whether a recording has this name.
///
/// # Errors
/// A sentence: what else has it, and what to do.
fn stands(path: &Path) -> Result<bool, String> {
    let shown = path.display();
    let failed = |error: io::Error| format!("cannot look at {shown}: {error}");
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
        Ok(found) if found.is_symlink() => {
            return Err(format!(
                "{shown} is a link, and nothing is recorded through a link: remove it or give another \
                 name"
            ));
        }
        Ok(found) if !found.is_file() => {
            return Err(format!("{shown} is no file: give another name"));
        }
        Ok(_) => {}
    }
    if is_recording(&files::beginning(path, BEGINNING_BYTES).map_err(failed)?) {
        return Ok(true);
    }
    Err(format!(
        "{shown} is no recording, and only a recording is set aside or replaced: give another name, or \
         move the file away"
    ))
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
    fn what_is_no_recording_is_neither_set_aside_nor_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let [file, previous] = ["notes", "notes.previous"].map(|name| folder.path().join(name));
        for content in ["precious notes", "ORRERY", ""] {
            for (foreign, recording) in [(&file, &previous), (&previous, &file)] {
                fs::write(foreign, content).unwrap();
                fs::set_permissions(foreign, fs::Permissions::from_mode(0o644)).unwrap();
                fs::write(recording, "ORRERYFR").unwrap();
                let said = open(&file).unwrap_err().sentence;
                assert!(said.contains("is no recording"), "{said}");
                assert_eq!(check(&file, "a.db").unwrap_err().sentence, said);
                assert_eq!(text(foreign), content);
                assert_eq!(text(recording), "ORRERYFR");
                let mode = fs::metadata(foreign).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o644);
            }
        }
        fs::write(&file, "ORRERYFR").unwrap();
        fs::remove_file(&previous).unwrap();
        symlink(folder.path().join("elsewhere"), &previous).unwrap();
        let said = open(&file).unwrap_err().sentence;
        assert!(said.contains("is a link"), "{said}");
        assert!(!folder.path().join("elsewhere").exists());
    }

    #[test]
    fn a_recording_is_one_from_its_first_moment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("flight");
        drop(start(&file, None).unwrap());
        assert!(stands(&file).unwrap());
    }
}
