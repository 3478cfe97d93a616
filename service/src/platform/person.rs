//! Persons, and whose hand a principal is.

use super::{Platform, Rows, changed};
use crate::{Error, Result, store::Connection};
use domain::{Hand, OrganisationId, PrincipalId, Timestamp};
use entity::{client, organisation, person, person_principal, principal};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait, Func, OnConflict},
};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

impl Platform {
    /// Adds a person, who may belong to an organisation.
    pub async fn add_person(&self, name: &str, organisation: Option<OrganisationId>, now: Timestamp) -> Result<Uuid> {
        let connection = self.write().await?;
        let id = Uuid::now_v7();
        let row = person::ActiveModel {
            id: Set(id),
            organisation_id: Set(organisation.map(|id| id.0)),
            name: Set(name.to_owned()),
            created_at: Set(now),
        };
        person::Entity::insert(row).exec_without_returning(&connection).await?;
        connection.commit().await?;
        Ok(id)
    }

    /// Says which person a principal is. A principal that belonged to nobody joins the person's organisation.
    ///
    /// # Errors
    /// `not_found` if there is no such person.
    pub async fn link_person(&self, person_id: Uuid, principal_id: PrincipalId) -> Result<()> {
        let connection = self.write().await?;
        let person = person::Entity::find_by_id(person_id).one(&connection).await?.ok_or_else(Error::not_found)?;
        let row = person_principal::ActiveModel { principal_id: Set(principal_id.0), person_id: Set(person_id) };
        let again = OnConflict::column(person_principal::Column::PrincipalId)
            .update_column(person_principal::Column::PersonId)
            .to_owned();
        person_principal::Entity::insert(row).on_conflict(again).exec_without_returning(&connection).await?;
        principal::Entity::update_many()
            .col_expr(principal::Column::OrganisationId, person.organisation_id.into())
            .filter(principal::Column::Id.eq(principal_id.0))
            .filter(principal::Column::OrganisationId.is_null())
            .exec(&connection)
            .await?;
        changed(connection).await
    }

    /// The principal of (issuer, subject); made if it is new, so that a person can be linked before the first token.
    pub async fn known_principal(&self, issuer: &str, subject: &str, now: Timestamp) -> Result<PrincipalId> {
        self.principal(issuer, subject, now).await
    }

    /// Every person, by name, as (id, name).
    pub async fn persons(&self) -> Result<Vec<(Uuid, String)>> {
        let connection = self.read().await?;
        let rows = person::Entity::find().order_by_asc(person::Column::Name).all(&connection).await?;
        Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
    }

    /// An organisation by name or id.
    pub async fn find_organisation(&self, named: &str) -> Result<Option<OrganisationId>> {
        let connection = self.read().await?;
        organisation_named(&connection, named).await
    }
}

impl Rows<'_> {
    /// Whose hand a principal is: its person's; its client's owner's; or nobody's but its own.
    pub(crate) async fn hand(&self, principal: PrincipalId) -> Result<Hand> {
        let mut hands = self.hands([principal].into()).await?;
        Ok(hands.remove(&principal.0).unwrap_or(Hand::Unmapped(principal)))
    }

    /// [`Rows::hand`] of each of several principals, in two statements.
    pub(crate) async fn hands(&self, principals: BTreeSet<PrincipalId>) -> Result<HashMap<Uuid, Hand>> {
        let of_client = client::Column::PrincipalId.is_in(principals.iter().map(|principal| principal.0));
        let clients = client::Entity::find().filter(of_client).all(self.connection).await?;
        let owners: HashMap<Uuid, Uuid> =
            clients.into_iter().filter_map(|client| Some((client.principal_id, client.owner_id?))).collect();
        let candidates = principals.iter().map(|principal| principal.0).chain(owners.values().copied());
        let is_one = person_principal::Column::PrincipalId.is_in(candidates);
        let links = person_principal::Entity::find().filter(is_one).all(self.connection).await?;
        let persons: HashMap<Uuid, Uuid> = links.into_iter().map(|link| (link.principal_id, link.person_id)).collect();
        let hand = |principal: PrincipalId| {
            let owner = owners.get(&principal.0);
            let known = persons.get(&principal.0).or_else(|| persons.get(owner?));
            let unmapped = Hand::Unmapped(owner.map_or(principal, |owner| PrincipalId(*owner)));
            (principal.0, known.map_or(unmapped, |person| Hand::Person(*person)))
        };
        Ok(principals.into_iter().map(hand).collect())
    }

    /// What people elsewhere may call the principal, in lower case: the subjects of its person's logins, and the person's
    /// own name.
    pub(crate) async fn names(&self, principal: PrincipalId) -> Result<HashSet<String>> {
        let (mut logins, mut names) = (vec![principal.0], HashSet::new());
        if let Hand::Person(id) = self.hand(principal).await? {
            names.extend(person::Entity::find_by_id(id).one(self.connection).await?.map(|person| person.name));
            let of_person = person_principal::Entity::find().filter(person_principal::Column::PersonId.eq(id));
            logins.extend(of_person.all(self.connection).await?.into_iter().map(|link| link.principal_id));
        }
        let rows = principal::Entity::find().filter(principal::Column::Id.is_in(logins)).all(self.connection).await?;
        names.extend(rows.into_iter().map(|row| row.subject));
        Ok(names.into_iter().map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty()).collect())
    }

    /// Those of some names that anybody known here goes by, in lower case: a login's subject, or a person's name.
    pub(crate) async fn known_names(&self, names: &HashSet<String>) -> Result<HashSet<String>> {
        let lower = |column: Expr| Expr::expr(Func::lower(column)).is_in(names.iter().map(String::as_str));
        let subject = Expr::col(principal::Column::Subject);
        let logins = principal::Entity::find().filter(lower(subject)).all(self.connection).await?;
        let name = Expr::col(person::Column::Name);
        let people = person::Entity::find().filter(lower(name)).all(self.connection).await?;
        let known = logins.into_iter().map(|row| row.subject).chain(people.into_iter().map(|row| row.name));
        Ok(known.map(|name| name.trim().to_lowercase()).collect())
    }

    /// An organisation by name or id.
    pub(crate) async fn organisation(&self, named: &str) -> Result<Option<OrganisationId>> {
        organisation_named(self.connection, named).await
    }
}

async fn organisation_named(connection: &Connection, named: &str) -> Result<Option<OrganisationId>> {
    use organisation::Column as C;
    let is_named = match Uuid::parse_str(named) {
        Ok(id) => C::Id.eq(id),
        Err(_) => C::Name.eq(named),
    };
    let row = organisation::Entity::find().filter(is_named).one(connection).await?;
    Ok(row.map(|row| row.id.into()))
}
