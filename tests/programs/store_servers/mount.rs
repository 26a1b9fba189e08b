//! A small file system of a test's own, to be filled or made read-only.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of its own.
pub(crate) struct Mount(PathBuf);

impl Mount {
    pub(crate) fn of(size: &str, folder: &Path) -> Self {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "orrery-test"])
            .arg(folder)
            .output();
        let output = mounted.unwrap();
        assert!(output.status.success(), "cannot mount: {output:?}");
        Self(folder.to_owned())
    }

    pub(crate) fn make_read_only(&self) {
        let remounted = Command::new("mount")
            .args(["-o", "remount,ro"])
            .arg(&self.0)
            .status();
        assert!(remounted.unwrap().success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A leftover is the temporary folder's trouble, not this test's.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
