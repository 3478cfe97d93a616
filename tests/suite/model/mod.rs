//! Random commands against a plain model: each answer and each state is what
//! the model says, numbers have no hole, events replayed give what is stored,
//! and what is asked for as of a moment is what the replay had then.
//!
//! `FYND_TEST_SCALE=1` runs 100,000 sequences of commands on each store; a hundredth is the default.

mod finding;

use crate::support::{ALL, Kind, Person, World, counted_exactly, on_both_stores};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use finding::{Finding, STATUSES, Wish, Word};
use proptest::{prelude::Rng, test_runner::TestRng};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

on_both_stores!(random_commands_do_what_the_model_says);

const WHOLE: f64 = 100_000.0;
const SEVERITIES: &[&str] = &["low", "medium", "high", "critical"];
const JUSTIFICATIONS: &[&str] =
    &["scanner_error", "patch_backported", "inline_mitigations_already_exist", "same_as_other"];

/// One sequence's findings, as the model knows them and as events replay them.
struct Sequence<'w> {
    world: &'w World,
    people: &'w HashMap<&'static str, Person>,
    number: usize,
    /// By rule.
    findings: Vec<Option<Finding>>,
    done: Vec<String>,
}

/// How far the feed has been read, and what its events make of each finding.
#[derive(Default)]
struct Replay {
    cursor: Option<String>,
    seq: i64,
    states: HashMap<String, Value>,
}

fn pick<T: Clone>(rng: &mut TestRng, from: &[T]) -> T {
    from[rng.next_u32() as usize % from.len()].clone()
}

fn chance(rng: &mut TestRng, one_in: u32) -> bool {
    rng.next_u32().is_multiple_of(one_in)
}

async fn random_commands_do_what_the_model_says(kind: Kind) {
    let world = World::new(kind).await;
    let here = [world.norrvik];
    let writer = "findings:read findings:write";
    let people = HashMap::from([
        ("lead", world.person("lead", &here, ALL).await),
        ("deputy", world.person("deputy", &here, ALL).await),
        ("writer", world.person("writer", &here, writer).await),
    ]);
    let scale = std::env::var("FYND_TEST_SCALE").ok().map_or(0.01, |scale| scale.parse::<f64>().expect("a number"));
    let mut rng = TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    let mut replay = Replay::default();
    for number in 0..(WHOLE * scale).ceil() as usize {
        let mut sequence =
            Sequence { world: &world, people: &people, number, findings: vec![None; 3], done: Vec::new() };
        for _ in 0..4 + rng.next_u32() % 6 {
            world.advance(TimeDelta::minutes(1));
            sequence.step(&mut rng).await;
        }
        sequence.check(&mut rng, &mut replay).await;
    }
    assert!(counted_exactly(&world.test_store).await > 0, "nothing is open any more");
    world.end().await;
}

