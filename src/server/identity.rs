//! Who this process is among the servers that share a database.
//!
//! A name is `MACHINE/ADDRESS process MARK`: the first half for people, the mark for us. The mark
//! is process id, start time, boot and process namespace, so no two processes ever share one, not
//! even servers that both listen on port 0. From another process's mark one can tell whether it
//! has ended, if both run in one namespace of one boot: then a restarted server need not wait for
//! the lease of the killed one. Where `/proc` does not tell, the mark is random and proves nothing.

use std::fmt::Write;
use std::fs;
use std::io;
use std::net::SocketAddr;

/// Parts a name's halves.
const PROCESS: &str = " process ";

/// This process's name.
pub fn own_name(listen: SocketAddr) -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let machine = match host.trim() {
        "" => "orrery",
        host => host,
    };
    let mark = place().and_then(|place| {
        let pid = std::process::id();
        Some(format!("{pid}.{}@{place}", started(pid).ok()??))
    });
    format!("{machine}/{listen}{PROCESS}{}", mark.unwrap_or_else(random))
}

/// Whether the process of that name has surely ended.
pub fn has_ended(name: &str) -> bool {
    let mark = name.rsplit_once(PROCESS).map(|(_, mark)| mark);
    let Some((process, there)) = mark.and_then(|mark| mark.split_once('@')) else {
        return false;
    };
    let Some((pid, start)) = process.split_once('.') else {
        return false;
    };
    let (Ok(pid), Ok(start)) = (pid.parse(), start.parse::<u64>()) else {
        return false;
    };
    let is_here = place().is_some_and(|here| here == there);
    is_here && !hides_processes() && started(pid).is_ok_and(|now| now != Some(start))
}

/// Whether `/proc` may leave out the processes of other users.
fn hides_processes() -> bool {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mut proc = mounts.lines().filter(|line| line.contains(" /proc proc "));
    proc.next().is_none_or(|line| line.contains("hidepid="))
}

/// The boot and the process namespace that process ids mean something in.
fn place() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_hexdigit).collect() };
    let namespace = namespace.to_str()?.strip_prefix("pid:")?;
    Some(format!("{}.{}", digits(boot.trim()), digits(namespace)))
}

/// When a process started, in clock ticks since the boot; none if it does not run. One that was
/// killed and not yet waited for does not run. Fails where the system does not tell.
fn started(pid: u32) -> io::Result<Option<u64>> {
    let stat = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        stat => stat?,
    };
    // The program's name, in parentheses, may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next();
    let start = fields.nth(18).and_then(|start| start.parse().ok());
    let start: u64 = start.ok_or(io::ErrorKind::InvalidData)?;
    Ok((!matches!(state, Some("Z" | "X"))).then_some(start))
}

fn random() -> String {
    let mut bytes = [0; 8];
    // Without random bytes the process id is what is left.
    if getrandom::fill(&mut bytes).is_err() {
        bytes = u64::from(std::process::id()).to_le_bytes();
    }
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> String {
        own_name(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// A child that has ended, and its name while it ran.
    fn ended_child(is_waited_for: bool) -> (std::process::Child, String) {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("a child");
        let pid = child.id();
        let start = started(pid).unwrap().unwrap();
        let mark = format!("{pid}.{start}@{}", place().unwrap());
        child.kill().expect("a kill");
        if is_waited_for {
            child.wait().expect("an end");
        } else {
            while started(pid).unwrap().is_some() {
                std::thread::yield_now();
            }
        }
        (child, format!("here/127.0.0.1:0{PROCESS}{mark}"))
    }

    #[test]
    fn a_living_process_has_not_ended() {
        assert!(own().contains("/127.0.0.1:0 process "), "{}", own());
        assert_eq!(own(), own());
        assert!(!has_ended(&own()));
    }

    #[test]
    fn a_killed_process_has_ended_waited_for_or_not() {
        for is_waited_for in [true, false] {
            let (mut child, name) = ended_child(is_waited_for);
            assert!(has_ended(&name), "{name}");
            child.wait().expect("an end");
        }
    }

    #[test]
    fn another_process_with_the_same_id_is_another() {
        let (front, rest) = own()
            .split_once('@')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        assert!(has_ended(&format!("{front}0@{rest}")), "its start differs");
    }

    #[test]
    fn nothing_is_known_of_other_machines_and_foreign_names() {
        let elsewhere = own().replace('@', "@f00");
        for name in [
            &elsewhere,
            "",
            "here",
            "web/1.2.3.4:5 process 0123456789abcdef",
        ] {
            assert!(!has_ended(name), "{name}");
        }
    }
}
