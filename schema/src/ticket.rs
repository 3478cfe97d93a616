//! Tickets: which stand for which tasks, what their trackers report, both lists side by side.

use crate::{
    connection::{caller, changed, connection, cost, page, times},
    error::{refused, refused_by_rule},
    finding::version,
    idempotency::acting,
    task::TaskNode,
};
use async_graphql::{
    Context, Object, Result,
    connection::{Connection, EmptyFields},
};
use domain::{
    TaskId,
    ticket::{
        LinkedTicket, TicketFilter, TicketLink,
        mapping::{MappedState, MappingPreview, TicketMapping},
        reconcile::{Reconcile, Reconciled},
        report::{TicketStates, TicketStatesOutcome},
    },
};
use uuid::Uuid;

#[derive(Default)]
pub(crate) struct TicketQueries;

#[Object]
impl TicketQueries {
    /// Tickets by the ids of their tasks.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn tickets(
        &self,
        ctx: &Context<'_>,
        filter: Option<TicketFilter>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Connection<String, LinkedTicket, EmptyFields, EmptyFields>> {
        let page = page(first, after)?;
        connection(service::ticket::list(caller(ctx)?, &filter.unwrap_or_default(), &page, None).await, |one| one)
    }

    /// What the states of a tracker mean in a municipality.
    async fn ticket_mapping(&self, ctx: &Context<'_>, tenant: Option<String>, system: String) -> Result<TicketMapping> {
        changed(service::ticket::get_mapping(caller(ctx)?, tenant.as_deref(), &system, None).await)
    }

    /// What a mapping would do, if the tracker reported again what it reported last.
    #[graphql(complexity = "100 + times(100, child_complexity)")]
    async fn preview_ticket_mapping(
        &self,
        ctx: &Context<'_>,
        tenant: Option<String>,
        system: String,
        states: Vec<MappedState>,
    ) -> Result<MappingPreview> {
        service::ticket::preview(caller(ctx)?, tenant.as_deref(), &system, &states).await.map_err(refused)
    }
}

#[derive(Default)]
pub(crate) struct TicketMutations;

#[Object]
impl TicketMutations {
    /// Links a ticket to a task. Repeating it changes nothing. `lease` is the token of the lease that it was claimed with.
    #[expect(clippy::too_many_arguments, reason = "they are those of the REST operation")]
    async fn link_ticket(
        &self,
        ctx: &Context<'_>,
        task_id: TaskId,
        system: String,
        key: String,
        url: Option<String>,
        lease: Option<Uuid>,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<TaskNode> {
        let link = TicketLink::parse(&system, &key, url.as_deref(), lease).map_err(refused_by_rule)?;
        let (_, task, _) =
            service::ticket::link(acting(ctx, idempotency_key)?, task_id, link).await.map_err(refused)?;
        Ok(task.into())
    }

    /// Takes the ticket of a system off a task, which can then be claimed again. With a key, only the ticket of that key.
    async fn unlink_ticket(
        &self,
        ctx: &Context<'_>,
        task_id: TaskId,
        system: String,
        key: Option<String>,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<TaskNode> {
        let task = service::ticket::unlink(acting(ctx, idempotency_key)?, task_id, &system, key.as_deref()).await;
        Ok(task.map_err(refused)?.1.into())
    }

    /// Takes over the states of up to 1,000 tickets, with an outcome for each.
    async fn report_tickets(
        &self,
        ctx: &Context<'_>,
        #[graphql(default)] tenant: Vec<String>,
        input: TicketStates,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<TicketStatesOutcome> {
        service::ticket::report(acting(ctx, idempotency_key)?, &tenant, &input).await.map_err(refused)
    }

    /// Compares a tracker's list of tickets with ours, and repairs what differs with `apply`.
    async fn reconcile_tickets(
        &self,
        ctx: &Context<'_>,
        tenant: Option<String>,
        input: Reconcile,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<Reconciled> {
        service::ticket::reconcile(acting(ctx, idempotency_key)?, tenant.as_deref(), &input).await.map_err(refused)
    }

    /// Says what the states of a tracker mean. `ifMatch` is the `version` that the mapping was read with.
    async fn update_ticket_mapping(
        &self,
        ctx: &Context<'_>,
        tenant: Option<String>,
        system: String,
        if_match: Option<i64>,
        states: Vec<MappedState>,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<TicketMapping> {
        let version = version(if_match)?;
        let stored =
            service::ticket::put_mapping(acting(ctx, idempotency_key)?, tenant.as_deref(), &system, version, &states)
                .await;
        Ok(stored.map_err(refused)?.1)
    }
}
