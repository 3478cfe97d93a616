//! What happens to findings while they rest. One that becomes worse asks for another look, and the acceptance goes
//! on; one that is closed leaves it.

use super::{decide, member};
use crate::{Result, finding::write::Edit, tenancy::Command};
use domain::{AcceptanceOutcome, EventKind, Severity, Status, text};
use entity::{finding, risk_acceptance, risk_acceptance_finding};
use sea_orm::{ColumnTrait, QueryOrder};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The longest reason, in characters: some hundred findings.
const MAX_REASON: usize = 10_000;

/// Looks at findings that rest, or did before these edits.
pub(crate) async fn follow<'e>(command: &mut Command, edits: impl Iterator<Item = &'e Edit> + Clone) -> Result<()> {
    member::save(command, edits.clone().filter_map(left).collect()).await?;
    flag(command, edits).await
}

/// A finding that left its acceptance while that went on, as one that was merged: it may be in another acceptance from
/// now on. What becomes of it where the acceptance itself ends is said by the end, after this.
fn left(edit: &Edit) -> Option<risk_acceptance_finding::Model> {
    let acceptance = edit.before.as_ref()?.acceptance_id?;
    let has_left = edit.after.acceptance_id != Some(acceptance);
    has_left.then_some(risk_acceptance_finding::Model {
        tenant_id: edit.after.tenant_id,
        acceptance_id: acceptance,
        finding_id: edit.after.id,
        outcome: AcceptanceOutcome::Closed,
        found_status: Some(edit.after.status),
    })
}

/// Flags the acceptances of findings that have become more severe or are known to be exploited since they were
/// accepted. What is said of a finding is its id and what has moved, which nobody withholds.
async fn flag<'e>(command: &mut Command, edits: impl Iterator<Item = &'e Edit>) -> Result<()> {
    let mut worse: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
    for edit in edits {
        if let Some((acceptance, what)) = edit.before.as_ref().and_then(|before| became_worse(before, &edit.after)) {
            worse.entry(acceptance).or_default().push(what);
        }
    }
    if worse.is_empty() {
        return Ok(());
    }
    use risk_acceptance::{Column as C, Entity as E};
    let find = command.scope().find::<E>().filter(C::Id.is_in(worse.keys().copied()));
    for before in find.with(|select| select.order_by_asc(C::Id)).all().await? {
        let news = worse.remove(&before.id).unwrap_or_default();
        let told = before.review_reason.clone().into_iter().chain(news).collect::<Vec<_>>().join("\n");
        let after = risk_acceptance::Model {
            review_needed: true,
            review_reason: Some(text::clean(&told, MAX_REASON)),
            ..before.clone()
        };
        decide::store(command, &before, after, EventKind::RiskAcceptanceReviewNeeded).await?;
    }
    Ok(())
}

/// What has become worse about a finding that rests, and the acceptance that it rests through.
fn became_worse(before: &finding::Model, after: &finding::Model) -> Option<(Uuid, String)> {
    let rests = before.status == Status::RiskAccepted && after.status == Status::RiskAccepted;
    let acceptance = after.acceptance_id.filter(|_| rests)?;
    let word = |severity: Severity| text::word(&severity);
    let more_severe = (after.severity > before.severity)
        .then(|| format!("severity {} instead of {}", word(after.severity), word(before.severity)));
    let exploited = (after.kev && !before.kev).then(|| "known to be exploited".to_owned());
    let what = more_severe.into_iter().chain(exploited).collect::<Vec<_>>().join(", ");
    (!what.is_empty()).then(|| (acceptance, format!("finding {}: {what}", after.id)))
}
