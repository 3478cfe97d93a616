//! Moving a finding through its life.

use super::{
    patch::answer,
    row,
    write::{self, Edit},
};
use crate::{
    Error, Etag, Result,
    tenancy::{Caller, Command},
};
use domain::{
    Code, Finding, FindingId, Hand, Permission, PrincipalId, ResourceType, Status, Timestamp, Transition, Violation,
    status::permission_for, text,
};
use entity::finding;
use sea_orm::ColumnTrait;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Moves a finding in the version read to another status. One that is open again
/// comes under the default rule, as one that an import reopens does.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `transition_refused`, `justification_required`,
/// `acceptance_required`, `same_person`, `invalid_body`.
pub async fn transition(caller: &Caller, id: FindingId, version: i64, wish: Transition) -> Result<(Etag, Finding)> {
    let write = caller.begin_write_any(DECIDING).await?;
    let tenant = write.get_version::<finding::Entity>(id.0, version).await?.tenant_id;
    let mut command = write.command(tenant).await?;
    let before = command.get_version::<finding::Entity>(id.0, version).await?;
    let judge = Judge::of(&command, caller, &wish, std::slice::from_ref(&before)).await?;
    let after = judge.moved(&before, &wish)?;
    let saved = write::save(&mut command, vec![Edit::of(before, after)]).await?;
    let shown = row::shown(&command.scope(), saved.into_iter().map(|saved| saved.row).collect()).await?;
    command.commit("finding.transition", Some((ResourceType::Finding, id.0))).await?;
    answer(caller, shown)
}

/// Either right decides about some status; which one, says the rule.
pub(super) const DECIDING: &[Permission] = &[Permission::WriteFindings, Permission::VerifyFindings];

/// The rules about a move with all that they look at beside the finding, whatever the number of findings.
pub(crate) struct Judge {
    caller: Caller,
    by: Hand,
    now: Timestamp,
    /// Whose hand each claimant is.
    hands: HashMap<Uuid, Hand>,
    /// The names that the caller goes by elsewhere, as far as they are asked for.
    names: HashSet<String>,
    /// The names of claimants elsewhere that belong to anybody known here.
    known: HashSet<String>,
    /// The status of the finding named as the original, if it is there.
    original: Option<Status>,
    /// Those that are originals of others.
    originals: HashSet<Uuid>,
}

/// A name as names are compared.
fn folded(name: Option<&String>) -> Option<String> {
    name.map(|name| name.trim().to_lowercase())
}

impl Judge {
    /// Looks at the surroundings of these findings, read behind the clock.
    pub(crate) async fn of(
        command: &Command,
        caller: &Caller,
        wish: &Transition,
        rows: &[finding::Model],
    ) -> Result<Self> {
        let claimants = rows.iter().filter_map(|row| row.claimed_by).map(PrincipalId);
        let mut hands = command.platform().hands(claimants.chain([caller.principal()]).collect()).await?;
        let by = hands.remove(&caller.principal().0).unwrap_or(Hand::Unmapped(caller.principal()));
        hands.insert(caller.principal().0, by);
        let external: HashSet<String> =
            rows.iter().filter_map(|row| folded(row.claimed_by_external.as_ref())).collect();
        let (mut names, mut known) = (HashSet::new(), HashSet::new());
        if !external.is_empty() {
            names = command.platform().names(caller.principal()).await?;
            known = command.platform().known_names(&external).await?;
        }
        let (mut original, mut originals) = (None, HashSet::new());
        if let Some(named) = wish.duplicate_of {
            let of = |condition| command.scope().find::<finding::Entity>().filter(condition);
            original = of(finding::Column::Id.eq(named.0)).one().await?.map(|row| row.status);
            let ids = rows.iter().map(|row| row.id);
            let duplicates = of(finding::Column::DuplicateOf.is_in(ids)).all().await?;
            originals.extend(duplicates.into_iter().filter_map(|row| row.duplicate_of));
        }
        Ok(Self { caller: caller.clone(), by, now: command.recorded_at(), hands, names, known, original, originals })
    }

    /// The finding as the wish leaves it.
    ///
    /// # Errors
    /// As [`transition`].
    pub(super) fn moved(&self, before: &finding::Model, wish: &Transition) -> Result<finding::Model> {
        self.caller.require(permission_for(before.status, wish.to)?, before.tenant_id)?;
        self.check(before, wish)?;
        Ok(self.apply(before, wish))
    }

    /// Everything about the move but the permission.
    ///
    /// # Errors
    /// `justification_required`, `same_person`, `invalid_body`.
    pub(crate) fn check(&self, before: &finding::Model, wish: &Transition) -> Result<()> {
        wish.check(before.id.into(), before.status, self.claimant(before), self.by)?;
        if wish.duplicate_of.is_some() { self.check_duplicate(before) } else { Ok(()) }
    }

    /// The hand that claimed the fix, as far as it may be the caller's; none if nothing is claimed.
    ///
    /// A claim that came through a tracker is its actor's there: the caller has made it if it goes by that name, or is
    /// the connector itself. Whoever owns the connector may verify what somebody else closed, where it is known here
    /// who that is; of a name that nobody goes by it is not known that it is not the owner's.
    fn claimant(&self, row: &finding::Model) -> Option<Hand> {
        let claimed_by = row.claimed_by?;
        let Some(external) = folded(row.claimed_by_external.as_ref()) else {
            return self.hands.get(&claimed_by).copied();
        };
        if claimed_by == self.caller.principal().0 || self.names.contains(&external) {
            return Some(self.by);
        }
        if self.known.contains(&external) { None } else { self.hands.get(&claimed_by).copied() }
    }

    /// The finding named as the original must be one of the same municipality and no
    /// duplicate itself, and none may name this one: a duplicate's original is one step away.
    fn check_duplicate(&self, before: &finding::Model) -> Result<()> {
        let detail = match self.original {
            None => "is no finding of this municipality",
            Some(Status::Duplicate) => "is a duplicate itself",
            Some(_) if self.originals.contains(&before.id) => {
                "cannot be the original of a finding that is the original of others: move those first"
            }
            Some(_) => return Ok(()),
        };
        Err(Error::Refused(domain::Error {
            code: Code::InvalidBody,
            detail: format!("/duplicate_of: {detail}"),
            violations: vec![Violation::new("/duplicate_of", detail)],
        }))
    }

    /// The finding after a move that is allowed.
    pub(crate) fn apply(&self, before: &finding::Model, wish: &Transition) -> finding::Model {
        let closed = before.status == Status::VerifiedFixed || before.status.is_dismissal();
        finding::Model {
            status: wish.to,
            justification: wish.justification,
            status_comment: wish.comment.as_ref().map(|comment| text::clean(comment, 10_000)),
            duplicate_of: wish.duplicate_of.map(|id| id.0),
            decided_at: Some(self.now),
            claimed_by: (wish.to == Status::FixClaimed).then_some(self.caller.principal().0),
            reopened_count: before.reopened_count + i32::from(closed && wish.to == Status::Confirmed),
            seen_after_dismissal: before.seen_after_dismissal && wish.to.is_dismissal(),
            ..before.clone()
        }
    }
}
