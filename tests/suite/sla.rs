//! When findings are due: over holidays, through pauses and changed settings, and what is told of it.

use crate::support::{ALL, Answer, Kind, Person, World, counted_exactly, on_both_stores};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    holidays_give_more_time_and_changes_count_from_the_same_day,
    what_the_internet_reaches_has_less_time,
    a_person_sets_another_date_and_takes_it_back,
    due_soon_and_overdue_are_told_once,
    a_late_start_tells_what_was_missed,
    changed_settings_move_open_findings_alone,
    a_settled_finding_keeps_its_date_and_begins_anew_when_it_is_back,
);

/// Moves the clock to a time that is to come.
pub(crate) fn go_to(world: &World, time: &str) {
    let time: DateTime<Utc> = time.parse().expect("a time");
    let now = world.auth.service().clock.now();
    assert!(time > now, "{time} is not to come");
    world.advance(time - now);
}

/// A finding of this weakness and severity on a host of its own, as it is shown.
pub(crate) async fn found(who: &Person, rule: &str, severity: &str) -> Value {
    let report = json!({"template-id": rule, "host": format!("{rule}.norrvik.example"),
        "info": {"name": format!("Påhittad brist {rule}"), "severity": severity}});
    who.import("format=nuclei", report.to_string().into_bytes()).await.expect(201);
    who.get(&format!("/v1/findings?rule_key={rule}")).await.expect(200).items()[0].clone()
}

pub(crate) fn path(finding: &Value) -> String {
    format!("/v1/findings/{}", finding["id"].as_str().expect("an id"))
}

/// The finding as it is now.
pub(crate) async fn again(who: &Person, finding: &Value) -> Value {
    who.get(&path(finding)).await.expect(200).json()
}

async fn patch(who: &Person, finding: &Value, body: Value) -> Answer {
    let tag = who.get(&path(finding)).await.expect(200).etag();
    who.write(Method::PATCH, &path(finding), Some(&tag), body).await
}

pub(crate) async fn moved(who: &Person, finding: &Value, wish: Value) -> Value {
    let tag = who.get(&path(finding)).await.expect(200).etag();
    who.write(Method::POST, &format!("{}/transition", path(finding)), Some(&tag), wish).await.expect(200).json()
}

/// What has been told of a kind, with the finding that each is about.
pub(crate) async fn told(who: &Person, kind: &str) -> Vec<Value> {
    let page = who.get("/v1/changes?mode=events&limit=1000").await.expect(200);
    page.items().into_iter().filter(|item| item["event"] == kind).collect()
}

async fn set(who: &Person, wish: Value) {
    let settings = "/v1/tenants/norrvik/settings";
    let tag = who.get(settings).await.expect(200).etag();
    who.write(Method::PATCH, settings, Some(&tag), wish).await.expect(200);
}

async fn holidays_give_more_time_and_changes_count_from_the_same_day(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let november = found(&lead, "november", "critical").await;
    assert_eq!(november["due_at"], "2026-12-03T22:59:59Z", "seven working days after a Tuesday");
    go_to(&world, "2026-12-22T10:00:00Z");
    assert_eq!(found(&lead, "jul", "critical").await["due_at"], "2027-01-07T22:59:59Z");
    // Maundy Thursday: Good Friday, the weekend and Easter Monday count as nothing, and summer time begins.
    go_to(&world, "2027-03-25T10:00:00Z");
    let easter = found(&lead, "pask", "critical").await;
    assert_eq!(easter["due_at"], "2027-04-07T21:59:59Z");
    assert_eq!(found(&lead, "information", "info").await["due_at"], Value::Null);
    go_to(&world, "2027-06-24T10:00:00Z");
    assert_eq!(found(&lead, "midsommar", "critical").await["due_at"], "2027-07-06T21:59:59Z");
    // It is overdue by now; the server finds out at any moment, and would come in between.
    world.keep_house().await;
    let lower =
        patch(&lead, &easter, json!({"severity": "high", "severity_reason": "Slutet nät."})).await.expect(200).json();
    assert_eq!(lower["due_at"], "2027-05-11T21:59:59Z", "thirty working days from the same Maundy Thursday");
    world.end().await;
}

