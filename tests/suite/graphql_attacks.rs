//! Documents made to keep the server busy: each is refused at once, with a
//! code, and takes no memory worth mentioning.

use crate::support::{
    Kind, Person, TestStore,
    process::{Process, free_port, fynd, printed},
};
use reqwest::{Method, header};
use serde_json::{Value, json};
use std::time::Duration;

/// What refusing an attack may take of a processor.
const AT_ONCE: Duration = Duration::from_millis(50);
/// How much slower a server is that was not built for use.
const SLOWER: u32 = if cfg!(debug_assertions) { 15 } else { 1 };
/// How often each attack comes: the time is counted in hundredths of a second.
const TIMES: u32 = 4;
/// What all attacks together may add to the memory of the server, which holds their bodies of a megabyte each.
const MOST_MEMORY: u64 = 64 << 20;

/// A body that should be refused, with the code that it is refused with.
type Attack = (&'static str, String, &'static str);

/// A body with this document alone.
fn document(query: &str) -> String {
    json!({ "query": query }).to_string()
}

fn each(many: usize, of: impl Fn(usize) -> String) -> String {
    (0..many).map(of).collect::<Vec<_>>().join(" ")
}

fn of_depth() -> Vec<Attack> {
    const CODE: &str = "query_too_complex";
    let nested = format!("{{ findings {{ nodes {}{{ id }}{} }} }}", "{ asset { findings ".repeat(6), " } }".repeat(6));
    vec![
        ("fields inside each other", document(&nested), CODE),
        ("braces without end", document(&"{a".repeat(60_000)), CODE),
        ("braces of a megabyte", document(&"{a".repeat(500_000)), CODE),
        ("lists inside each other", document(&format!("{{ me(a: {}", "[".repeat(9_000))), CODE),
        ("objects inside each other", document(&format!("{{ me(a: {}", "{b:".repeat(3_000))), CODE),
        (
            "types inside each other",
            document(&format!("query($a: {}Int{}) {{ me {{ issuer }} }}", "[".repeat(4_000), "]".repeat(4_000))),
            CODE,
        ),
    ]
}

fn of_breadth() -> Vec<Attack> {
    const CODE: &str = "query_too_complex";
    let dear = "{ findings(first: 500) { nodes { related { related { related { id } } } } } }";
    // A sum that would begin again at nothing.
    let wraps = "{ a: findings(first: 2147483647) { nodes { id title } } b: me { issuer } }";
    let unknown = format!("{{ findings {{ nodes {{ {} }} }} }}", each(4_900, |at| format!("titel{at}")));
    let long = format!("{{ findings {{ nodes {{ {} }} }} }}", "t".repeat(120_000));
    vec![
        ("fields at the root", document(&format!("{{ {} }}", each(3_000, |_| "me { issuer }".into()))), CODE),
        ("one field again and again", document(&format!("{{ me {{ {} }} }}", each(9_000, |_| "issuer".into()))), CODE),
        ("fields of a megabyte", document(&format!("{{ me {{ {} }} }}", "a ".repeat(500_000))), CODE),
        ("a page of pages", document(dear), CODE),
        ("a cost without a number", document(wraps), CODE),
        ("unknown fields", document(&unknown), "invalid_query"),
        ("a long unknown field", document(&long), "invalid_query"),
        (
            "unknown variables",
            document(&format!("query({}) {{ me {{ issuer }} }}", each(2_000, |at| format!("$v{at}: Int")))),
            "invalid_query",
        ),
        ("a comment of a megabyte", document(&format!("# {}\n{{ me {{ issuer }} }}", "x".repeat(1_000_000))), CODE),
        ("a text of a megabyte", document(&format!("{{ me(a: \"{}\") {{ issuer }} }}", "x".repeat(1_000_000))), CODE),
        ("a document without a word", document(&" ".repeat(1_000_000)), CODE),
        ("a document of nothing but a sign", document(&"\u{feff}".repeat(40_000)), CODE),
    ]
}

fn of_aliases_and_directives() -> Vec<Attack> {
    const CODE: &str = "query_too_complex";
    let aliases = |many| format!("{{ me {{ {} }} }}", each(many, |at| format!("a{at}: issuer")));
    let in_fragments = format!(
        "{{ {} }} fragment F on Query {{ {} }}",
        "...F ".repeat(4_000),
        each(900, |at| format!("a{at}: me {{ issuer }}"))
    );
    let directives = format!("{{ me {{ issuer {} }} }}", "@include(if: true) ".repeat(1_200));
    let conflicts = format!(
        "{{ finding(id: \"x\") {{ {} }} }}",
        each(700, |at| format!("comments(first: {at}) {{ nodes {{ id }} }}"))
    );
    vec![
        ("aliases", document(&aliases(31)), CODE),
        ("aliases by the thousand", document(&aliases(2_900)), CODE),
        ("aliases in fragments", document(&in_fragments), CODE),
        ("directives", document(&directives), CODE),
        ("unknown directives", document(&directives.replace("@include(if: true)", "@a")), CODE),
        ("fields that contradict each other", document(&conflicts), "invalid_query"),
    ]
}

fn of_fragments() -> Vec<Attack> {
    const CODE: &str = "query_too_complex";
    let link = |at: usize| format!("fragment F{at} on Query {{ ...F{} ...F{} }}", at + 1, at + 1);
    let bomb = format!("{{ ...F0 }} {} fragment F40 on Query {{ me {{ issuer }} }}", each(40, link));
    let chain = |at: usize| format!("fragment F{at} on Query {{ ...F{} }}", at + 1);
    let long = format!("{{ ...F0 }} {} fragment F900 on Query {{ me {{ issuer }} }}", each(900, chain));
    let circle = "{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A ...A }";
    vec![
        ("fragments that double", document(&bomb), CODE),
        ("a long chain of fragments", document(&long), CODE),
        ("fragments in a circle", document(circle), CODE),
        ("a fragment of itself", document("{ ...A } fragment A on Query { ...A }"), CODE),
        (
            "unused fragments",
            document(&format!(
                "{{ me {{ issuer }} }} {}",
                each(900, |at| format!("fragment F{at} on Query {{ me {{ issuer }} }}"))
            )),
            "invalid_query",
        ),
    ]
}

