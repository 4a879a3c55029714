//! The table, the ratios, and the same as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::inquire::Journey;
use crate::measure::Cell;

/// What one start of the service showed.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) database: String,
    pub(crate) ready_ms: f64,
    pub(crate) idle_mb: f64,
}

/// A target, and what was measured against it.
#[derive(Debug)]
pub(crate) struct Ratio {
    database: String,
    what: String,
    measured: f64,
    target: String,
    met: bool,
}

/// The lines of a run.
pub(crate) fn table(cells: &[Cell]) -> String {
    let mut text = String::from(
        "| database | operation | connections | per second | p50 ms | p99 ms | service CPU ms | database CPU ms | statements | commits | memory MB | failures |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for cell in cells {
        text.push_str(&line(cell));
    }
    text
}

/// One line of it.
pub(crate) fn line(cell: &Cell) -> String {
    let part = |value: f64, digits: usize| if value == 0.0 { "–".to_owned() } else { format!("{value:.digits$}") };
    format!(
        "| {} | {} | {} | {} | {:.1} | {:.1} | {} | {} | {} | {} | {} | {} |\n",
        cell.database,
        cell.what,
        cell.connections,
        part(cell.per_second, 0),
        cell.p50_ms,
        cell.p99_ms,
        part(cell.service_cpu_ms, 2),
        part(cell.database_cpu_ms, 2),
        part(cell.statements, 1),
        part(cell.commits, 2),
        part(cell.memory_mb, 0),
        cell.failures,
    )
}

fn cell<'c>(cells: &'c [Cell], database: &str, what: &str, connections: usize) -> Option<&'c Cell> {
    cells.iter().find(|one| one.database == database && one.what == what && one.connections == connections)
}

fn at_most(database: &str, what: &str, measured: f64, limit: f64) -> Ratio {
    let (database, what) = (database.to_owned(), what.to_owned());
    Ratio { database, what, measured, target: format!("≤ {limit}"), met: measured <= limit }
}

fn at_least(database: &str, what: &str, measured: f64, limit: f64) -> Ratio {
    let (database, what) = (database.to_owned(), what.to_owned());
    Ratio { database, what, measured, target: format!("≥ {limit}"), met: measured >= limit }
}

/// The targets that this run can judge.
pub(crate) fn ratios(cells: &[Cell], starts: &[Start], journeys: &[Journey]) -> Vec<Ratio> {
    let mut ratios = Vec::new();
    for start in starts {
        let database = start.database.as_str();
        ratios.push(at_most(database, "idle memory, MB", start.idle_mb, 40.0));
        ratios.push(at_most(database, "ready after, ms", start.ready_ms, 300.0));
        let of = |what: &str, connections: usize| cell(cells, database, what, connections);
        if let (Some(open), Some(floor)) = (of("open", 16), of("floor", 16)) {
            let (own, theirs) = (open.database_cpu_ms, floor.database_cpu_ms);
            ratios.push(at_most(database, "opening: database CPU / floor's", own / theirs, 1.5));
            let served = open.service_cpu_ms / theirs;
            ratios.push(at_most(database, "opening: service CPU / floor's database CPU", served, 3.0));
        }
        if let (Some(at_64), Some(at_16)) = (of("open", 64), of("open", 16)) {
            let kept = at_64.per_second / at_16.per_second;
            ratios.push(at_least(database, "opening: rate at 64 / rate at 16 connections", kept, 1.0));
        }
        if let (Some(open), Some(exercise)) = (of("open", 16), of("use", 16)) {
            let spent = |one: &Cell| one.service_cpu_ms + one.database_cpu_ms;
            ratios.push(at_most(database, "use: CPU / opening's CPU", spent(exercise) / spent(open), 1.0));
        }
        asked(&mut ratios, journeys, database);
        services(&mut ratios, cells, database);
        for page in ["home", "citizens", "citizen", "journal search"] {
            if let (Some(ours), Some(bare)) = (of(page, 16), cell(cells, "none", "bare page", 16)) {
                let what = format!("{page}: rate / bare page's rate");
                ratios.push(at_least(database, &what, ours.per_second / bare.per_second, 0.1));
            }
        }
    }
    ratios
}

/// Requests of a use that change something: all but the page of procedures.
const CHANGING: f64 = 5.0;

/// How often a use asks the database.
fn asked(ratios: &mut Vec<Ratio>, journeys: &[Journey], database: &str) {
    let of_use: Vec<_> = journeys.iter().filter(|one| one.database == database).collect();
    if of_use.is_empty() {
        return;
    }
    let sum = |which: fn(&Journey) -> f64| of_use.iter().map(|one| which(one)).sum::<f64>();
    let (statements, commits) = (sum(|one| one.statements) / of_use.len() as f64, sum(|one| one.commits) / CHANGING);
    // On SQLite a statement is a call, and no journey.
    if database == "postgres" {
        ratios.push(at_most(database, "use: statements for each request", statements, 3.0));
    }
    ratios.push(at_most(database, "use: commits for each change of state", commits, 1.0));
}

/// What services and their uses may cost.
fn services(ratios: &mut Vec<Ratio>, cells: &[Cell], database: &str) {
    let of = |what: &str, connections: usize| cell(cells, database, what, connections);
    if let (Some(signature), Some(exercise)) = (of("ES256 signature", 1), of("use, ES256", 16)) {
        let share = signature.service_cpu_ms / exercise.service_cpu_ms;
        ratios.push(at_most(database, "use: ES256 signature / service CPU", share, 0.1));
    }
    for connections in [1, 4, 16] {
        if let Some(standing) = of("standing", connections) {
            let what = format!("standing at {connections}: p99, ms");
            ratios.push(at_most(database, &what, standing.p99_ms, 10.0));
        }
    }
}

/// What each request of a use asks of the database.
pub(crate) fn journey_table(journeys: &[Journey]) -> String {
    let mut text = String::from("| database | request | statements | commits |\n|---|---|--:|--:|\n");
    for Journey { database, request, statements, commits } in journeys {
        let _ = writeln!(text, "| {database} | `{request}` | {statements:.1} | {commits:.1} |");
    }
    text
}

/// The ratios as a table.
pub(crate) fn ratio_table(ratios: &[Ratio]) -> String {
    let mut text = String::from("| database | target | measured | wanted | met |\n|---|---|--:|--:|---|\n");
    for Ratio { database, what, measured, target, met } in ratios {
        let met = if *met { "yes" } else { "no" };
        let _ = writeln!(text, "| {database} | {what} | {measured:.2} | {target} | {met} |");
    }
    text
}

/// Everything, for a program that compares runs.
pub(crate) fn json(
    cells: &[Cell],
    ratios: &[Ratio],
    journeys: &[Journey],
    (citizens, entries): (usize, usize),
) -> Value {
    let ratios: Vec<_> = ratios
        .iter()
        .map(|one| {
            let Ratio { database, what, measured, target, met } = one;
            json!({ "database": database, "what": what, "measured": measured, "target": target, "met": met })
        })
        .collect();
    json!({ "citizens": citizens, "entries": entries, "cells": cells, "ratios": ratios, "journeys": journeys })
}
