//! Pages of the feed, and waiting for the next one.

use super::{
    Found,
    filter::{Part, of_tenant},
    position::Position,
    shown::shown,
};
use crate::{
    Error, Etag, Fresh, Result,
    cursor::Bound,
    tenancy::{Caller, Read},
};
use domain::{
    Change, ChangeMode, Code, EventKind, Permission, ResourceType,
    change::{ChangeFilter, ChangePage, FeedRequest, Start},
};
use entity::{event, tenant_clock};
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, QueryOrder, QuerySelect};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;
use uuid::Uuid;

/// A page of the feed, unless nothing has happened since the caller last looked.
///
/// # Errors
/// `forbidden`, `unknown_tenant`, `invalid_parameter`, `cursor_invalid`, `cursor_filter_mismatch`, `cursor_expired` where
/// changes after the cursor are no longer kept.
pub async fn list(
    caller: &Caller,
    filter: &ChangeFilter,
    request: &FeedRequest,
    seen: Option<&str>,
) -> Result<Fresh<ChangePage>> {
    Ok(look(caller, filter, request, seen).await?.0)
}

/// Who reads on.
pub trait Reader: Send + Sync {
    /// The caller as it stands now.
    ///
    /// # Errors
    /// `unauthenticated` once its token has ended, `unavailable`.
    fn caller(&self) -> BoxFuture<'_, Result<Caller>>;
}

/// [`list`], which waits up to `wait` for something to happen where nothing has. The caller is asked for anew every two
/// seconds, since rights may end meanwhile.
///
/// # Errors
/// As [`list`], and those of the reader.
pub async fn follow(
    reader: &dyn Reader,
    filter: &ChangeFilter,
    request: &FeedRequest,
    seen: Option<&str>,
    wait: Duration,
) -> Result<Fresh<ChangePage>> {
    let (until, mut request) = (Instant::now() + wait, request.clone());
    // From now on is another moment each time, which no tag can stand for.
    let seen = seen.filter(|_| request.start != Start::Latest);
    let mut caller = reader.caller().await?;
    loop {
        let (page, read_to) = look(&caller, filter, &request, seen).await?;
        match &page {
            Fresh::Unchanged(_) => {}
            // What the filter has kept back is not read again.
            Fresh::Changed(_, page) if page.items.is_empty() && !page.has_more => {
                request.start = Start::Cursor(page.next_cursor.clone());
            }
            Fresh::Changed(..) => return Ok(page),
        }
        let rights = caller.rights_digest();
        let mut is_beyond = false;
        while !is_beyond && caller.rights_digest() == rights {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(page);
            }
            let beyond = caller.service().store.beyond(&read_to);
            is_beyond = tokio::time::timeout(left.min(RIGHTS_LAST), beyond).await.is_ok();
            caller = reader.caller().await?;
        }
    }
}

/// How long rights are taken for those that they were.
const RIGHTS_LAST: Duration = Duration::from_secs(2);

/// A page, and how far it reads.
async fn look(
    caller: &Caller,
    filter: &ChangeFilter,
    request: &FeedRequest,
    seen: Option<&str>,
) -> Result<(Fresh<ChangePage>, BTreeMap<Uuid, i64>)> {
    filter.check()?;
    let cursors = Bound::of(caller, &("changes", filter))?;
    let position = match &request.start {
        Start::Cursor(cursor) => Position::open(&cursors, cursor)?,
        _ => Position::default(),
    };
    let read = begin(caller, filter, matches!(request.start, Start::Cursor(_))).await?;
    let etag =
        Etag::of_list(&read.scope(), &[&caller.rights_digest(), &cursors.query, &format!("{request:?}")]).await?;
    let mut page = Page::begin(&read, filter, request, position).await?;
    if etag.matches(seen) {
        return Ok((Fresh::Unchanged(etag), page.position.read_to));
    }
    page.tell_lost(&cursors);
    page.fill(&cursors).await?;
    let next_cursor = page.position.sealed(&cursors);
    let Page { position, mut items, found, has_more, each, .. } = page;
    items.extend(shown(&read, found).await?);
    let page = ChangePage { items, next_cursor, has_more, cursors: each };
    Ok((Fresh::Changed(etag, page), position.read_to))
}

/// A read over the municipalities that are meant. Who goes on has named them before, and reads on in those that are left.
async fn begin(caller: &Caller, filter: &ChangeFilter, goes_on: bool) -> Result<Read> {
    let is_held = |name: &&String| caller.one_tenant(Permission::ReadFeed, Some(name)).is_ok();
    let held: Vec<String> = filter.tenant.iter().filter(is_held).cloned().collect();
    let named = if goes_on && !held.is_empty() { &held } else { &filter.tenant };
    caller.begin_in(Permission::ReadFeed, named).await
}

/// A page in the making.
struct Page<'r> {
    read: &'r Read,
    filter: &'r ChangeFilter,
    request: &'r FeedRequest,
    clocks: Vec<tenant_clock::Model>,
    position: Position,
    /// What is no event.
    items: Vec<Change>,
    found: Vec<Found>,
    /// The cursor after each item, where it is wanted.
    each: Vec<String>,
    has_more: bool,
}

impl<'r> Page<'r> {
    async fn begin(
        read: &'r Read,
        filter: &'r ChangeFilter,
        request: &'r FeedRequest,
        position: Position,
    ) -> Result<Self> {
        let clocks = read.scope().find::<tenant_clock::Entity>();
        let clocks = clocks.with(|select| select.order_by_asc(tenant_clock::Column::TenantId)).all().await?;
        let (items, found, each, has_more) = (Vec::new(), Vec::new(), Vec::new(), false);
        let mut page = Self { read, filter, request, clocks, position, items, found, each, has_more };
        page.start().await?;
        page.refuse_expired()?;
        Ok(page)
    }

