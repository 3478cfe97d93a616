//! `fynd demo`: everything once, on a store of its own.

use super::{Failure, import::told, print};
use crate::{Application, Config};
use clap::Args;
use domain::{Permission, Scopes, TenantId, TenantSlug};
use service::{
    Auth, Clock,
    auth::NewToken,
    import::{ImportRequest, Spool},
    platform::Platform,
};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

#[derive(Args)]
pub(super) struct Demo {
    /// Address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Keep the store in this folder; a temporary one is removed at the end.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// The reports that come with the demo, by municipality.
const REPORTS: &[(&str, &str, &[u8])] = &[
    ("norrvik", "norrvik.nessus", include_bytes!("../../assets/demo/norrvik.nessus")),
    ("norrvik", "norrvik-web.nuclei.jsonl", include_bytes!("../../assets/demo/norrvik-web.nuclei.jsonl")),
    ("alvsund", "alvsund.nessus", include_bytes!("../../assets/demo/alvsund.nessus")),
    ("alvsund", "alvsund-eservice.sarif", include_bytes!("../../assets/demo/alvsund-eservice.sarif")),
];

const TTL: Duration = Duration::from_secs(24 * 3600);

impl Demo {
    pub(super) async fn run(self, mut config: Config) -> Result<(), Failure> {
        // A temporary folder is removed when this is dropped, at the end.
        let (folder, _temporary) = self.folder()?;
        config.database_url = format!("sqlite://{}", folder.join("fynd.db").display());
        config.key_file = folder.join("fynd.key");
        config.attachments.url = format!("file:{}", folder.join("attachments").display());
        config.key = String::new();
        config.listen = self.listen;
        if self.listen.port() == 0 {
            return Err(Failure::Settings("--listen needs a port, since the tokens name the address".into()));
        }
        config.public_url = format!("http://{}", self.listen);
        let application = Application::build(config.clone(), Clock::system()).await?;
        let tenants = fill(application.auth(), &config).await?;
        let screen = screen(application.auth(), &config, &tenants).await?;
        print(&screen)?;
        application.run().await?;
        print("stopped\n")
    }

    fn folder(&self) -> Result<(PathBuf, Option<tempfile::TempDir>), Failure> {
        match &self.keep {
            None => {
                let folder = tempfile::tempdir()?;
                Ok((folder.path().to_owned(), Some(folder)))
            }
            Some(keep) => {
                let failed =
                    |e: std::io::Error| Failure::Settings(format!("the folder {} cannot be used: {e}", keep.display()));
                std::fs::create_dir_all(keep).map_err(failed)?;
                tempfile::tempfile_in(keep).map_err(failed)?;
                Ok((keep.clone(), None))
            }
        }
    }
}

/// Makes the municipalities (unless they are kept from before) and imports the reports.
async fn fill(auth: &Auth, config: &Config) -> Result<[TenantId; 2], Failure> {
    let (platform, now) = (Platform::new(auth.service().store.clone()), auth.service().clock.now());
    let known = platform.tenants().await?;
    let mut tenants = [TenantId(uuid::Uuid::nil()); 2];
    for (place, (slug, name)) in tenants.iter_mut().zip([("norrvik", "Norrvik"), ("alvsund", "Älvsund")]) {
        *place = match known.iter().find(|tenant| tenant.slug == slug) {
            Some(tenant) => tenant.id,
            None => platform.add_tenant(&TenantSlug::parse(slug)?, name, now).await?,
        };
    }
    let importer = token(auth, "demo-import", &tenants, &[Permission::WriteImports]).await?;
    let caller = auth.authenticate(&importer).await?;
    let options = config.import_options();
    for (tenant, name, report) in REPORTS {
        let mut spool = Spool::new(&config.spool_folder(), config.imports.max_bytes)?;
        spool.push(report)?;
        let request = ImportRequest { tenant: Some((*tenant).into()), ..Default::default() };
        let running = service::import::start(&caller, request, spool.finish()?, options).await?;
        let outcome = running.outcome.await.map_err(service::Error::internal)??;
        print(&format!("  imported {name} for {tenant}: {}", told(&outcome)))?;
    }
    Ok(tenants)
}

async fn token(auth: &Auth, subject: &str, tenants: &[TenantId], scopes: &[Permission]) -> Result<String, Failure> {
    let scopes: Scopes = scopes.iter().copied().collect();
    let new = NewToken { subject: subject.into(), tenants: tenants.to_vec(), scopes, ttl: TTL };
    Ok(auth.issue(new, "demo").await?)
}

/// Everything a visitor needs, in one screen, to be copied line by line.
async fn screen(auth: &Auth, config: &Config, tenants: &[TenantId; 2]) -> Result<String, Failure> {
    use Permission::{
        ClaimTasks, ReadAssets, ReadEvidence, ReadFeed, ReadFindings, ReadTasks, VerifyFindings, WriteFindings,
        WriteImports,
    };
    let norrvik = &tenants[..1];
    let ticketing = token(auth, "ticketing", norrvik, &[ReadTasks, ClaimTasks]).await?;
    let siem = token(auth, "siem", norrvik, &[ReadFeed, ReadFindings, ReadAssets]).await?;
    let dashboard = token(auth, "dashboard", norrvik, &[ReadFindings]).await?;
    let all = [
        ReadFindings,
        WriteFindings,
        VerifyFindings,
        ReadEvidence,
        ReadAssets,
        ReadTasks,
        ClaimTasks,
        WriteImports,
        ReadFeed,
    ];
    let provider = token(auth, "provider", tenants, &all).await?;
    let platform = Platform::new(auth.service().store.clone());
    let organisation = platform.add_provider("Nordskydd AB", auth.service().clock.now()).await?;
    platform.belongs_to(&config.public_url, "provider", organisation).await?;
    let now = auth.service().clock.now();
    let scopes = all.iter().copied().collect();
    platform.grant_organisation(organisation, tenants, scopes, "demo", (now, now + TTL)).await?;
    let foreign = foreign_finding(auth, &provider).await?;
    Ok(include_str!("demo.txt")
        .replace("{url}", &config.public_url)
        .replace("{store}", config.database_url.trim_start_matches("sqlite://"))
        .replace("{ticketing}", &ticketing)
        .replace("{siem}", &siem)
        .replace("{dashboard}", &dashboard)
        .replace("{provider}", &provider)
        .replace("{foreign}", &foreign))
}

/// A finding of the other municipality, to be refused.
async fn foreign_finding(auth: &Auth, token: &str) -> Result<String, Failure> {
    use domain::{FindingFilter, PageRequest};
    let caller = auth.authenticate(token).await?;
    let filter = FindingFilter { tenant: vec!["alvsund".into()], ..Default::default() };
    let page = PageRequest { limit: 1, cursor: None, each: false, count: None };
    let query = service::finding::FindingQuery { filter, order: Default::default(), page, include: Vec::new() };
    match service::finding::list(&caller, &query, None).await? {
        service::Fresh::Changed(_, page) => Ok(page.items.first().map(|f| f.id.to_string()).unwrap_or_default()),
        service::Fresh::Unchanged(_) => Ok(String::new()),
    }
}
