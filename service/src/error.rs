//! What can go wrong in a use case.

use domain::{Code, coverage::Implausible, ticket::reconcile::ImplausiblyMissing};

/// The result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of a use case. The first kind is for the caller to read, the
/// others are for the log alone: an edge shows their code and nothing else.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule refused the request.
    #[error(transparent)]
    Refused(#[from] domain::Error),
    /// A report claims to be complete and would mark implausibly much gone.
    #[error("coverage_implausible: {} of {} open findings in the scope would be marked gone", .0.would_mark_gone, .0.in_scope)]
    Implausible(Implausible),
    /// A tracker's list claims to be complete and lacks implausibly many of our tickets.
    #[error("reconcile_implausible: {} of {} tickets would be unlinked", .0.would_unlink, .0.linked)]
    ImplausiblyMissing(ImplausiblyMissing),
    /// The same request was answered before; [`crate::Once::given`] has the answer.
    #[error("answered before")]
    AnsweredBefore,
    /// The service cannot answer right now; repeating may help.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The store failed.
    #[error("store: {0}")]
    Store(#[from] sea_orm::DbErr),
    /// Anything else that is not the caller's doing.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Refused(refused) => refused.code,
            Self::Implausible(_) => Code::CoverageImplausible,
            Self::ImplausiblyMissing(_) => Code::ReconcileImplausible,
            // Never shown: an edge gives the answer itself.
            Self::AnsweredBefore => Code::IdempotencyInProgress,
            Self::Unavailable(_) => Code::Unavailable,
            Self::Store(error) if is_passing(error) => Code::Unavailable,
            Self::Store(_) | Self::Internal(_) => Code::Internal,
        }
    }

    /// A refusal with a code and a sentence.
    pub fn refused(code: Code, detail: impl Into<String>) -> Self {
        Self::Refused(domain::Error::new(code, detail))
    }

    /// Missing, or not for the caller's eyes.
    pub fn not_found() -> Self {
        Self::Refused(domain::Error::not_found())
    }

    /// A failure that is not the caller's doing.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }
}

/// Whether the store was only too busy or away for a moment: a full pool, a
/// locked SQLite file, a PostgreSQL that restarts.
fn is_passing(error: &sea_orm::DbErr) -> bool {
    use sea_orm::{DbErr, RuntimeErr};
    let (DbErr::Query(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Conn(RuntimeErr::SqlxError(cause))) = error
    else {
        return matches!(error, DbErr::ConnectionAcquire(_));
    };
    match &**cause {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => true,
        // SQLITE_BUSY with its kinds; PostgreSQL class 57P (it stops or starts) and 53300 (no connection left).
        sqlx::Error::Database(refused) => {
            refused.code().is_some_and(|code| ["5", "261", "517", "53300"].contains(&&*code) || code.starts_with("57P"))
        }
        _ => false,
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(sea_orm::DbErr::Query(sea_orm::RuntimeErr::SqlxError(error.into())))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Internal(error.to_string())
    }
}
