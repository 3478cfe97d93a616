//! API clients as rows.

use super::{Platform, Rows};
use crate::{Error, Result, clock::milliseconds};
use domain::{
    Client, ClientId, OrganisationId, PrincipalId, Scopes, TenantId, Timestamp,
    client::{ClientPatch, NewClient, SecretInfo},
};
use entity::{client, client_secret, client_tenant, principal, used_assertion};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict, Query},
};
use std::collections::HashMap;
use uuid::Uuid;

/// How many secrets of a client count at once: the new one, and the one before while it is rotated.
const MAX_SECRETS: usize = 2;

impl Rows<'_> {
    /// Clients of the tenants after `after`, by id.
    pub(crate) async fn clients(&self, after: Option<Uuid>, limit: u64, now: Timestamp) -> Result<Vec<Client>> {
        let find = client::Entity::find()
            .filter(self.clients_here())
            .filter(Condition::all().add_option(after.map(|after| client::Column::Id.gt(after))))
            .order_by_asc(client::Column::Id)
            .limit(limit);
        self.shown_clients(find.all(self.connection).await?, now).await
    }

    /// One client of the tenants.
    pub(crate) async fn client(&self, id: ClientId, now: Timestamp) -> Result<Client> {
        self.clients_by_ids(&[id], now).await?.pop().ok_or_else(Error::not_found)
    }

    /// Those of some clients that may ask for tokens of the tenants.
    pub(crate) async fn clients_by_ids(&self, ids: &[ClientId], now: Timestamp) -> Result<Vec<Client>> {
        let of_ids = client::Column::Id.is_in(ids.iter().map(|id| id.0));
        let rows = client::Entity::find().filter(of_ids).filter(self.clients_here()).all(self.connection).await?;
        self.shown_clients(rows, now).await
    }

    /// Where a client may ask for tokens, all of it.
    pub(crate) async fn all_tenants_of(&self, id: ClientId) -> Result<Vec<TenantId>> {
        let of_client = client_tenant::Column::ClientId.eq(id.0);
        let rows = client_tenant::Entity::find().filter(of_client).all(self.connection).await?;
        Ok(rows.into_iter().map(|row| row.tenant_id.into()).collect())
    }

    fn clients_here(&self) -> Expr {
        let mut here = Query::select();
        here.column(client_tenant::Column::ClientId)
            .from(client_tenant::Entity)
            .and_where(client_tenant::Column::TenantId.is_in(self.tenants.iter().copied()));
        client::Column::Id.in_subquery(here)
    }

    /// Makes a client and the principal that it acts as.
    pub(crate) async fn add_client(
        &self,
        new: &NewClient,
        scopes: Scopes,
        (issuer, owner): (&str, Option<PrincipalId>),
        organisation: Option<OrganisationId>,
        now: Timestamp,
    ) -> Result<(ClientId, PrincipalId)> {
        let (id, principal_id) = (Uuid::now_v7(), Uuid::now_v7());
        let acting = principal::ActiveModel {
            id: Set(principal_id),
            issuer: Set(issuer.to_owned()),
            subject: Set(id.to_string()),
            organisation_id: Set(organisation.map(|id| id.0)),
            created_at: Set(now),
        };
        principal::Entity::insert(acting).exec_without_returning(self.connection).await?;
        let row = client::ActiveModel {
            id: Set(id),
            principal_id: Set(principal_id),
            owner_id: Set(owner.map(|owner| owner.0)),
            name: Set(new.name.trim().to_owned()),
            purpose: Set(new.purpose.trim().to_owned()),
            scopes: Set(scopes.to_string()),
            public_jwks: Set(new.public_jwks.as_ref().map(ToString::to_string)),
            basic_allowed: Set(new.basic_allowed),
            tokens_from: Set(now),
            expires_at: Set(new.expires_at.map(|end| milliseconds(end.0))),
            disabled_at: Set(None),
            last_used_at: Set(None),
            created_at: Set(now),
            version: Set(1),
        };
        client::Entity::insert(row).exec_without_returning(self.connection).await?;
        let places = self
            .tenants
            .iter()
            .map(|tenant| client_tenant::ActiveModel { client_id: Set(id), tenant_id: Set(*tenant) });
        client_tenant::Entity::insert_many(places).exec_without_returning(self.connection).await?;
        Ok((id.into(), principal_id.into()))
    }

    /// Changes a client that still is in the version; says whether it was.
    pub(crate) async fn change_client(
        &self,
        before: &Client,
        patch: &ClientPatch,
        scopes: Option<Scopes>,
        now: Timestamp,
    ) -> Result<bool> {
        use client::Column as C;
        let disabled_at = match patch.disabled {
            Some(true) => Some(before.disabled_at.map_or(now, |at| at.0)),
            Some(false) => None,
            None => before.disabled_at.map(|at| at.0),
        };
        let mut update = client::Entity::update_many()
            .col_expr(C::DisabledAt, disabled_at.into())
            .col_expr(C::Version, Expr::col(C::Version).add(1));
        let texts = [
            (C::Name, patch.name.as_ref().map(|name| name.trim().to_owned())),
            (C::Purpose, patch.purpose.as_ref().map(|purpose| purpose.trim().to_owned())),
            (C::Scopes, scopes.map(|scopes| scopes.to_string())),
            (C::PublicJwks, patch.public_jwks.as_ref().map(ToString::to_string)),
        ];
        for (column, text) in texts {
            if let Some(text) = text {
                update = update.col_expr(column, text.into());
            }
        }
        if let Some(allowed) = patch.basic_allowed {
            update = update.col_expr(C::BasicAllowed, allowed.into());
        }
        if let Some(end) = patch.expires_at {
            update = update.col_expr(C::ExpiresAt, Some(milliseconds(end.0)).into());
        }
        let as_read = C::Id.eq(before.id.0).and(C::Version.eq(before.version));
        Ok(update.filter(as_read).exec(self.connection).await?.rows_affected == 1)
    }

    /// Ends every token that the client has been given until now.
    pub(crate) async fn end_tokens(&self, id: ClientId, from: Timestamp) -> Result<()> {
        use client::Column as C;
        client::Entity::update_many()
            .col_expr(C::TokensFrom, from.into())
            .col_expr(C::Version, Expr::col(C::Version).add(1))
            .filter(C::Id.eq(id.0))
            .exec(self.connection)
            .await?;
        Ok(())
    }

    /// Adds a secret; those before end at `until`, all but the newest of them at once.
    pub(crate) async fn add_secret(&self, id: ClientId, digest: &[u8], until: Timestamp, now: Timestamp) -> Result<()> {
        use client_secret::Column as C;
        let of_client = client_secret::Entity::find().filter(C::ClientId.eq(id.0)).order_by_desc(C::Id);
        for (at, old) in of_client.all(self.connection).await?.into_iter().enumerate() {
            let end = if at + 2 > MAX_SECRETS { now } else { until };
            if old.expires_at.is_some_and(|known| known <= end) {
                continue;
            }
            client_secret::Entity::update_many()
                .col_expr(C::ExpiresAt, Some(end).into())
                .filter(C::Id.eq(old.id))
                .exec(self.connection)
                .await?;
        }
        client_secret::Entity::delete_many()
            .filter(C::ClientId.eq(id.0).and(C::ExpiresAt.lte(now)))
            .exec(self.connection)
            .await?;
        let row = client_secret::ActiveModel {
            id: Set(Uuid::now_v7()),
            client_id: Set(id.0),
            digest: Set(digest.to_vec()),
            created_at: Set(now),
            expires_at: Set(None),
        };
        client_secret::Entity::insert(row).exec_without_returning(self.connection).await?;
        Ok(())
    }

    /// Rows with their tenants (of those in sight), secrets and organisations, in three more statements.
    async fn shown_clients(&self, rows: Vec<client::Model>, now: Timestamp) -> Result<Vec<Client>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let mut tenants: HashMap<Uuid, Vec<TenantId>> = HashMap::new();
        let in_sight = client_tenant::Column::ClientId
            .is_in(ids.iter().copied())
            .and(client_tenant::Column::TenantId.is_in(self.tenants.iter().copied()));
        let find = client_tenant::Entity::find().filter(in_sight).order_by_asc(client_tenant::Column::TenantId);
        for row in find.all(self.connection).await? {
            tenants.entry(row.client_id).or_default().push(row.tenant_id.into());
        }
        let mut secrets: HashMap<Uuid, Vec<SecretInfo>> = HashMap::new();
        let of_clients = client_secret::Column::ClientId.is_in(ids.iter().copied());
        let find = client_secret::Entity::find().filter(of_clients).order_by_asc(client_secret::Column::Id);
        for row in find.all(self.connection).await?.into_iter().filter(|row| row.expires_at.is_none_or(|end| end > now))
        {
            let info = SecretInfo { created_at: row.created_at.into(), expires_at: row.expires_at.map(Into::into) };
            secrets.entry(row.client_id).or_default().push(info);
        }
        let acting = principal::Column::Id.is_in(rows.iter().map(|row| row.principal_id));
        let acting = principal::Entity::find().filter(acting).all(self.connection).await?;
        let organisations: HashMap<Uuid, Option<Uuid>> =
            acting.into_iter().map(|p| (p.id, p.organisation_id)).collect();
        let shown = |row: client::Model| {
            let organisation = organisations.get(&row.principal_id).copied().flatten();
            let (tenants, secrets) = (tenants.remove(&row.id), secrets.remove(&row.id));
            of(row, organisation, tenants.unwrap_or_default(), secrets.unwrap_or_default())
        };
        Ok(rows.into_iter().map(shown).collect())
    }
}