    /// Where reading begins in the municipalities that have not been read yet.
    async fn start(&mut self) -> Result<()> {
        for clock in &self.clocks {
            if self.position.read_to.contains_key(&clock.tenant_id) {
                continue;
            }
            let read_to = match &self.request.start {
                Start::Latest => clock.value,
                Start::Since(since) => before(self.read, clock, since.0).await?,
                // What is no longer kept of the single changes cannot be told; the state can.
                _ if self.filter.mode == ChangeMode::Events => clock.pruned_to,
                _ => 0,
            };
            self.position.read_to.insert(clock.tenant_id, read_to);
        }
        Ok(())
    }

    /// Nobody is led over a gap. The last event of everything that exists is kept, so that who is reading the state for the
    /// first time meets none, however far back it is.
    fn refuse_expired(&self) -> Result<()> {
        let read_to = |tenant| match self.filter.mode {
            ChangeMode::State => self.position.since(tenant, i64::MAX),
            ChangeMode::Events => self.position.read_to.get(&tenant).copied().unwrap_or(0),
        };
        let is_expired = |clock: &tenant_clock::Model| read_to(clock.tenant_id) < clock.pruned_to;
        if self.clocks.iter().any(is_expired) {
            return Err(Error::refused(Code::CursorExpired, Code::CursorExpired.title()));
        }
        Ok(())
    }

    /// One item for each municipality that the caller has no more right in; the others are read on.
    fn tell_lost(&mut self, cursors: &Bound<'_>) {
        let is_known = |tenant: &Uuid| self.clocks.iter().any(|clock| clock.tenant_id == *tenant);
        let lost: Vec<(Uuid, i64)> =
            self.position.read_to.iter().filter(|(id, _)| !is_known(id)).map(|(id, to)| (*id, *to)).collect();
        for (tenant, read_to) in lost {
            self.position.read_to.remove(&tenant);
            self.position.within = self.position.within.filter(|(within, _)| *within != tenant);
            if self.filter.is_of(ResourceType::Tenant) {
                self.items.push(access_lost(self.read.caller(), tenant, read_to));
                self.note(cursors);
            }
        }
    }

    /// Reads until the page is full. The municipality that the page before ended in comes first, so that there is never
    /// more than one that has been read in part.
    async fn fill(&mut self, cursors: &Bound<'_>) -> Result<()> {
        let within = self.position.within.map(|(tenant, _)| tenant);
        let mut clocks: Vec<(Uuid, i64)> = self.clocks.iter().map(|clock| (clock.tenant_id, clock.value)).collect();
        clocks.sort_by_key(|(tenant, _)| (Some(*tenant) != within, *tenant));
        for (tenant, clock) in clocks {
            let after = self.position.read_to.get(&tenant).copied().unwrap_or(0);
            if after >= clock {
                continue;
            }
            let room = self.request.limit - self.found.len() as u64;
            let since = self.position.since(tenant, clock);
            let part = Part { tenant, after, since, limit: room + 1 };
            let mut found = of_tenant(self.read, self.filter, &part).await?;
            self.has_more = found.len() as u64 > room;
            found.truncate(usize::try_from(room).unwrap_or(usize::MAX));
            let last = found.len();
            for (at, found) in (1..).zip(found) {
                let is_end = at == last && !self.has_more;
                self.position.read_to.insert(tenant, if is_end { clock } else { found.event.seq });
                self.position.within = (!is_end).then_some((tenant, since));
                self.found.push(found);
                self.note(cursors);
            }
            if self.has_more {
                // Also where there was no room for a single one.
                self.position.within = Some((tenant, since));
                break;
            }
            self.position.read_to.insert(tenant, clock);
            self.position.within = None;
        }
        Ok(())
    }

    /// Keeps the cursor after the item just taken.
    fn note(&mut self, cursors: &Bound<'_>) {
        if self.request.each {
            self.each.push(self.position.sealed(cursors));
        }
    }
}

/// The number of the last event of a tenant before a moment.
async fn before(read: &Read, clock: &tenant_clock::Model, since: domain::Timestamp) -> Result<i64> {
    use event::Column as C;
    let first = read.scope().find::<event::Entity>().filter(C::TenantId.eq(clock.tenant_id));
    let first = first.filter(C::RecordedAt.gte(since));
    let first = first.with(|select| select.order_by_asc(C::RecordedAt).order_by_asc(C::Seq).limit(1)).one().await?;
    Ok(first.map_or(clock.value, |event| event.seq - 1))
}

/// What the feed ends with in a municipality. Its id is the same however often it is told.
fn access_lost(caller: &Caller, tenant: Uuid, read_to: i64) -> Change {
    let mut hash = Sha256::new();
    hash.update(caller.principal().0.as_bytes());
    hash.update(tenant.as_bytes());
    hash.update(read_to.to_be_bytes());
    let mut id = [0; 16];
    id.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    Change {
        event_id: uuid::Builder::from_custom_bytes(id).into_uuid(),
        tenant_id: tenant.into(),
        seq: read_to,
        recorded_at: caller.now().into(),
        event: EventKind::AccessLost,
        resource_type: ResourceType::Tenant,
        resource_id: tenant,
        deleted: true,
        left_filter: false,
        changed: None,
        resource: None,
    }
}
