//! Files that only their owner may read, made without touching what others put in their place.
//!
//! Whoever may write a folder can put a link or a file where a server, a backup or a recording is
//! about to write. So a new file is made only where nothing stands, a link included
//! ([`create_new`]); a whole one gets its name only where nothing stands ([`publish`]); and what
//! stands in the way is named in a sentence ([`vacant`]). Files from before, made with the modes of
//! their time, are taken from group and others when they are opened ([`tighten`]).

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

/// The owner may read and write, nobody else anything.
const OWNER_ONLY: u32 = 0o600;

/// What group and others may do.
const OTHERS: u32 = 0o077;

/// Makes a file that only its owner may read and write. Fails where anything stands, a link to
/// nothing included.
pub fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create_new(true);
    options.mode(OWNER_ONLY).open(path)
}

/// Opens a file for reading and writing; where there is none, makes one for its owner only. Fails at
/// a link.
pub fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false);
    let options = options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options.mode(OWNER_ONLY).open(path)
}

/// Makes a file for its owner only where there is none, also where a link says; leaves alone, and
/// does not open, what is there.
pub fn make_missing(path: &Path) -> io::Result<()> {
    if !path.exists() {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false);
        options.mode(OWNER_ONLY).open(path)?;
    }
    Ok(())
}

/// Takes a file of ours away from group and others; the mode that it had, if it had to be changed.
/// Leaves alone what is no file, a link included, what is not there, and what another user owns.
pub fn tighten(path: &Path) -> io::Result<Option<u32>> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    let is_ours = found.is_file() && found.uid() == rustix::process::geteuid().as_raw();
    let Some(mode) = open_to_others(&found).filter(|_| is_ours) else {
        return Ok(None);
    };
    fs::set_permissions(path, fs::Permissions::from_mode(mode & !OTHERS))?;
    Ok(Some(mode))
}

/// The mode of a file that group or others may read or write.
pub fn open_to_others(file: &Metadata) -> Option<u32> {
    let mode = file.permissions().mode() & 0o777;
    (mode & OTHERS != 0).then_some(mode)
}

/// Why nothing can be made at a path.
///
/// # Errors
/// A sentence: what stands there, and what to do.
pub fn vacant(path: &Path) -> Result<(), String> {
    let shown = path.display();
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("cannot look at {shown}: {error}")),
        Ok(found) if found.is_symlink() => {
            let target = fs::read_link(path).unwrap_or_default();
            Err(format!(
                "{shown} is a link to {}, and nothing is written through a link: remove it or give \
                 another name",
                target.display()
            ))
        }
        Ok(_) => Err(format!("{shown} exists already: give another name")),
    }
}

/// The first bytes of a file, at most so many. Fails at a link, and at what is no file.
pub fn beginning(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let options = options.read(true).custom_flags(flags.bits().cast_signed());
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut beginning = Vec::new();
    file.take(most).read_to_end(&mut beginning)?;
    Ok(beginning)
}

/// The same path with the links of its folder followed, and not those of its last name.
pub fn in_real_folder(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    Ok(folder.canonicalize()?.join(name))
}

/// A path with something behind its last name.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Gives a whole file its name, and never one that is taken.
pub fn publish(part: &Path, path: &Path) -> io::Result<()> {
    match renameat_with(CWD, part, CWD, path, RenameFlags::NOREPLACE) {
        // The file system has no such rename; a second name is refused where one is taken, too.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            fs::hard_link(part, path)?;
            fs::remove_file(part)
        }
        renamed => Ok(renamed?),
    }
}

/// Whether a path still names this open file, and no link to it.
pub fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    let (open, named) = (file.metadata()?, fs::symlink_metadata(path)?);
    Ok(named.is_file() && (open.dev(), open.ino()) == (named.dev(), named.ino()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_file_is_its_owners_only_and_takes_nobodys_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        create_new(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert!(create_new(&path).is_err());
        let link = folder.path().join("link");
        symlink(folder.path().join("nowhere"), &link).unwrap();
        assert!(create_new(&link).is_err());
        assert!(!folder.path().join("nowhere").exists());
    }

    #[test]
    fn a_file_from_before_is_tightened_once_and_a_folder_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loose");
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
        assert_eq!(tighten(&path).unwrap(), Some(0o664));
        assert_eq!(mode(&path), 0o600);
        assert_eq!(tighten(&path).unwrap(), None);
        assert_eq!(tighten(folder.path()).unwrap(), None);
        assert_eq!(tighten(&folder.path().join("none")).unwrap(), None);
    }

    #[test]
    fn a_name_that_is_taken_is_never_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let [part, path, victim] = ["part", "path", "victim"].map(|name| folder.path().join(name));
        fs::write(&part, "new").unwrap();
        fs::write(&victim, "old").unwrap();
        symlink(&victim, &path).unwrap();
        assert!(publish(&part, &path).is_err());
        assert!(vacant(&path).unwrap_err().contains("is a link to"));
        assert!(vacant(&victim).unwrap_err().contains("exists already"));
        fs::remove_file(&path).unwrap();
        vacant(&path).unwrap();
        publish(&part, &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read(&victim).unwrap(), b"old");
        assert!(!part.exists());
    }
}