fn of(row: client::Model, organisation: Option<Uuid>, tenants: Vec<TenantId>, secrets: Vec<SecretInfo>) -> Client {
    Client {
        id: row.id.into(),
        principal_id: row.principal_id.into(),
        owner_id: row.owner_id.map(Into::into),
        organisation_id: organisation.map(Into::into),
        name: row.name,
        purpose: row.purpose,
        tenants,
        scopes: row.scopes.split_ascii_whitespace().map(str::to_owned).collect(),
        secrets,
        public_jwks: row.public_jwks.and_then(|jwks| serde_json::from_str(&jwks).ok()),
        basic_allowed: row.basic_allowed,
        expires_at: row.expires_at.map(Into::into),
        disabled_at: row.disabled_at.map(Into::into),
        last_used_at: row.last_used_at.map(Into::into),
        created_at: row.created_at.into(),
        version: row.version,
    }
}

impl Platform {
    /// Notes that a client asked for a token, at most once a minute. No change of rights: no new epoch.
    pub(crate) async fn note_use(&self, id: ClientId, now: Timestamp) -> Result<()> {
        use client::Column as C;
        let before = now - chrono::TimeDelta::minutes(1);
        let connection = self.write().await?;
        client::Entity::update_many()
            .col_expr(C::LastUsedAt, Some(now).into())
            .filter(C::Id.eq(id.0))
            .filter(C::LastUsedAt.is_null().or(C::LastUsedAt.lte(before)))
            .exec(&connection)
            .await?;
        connection.commit().await
    }

    /// Uses up a client assertion; false if it was used before (RFC 7523, section 3, point 7).
    pub(crate) async fn use_up(&self, id: ClientId, jti: &str, until: Timestamp, now: Timestamp) -> Result<bool> {
        use used_assertion::Column as C;
        let connection = self.write().await?;
        used_assertion::Entity::delete_many().filter(C::ExpiresAt.lte(now)).exec(&connection).await?;
        let row =
            used_assertion::ActiveModel { client_id: Set(id.0), jti: Set(jti.to_owned()), expires_at: Set(until) };
        let once = OnConflict::columns([C::ClientId, C::Jti]).do_nothing().to_owned();
        let stored = used_assertion::Entity::insert(row).on_conflict(once).exec_without_returning(&connection).await?;
        connection.commit().await?;
        Ok(stored == 1)
    }
}
