//! Business services.

use crate::{
    connection::{caller, connection, cost, found, page},
    error::refused,
    finding::version,
    idempotency::acting,
};
use async_graphql::{
    Context, Object, Result,
    connection::{Connection, EmptyFields},
};
use domain::{
    BusinessService, BusinessServiceId,
    business_service::BusinessServiceFilter,
    business_service_change::{BusinessServicePatch, NewBusinessService},
};

#[derive(Default)]
pub(crate) struct BusinessServiceQueries;

#[Object]
impl BusinessServiceQueries {
    /// Business services by id.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn business_services(
        &self,
        ctx: &Context<'_>,
        filter: Option<BusinessServiceFilter>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Connection<String, BusinessService, EmptyFields, EmptyFields>> {
        let page = page(first, after)?;
        let found = service::business_service::list(caller(ctx)?, &filter.unwrap_or_default(), &page, None).await;
        connection(found, |service| service)
    }

    /// One business service; null if there is none, or none for the caller's eyes.
    async fn business_service(&self, ctx: &Context<'_>, id: BusinessServiceId) -> Result<Option<BusinessService>> {
        found(ctx, service::business_service::get(caller(ctx)?, id, None).await)
    }
}

#[derive(Default)]
pub(crate) struct BusinessServiceMutations;

#[Object]
impl BusinessServiceMutations {
    /// Enters a business service.
    async fn create_business_service(
        &self,
        ctx: &Context<'_>,
        tenant: Option<String>,
        input: NewBusinessService,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<BusinessService> {
        let created = service::business_service::create(acting(ctx, idempotency_key)?, tenant.as_deref(), input).await;
        Ok(created.map_err(refused)?.1)
    }

    /// Changes a business service. `ifMatch` is the `seq` that it was read with.
    async fn update_business_service(
        &self,
        ctx: &Context<'_>,
        id: BusinessServiceId,
        if_match: Option<i64>,
        input: BusinessServicePatch,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<BusinessService> {
        Ok(service::business_service::patch(acting(ctx, idempotency_key)?, id, version(if_match)?, input)
            .await
            .map_err(refused)?
            .1)
    }

    /// Deletes a business service; its assets stay. Answers what it was.
    async fn delete_business_service(
        &self,
        ctx: &Context<'_>,
        id: BusinessServiceId,
        if_match: Option<i64>,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<BusinessService> {
        Ok(service::business_service::delete(acting(ctx, idempotency_key)?, id, version(if_match)?)
            .await
            .map_err(refused)?
            .1)
    }
}
