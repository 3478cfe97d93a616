//! Reports come in: counts, repetition, refusal.

use crate::support::{Kind, World, fixture, on_both_stores};

on_both_stores!(
    a_report_is_counted_and_listed,
    the_same_report_twice_changes_nothing,
    a_report_that_is_not_whole_is_refused_whole,
    an_importer_sees_nothing_but_its_own_outcome,
    the_corpus_is_counted_exactly,
);

async fn a_report_is_counted_and_listed(kind: Kind) {
    // Read, created, merged, rejected and assets made, counted by hand.
    for (file, counts) in [
        ("nessus/norrvik.nessus", [7, 6, 0, 1, 2]),
        ("nessus/alvsund_was.nessus", [2, 2, 0, 0, 1]),
        ("nuclei/norrvik.jsonl", [8, 4, 0, 4, 4]),
        ("nuclei/alvsund.json", [2, 2, 0, 0, 1]),
        ("sarif/alvsund.sarif", [9, 5, 0, 4, 1]),
    ] {
        let world = World::new(kind).await;
        let lead = world.lead().await;
        let import = lead.import("tenant=norrvik", fixture(file)).await.expect(201).json();
        let count = |name: &str| import[name].as_i64().unwrap();
        assert_eq!(["read", "created", "merged", "rejected", "assets_created"].map(count), counts, "{file}: {import}");
        assert_eq!((count("updated"), count("unchanged")), (0, count("merged")), "{file}: {import}");
        assert_eq!(import["rejected_records"].as_array().unwrap().len() as i64, count("rejected"), "{file}");
        let findings = lead.get("/v1/findings?limit=500").await.expect(200).items();
        assert_eq!(findings.len() as i64, count("created"), "{file}");
        assert_eq!(lead.get("/v1/assets").await.expect(200).items().len() as i64, count("assets_created"), "{file}");
        let shown = lead.get(&format!("/v1/imports/{}", import["id"].as_str().unwrap())).await.expect(200).json();
        assert_eq!(shown, import);
        world.end().await;
    }
}

async fn the_same_report_twice_changes_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    for file in ["nessus/norrvik.nessus", "nuclei/norrvik.jsonl", "sarif/alvsund.sarif"] {
        lead.import("tenant=norrvik", fixture(file)).await.expect(201);
        let before = lead.get("/v1/changes?limit=1000&types=finding,asset,task&mode=events").await.json();
        world.advance(chrono::TimeDelta::days(1));
        let again = lead.import("tenant=norrvik", fixture(file)).await.expect(201).json();
        assert_eq!((&again["created"], &again["updated"]), (&0.into(), &0.into()), "{file}: {again}");
        let after = lead.get("/v1/changes?limit=1000&types=finding,asset,task&mode=events").await.json();
        let seqs = |page: &serde_json::Value| -> Vec<i64> {
            page["items"].as_array().unwrap().iter().map(|item| item["seq"].as_i64().unwrap()).collect()
        };
        assert_eq!(seqs(&before), seqs(&after), "{file}");
    }
    world.end().await;
}

async fn a_report_that_is_not_whole_is_refused_whole(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let whole = fixture("nessus/norrvik.nessus");
    let cut = whole[..whole.len() - 200].to_vec();
    let refused = lead.import("tenant=norrvik&format=nessus", cut).await.expect(422);
    assert_eq!(refused.code(), "report_refused");
    assert!(lead.get("/v1/findings").await.items().is_empty());
    assert!(lead.get("/v1/imports").await.items().is_empty());
    assert_eq!(lead.import("tenant=norrvik", b"[[[[[[".to_vec()).await.expect(422).code(), "unknown_format");
    world.end().await;
}

async fn an_importer_sees_nothing_but_its_own_outcome(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let importer = world.person("scanner", &[world.norrvik], "imports:write").await;
    let other = world.person("other", &[world.norrvik], "imports:write").await;
    let own = importer.import("", fixture("nuclei/norrvik.jsonl")).await.expect(201).json();
    let path = format!("/v1/imports/{}", own["id"].as_str().unwrap());
    importer.get(&path).await.expect(200);
    other.get(&path).await.expect(404);
    assert!(other.get("/v1/imports").await.expect(200).items().is_empty());
    lead.get(&path).await.expect(200);
    assert_eq!(importer.get("/v1/findings").await.expect(403).code(), "forbidden");
    world.end().await;
}

/// Counts of the corpus, where it is present beside the project.
async fn the_corpus_is_counted_exactly(kind: Kind) {
    let corpus = crate::support::root().parent().expect("a parent").join("shared/corpus");
    let Ok(expected) = std::fs::read(corpus.join("expected.json")) else { return };
    let expected: serde_json::Value = serde_json::from_slice(&expected).unwrap();
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let mut checked = 0;
    for (file, counts) in expected.as_object().unwrap() {
        let format = file.split('/').next().unwrap();
        if !["nessus", "sarif", "nuclei"].contains(&format) || file.ends_with(".csv") {
            continue;
        }
        let report = std::fs::read(corpus.join(file)).unwrap();
        let answer = lead.import(&format!("format={format}&source={checked}"), report.clone()).await;
        let import = answer.expect(201).json();
        assert_eq!(import["read"], counts["findings"], "{file}");
        let count = |name: &str| import[name].as_i64().unwrap();
        assert_eq!(
            count("read"),
            count("created") + count("updated") + count("unchanged") + count("rejected"),
            "{file}"
        );
        assert_eq!(count("rejected"), 0, "{file}: {import}");
        // Without being told the format, the same is read from the same bytes.
        let is_empty = report.is_empty();
        let sniffed = lead.import(&format!("source=sniffed-{checked}"), report).await;
        checked += 1;
        if is_empty {
            assert_eq!(sniffed.expect(422).code(), "unknown_format");
            continue;
        }
        assert_eq!(sniffed.status, 201, "{file}: {}", sniffed.text);
        let sniffed = sniffed.json();
        for same in ["format", "read", "created", "merged", "rejected"] {
            assert_eq!(sniffed[same], import[same], "{file}: {same} of {sniffed}");
        }
    }
    assert!(checked >= 15, "only {checked} files");
    world.end().await;
}
