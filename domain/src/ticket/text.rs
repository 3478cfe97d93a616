//! A task as a ticket: what a tracker is to show, ready in each of its media.
//!
//! It holds what whoever reads tasks may know: no evidence, nothing that is withheld, and no name of an asset
//! that only findings marked TLP:RED are about.

use super::{
    markup::{cut, html, line, lines, markdown},
    words::{Words, words},
};
use crate::{Priority, Severity, TaskId, Timestamp, tenant_settings::Language, text::word};
use serde::Serialize;
use std::fmt::Write;
use utoipa::ToSchema;

/// The longest title of a ticket, in characters: what trackers take.
pub const MAX_TITLE: usize = 255;
/// Most assets that a ticket names.
pub const MAX_ASSETS: usize = 20;
/// The longest name of an asset with its identifiers, in characters.
const MAX_ASSET: usize = 200;
/// The longest body, in UTF-16 units: less than the 32,767 that Jira takes, with room for what a connector adds.
pub const MAX_BODY: usize = 30_000;

/// What a ticket for the task says, in the municipality's language. Escaped for each medium.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct TicketText {
    /// One line of at most 255 characters.
    pub title: String,
    /// CommonMark. Each of the bodies has at most 30,000 characters (UTF-16 units) and ends with the link.
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
    /// The first assets that it is about, at most 20, those with open findings first: each with its name and up to five
    /// of its other identifiers in brackets, in 200 characters.
    pub assets: Vec<String>,
    /// How many assets it is about beside those.
    pub more_assets: i64,
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
    /// Its first assets, each once, without those that only findings marked TLP:RED name.
    pub assets: &'a [String],
    /// How many there are in all.
    pub all_assets: i64,
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
        let assets: Vec<String> =
            facts.assets.iter().take(MAX_ASSETS).map(|name| cut(&line(name), MAX_ASSET)).collect();
        let more_assets = (facts.all_assets - i64::try_from(assets.len()).unwrap_or(0)).max(0);
        let content =
            Content { words: words(self.language), facts, due_date: due_date.as_deref(), assets: &assets, more_assets };
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
            more_assets,
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
    more_assets: i64,
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
            let more = format!(" +{} {}", self.more_assets, words.more);
            let more = if self.more_assets > 0 { more.as_str() } else { "" };
            list.push((words.assets, format!("{}{more}", self.assets.join(", "))));
        }
        list
    }

    /// The sections, each with as much of its text as there is room for, before what always stands.
    fn body(&self, tail: &str, section: fn(&str, &str) -> String) -> String {
        let mut room = MAX_BODY.saturating_sub(units(tail));
        let sections: Vec<_> = self.sections().collect();
        let mut wanted: usize = sections.iter().map(|(heading, text)| units(&section(heading, text))).sum();
        let mut out = String::new();
        for (at, (heading, text)) in sections.iter().enumerate() {
            let whole = section(heading, text);
            wanted -= units(&whole);
            // What the others leave, and at least an equal share.
            let share = room.saturating_sub(wanted).max(room / (sections.len() - at));
            let part = if units(&whole) <= share { whole } else { self.part(heading, text, share, section) };
            room = room.saturating_sub(units(&part));
            out.push_str(&part);
        }
        out + tail
    }

    /// A section cut to size. The text is cut before it is escaped, so that no escape is cut apart.
    fn part(&self, heading: &str, text: &str, room: usize, section: fn(&str, &str) -> String) -> String {
        let mut keep = text.chars().count();
        loop {
            let kept: String = text.chars().take(keep).collect();
            let part = section(heading, &format!("{}…\n{}", kept.trim_end(), self.words.rest));
            let size = units(&part);
            if size <= room || keep == 0 {
                return part;
            }
            keep = (keep * room / size).min(keep - 1);
        }
    }

    fn markdown(&self, link: &str) -> String {
        let mut tail = String::new();
        for (name, value) in self.list() {
            let _ = writeln!(tail, "- **{name}:** {}", markdown(&value));
        }
        let _ = write!(tail, "\n<{link}>\n");
        self.body(&tail, |heading, text| {
            let mut out = format!("**{heading}**\n\n");
            for line in lines(text) {
                let line = markdown(&line);
                // Two blanks at the end break the line without ending the paragraph.
                out.push_str(&if line.is_empty() { "\n".to_owned() } else { format!("{line}  \n") });
            }
            out + "\n"
        })
    }

    fn html(&self, link: &str) -> String {
        let mut tail = "<ul>".to_owned();
        for (name, value) in self.list() {
            let _ = write!(tail, "<li><strong>{name}:</strong> {}</li>", html(&value));
        }
        let link = html(link);
        let _ = write!(tail, "</ul><p><a href=\"{link}\">{link}</a></p>");
        self.body(&tail, |heading, text| {
            let text = lines(text).map(|line| html(&line)).collect::<Vec<_>>().join("<br>");
            format!("<p><strong>{heading}</strong><br>{text}</p>")
        })
    }

    fn text(&self, link: &str) -> String {
        let mut tail = String::new();
        for (name, value) in self.list() {
            let _ = writeln!(tail, "{name}: {value}");
        }
        let _ = write!(tail, "\n{link}\n");
        self.body(&tail, |heading, text| {
            let lines: String = lines(text).map(|line| line + "\n").collect();
            format!("{heading}\n{lines}\n")
        })
    }
}

/// The length of a text as trackers count it.
fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
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
            all_assets: i64::try_from(assets.len()).unwrap(),
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

    #[test]
    fn a_body_is_as_long_as_trackers_take_and_ends_with_its_link() {
        let link = "https://fynd.norrvik.example/v1/tasks/00000000-0000-0000-0000-000000000001";
        let assets: Vec<String> = (0..30).map(|at| format!("{at}{}", "\"".repeat(300))).collect();
        for c in ["\"", "<", "#", "😀", "x", "a\n"] {
            let long = c.repeat(20_000);
            for (plan, recommendation) in [(long.as_str(), long.as_str()), ("kort", long.as_str()), (&long, "kort")] {
                let facts =
                    TicketFacts { plan: Some(plan), recommendation: Some(recommendation), ..facts("x", &assets) };
                let ticket = letterhead(Language::Sv).ticket(&facts);
                let is_long = plan.len() > 4 && recommendation.len() > 4;
                for body in [&ticket.body_markdown, &ticket.body_html, &ticket.body_text] {
                    assert!(units(body) <= MAX_BODY, "{c}: {}", units(body));
                    assert!(body.contains(link) && body.contains("Plan") && body.contains("Rekommenderad åtgärd"));
                    assert!(is_long && body.contains("Resten står på länken nedan.") || body.contains("kort"), "{c}");
                    // What is short leaves its room to what is long.
                    assert!(!is_long || units(body) > 28_000, "{c}: {}", units(body));
                }
                let mut escapes = ticket.body_html.split('&').skip(1);
                assert!(escapes.all(|rest| rest.chars().take(5).any(|c| c == ';')), "no escape is cut apart");
                assert_eq!((ticket.assets.len(), ticket.more_assets), (20, 10));
                assert!(ticket.body_text.contains(" +10 till\n"));
            }
        }
    }
}