fn of_introspection() -> Vec<Attack> {
    const CODE: &str = "query_too_complex";
    let aliases =
        each(20, |at| format!("a{at}: __schema {{ types {{ name fields {{ name args {{ name description }} }} }} }}"));
    let nested = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    let by_name = each(20, |at| {
        format!(
            "a{at}: __type(name: \"Finding\") {{ fields {{ type {{ fields {{ type {{ fields {{ type {{ fields {{ name }} }} }} }} }} }} }} }}"
        )
    });
    vec![
        ("introspection by aliases", document(&format!("{{ {aliases} }}")), CODE),
        ("types of fields of types", document(nested), CODE),
        ("types of fields by aliases", document(&format!("{{ {by_name} }}")), CODE),
        (
            "a type's type's type",
            document(&format!(
                "{{ __type(name: \"Finding\") {} name {} }}",
                "{ ofType ".repeat(60) + "{",
                "} ".repeat(61)
            )),
            CODE,
        ),
    ]
}

/// Bodies that are no document, or whose variables are the attack.
fn of_bodies() -> Vec<Attack> {
    let one = document("{ me { issuer } }");
    let with = |variables: &str| {
        format!("{{\"query\": \"query($v: [Int]) {{ me {{ issuer }} }}\", \"variables\": {{\"v\": {variables}}}}}")
    };
    vec![
        ("a batch of a thousand", format!("[{}]", vec![one.as_str(); 1_000].join(",")), "invalid_query"),
        ("a batch of none", "[]".into(), "invalid_query"),
        ("a batch without end", "[".repeat(1_000_000), "invalid_body"),
        ("variables without end", with(&"[".repeat(900_000)), "invalid_body"),
        ("variables inside each other", with(&("[".repeat(2_000) + &"]".repeat(2_000))), "invalid_body"),
        ("half a million variables", with(&format!("[{}0]", "0,".repeat(450_000))), "query_too_complex"),
        ("variables of empty lists", with(&format!("[{}[]]", "[],".repeat(300_000))), "query_too_complex"),
        (
            "variables with many names",
            with(&format!("{{{}}}", each(60_000, |at| format!("\"{at}\": 0,")).trim_end_matches(','))),
            "query_too_complex",
        ),
        (
            "extensions by the thousand",
            one.replace("}\"}", &format!("}}\", \"extensions\": {{\"a\": [{}0]}}}}", "0,".repeat(400_000))),
            "query_too_complex",
        ),
        ("ten megabytes", "[".repeat(10 << 20), "payload_too_large"),
    ]
}

fn attacks() -> Vec<Attack> {
    let sets = [of_depth(), of_breadth(), of_aliases_and_directives(), of_fragments(), of_introspection(), of_bodies()];
    sets.into_iter().flatten().collect()
}

struct Server {
    process: Process,
    reader: Person,
    _store: TestStore,
}

impl Server {
    async fn start() -> Self {
        let store = TestStore::new(Kind::Sqlite).await;
        printed(fynd(&store).args(["tenant", "add", "norrvik", "Norrvik"]));
        let scopes = "findings:read assets:read tasks:read evidence:read";
        let token = printed(fynd(&store).args(["token", "--tenant", "norrvik", "--scope", scopes]));
        let process = Process::start_with(&store, free_port(), &[("FYND_WORKERS", "1")]).await;
        let reader = Person::at(&process.base, &token);
        Self { process, reader, _store: store }
    }

    /// How a body is answered, and what that takes of a processor.
    async fn refuses(&self, body: &str) -> (Value, Duration) {
        let before = self.process.cpu_time();
        let mut answer = Value::Null;
        for _ in 0..TIMES {
            let request =
                self.reader.request(Method::POST, "/graphql").header(header::CONTENT_TYPE, "application/json");
            let answered = self.reader.send(request.body(body.to_owned())).await;
            let (shown, length) = (answered.text.get(..300), answered.text.len());
            assert!(length < 20_000, "an answer of {length} bytes: {shown:?}");
            answer = answered.json();
        }
        (answer, (self.process.cpu_time() - before) / TIMES)
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn every_attack_is_refused_at_once_and_takes_no_memory() {
    let server = Server::start().await;
    let harmless = document("{ me { issuer } findings { nodes { id title asset { name } } } }");
    assert!(server.refuses(&harmless).await.0["data"]["me"].is_object());
    let before = server.process.peak_memory();
    let mut slow = Vec::new();
    for (name, body, code) in attacks() {
        let (answer, time) = server.refuses(&body).await;
        let told = answer.get("code").unwrap_or(&answer["errors"][0]["extensions"]["code"]);
        assert_eq!(told, code, "{name}: {answer}");
        assert!(answer["data"].is_null(), "{name}: {answer}");
        if time > AT_ONCE * SLOWER {
            slow.push(format!("{name}: {time:?}"));
        }
    }
    assert!(slow.is_empty(), "refused too late: {slow:#?}");
    let grown = server.process.peak_memory() - before;
    assert!(grown < MOST_MEMORY, "{} MiB", grown >> 20);
    assert!(server.refuses(&harmless).await.0["data"]["me"].is_object(), "and goes on for the others");
}