impl Sequence<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.world.auth.service().clock.now()
    }

    fn lead(&self) -> &Person {
        &self.people["lead"]
    }

    async fn step(&mut self, rng: &mut TestRng) {
        let known: Vec<usize> = (0..3).filter(|rule| self.findings[*rule].is_some()).collect();
        if known.is_empty() || chance(rng, 3) {
            self.import(rng).await;
            return;
        }
        let rule = pick(rng, &known);
        if chance(rng, 4) {
            self.patch(rng, rule).await;
        } else {
            self.transition(rng, rule).await;
        }
    }

    /// A report of some of the findings, made now or hours ago.
    async fn import(&mut self, rng: &mut TestRng) {
        let now = self.now();
        let mut words = Vec::new();
        for rule in 0..3 {
            if chance(rng, 2) {
                let ago = TimeDelta::milliseconds(i64::from(rng.next_u32() % 600_000) * 2 + 1);
                let title = format!("Påhittad brist {rule} {}", rng.next_u32() % 3);
                words.push(Word { rule, title, severity: pick(rng, SEVERITIES), at: now - ago });
            }
        }
        if words.is_empty() {
            return;
        }
        self.done.push(format!("import {words:?}"));
        let line = |word: &Word| {
            let at = word.at.to_rfc3339_opts(SecondsFormat::Millis, true);
            json!({"template-id": format!("s{}-r{}", self.number, word.rule), "type": "http", "timestamp": at,
                   "host": format!("s{}.norrvik.example", self.number), "matched-at": "x",
                   "info": {"name": word.title, "severity": word.severity, "description": word.title}})
            .to_string()
        };
        let report = words.iter().map(line).collect::<Vec<_>>().join("\n");
        let answer = self.lead().import("tenant=norrvik&format=nuclei", report.into_bytes()).await.expect(201).json();
        let (mut created, mut updated, mut reopened) = (0, 0, 0);
        for word in &words {
            let Some(before) = &self.findings[word.rule] else {
                created += 1;
                let id = self.id_of(word.rule).await;
                self.findings[word.rule] = Some(Finding::new(id, word));
                continue;
            };
            let (after, reopens) = before.see(word);
            let visible = |finding: &Finding| Finding { last_seen: now, stands: now, decided: None, ..finding.clone() };
            updated += i64::from(visible(before) != visible(&after));
            reopened += i64::from(reopens);
            self.findings[word.rule] = Some(after);
        }
        let counts = ["created", "updated", "reopened"].map(|name| answer[name].as_i64().unwrap());
        assert_eq!(counts, [created, updated, reopened], "{answer} after {:#?}", self.done);
    }

    async fn id_of(&self, rule: usize) -> String {
        let found = self.lead().get(&format!("/v1/findings?fields=id&rule_key=s{}-r{rule}", self.number)).await;
        found.items()[0]["id"].as_str().unwrap().to_owned()
    }

    async fn transition(&mut self, rng: &mut TestRng, rule: usize) {
        let finding = self.findings[rule].clone().unwrap();
        let to = pick(rng, STATUSES);
        let fitting = match to {
            "false_positive" => Some("scanner_error"),
            "not_applicable" => Some("inline_mitigations_already_exist"),
            "duplicate" => Some("same_as_other"),
            _ => None,
        };
        let others: Vec<Finding> = self.findings.iter().flatten().cloned().collect();
        let wish = Wish {
            by: pick(rng, &["lead", "deputy", "writer"]),
            to,
            justification: if chance(rng, 8) { Some(pick(rng, JUSTIFICATIONS)) } else { fitting },
            comment: chance(rng, 3).then(|| "Åtgärdat.".to_owned()),
            duplicate_of: (to == "duplicate" || chance(rng, 12)).then(|| pick(rng, &others).id),
        };
        self.done.push(format!("{} {wish:?}", finding.id));
        let body = json!({"to": wish.to, "justification": wish.justification, "comment": wish.comment,
                          "duplicate_of": wish.duplicate_of});
        let path = format!("/v1/findings/{}", finding.id);
        let tag = self.lead().get(&format!("{path}?fields=seq")).await.etag();
        let answer = self.people[wish.by].write(Method::POST, &format!("{path}/transition"), Some(&tag), body).await;
        match finding.move_to(&wish, &others, self.now()) {
            Ok(after) => {
                assert_eq!(answer.status.as_u16(), 200, "{} after {:#?}", answer.text, self.done);
                self.findings[rule] = Some(after);
            }
            Err(code) => assert_eq!(answer.code(), code, "{} after {:#?}", answer.text, self.done),
        }
    }

    /// What a person says of a finding; from time to time in a version that is not the last.
    async fn patch(&mut self, rng: &mut TestRng, rule: usize) {
        let mut after = self.findings[rule].clone().unwrap();
        let path = format!("/v1/findings/{}", after.id);
        let seq = self.lead().get(&format!("{path}?fields=seq")).await.json()["seq"].as_i64().unwrap();
        let severity = pick(rng, &[None, Some("low"), Some("critical")]);
        let assignee = pick(rng, &[None, Some("Åsa"), Some("Örjan")]);
        let reason = severity.filter(|severity| *severity != after.reported).map(|_| "Nätet är slutet.");
        let body = json!({"severity": severity, "severity_reason": reason, "assignee": assignee});
        self.done.push(format!("{} {body}", after.id));
        if chance(rng, 5) {
            let stale = self.lead().write(Method::PATCH, &path, Some(&format!("\"{}\"", seq - 1)), body).await;
            assert_eq!(stale.expect(412).code(), "stale");
            return;
        }
        self.people["writer"].write(Method::PATCH, &path, Some(&format!("\"{seq}\"")), body).await.expect(200);
        (after.set, after.assignee) = (severity, assignee.map(str::to_owned));
        self.findings[rule] = Some(after);
    }

    /// Each finding is what the model says and what its events lead to.
    async fn check(&self, rng: &mut TestRng, replay: &mut Replay) {
        self.follow(rng, replay).await;
        for finding in self.findings.iter().flatten() {
            let stored = self.lead().get(&format!("/v1/findings/{}", finding.id)).await.expect(200).json();
            let expected = finding.shown();
            let fields = expected.as_object().unwrap().keys().map(|name| (name.clone(), comparable(&stored[name])));
            assert_eq!(Value::Object(fields.collect()), expected, "after {:#?}", self.done);
            let replayed = replay.states.remove(&finding.id).expect("its events");
            assert_eq!(steady(&replayed), steady(&stored), "after {:#?}", self.done);
        }
    }

    /// Follows the feed from where it was: every number once, and each event leads from what was to what is.
    async fn follow(&self, rng: &mut TestRng, replay: &mut Replay) {
        loop {
            let cursor = replay.cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let page = self.lead().get(&format!("/v1/changes?mode=events&limit=1000{cursor}")).await.expect(200).json();
            for event in page["items"].as_array().unwrap() {
                replay.seq += 1;
                assert_eq!(event["seq"], replay.seq, "a number is missing or stands twice");
                if event["resource_type"] == "finding" {
                    self.replay(rng, replay, event).await;
                }
            }
            replay.cursor = page["next_cursor"].as_str().map(str::to_owned);
            if page["has_more"] == false {
                break;
            }
        }
    }

    async fn replay(&self, rng: &mut TestRng, replay: &mut Replay, event: &Value) {
        let (id, at) = (event["resource_id"].as_str().unwrap(), event["recorded_at"].as_str().unwrap());
        let past = async || self.lead().get(&format!("/v1/findings/{id}?as_of={at}")).await.expect(200).json();
        let is_told_by_time = ["finding.due_soon", "finding.overdue"].iter().any(|kind| event["event"] == *kind);
        let Some(state) = replay.states.get_mut(id) else {
            // Time goes on for findings of earlier sequences, which were compared when those ended.
            if is_told_by_time {
                return;
            }
            assert_eq!(event["event"], "finding.created", "{event}");
            replay.states.insert(id.to_owned(), past().await);
            return;
        };
        let fields = state.as_object_mut().unwrap();
        for (name, change) in event["changed"].as_object().unwrap_or(&Map::new()) {
            if let Some(field) = fields.get_mut(name) {
                assert_eq!(comparable(field), comparable(&change["before"]), "{name} of {event}");
                *field = change["after"].clone();
            }
        }
        fields.insert("seq".into(), event["seq"].clone());
        fields.insert("updated_at".into(), event["recorded_at"].clone());
        if chance(rng, 3) {
            assert_eq!(steady(state), steady(&past().await), "as of {event} after {:#?}", self.done);
        }
    }
}

/// A value apart from how times are written.
fn comparable(value: &Value) -> Value {
    match value.as_str().map(str::parse::<DateTime<Utc>>) {
        Some(Ok(time)) => time.timestamp_millis().into(),
        _ => value.clone(),
    }
}

/// A finding without what moves without a number.
fn steady(finding: &Value) -> Value {
    let fields = finding.as_object().unwrap().iter().filter(|(name, _)| *name != "last_seen");
    fields.map(|(name, value)| (name.clone(), comparable(value))).collect::<Map<_, _>>().into()
}
