//! What a process has spent and holds, as Linux counts it.

use std::fs;
use std::path::Path;

/// Milliseconds in a tick of /proc: `USER_HZ` is 100 on every Linux.
const TICK: f64 = 10.0;

/// The fields of a `stat` file after the name, which may hold anything.
fn fields(path: &Path) -> Option<Vec<String>> {
    let text = fs::read_to_string(path).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

/// The sum of some of these fields, as milliseconds. The state of the process is field 0 here, and field 3 in proc(5).
fn milliseconds(fields: &[String], wanted: &[usize]) -> f64 {
    let ticks = wanted.iter().filter_map(|at| fields.get(*at)?.parse::<f64>().ok());
    ticks.sum::<f64>() * TICK
}

/// Milliseconds of processor that a process has spent, user and system.
pub(crate) fn cpu(pid: u32) -> f64 {
    fields(Path::new(&format!("/proc/{pid}/stat"))).map_or(0.0, |fields| milliseconds(&fields, &[11, 12]))
}

/// The part of it spent by threads of one name.
pub(crate) fn cpu_of_threads(pid: u32, name: &str) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let named =
        threads.filter(|thread| fs::read_to_string(thread.path().join("comm")).is_ok_and(|comm| comm.trim() == name));
    named.filter_map(|thread| fields(&thread.path().join("stat"))).map(|fields| milliseconds(&fields, &[11, 12])).sum()
}

/// Milliseconds spent by a process and all its children: those alive, and those it has waited for.
pub(crate) fn cpu_of_family(parent: u32) -> f64 {
    let own = fields(Path::new(&format!("/proc/{parent}/stat")));
    let own = own.map_or(0.0, |fields| milliseconds(&fields, &[11, 12, 13, 14]));
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = processes.filter_map(|entry| fields(&entry.path().join("stat")));
    let children = all.filter(|fields| fields.get(1).is_some_and(|text| *text == parent.to_string()));
    own + children.map(|fields| milliseconds(&fields, &[11, 12])).sum::<f64>()
}

/// Megabytes of memory that a process holds now (`VmRSS`).
pub(crate) fn memory(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}
