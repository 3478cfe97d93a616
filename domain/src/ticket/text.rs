//! A task as a ticket: what a tracker is to show, ready in each of its media.
//!
//! It holds what whoever reads tasks may know: no evidence, nothing that is withheld, and of findings marked TLP:RED
//! neither the asset nor anything else that only they say.

use super::markup::{cut, html, line, lines, markdown};
use crate::{Priority, Severity, TaskId, Timestamp, tenant_settings::Language, text::word};
use serde::Serialize;
use std::fmt::Write;
use utoipa::ToSchema;

/// The longest title of a ticket, in characters: what trackers take.
pub const MAX_TITLE: usize = 255;
/// Most assets that a ticket names.
pub const MAX_ASSETS: usize = 20;

/// What a ticket for the task says, in the municipality's language. Escaped for each medium.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct TicketText {
    /// One line of at most 255 characters.
    pub title: String,
    /// CommonMark.
    pub body_markdown: String,
    /// HTML: paragraphs and a list, no attributes but the link's.
    pub body_html: String,
    /// Plain text.
    pub body_text: String,
    /// How soon.
    pub priority: Priority,
    /// The day by which it is to be done, in the municipality's own time zone: `2026-12-24`.
    pub due_date: Option<String>,
    /// Words without blanks: `fynd`, the severity, the priority.
    pub labels: Vec<String>,
    /// The first assets that it is about, at most 20.
    pub assets: Vec<String>,
    /// Where the task stands.
    pub link: String,
}

/// What a ticket is made of.
#[derive(Clone, Debug)]
pub struct TicketFacts<'a> {
    /// The task.
    pub id: TaskId,
    /// Its title.
    pub title: &'a str,
    /// How people plan to do it.
    pub plan: Option<&'a str>,
    /// What its findings say to do.
    pub recommendation: Option<&'a str>,
    /// How bad.
    pub severity: Severity,
    /// How soon.
    pub priority: Priority,
    /// When it is due.
    pub due_at: Option<Timestamp>,
    /// How many findings are open.
    pub open: i32,
    /// How many findings there are.
    pub findings: i32,
    /// The assets of its first findings, each once, without those that only findings marked TLP:RED name.
    pub assets: &'a [String],
}

/// How a municipality wants to be written to.
#[derive(Clone, Debug, PartialEq)]
pub struct Letterhead {
    /// In which language.
    pub language: Language,
    /// Where its days begin and end: a name of the IANA time zone database.
    pub time_zone: String,
    /// Where Fynd is reached, without a slash at the end.
    pub public_url: String,
}

impl Letterhead {
    /// The ticket for a task.
    pub fn ticket(&self, facts: &TicketFacts<'_>) -> TicketText {
        let due_date = facts.due_at.map(|due| self.day(due));
        let link = format!("{}/v1/tasks/{}", self.public_url, facts.id);
        let assets: Vec<String> = facts.assets.iter().take(MAX_ASSETS).map(|name| line(name)).collect();
        let content = Content { words: words(self.language), facts, due_date: due_date.as_deref(), assets: &assets };
        TicketText {
            title: cut(&line(facts.title), MAX_TITLE),
            body_markdown: content.markdown(&link),
            body_html: content.html(&link),
            body_text: content.text(&link),
            priority: facts.priority,
            labels: vec![
                "fynd".to_owned(),
                format!("severity-{}", word(&facts.severity)),
                format!("priority-{}", word(&facts.priority).replace('_', "-")),
            ],
            due_date,
            assets,
            link,
        }
    }

    /// The day of a moment where the municipality is.
    fn day(&self, at: Timestamp) -> String {
        let zone = self.time_zone.parse::<chrono_tz::Tz>().unwrap_or(chrono_tz::UTC);
        at.with_timezone(&zone).date_naive().to_string()
    }
}

struct Content<'a> {
    words: &'static Words,
    facts: &'a TicketFacts<'a>,
    due_date: Option<&'a str>,
    assets: &'a [String],
}