async fn what_the_internet_reaches_has_less_time(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let finding = found(&lead, "webb", "critical").await;
    let asset = format!("/v1/assets/{}", finding["asset_id"].as_str().expect("an id"));
    let expose = async |exposure: &str| {
        let tag = lead.get(&asset).await.expect(200).etag();
        lead.write(Method::PATCH, &asset, Some(&tag), json!({"exposure": exposure})).await.expect(200);
        again(&lead, &finding).await["due_at"].clone()
    };
    assert_eq!(expose("internet").await, "2026-11-30T22:59:59Z", "half of seven days, rounded up");
    assert_eq!(expose("internal").await, "2026-12-03T22:59:59Z");
    world.end().await;
}

async fn a_person_sets_another_date_and_takes_it_back(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let finding = found(&lead, "datum", "critical").await;
    let set = patch(&lead, &finding, json!({"due_at": "2026-12-24T12:00:00+01:00"})).await.expect(200).json();
    assert_eq!(set["due_at"], "2026-12-24T11:00:00Z");
    let lower =
        patch(&lead, &finding, json!({"severity": "low", "severity_reason": "Slutet nät."})).await.expect(200).json();
    assert_eq!(lower["due_at"], "2026-12-24T11:00:00Z", "no rule moves what a person has set");
    world.advance(TimeDelta::minutes(1));
    found(&lead, "datum", "high").await;
    assert_eq!(again(&lead, &finding).await["due_at"], "2026-12-24T11:00:00Z", "nor does a report");
    let back = patch(&lead, &finding, json!({"due_at": null, "severity": null})).await.expect(200).json();
    assert_eq!(back["due_at"], "2027-01-12T22:59:59Z", "the report says high by now");
    for (wrong, pointer) in [("+12026-12-24T12:00:00Z", "/due_at"), ("i morgon", "/due_at")] {
        let refused = patch(&lead, &finding, json!({"due_at": wrong})).await.expect(422);
        assert!(refused.text.contains(pointer), "{}", refused.text);
    }
    moved(&lead, &finding, json!({"to": "false_positive", "justification": "scanner_error"})).await;
    let closed = patch(&lead, &finding, json!({"due_at": "2027-01-24T12:00:00Z"})).await.expect(422);
    assert_eq!(closed.json()["errors"][0]["pointer"], "/due_at");
    world.end().await;
}

async fn due_soon_and_overdue_are_told_once(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let finding = found(&lead, "sen", "critical").await;
    let late = found(&lead, "senare", "high").await;
    world.keep_house().await;
    assert!(told(&lead, "finding.due_soon").await.is_empty());
    // Due on Thursday 3 December; three working days before is the Monday.
    go_to(&world, "2026-11-30T08:00:00Z");
    for _ in 0..3 {
        world.keep_house().await;
    }
    let soon = told(&lead, "finding.due_soon").await;
    assert_eq!((soon.len(), &soon[0]["resource_id"]), (1, &finding["id"]));
    assert_eq!(soon[0]["changed"], json!({"due_soon": {"before": false, "after": true}}));
    // The last second is not late.
    go_to(&world, "2026-12-03T22:59:59Z");
    world.keep_house().await;
    assert!(told(&lead, "finding.overdue").await.is_empty());
    go_to(&world, "2026-12-03T23:00:00Z");
    for _ in 0..3 {
        world.keep_house().await;
    }
    let overdue = told(&lead, "finding.overdue").await;
    assert_eq!((overdue.len(), &overdue[0]["resource_id"]), (1, &finding["id"]));
    let now = again(&lead, &finding).await;
    assert_eq!((&now["overdue"], &now["due_soon"], &now["seq"]), (&json!(true), &json!(false), &overdue[0]["seq"]));
    let listed = lead.get("/v1/findings?overdue=true").await.expect(200).items();
    assert_eq!((listed.len(), &listed[0]["id"]), (1, &finding["id"]));
    let counts = lead.get("/v1/findings/facets?by=overdue").await.expect(200).json();
    assert_eq!(
        counts["items"],
        json!([{"by": "overdue", "value": "false", "count": 1},
        {"by": "overdue", "value": "true", "count": 1}])
    );
    let by_date = lead.get("/v1/findings?sort=due_at").await.expect(200).items();
    assert_eq!([&by_date[0]["id"], &by_date[1]["id"]], [&finding["id"], &late["id"]]);
    assert_eq!(counted_exactly(&world.test_store).await, 2);
    let asset = format!("/v1/assets/{}", finding["asset_id"].as_str().expect("an id"));
    let counted = lead.get(&asset).await.expect(200).json();
    assert_eq!(counted["overdue_findings"], 1, "{counted}");
    // More time: it is not overdue, and will be told again of the other date.
    let later = patch(&lead, &finding, json!({"due_at": "2026-12-07T12:00:00Z"})).await.expect(200).json();
    assert_eq!(later["overdue"], false);
    counted_exactly(&world.test_store).await;
    go_to(&world, "2026-12-07T12:00:01Z");
    world.keep_house().await;
    assert_eq!(told(&lead, "finding.overdue").await.len(), 2);
    world.end().await;
}

