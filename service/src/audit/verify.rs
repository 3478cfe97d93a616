//! Recomputing a chain: the first row that does not fit is named.

use super::{Head, canonical, chains, head, seal::unsealed};
use crate::{
    Error, Result,
    auth::Vault,
    etag::hex,
    store::{Access, Connection},
    tenancy::Service,
};
use domain::TenantId;
use entity::{audit, audit_head, audit_seal};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Rows read at once.
const PAGE: u64 = 1000;

/// What became of the look at one chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The municipality's slug, or `(operator)`.
    pub chain: String,
    /// Rows that are sealed and fit.
    pub sealed: i64,
    /// Rows that wait for the next seal.
    pub waiting: u64,
    /// The first row that does not fit, and how.
    pub broken: Option<String>,
}

/// A place in a chain that was kept elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The chain; none: whichever is verified.
    pub chain: Option<TenantId>,
    /// The position.
    pub position: i64,
    /// Its hash.
    pub hash: Vec<u8>,
}

impl Kept {
    /// Reads `POSITION:HASH`.
    pub fn parse(text: &str) -> Option<Self> {
        let (position, hash) = text.split_once(':')?;
        Some(Self { chain: None, position: position.parse().ok()?, hash: head::from_hex(hash)? })
    }

    /// The place of a head.
    pub fn of(head: &Head) -> Option<Self> {
        Some(Self { chain: Some(head.tenant_id), position: head.position, hash: head::from_hex(&head.hash)? })
    }
}

/// Recomputes the chain of one municipality (by slug, id or `(operator)`), or all of them.
/// What was kept elsewhere must be part of its chain.
///
/// # Errors
/// `not_found` if there is no such municipality; store errors.
pub async fn verify(service: &Service, named: Option<&str>, kept: &[Kept]) -> Result<Vec<Verdict>> {
    let (mut verdicts, known) = (Vec::new(), chains(service).await?);
    for (chain, name) in known.iter().cloned() {
        if named.is_some_and(|named| named != name && named != chain.to_string()) {
            continue;
        }
        let of_chain = kept.iter().filter(|kept| kept.chain.is_none_or(|of| of == chain));
        let expected = of_chain.map(|kept| (kept.position, kept.hash.clone())).collect();
        let connection = service.store.begin(Access::Read, &[chain.0]).await?;
        let mut walk = Walk::new(&connection, &service.vault, chain, expected);
        let broken = walk.run().await?;
        verdicts.push(Verdict { chain: name, sealed: walk.position, waiting: walk.waiting, broken });
    }
    if named.is_none() {
        verdicts.extend(kept.iter().filter_map(|kept| without_chain(kept, &known)));
    }
    if verdicts.is_empty() { Err(Error::not_found()) } else { Ok(verdicts) }
}

/// A head that was kept of a municipality that is no longer there.
fn without_chain(kept: &Kept, known: &[(TenantId, String)]) -> Option<Verdict> {
    let chain = kept.chain.filter(|chain| known.iter().all(|(known, _)| known != chain))?;
    let broken = format!("position 1: the whole chain is gone, a head tells of {}", kept.position);
    Some(Verdict { chain: chain.to_string(), sealed: 0, waiting: 0, broken: Some(broken) })
}

struct Walk<'a> {
    connection: &'a Connection,
    vault: &'a Vault,
    chain: Uuid,
    /// Positions that must have this hash.
    expected: BTreeMap<i64, Vec<u8>>,
    position: i64,
    hash: Vec<u8>,
    /// The position of the last signed head.
    signed: i64,
    /// Whether a row with a proof has come: rows of before the proofs are older than all that have one.
    proven: bool,
    waiting: u64,
}

impl<'a> Walk<'a> {
    fn new(connection: &'a Connection, vault: &'a Vault, chain: TenantId, expected: BTreeMap<i64, Vec<u8>>) -> Self {
        let (hash, chain) = (canonical::GENESIS.to_vec(), chain.0);
        Self { connection, vault, chain, expected, position: 0, hash, signed: 0, proven: false, waiting: 0 }
    }

    async fn run(&mut self) -> Result<Option<String>> {
        if let Some(broken) = self.sealed().await? {
            return Ok(Some(broken));
        }
        if let Some(broken) = self.tail().await? {
            return Ok(Some(broken));
        }
        self.unsealed().await
    }

    /// The seals one after the other, each with its row and its head.
    async fn sealed(&mut self) -> Result<Option<String>> {
        loop {
            let seals = self.next_seals().await?;
            let Some(last) = seals.last().map(|seal| seal.position) else { return Ok(None) };
            let rows = self.rows_of(&seals).await?;
            let heads = self.heads_until(last).await?;
            for seal in &seals {
                if let Some(broken) = self.step(seal, rows.get(&seal.audit_id), heads.get(&seal.position)) {
                    return Ok(Some(broken));
                }
            }
        }
    }

