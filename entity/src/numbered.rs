//! Resources: rows with an id and the number of their last change.

use crate::TenantOwned;

/// Rows with an id, which can be listed page by page.
pub trait Identified: TenantOwned {
    /// The column of its id.
    fn id() -> Self::Column;
}

/// A resource of the feed.
pub trait Numbered: Identified {
    /// The column of the number of its last change.
    fn seq() -> Self::Column;
    /// The number of a row's last change.
    fn seq_of(row: &Self::Model) -> i64;
    /// Whose row it is.
    fn tenant_of(row: &Self::Model) -> uuid::Uuid;
}

macro_rules! numbered {
    ($($table:ident),*) => {$(
        impl Identified for crate::$table::Entity {
            fn id() -> Self::Column {
                crate::$table::Column::Id
            }
        }

        impl Numbered for crate::$table::Entity {
            fn seq() -> Self::Column {
                crate::$table::Column::Seq
            }
            fn seq_of(row: &Self::Model) -> i64 {
                row.seq
            }
            fn tenant_of(row: &Self::Model) -> uuid::Uuid {
                row.tenant_id
            }
        }
    )*};
}

numbered!(finding, asset, business_service, task, import, risk_acceptance, comment, attachment, retest, source);

impl Identified for crate::audit::Entity {
    fn id() -> Self::Column {
        crate::audit::Column::Id
    }
}