impl Content<'_> {
    /// The texts that say what to do, with their headings.
    fn sections(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [(self.words.plan, self.facts.plan), (self.words.recommendation, self.facts.recommendation)]
            .into_iter()
            .filter_map(|(heading, text)| Some((heading, text.filter(|text| !text.trim().is_empty())?)))
    }

    /// The facts, each with its name.
    fn list(&self) -> Vec<(&'static str, String)> {
        let words = self.words;
        let mut list = vec![
            (words.severity, (words.of_severity)(self.facts.severity).to_owned()),
            (words.priority, (words.of_priority)(self.facts.priority).to_owned()),
        ];
        list.extend(self.due_date.map(|day| (words.due, day.to_owned())));
        if self.facts.findings > 0 {
            list.push((words.findings, format!("{} {} {}", self.facts.open, words.of, self.facts.findings)));
        }
        if !self.assets.is_empty() {
            list.push((words.assets, self.assets.join(", ")));
        }
        list
    }

    fn markdown(&self, link: &str) -> String {
        let mut out = String::new();
        for (heading, text) in self.sections() {
            let _ = write!(out, "**{heading}**\n\n");
            for line in lines(text) {
                let line = markdown(&line);
                // Two blanks at the end break the line without ending the paragraph.
                out.push_str(&if line.is_empty() { "\n".to_owned() } else { format!("{line}  \n") });
            }
            out.push('\n');
        }
        for (name, value) in self.list() {
            let _ = writeln!(out, "- **{name}:** {}", markdown(&value));
        }
        let _ = write!(out, "\n<{link}>\n");
        out
    }

    fn html(&self, link: &str) -> String {
        let mut out = String::new();
        for (heading, text) in self.sections() {
            let text = lines(text).map(|line| html(&line)).collect::<Vec<_>>().join("<br>");
            let _ = write!(out, "<p><strong>{heading}</strong><br>{text}</p>");
        }
        out.push_str("<ul>");
        for (name, value) in self.list() {
            let _ = write!(out, "<li><strong>{name}:</strong> {}</li>", html(&value));
        }
        let link = html(link);
        let _ = write!(out, "</ul><p><a href=\"{link}\">{link}</a></p>");
        out
    }

    fn text(&self, link: &str) -> String {
        let mut out = String::new();
        for (heading, text) in self.sections() {
            let _ = writeln!(out, "{heading}");
            lines(text).for_each(|line| {
                let _ = writeln!(out, "{line}");
            });
            out.push('\n');
        }
        for (name, value) in self.list() {
            let _ = writeln!(out, "{name}: {value}");
        }
        let _ = write!(out, "\n{link}\n");
        out
    }
}

/// The words of one language.
struct Words {
    plan: &'static str,
    recommendation: &'static str,
    severity: &'static str,
    priority: &'static str,
    due: &'static str,
    findings: &'static str,
    of: &'static str,
    assets: &'static str,
    of_severity: fn(Severity) -> &'static str,
    of_priority: fn(Priority) -> &'static str,
}

const fn words(language: Language) -> &'static Words {
    match language {
        Language::Sv => &SWEDISH,
        Language::En => &ENGLISH,
    }
}

const SWEDISH: Words = Words {
    plan: "Plan",
    recommendation: "Rekommenderad åtgärd",
    severity: "Allvarlighetsgrad",
    priority: "Prioritet",
    due: "Klart senast",
    findings: "Öppna fynd",
    of: "av",
    assets: "Tillgångar",
    of_severity: |severity| match severity {
        Severity::Informational => "information",
        Severity::Low => "låg",
        Severity::Medium => "medel",
        Severity::High => "hög",
        Severity::Critical => "kritisk",
    },
    of_priority: |priority| match priority {
        Priority::Track => "bevaka",
        Priority::TrackClosely => "bevaka noga",
        Priority::Attend => "åtgärda snart",
        Priority::Act => "åtgärda nu",
    },
};

const ENGLISH: Words = Words {
    plan: "Plan",
    recommendation: "Recommended remedy",
    severity: "Severity",
    priority: "Priority",
    due: "Due by",
    findings: "Open findings",
    of: "of",
    assets: "Assets",
    of_severity: |severity| match severity {
        Severity::Informational => "informational",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    },
    of_priority: |priority| match priority {
        Priority::Track => "track",
        Priority::TrackClosely => "track closely",
        Priority::Attend => "attend",
        Priority::Act => "act",
    },
};