    fn step(
        &mut self,
        seal: &audit_seal::Model,
        row: Option<&audit::Model>,
        head: Option<&audit_head::Model>,
    ) -> Option<String> {
        let (position, id) = (self.position + 1, seal.audit_id);
        if seal.position != position {
            return Some(format!("position {position}: the seal is gone, and with it the word for its row"));
        }
        let Some(row) = row else { return Some(format!("position {position}: the row {id} is gone")) };
        if !self.is_own(row) {
            return Some(format!("position {position}: the row {id} was changed, or the service did not write it"));
        }
        let hash = canonical::chained(&self.hash, row);
        if hash != seal.hash {
            return Some(format!("position {position}: the seal of the row {id} was changed"));
        }
        if let Some(head) = head {
            if !head::is_signed(head, self.vault) {
                return Some(format!("position {position}: the head at the row {id} has a forged signature"));
            }
            if head.hash != hash {
                return Some(format!("position {position}: the head at the row {id} is of another chain"));
            }
            self.signed = position;
        }
        if self.expected.get(&position).is_some_and(|expected| *expected != hash) {
            return Some(format!("position {position}: the row {id} leads to {}, not to the hash kept", hex(&hash)));
        }
        (self.position, self.hash) = (position, hash);
        None
    }

    /// Whether the service wrote the row as it is.
    fn is_own(&mut self, row: &audit::Model) -> bool {
        match &row.proof {
            None => !self.proven,
            Some(proof) => {
                self.proven = true;
                self.vault.is_proof(&canonical::of(row), proof)
            }
        }
    }

    /// What only the heads tell: a tail that was cut, or one that nobody signed.
    async fn tail(&self) -> Result<Option<String>> {
        let end = self.position;
        let beyond = self.heads().filter(audit_head::Column::Position.gt(end)).one(self.connection).await?;
        let kept = self.expected.keys().next_back().copied().filter(|kept| *kept > end);
        if let Some(last) = beyond.map(|head| head.position).max(kept) {
            let gone = end + 1;
            return Ok(Some(format!(
                "position {gone}: the tail is cut; the chain ends at {end}, a head tells of {last}"
            )));
        }
        let unsigned = self.signed + 1;
        Ok((self.signed != end).then(|| format!("position {unsigned}: no signed head covers the rows from here on")))
    }

    /// Rows that wait must be the service's own as well.
    async fn unsealed(&mut self) -> Result<Option<String>> {
        let chain = self.chain;
        let find = || audit::Entity::find().filter(audit::Column::TenantId.eq(chain)).filter(unsealed(None));
        self.waiting = find().count(self.connection).await?;
        let mut after = Uuid::nil();
        loop {
            let page = find().filter(audit::Column::Id.gt(after)).order_by_asc(audit::Column::Id).limit(PAGE);
            let rows = page.all(self.connection).await?;
            let Some(last) = rows.last().map(|row| row.id) else { return Ok(None) };
            if let Some(row) = rows.iter().find(|row| !self.is_own(row)) {
                let id = row.id;
                return Ok(Some(format!("not sealed yet: the row {id} was changed, or the service did not write it")));
            }
            after = last;
        }
    }

    async fn next_seals(&self) -> Result<Vec<audit_seal::Model>> {
        use audit_seal::Column as C;
        let of_chain = audit_seal::Entity::find().filter(C::TenantId.eq(self.chain));
        let next = of_chain.filter(C::Position.gt(self.position)).order_by_asc(C::Position).limit(PAGE);
        Ok(next.all(self.connection).await?)
    }

    async fn rows_of(&self, seals: &[audit_seal::Model]) -> Result<HashMap<Uuid, audit::Model>> {
        let of_seals = audit::Column::Id.is_in(seals.iter().map(|seal| seal.audit_id));
        let of_chain = audit::Entity::find().filter(audit::Column::TenantId.eq(self.chain));
        let rows = of_chain.filter(of_seals).all(self.connection).await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }

    async fn heads_until(&self, last: i64) -> Result<HashMap<i64, audit_head::Model>> {
        use audit_head::Column as C;
        let of_page = self.heads().filter(C::Position.gt(self.position)).filter(C::Position.lte(last));
        Ok(of_page.all(self.connection).await?.into_iter().map(|head| (head.position, head)).collect())
    }

    /// The newest first.
    fn heads(&self) -> sea_orm::Select<audit_head::Entity> {
        let of_chain = audit_head::Entity::find().filter(audit_head::Column::TenantId.eq(self.chain));
        of_chain.order_by_desc(audit_head::Column::Position)
    }
}
