//! The commands, each with what the model expects of it.

use super::{
    Sequence, chance,
    finding::{Finding, STATUSES, Wish, Word},
    pick,
};
use chrono::{SecondsFormat, TimeDelta};
use proptest::{prelude::Rng, test_runner::TestRng};
use reqwest::Method;
use serde_json::{Value, json};

const SEVERITIES: &[&str] = &["low", "medium", "high", "critical"];
const JUSTIFICATIONS: &[&str] =
    &["scanner_error", "patch_backported", "inline_mitigations_already_exist", "same_as_other"];
const RESULTS: &[&str] = &["fixed", "partly", "not_fixed", "not_testable"];

fn number(value: &Value) -> i64 {
    value.as_i64().expect("a number")
}

impl Sequence<'_> {
    pub(super) async fn step(&mut self, rng: &mut TestRng) {
        let known: Vec<usize> = (0..3).filter(|rule| self.findings[*rule].is_some()).collect();
        if known.is_empty() || chance(rng, 3) {
            self.import(rng).await;
            return;
        }
        let rule = pick(rng, &known);
        match rng.next_u32() % 12 {
            0..3 => self.patch(rng, rule).await,
            3..5 => self.retest(rng, rule).await,
            5 => self.bulk(rng, &known).await,
            6 => self.accept(rng, rule).await,
            _ => self.transition(rng, rule).await,
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
                   "host": self.host(), "matched-at": "x",
                   "info": {"name": word.title, "severity": word.severity, "description": word.title}})
            .to_string()
        };
        let report = words.iter().map(line).collect::<Vec<_>>().join("\n");
        let answer = self.lead().import("tenant=norrvik&format=nuclei", report.into_bytes()).await.expect(201).json();
        let stored = self.read_versions().await;
        let (mut created, mut updated, mut reopened) = (0, 0, 0);
        for word in &words {
            let Some(before) = &self.findings[word.rule] else {
                created += 1;
                let id = stored[word.rule].clone().expect("it was stored");
                self.findings[word.rule] = Some(Finding::new(id, word));
                continue;
            };
            let (after, reopens) = before.see(word);
            let visible = |finding: &Finding| Finding { last_seen: now, stands: now, decided: None, ..finding.clone() };
            updated += i64::from(visible(before) != visible(&after));
            reopened += i64::from(reopens);
            self.findings[word.rule] = Some(after);
        }
        let counts = ["created", "updated", "reopened"].map(|name| number(&answer[name]));
        assert_eq!(counts, [created, updated, reopened], "{answer} after {:#?}", self.done);
    }

    fn host(&self) -> String {
        format!("s{}.norrvik.example", self.number)
    }

    /// Reads the versions of all findings; gives their ids by rule.
    async fn read_versions(&mut self) -> Vec<Option<String>> {
        if self.asset.is_none() {
            let found = self.lead().get(&format!("/v1/assets?identifier={}", self.host())).await.expect(200).items();
            self.asset = found[0]["id"].as_str().map(str::to_owned);
        }
        let mut ids = vec![None; 3];
        for (id, row) in self.stored().await {
            let rule = row["rule_key"].as_str().and_then(|key| key.rsplit_once("-r")).expect("a rule").1;
            let rule: usize = rule.parse().expect("its number");
            (ids[rule], self.seqs[rule]) = (Some(id), number(&row["seq"]));
        }
        ids
    }

    /// Sends a change of a finding in its version; its answer must be what the model says.
    async fn send(&mut self, by: &str, rule: usize, way: &str, body: Value, expected: Result<Finding, &'static str>) {
        let path = format!("/v1/findings/{}/{way}", self.findings[rule].as_ref().expect("a finding").id);
        let tag = format!("\"{}\"", self.seqs[rule]);
        let answer = self.people[by].write(Method::POST, &path, Some(&tag), body).await;
        match expected {
            Ok(after) => {
                assert!(answer.status.is_success(), "{} after {:#?}", answer.text, self.done);
                self.findings[rule] = Some(after);
                let told = answer.json();
                // A retest tells the version that it left its finding in; it may have been numbered after that.
                if way == "retests" {
                    self.read_versions().await;
                } else {
                    self.seqs[rule] = number(&told["seq"]);
                }
            }
            Err(code) => assert_eq!(answer.code(), code, "{} after {:#?}", answer.text, self.done),
        }
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
        let expected = finding.move_to(&wish, &others, self.now());
        self.send(wish.by, rule, "transition", body, expected).await;
    }

    /// Somebody looks whether a finding is still there.
    async fn retest(&mut self, rng: &mut TestRng, rule: usize) {
        let finding = self.findings[rule].clone().unwrap();
        let (by, result) = (pick(rng, &["lead", "deputy", "writer"]), pick(rng, RESULTS));
        self.done.push(format!("{} retested by {by}: {result}", finding.id));
        let expected = finding.retested(by, result, self.now());
        self.send(by, rule, "retests", json!({"method": "scan", "result": result}), expected).await;
    }

    /// One move of all findings: each has an outcome of its own.
    async fn bulk(&mut self, rng: &mut TestRng, known: &[usize]) {
        let (by, to) = (pick(rng, &["lead", "deputy", "writer"]), pick(rng, &STATUSES[..5]));
        self.done.push(format!("all to {to} by {by}"));
        let others: Vec<Finding> = self.findings.iter().flatten().cloned().collect();
        let ids: Vec<String> = others.iter().map(|finding| finding.id.clone()).collect();
        let body = json!({"ids": ids, "transition": {"to": to}});
        let answer = self.people[by].write(Method::POST, "/v1/findings/bulk", None, body).await.expect(200).json();
        let wish = Wish { by, to, justification: None, comment: None, duplicate_of: None };
        for (rule, told) in known.iter().zip(answer["items"].as_array().expect("outcomes")) {
            match self.findings[*rule].as_ref().unwrap().move_to(&wish, &others, self.now()) {
                Ok(after) => {
                    assert_eq!(told["outcome"], "done", "{told} after {:#?}", self.done);
                    self.findings[*rule] = Some(after);
                }
                Err(code) => assert_eq!(told["code"], code, "{told} after {:#?}", self.done),
            }
        }
        self.read_versions().await;
    }

    /// One asks to bear a risk, the other approves; then it is taken back, so that no time that passes ends it.
    async fn accept(&mut self, rng: &mut TestRng, rule: usize) {
        let finding = self.findings[rule].clone().unwrap();
        let end = (self.now() + TimeDelta::days(30)).to_rfc3339_opts(SecondsFormat::Secs, true);
        self.done.push(format!("{} accepted", finding.id));
        let wish = json!({"findings": [finding.id], "reason": "Byts ut.", "standstill_days": 1, "cost_per_day": 1,
            "fix_cost": 1, "expires_at": end});
        let asked = self.lead().write(Method::POST, "/v1/risk-acceptances", None, wish).await.expect(201);
        let place = format!("/v1/risk-acceptances/{}", asked.json()["id"].as_str().expect("an id"));
        let decide = async |by: &str, verb: &str, tag: String, body: Value| {
            self.people[by].write(Method::POST, &format!("{place}/{verb}"), Some(&tag), body).await
        };
        if chance(rng, 4) {
            let refused = decide("lead", "approve", asked.etag(), json!({})).await;
            assert_eq!(refused.code(), "same_person", "{}", refused.text);
        }
        let approved = decide("deputy", "approve", asked.etag(), json!({})).await.expect(200);
        let rests = ["new", "confirmed", "in_progress"].contains(&finding.status);
        assert_eq!(approved.json()["accepted_count"], i64::from(rests), "{}", approved.text);
        let shown = self.stored().await[&finding.id]["status"].clone();
        assert_eq!(shown, if rests { "risk_accepted" } else { finding.status }, "after {:#?}", self.done);
        decide("deputy", "revoke", approved.etag(), json!({"reason": "Ändrat."})).await.expect(200);
        if rests {
            self.findings[rule] = Some(finding.back_from_acceptance(self.now()));
        }
        self.read_versions().await;
    }

    /// What a person says of a finding; from time to time in a version that is not the last.
    async fn patch(&mut self, rng: &mut TestRng, rule: usize) {
        let mut after = self.findings[rule].clone().unwrap();
        let path = format!("/v1/findings/{}", after.id);
        let seq = self.seqs[rule];
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
        let said = self.people["writer"].write(Method::PATCH, &path, Some(&format!("\"{seq}\"")), body).await;
        self.seqs[rule] = number(&said.expect(200).json()["seq"]);
        (after.set, after.assignee) = (severity, assignee.map(str::to_owned));
        self.findings[rule] = Some(after);
    }
}
