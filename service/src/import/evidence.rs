//! Evidence follows the sighting that stands: set, replaced or taken away with it.

use crate::{Result, etag::hex, tenancy::Command};
use entity::finding_evidence as stored;
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, sea_query::OnConflict};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use uuid::Uuid;

/// What a batch says of a finding's evidence.
#[derive(PartialEq)]
pub(super) enum Evidence {
    /// As it is stored.
    Kept,
    /// What the record that stands has, or has not.
    Is(Option<String>),
}

/// SHA-256 of the text before and after, in hexadecimal: an event says that
/// evidence changed, and not to what, since who reads the feed may not read evidence.
#[derive(Default)]
pub(super) struct Digests {
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// What changes in the evidence of a batch's findings.
pub(super) struct Changes {
    known: HashMap<Uuid, String>,
    set: Vec<stored::Model>,
    gone: Vec<Uuid>,
    tenant: Uuid,
}

impl Changes {
    /// Loads what is stored for these findings, in one statement.
    pub(super) async fn load(command: &Command, findings: impl Iterator<Item = Uuid>) -> Result<Self> {
        let findings: Vec<Uuid> = findings.collect();
        let mut known = HashMap::new();
        if !findings.is_empty() {
            let find = command.scope().find::<stored::Entity>().filter(stored::Column::FindingId.is_in(findings));
            known.extend(find.all().await?.into_iter().map(|row| (row.finding_id, row.text)));
        }
        Ok(Self { known, set: Vec::new(), gone: Vec::new(), tenant: command.tenant() })
    }

    /// Takes what the batch says of one finding, and tells whether that is another text.
    pub(super) fn take(&mut self, finding_id: Uuid, said: Evidence) -> Digests {
        let Evidence::Is(after) = said else { return Digests::default() };
        let before = self.known.remove(&finding_id);
        let digests = Digests { before: before.as_deref().map(digest), after: after.as_deref().map(digest) };
        if digests.before == digests.after {
            return digests;
        }
        match after {
            Some(text) => self.set.push(stored::Model { tenant_id: self.tenant, finding_id, text }),
            None => self.gone.push(finding_id),
        }
        digests
    }

    /// Writes what changed, in two statements.
    pub(super) async fn save(self, command: &Command) -> Result<()> {
        let key = [stored::Column::TenantId, stored::Column::FindingId];
        let again = OnConflict::columns(key).update_column(stored::Column::Text).to_owned();
        let set = self.set.into_iter().map(|row| row.into_active_model().reset_all());
        command.upsert::<stored::Entity>(set.collect(), again).await?;
        if self.gone.is_empty() {
            return Ok(());
        }
        command.delete::<stored::Entity>(stored::Column::FindingId.is_in(self.gone)).await
    }
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text))
}
