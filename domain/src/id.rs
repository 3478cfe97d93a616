//! Typed identifiers: a task's id cannot be passed where a finding's is wanted.

use async_graphql::{
    ContextSelectionSet, ID, InputType, InputValueError, InputValueResult, OutputType, Positioned, ServerResult, Value,
    parser::types::Field, registry::Registry,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! id_type {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(out)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        // In GraphQL every id is an `ID`, as the Relay specification has them.
        impl InputType for $name {
            type RawValueType = Self;

            fn type_name() -> Cow<'static, str> {
                <ID as InputType>::type_name()
            }

            fn create_type_info(registry: &mut Registry) -> String {
                <ID as InputType>::create_type_info(registry)
            }

            fn parse(value: Option<Value>) -> InputValueResult<Self> {
                let id = ID::parse(value).map_err(InputValueError::propagate)?;
                id.parse().map_err(InputValueError::custom)
            }

            fn to_value(&self) -> Value {
                Value::String(self.to_string())
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }
        }

        impl OutputType for $name {
            fn type_name() -> Cow<'static, str> {
                <ID as OutputType>::type_name()
            }

            fn create_type_info(registry: &mut Registry) -> String {
                <ID as OutputType>::create_type_info(registry)
            }

            async fn resolve(&self, _: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
                Ok(Value::String(self.to_string()))
            }
        }
    )*};
}

id_type! {
    /// A municipality: the unit behind its own wall. UUIDv7.
    TenantId;
    /// One weakness on one asset (or on none yet). UUIDv7.
    FindingId;
    /// A machine, application or repository that findings are about. UUIDv7.
    AssetId;
    /// The unit that a ticketing system pulls. UUIDv7.
    TaskId;
    /// One report that came in. UUIDv7.
    ImportId;
    /// A scanner, red team or person that reports findings. UUIDv7.
    SourceId;
    /// A named scan of a source. UUIDv7.
    ScanScopeId;
    /// Who acts: an (issuer, subject) pair. UUIDv7.
    PrincipalId;
    /// A program with credentials of its own. UUIDv7.
    ClientId;
    /// A right in a municipality. UUIDv7.
    GrantId;
    /// Risks that are knowingly borne until a date. UUIDv7.
    AcceptanceId;
    /// What a municipality does for its people, and must be able to do: care records, wages, heating. UUIDv7.
    BusinessServiceId;
    /// What somebody said about a finding or a task. UUIDv7.
    CommentId;
    /// A file that belongs to a finding. UUIDv7.
    AttachmentId;
    /// What somebody saw of a finding in one round. UUIDv7.
    RetestId;
    /// A municipality or provider as the organisation that it is. UUIDv7.
    OrganisationId;
}
