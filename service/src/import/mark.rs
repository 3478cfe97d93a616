//! The end of a complete report: what it no longer holds is marked gone, in bounded commands that can be repeated.

use super::{
    batch::Context,
    coverage::Heard,
    scope::Scopes,
    survey::{Survey, is_missed},
    watch::{Pair, Watch},
};
use crate::{
    Result,
    finding::{
        presence::{kept, times},
        transition::Judge,
        write::{self, Edit},
    },
    tenancy::{Caller, Command},
};
use domain::{
    EventKind, Permission, Status, Timestamp, Transition,
    coverage::plausible,
    sighting::{Missed, Presence, missed},
};
use entity::{finding, import, json::Scan, sighting as seen};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, IntoActiveModel, sea_query::OnConflict};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};
use uuid::Uuid;

/// Most findings or assets in one command.
const AT_ONCE: usize = 500;

/// One complete report that has been stored.
pub(super) struct Marking<'a> {
    pub(super) caller: &'a Caller,
    pub(super) row: &'a mut import::Model,
    pub(super) heard: Heard,
}

impl Marking<'_> {
    /// Marks what the report has missed. Where that has become implausible since it was sent, or records of it could
    /// not be read, nothing is marked.
    pub(super) async fn run(mut self, survey: Survey) -> Result<()> {
        // Where the marking had begun before a crash, it was plausible.
        if self.row.gone == 0 && (self.may_hold_more(&survey) || !self.is_plausible(&survey)) {
            let mut command = self.command().await?;
            self.row.gone_withheld = survey.counts().would_mark_gone;
            self.step(&mut command).await?;
            return command.commit_step().await;
        }
        // Confirmed since it was withheld.
        self.row.gone_withheld = 0;
        let some_rules = self.row.scope.as_ref().is_some_and(|scope| !scope.0.rules.is_empty());
        let scopes = self.cover(some_rules).await?;
        alive(self.caller, self.row, scopes.saw(self.caller, &survey)).await?;
        let Survey { missed, .. } = survey;
        for some in missed.into_iter().collect::<Vec<_>>().chunks(AT_ONCE) {
            self.mark(&scopes, some.iter().copied().collect()).await?;
        }
        Ok(())
    }

    fn is_plausible(&self, survey: &Survey) -> bool {
        plausible(survey.counts(), self.row.confirm_gone, true).is_ok()
    }

    /// Whether what would go may stand in a record that could not be read, and nobody has said that it does not.
    fn may_hold_more(&self, survey: &Survey) -> bool {
        self.row.rejected > 0 && self.row.confirm_gone != Some(survey.counts().would_mark_gone)
    }

    async fn command(&self) -> Result<Command> {
        self.caller.begin_write(Permission::VerifyFindings).await?.command(self.row.tenant_id).await
    }

    /// Notes of each asset that it was looked at, for what is heard of it late.
    async fn cover(&mut self, some_rules: bool) -> Result<Scopes> {
        let mut command = self.command().await?;
        let observed_at = self.heard.covered.values().copied().max().unwrap_or(Context::of(self.row).received_at);
        let scopes = Scopes::know(&command, self.row, &self.heard, observed_at).await?;
        self.step(&mut command).await?;
        command.commit_step().await?;
        let covered: Vec<(Pair, Timestamp)> = self.heard.covered.iter().map(|(pair, at)| (*pair, *at)).collect();
        for some in covered.chunks(AT_ONCE) {
            let mut command = self.command().await?;
            let mut watch = Watch::load(&command, &some.iter().map(|(pair, _)| *pair).collect()).await?;
            for (pair, at) in some {
                let scan = Scan { at: *at, import_id: self.row.id, scope_id: scopes.of(pair.source), some_rules };
                watch.scanned(command.tenant(), *pair, scan);
            }
            watch.save(&command).await?;
            self.step(&mut command).await?;
            command.commit_step().await?;
        }
        Ok(scopes)
    }

    /// Marks some of them, as they stand behind the clock.
    async fn mark(&mut self, scopes: &Scopes, some: BTreeMap<Uuid, Timestamp>) -> Result<()> {
        let mut command = self.command().await?;
        let of_some = finding::Column::Id.is_in(some.keys().copied());
        let rows = command.scope().find::<finding::Entity>().filter(of_some).all().await?;
        let of_some = seen::Column::FindingId.is_in(some.keys().copied());
        let sightings = command.scope().find::<seen::Entity>().filter(of_some).all().await?;
        let mut sightings: HashMap<Uuid, seen::Model> =
            sightings.into_iter().map(|row| (row.finding_id, row)).collect();
        let judge = Judge::of(&command, self.caller, &verify(), &rows).await?;
        let (mut edits, mut changed) = (Vec::new(), Vec::new());
        for before in rows {
            let (Some(at), Some(mut sighting)) = (some.get(&before.id), sightings.remove(&before.id)) else { continue };
            if !is_missed(before.status, &sighting, *at) {
                continue;
            }
            let mut presence = Presence::new(sighting.last_seen, times(sighting.absences.as_ref()));
            presence.missed(*at);
            sighting.absences = kept(presence.absences());
            changed.push(sighting.into_active_model().reset_all());
            let after = after(&before, &presence, *at, &judge);
            self.row.gone += i64::from(before.gone_at.is_none() && after.gone_at.is_some());
            self.row.verified += i64::from(before.status != after.status);
            let is_news = before.gone_at.is_none() && before.status == after.status;
            edits.push(Edit { kind: is_news.then_some(EventKind::FindingGone), ..Edit::of(before, after) });
        }
        write::save(&mut command, edits).await?;
        let again = OnConflict::columns([seen::Column::TenantId, seen::Column::FindingId])
            .update_column(seen::Column::Absences)
            .to_owned();
        command.upsert::<seen::Entity>(changed, again).await?;
        scopes.missed(&command, &some).await?;
        self.step(&mut command).await?;
        command.commit_step().await
    }

    /// A sign of life, with the counts so far.
    async fn step(&mut self, command: &mut Command) -> Result<()> {
        self.row.heartbeat_at = command.recorded_at();
        let change = import::ActiveModel {
            gone: Set(self.row.gone),
            verified: Set(self.row.verified),
            gone_withheld: Set(self.row.gone_withheld),
            heartbeat_at: Set(self.row.heartbeat_at),
            ..Default::default()
        };
        let here = Condition::all()
            .add(import::Column::Id.eq(self.row.id))
            .add(import::Column::Status.ne(domain::ImportStatus::Completed));
        super::run::only(command.update_where::<import::Entity>(here, change).await?, self.row.id)
    }
}

