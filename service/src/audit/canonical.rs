//! A row as bytes, the same on both stores: what is proven and chained.

use entity::audit;
use sha2::{Digest, Sha256};

/// The hash before the first row.
pub(super) const GENESIS: [u8; 32] = [0; 32];

/// All of a row but its proof. Every part has its length or a fixed one, so that no two rows are the same bytes.
pub(super) fn of(row: &audit::Model) -> Vec<u8> {
    let mut out = Bytes(Vec::with_capacity(200));
    out.text("fynd audit row v1");
    out.fixed(row.tenant_id.as_bytes());
    out.fixed(row.id.as_bytes());
    // To the nanosecond: less would leave digits that could be changed unseen.
    out.fixed(&row.recorded_at.timestamp().to_be_bytes());
    out.fixed(&row.recorded_at.timestamp_subsec_nanos().to_be_bytes());
    out.fixed(row.principal_id.as_bytes());
    out.text(&row.action);
    out.optional(row.resource_type.as_deref().map(str::as_bytes));
    out.optional(row.resource_id.as_ref().map(|id| id.as_bytes().as_slice()));
    out.fixed(&row.first_seq.to_be_bytes());
    out.fixed(&row.last_seq.to_be_bytes());
    out.text(row.outcome.as_str());
    out.optional(row.code.as_deref().map(str::as_bytes));
    out.fixed(&row.count.to_be_bytes());
    out.optional(row.detail.as_deref().map(str::as_bytes));
    out.0
}

/// The hash of the chain up to and with this row.
pub(super) fn chained(before: &[u8], row: &audit::Model) -> Vec<u8> {
    Sha256::new().chain_update(before).chain_update(of(row)).finalize().to_vec()
}

struct Bytes(Vec<u8>);

impl Bytes {
    fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.fixed(&(text.len() as u64).to_be_bytes());
        self.fixed(text.as_bytes());
    }

    fn optional(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            None => self.fixed(&[0]),
            Some(bytes) => {
                self.fixed(&[1]);
                self.fixed(&(bytes.len() as u64).to_be_bytes());
                self.fixed(bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::AuditOutcome;
    use uuid::Uuid;

    fn row() -> audit::Model {
        audit::Model {
            tenant_id: Uuid::from_u128(1),
            id: Uuid::from_u128(2),
            recorded_at: Default::default(),
            principal_id: Uuid::from_u128(3),
            action: "finding.patch".into(),
            resource_type: Some("finding".into()),
            resource_id: Some(Uuid::from_u128(4)),
            first_seq: 5,
            last_seq: 6,
            outcome: AuditOutcome::Done,
            code: None,
            count: 1,
            detail: None,
            proof: None,
        }
    }

    #[test]
    fn every_column_counts() {
        let changes: [fn(&mut audit::Model); 13] = [
            |row| row.tenant_id = Uuid::nil(),
            |row| row.id = Uuid::nil(),
            |row| row.recorded_at += chrono::TimeDelta::nanoseconds(1),
            |row| row.principal_id = Uuid::nil(),
            |row| row.action.push('x'),
            |row| row.resource_type = None,
            |row| row.resource_id = None,
            |row| row.first_seq = 4,
            |row| row.last_seq = 7,
            |row| row.outcome = AuditOutcome::Read,
            |row| row.code = Some(String::new()),
            |row| row.count = 2,
            |row| row.detail = Some("{}".into()),
        ];
        let hashes = changes.map(|change| {
            let mut row = row();
            change(&mut row);
            chained(&GENESIS, &row)
        });
        let all: std::collections::BTreeSet<_> = hashes.into_iter().chain([chained(&GENESIS, &row())]).collect();
        assert_eq!(all.len(), 14);
        assert_ne!(chained(&[1; 32], &row()), chained(&GENESIS, &row()));
    }

    #[test]
    fn text_does_not_move_between_columns() {
        let (mut a, mut b) = (row(), row());
        (a.action, a.resource_type) = ("ab".into(), Some("c".into()));
        (b.action, b.resource_type) = ("a".into(), Some("bc".into()));
        assert_ne!(of(&a), of(&b));
    }
}