async fn a_late_start_tells_what_was_missed(kind: Kind) {
    let world = World::new(kind).await;
    let finding = found(&world.lead().await, "natt", "critical").await;
    let world = world.down_for(TimeDelta::days(30)).await;
    let lead = world.lead().await;
    let overdue = told(&lead, "finding.overdue").await;
    assert_eq!((overdue.len(), &overdue[0]["resource_id"]), (1, &finding["id"]));
    assert!(told(&lead, "finding.due_soon").await.is_empty(), "it is too late for that");
    world.end().await;
}

async fn changed_settings_move_open_findings_alone(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let (open, closed) = (found(&lead, "oppen", "critical").await, found(&lead, "stangd", "critical").await);
    moved(&lead, &closed, json!({"to": "false_positive", "justification": "scanner_error"})).await;
    world.keep_house().await;
    let before = told(&lead, "finding.updated").await.len();
    set(&lead, json!({"language": "en"})).await;
    world.keep_house().await;
    assert_eq!(told(&lead, "finding.updated").await.len(), before, "the language moves no date");
    set(&lead, json!({"sla_critical_days": 3})).await;
    for _ in 0..3 {
        world.keep_house().await;
    }
    let news = told(&lead, "finding.updated").await;
    assert_eq!((news.len(), &news[before]["resource_id"]), (before + 1, &open["id"]));
    assert_eq!(again(&lead, &open).await["due_at"], "2026-11-27T22:59:59Z");
    assert_eq!(again(&lead, &closed).await["due_at"], "2026-12-03T22:59:59Z");
    set(&lead, json!({"calendar": "none", "time_zone": "UTC", "sla_critical_days": 4})).await;
    world.keep_house().await;
    assert_eq!(again(&lead, &open).await["due_at"], "2026-11-28T23:59:59Z", "every day counts now");
    world.end().await;
}

async fn a_settled_finding_keeps_its_date_and_begins_anew_when_it_is_back(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let finding = found(&lead, "ater", "critical").await;
    go_to(&world, "2026-12-04T08:00:00Z");
    world.keep_house().await;
    assert_eq!(again(&lead, &finding).await["overdue"], true);
    let closed = moved(&lead, &finding, json!({"to": "false_positive", "justification": "scanner_error"})).await;
    assert_eq!((&closed["overdue"], &closed["due_at"]), (&json!(false), &json!("2026-12-03T22:59:59Z")));
    go_to(&world, "2026-12-14T08:00:00Z");
    let back = moved(&lead, &finding, json!({"to": "confirmed"})).await;
    assert_eq!((&back["overdue"], &back["due_at"]), (&json!(false), &json!("2026-12-23T22:59:59Z")));
    let other = world.person("other", &[world.alvsund], ALL).await;
    assert!(other.get("/v1/findings?overdue=false").await.expect(200).items().is_empty());
    world.end().await;
}