/// How often an import that works without writing gives a sign of life; well within any lease.
const BEAT: Duration = Duration::from_secs(2);

/// Does some work while the import gives signs of life.
pub(super) async fn alive<T>(caller: &Caller, row: &import::Model, work: impl Future<Output = Result<T>>) -> Result<T> {
    let beat = async {
        loop {
            tokio::time::sleep(BEAT).await;
            let command = caller.begin_write(Permission::VerifyFindings).await?.command(row.tenant_id).await?;
            let change = import::ActiveModel { heartbeat_at: Set(command.recorded_at()), ..Default::default() };
            command.update_where::<import::Entity>(import::Column::Id.eq(row.id), change).await?;
            command.commit_step().await?;
        }
    };
    tokio::select! {
        done = work => done,
        failed = beat => failed,
    }
}

/// The finding after a complete report has missed it. Its claimed fix is verified where the one table of transitions
/// allows it: not by who claimed it.
fn after(before: &finding::Model, presence: &Presence, at: Timestamp, judge: &Judge) -> finding::Model {
    let gone = finding::Model { gone_at: presence.gone_at(), ..before.clone() };
    let is_verified = missed(before.status, before.decided_at, presence.last_seen, at) == Missed::Verifies
        && judge.check(before, &verify()).is_ok();
    if !is_verified {
        return gone;
    }
    // The time of the decision stays that of the claim: a sighting after it, told late, undoes this.
    let (status, claimed_by) = (Status::VerifiedFixed, None);
    finding::Model { status, status_comment: None, claimed_by, claimed_by_external: None, ..gone }
}

const fn verify() -> Transition {
    Transition { to: Status::VerifiedFixed, justification: None, comment: None, duplicate_of: None }
}
