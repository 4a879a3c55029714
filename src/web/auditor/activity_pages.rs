//! Activity of anybody and anything.

use askama::Template;

use super::activity::Asked;
use super::chart::{Chart, Step};
use super::pages::Head;
use crate::web::moment::Moment;
use crate::web::parts::Errors;
use crate::web::shell::Shell;

/// How often something happened.
#[derive(Debug, Clone)]
pub struct Count {
    /// What.
    pub name: &'static str,
    /// How often.
    pub entries: u64,
    /// The list of it.
    pub link: String,
}

/// One use.
#[derive(Debug, Clone)]
pub struct UseRow {
    /// `ent_…`
    pub entry: String,
    /// When.
    pub at: Moment,
    /// `acc_…`
    pub mediator: String,
    /// `org_…`
    pub organisation: String,
    /// Short title.
    pub procedure: String,
    /// The client's identifier.
    pub service: String,
    /// `mdt_…`
    pub mandate: String,
}

/// `/journal/activity`
#[derive(Debug, Template)]
#[template(path = "auditor/activity.html")]
pub struct ActivityPage {
    /// Frame.
    pub shell: Shell,
    /// Purpose and coverage.
    pub head: Head,
    /// The question.
    pub asked: Asked,
    /// Fields that cannot be understood.
    pub errors: Errors,
    /// The name of the organisation it is about.
    pub name: Option<String>,
    /// How often each kind, most often first.
    pub counts: Vec<Count>,
    /// The bars and their table.
    pub chart: Chart,
    /// The newest uses.
    pub uses: Vec<UseRow>,
    /// The list of all uses.
    pub all: String,
    /// Organisations to choose from.
    pub organisations: Vec<(String, String)>,
    /// Clients to choose from.
    pub services: Vec<(String, String)>,
}

impl ActivityPage {
    /// A page without an answer.
    #[must_use]
    pub fn unanswered(shell: Shell, head: Head, asked: Asked, errors: Errors) -> Self {
        Self {
            shell,
            head,
            asked,
            errors,
            name: None,
            counts: Vec::new(),
            chart: Chart::default(),
            uses: Vec::new(),
            all: String::new(),
            organisations: Vec::new(),
            services: Vec::new(),
        }
    }

    fn steps(&self) -> [(&'static str, &'static str, bool); 3] {
        let t = self.shell.t;
        [(Step::Day, t.chart_by_day()), (Step::Week, t.chart_by_week()), (Step::Month, t.chart_by_month())]
            .map(|(step, name)| (step.code(), name, self.asked.step == step.code()))
    }

    fn procedures(&self) -> Vec<(&'static str, &'static str)> {
        let all = crate::domain::procedure::Procedure::ALL.into_iter();
        all.map(|one| (one.key(), self.shell.t.procedure(one).short)).collect()
    }
}