/// The title of a task that the rule makes of all findings on one asset.
pub fn title_of_asset(language: Language, asset: &str) -> String {
    let title = match language {
        Language::Sv => format!("Åtgärda fynd på {asset}"),
        Language::En => format!("Remedy the findings on {asset}"),
    };
    cut(&line(&title), MAX_TITLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letterhead(language: Language) -> Letterhead {
        Letterhead { language, time_zone: "Europe/Stockholm".into(), public_url: "https://fynd.norrvik.example".into() }
    }

    fn facts<'a>(title: &'a str, assets: &'a [String]) -> TicketFacts<'a> {
        TicketFacts {
            id: TaskId(uuid::Uuid::from_u128(1)),
            title,
            plan: Some("Stäng porten.\n\n# sedan\n- prova @admin"),
            recommendation: Some("Uppgradera till <2.0>"),
            severity: Severity::High,
            priority: Priority::TrackClosely,
            // Midnight has passed in Stockholm.
            due_at: Some("2026-12-23T23:30:00Z".parse().unwrap()),
            open: 3,
            findings: 4,
            assets,
        }
    }

    #[test]
    fn a_ticket_is_written_in_the_municipalitys_language_and_time() {
        let assets = ["löner.norrvik.example".to_owned()];
        let ticket = letterhead(Language::Sv).ticket(&facts("Påhittad brist", &assets));
        assert_eq!(ticket.due_date.as_deref(), Some("2026-12-24"));
        assert_eq!(ticket.labels, ["fynd", "severity-high", "priority-track-closely"]);
        assert_eq!(
            ticket.body_markdown,
            "**Plan**\n\nStäng porten.  \n\n\\#\u{200B} sedan  \n\\- prova \\@\u{200B}admin  \n\n**Rekommenderad åtgärd**\n\n\
             Uppgradera till &lt;2.0&gt;  \n\n- **Allvarlighetsgrad:** hög\n- **Prioritet:** bevaka noga\n\
             - **Klart senast:** 2026-12-24\n- **Öppna fynd:** 3 av 4\n- **Tillgångar:** löner.norrvik.example\n\n\
             <https://fynd.norrvik.example/v1/tasks/00000000-0000-0000-0000-000000000001>\n"
        );
        assert!(
            ticket.body_html.contains("<p><strong>Rekommenderad åtgärd</strong><br>Uppgradera till &lt;2.0&gt;</p>")
        );
        assert!(
            ticket.body_text.starts_with("Plan\nStäng porten.\n\n# sedan\n- prova @admin\n\nRekommenderad åtgärd\n")
        );
        let english = letterhead(Language::En).ticket(&facts("x", &assets));
        assert!(english.body_text.contains("Severity: high\nPriority: track closely\nDue by: 2026-12-24\n"));
    }

    #[test]
    fn hostile_text_breaks_out_of_no_medium() {
        let title =
            "x\r\nBcc: alla@norrvik.example\u{2028}[y](javascript:alert(1))<script>`#12".to_owned() + &"å".repeat(300);
        let assets: Vec<String> = (0..30).map(|at| format!("<b>{at}</b>\n* [x](data:text/html,y)")).collect();
        let ticket = letterhead(Language::En).ticket(&facts(&title, &assets));
        assert_eq!(ticket.title.chars().count(), MAX_TITLE);
        assert!(!ticket.title.contains(['\r', '\n', '\u{2028}']) && ticket.title.ends_with('…'));
        assert_eq!(ticket.assets.len(), MAX_ASSETS);
        assert!(ticket.assets.iter().all(|name| !name.contains('\n')));
        let tags = ["<b>", "</b>", "<script>"];
        assert!(tags.iter().all(|tag| !ticket.body_html.contains(tag) && !ticket.body_markdown.contains(tag)));
        assert!(!ticket.body_markdown.contains("](") && !ticket.body_markdown.contains("\n* "));
        assert_eq!(ticket.body_html.matches("<li>").count(), 5);
    }
}
