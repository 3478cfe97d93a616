//! The titles of codes in Swedish.

use super::Code;

/// What happened, in one sentence.
pub(super) const fn title(code: Code) -> &'static str {
    match code {
        Code::Unauthenticated => "Ingen giltig token följde med begäran.",
        Code::Forbidden => "Anroparens rättigheter räcker inte till detta.",
        Code::NotFound => "Det finns inte, eller är inte för anroparens ögon.",
        Code::MethodNotAllowed => "Sökvägen känner inte till den metoden.",
        Code::NotAcceptable => "Svaret kan inte ges i någon form som `Accept` tillåter.",
        Code::BadRequest => "Begäran gick inte att läsa.",
        Code::InvalidParameter => "En parameter är okänd eller har ett värde som den inte kan ha.",
        Code::InvalidBody => "Ett fält i begärans innehåll saknas, är okänt eller har ett värde som det inte kan ha.",
        Code::InvalidCursor => "Markören är inte utfärdad av den här tjänsten för den här anroparen.",
        Code::CursorExpired => "Ändringar efter markören finns inte längre kvar.",
        Code::CursorMismatch => "Markören hör till en annan fråga.",
        Code::TenantRequired => "Token gäller flera kommuner och begäran nämner ingen.",
        Code::UnknownTenant => "Begäran nämner en kommun där anroparen inte har några rättigheter.",
        Code::PreconditionRequired => "En ändring måste säga vilken version den ändrar.",
        Code::Stale => "Resursen har ändrats sedan den lästes.",
        Code::IdempotencyMismatch => "Nyckeln har redan använts för en annan begäran.",
        Code::IdempotencyInProgress => "En begäran med den här nyckeln besvaras fortfarande.",
        Code::TransitionRefused => "Det går inte att gå från den statusen till den andra.",
        Code::JustificationRequired => "Ett avfärdande behöver en motivering av rätt slag.",
        Code::AcceptanceRequired => "En risk accepteras bara genom en godkänd riskacceptans.",
        Code::SamePerson => {
            "Det här kräver två personer: den som säger att något är åtgärdat verifierar det inte, och den som begär en acceptans godkänner den inte."
        }
        Code::AcceptanceState => "Riskacceptansen är inte i ett läge där detta kan göras.",
        Code::AlreadyInAcceptance => "Ett fynd ingår redan i en annan riskacceptans som är begärd eller gäller.",
        Code::TicketAlreadyLinked => "Uppgiften har redan ett annat ärende i det systemet.",
        Code::TicketTaken => "Ärendet hör till en annan uppgift.",
        Code::CommentDeleted => "Kommentaren är borttagen och kan inte ändras längre.",
        Code::AttachmentInUse => "Bilagan är underlag för ett omtest.",
        Code::CountMismatch => "Det är fler eller färre än begäran räknar med.",
        Code::TooMany => "Filtret omfattar fler än ett kommando tar.",
        Code::IncludeTooLarge => "Sidan och det som den tar med är mer än ett svar rymmer.",
        Code::QuotaExceeded => "Kommunens utrymme för bilagor är slut.",
        Code::LeaseHeld => "Någon annan har tagit uppgiften och kanske håller på att skapa ärendet.",
        Code::LeaseLost => "Reservationen har gått ut eller tillhör någon annan.",
        Code::IdentifierTaken => "Identifieraren hör till en annan tillgång.",
        Code::TooManyIdentifiers => "Den sammanslagna tillgången skulle få fler identifierare än en tillgång får ha.",
        Code::AssetMerged => "Tillgången har slagits ihop med en annan och ändras inte längre.",
        Code::PayloadTooLarge => "Innehållet är större än gränsen.",
        Code::UnsupportedMediaType => "Innehållet är av en typ eller kodning som inte läses här.",
        Code::UnknownFormat => "Rapportens format gick inte att känna igen.",
        Code::ReportRefused => "Rapporten är inte hel eller inte av sitt format; inget av den har sparats.",
        Code::CoverageImplausible => {
            "Rapporten säger sig vara fullständig och skulle markera mer än en femtedel av sitt område som borta."
        }
        Code::ReconcileImplausible => {
            "Listan säger sig vara fullständig och saknar mer än en femtedel av de länkade ärendena."
        }
        Code::ImportRunning => "Samma rapport importeras just nu.",
        Code::QueryTooComplex => "GraphQL-frågan begär mer än gränsen för djup eller kostnad.",
        Code::InvalidQuery => "GraphQL-dokumentet är inte giltigt.",
        Code::PersistedQueryNotFound => "Ingen fråga har sparats med den kontrollsumman.",
        Code::IntrospectionDisabled => "Schemat visas inte här.",
        Code::RateLimited => "Det kom fler begäranden än gränsen tillåter.",
        Code::ExceedsOwnRights => "Ingen ger mer än den själv har.",
        Code::Unavailable => "Tjänsten kan inte svara just nu.",
        Code::Internal => "Något gick fel inne i tjänsten.",
    }
}
