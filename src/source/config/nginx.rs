//! What an nginx configuration means for an incident: upstreams, virtual hosts, logs, problems.

use crate::observation::{
    ConfiguredUpstream, GatewayConfig, OwnAnswer, ProblemKind, Protocol, Route, ServerParams, Site,
    Text, UpstreamId, UpstreamTls,
};

use super::{
    collect::{Naming, Upstreams},
    groups::{self, Groups},
    include::{self, Problems, path_text},
    logs::Logs,
    pass::{self, Target},
    scope::{Family, Scope, whole},
    setup::{Parsed, Setup},
    tree::{Directive, Directives, Tree},
    variables::{ServerVariables, Variables},
};

/// nginx 1.29.7 turned keepalive to upstream groups on: `keepalive 32 local`.
fn default_keepalive(setup: &Setup) -> u32 {
    let version = setup.version.as_ref().map(Text::raw).unwrap_or_default();
    let mut parts = version.split('.').map(|p| p.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if (next(), next(), next()) >= (1, 29, 7) { 32 } else { 0 }
}

/// Reads and understands an nginx configuration. Blocks on the file system; never fails: what
/// could not be read or understood is among the problems.
pub(super) fn parse(setup: &Setup) -> Parsed {
    let loaded = include::load(setup);
    let tree = loaded.tree;
    let mut reader = Reader {
        setup,
        tree: &tree,
        problems: loaded.problems,
        logs: Logs::new(setup.gateway.clone(), setup.root.prefix(), &setup.prefix),
        upstreams: Upstreams::default(),
        sites: Vec::new(),
        answers: Vec::new(),
    };
    if loaded.readable {
        reader.main();
    }
    if let Some(who) = &setup.reader {
        reader.logs.drop_foreign(&setup.root, who, &mut reader.problems);
    }
    let config = GatewayConfig {
        gateway: setup.gateway.clone(),
        upstreams: reader.upstreams.finish(&setup.label),
        sites: reader.sites,
        logs: reader.logs.targets,
        answers: reader.answers,
        controls: Vec::new(),
        labels: None,
        loaded: None,
        problems: reader.problems.finish(),
        // The text of `-g` is no file.
        files: tree
            .files
            .iter()
            .skip(usize::from(setup.globals.is_some()))
            .map(|f| f.path.clone())
            .collect(),
        modified: loaded.modified,
        unlogged: reader.logs.off,
    };
    Parsed { config, watched: loaded.watched, readable: loaded.readable }
}

struct Reader<'t> {
    setup: &'t Setup,
    tree: &'t Tree,
    problems: Problems,
    logs: Logs,
    upstreams: Upstreams,
    sites: Vec<Site>,
    answers: Vec<OwnAnswer>,
}

/// Answers of its own that are kept of one configuration.
const ANSWERS: usize = 200;

/// What an `http` or `stream` block knows for everything inside it.
struct Module<'t> {
    stream: bool,
    groups: Groups<'t>,
    variables: Variables<'t>,
}

/// The enclosing `server`.
struct Server<'t> {
    names: Vec<Text>,
    listens: Vec<Text>,
    variables: ServerVariables<'t>,
}

impl<'t> Reader<'t> {
    fn main(&mut self) {
        let place = whole(path_text(&self.setup.config));
        self.logs.errors(self.tree, &self.setup.error_log, place, &mut self.problems);
        let main = Scope::default();
        for directive in self.tree.top().filter(|d| d.has_block()) {
            match &*directive.name() {
                b"http" => self.module(directive, &main, false),
                b"stream" => self.module(directive, &main, true),
                _ => {}
            }
        }
    }

    fn module(&mut self, directive: Directive<'t>, main: &Scope, stream: bool) {
        let block = directive.block();
        let scope = main.enter(block.clone(), stream, &mut self.problems);
        self.logs.formats(block.clone(), stream);
        let keepalive = if stream { 0 } else { default_keepalive(self.setup) };
        let module = Module {
            stream,
            groups: groups::collect(
                self.tree,
                block.clone(),
                stream,
                keepalive,
                &mut self.problems,
            ),
            variables: Variables::collect(self.tree, block.clone()),
        };
        let mut unlogged = false;
        for child in block {
            match &*child.name() {
                b"server" if child.has_block() => {
                    unlogged |= !self.server(child, &module, &scope);
                }
                b"access_log" => self.logs.access(child, &mut self.problems),
                _ => {}
            }
        }
        if unlogged && !stream {
            let place = whole(path_text(&self.setup.config));
            self.logs.default_access(&self.setup.access_log, place);
        }
    }

    /// Reads a `server` block; says whether an access log is named for it.
    fn server(&mut self, directive: Directive<'t>, module: &Module<'t>, outer: &Scope) -> bool {
        let block = directive.block();
        let scope = outer.enter(block.clone(), module.stream, &mut self.problems);
        let mut server = Server {
            names: Vec::new(),
            listens: Vec::new(),
            variables: ServerVariables::new(Some(directive)),
        };
        for child in block.clone() {
            match &*child.name() {
                b"listen" => server.listens.push(child.joined()),
                b"server_name" => {
                    server.names.extend(child.args().map(|name| Text::from_bytes(&name)));
                }
                _ => {}
            }
        }
        if server.listens.is_empty() && !module.stream {
            server.listens.push(Text::new("80"));
        }
        if !module.stream {
            self.sites.push(Site {
                place: directive.place(),
                listens: server.listens.clone(),
                names: server.names.clone(),
            });
        }
        self.walk(block, module, &server, &scope, &Text::default());
        scope.access_log
    }

    fn walk(
        &mut self,
        block: Directives<'t>,
        module: &Module<'t>,
        server: &Server<'t>,
        scope: &Scope,
        location: &Text,
    ) {
        for directive in block {
            let name = directive.name();
            if directive.has_block() {
                let inner = match &*name {
                    b"location" => directive.joined(),
                    b"if" | b"limit_except" => location.clone(),
                    _ => continue,
                };
                let scope = scope.enter(directive.block(), module.stream, &mut self.problems);
                self.walk(directive.block(), module, server, &scope, &inner);
            } else if *name == *b"access_log" {
                self.logs.access(directive, &mut self.problems);
            } else if *name == *b"return" {
                self.answer(directive, server, location);
            } else if name.ends_with(b"_pass") {
                let family = match Family::split(&name) {
                    Some((_, b"pass")) if module.stream => Some(Family::Stream),
                    Some((family, b"pass")) => Some(family),
                    _ => None,
                };
                match family {
                    Some(family) => self.pass(directive, family, module, server, scope, location),
                    None => self.unknown(directive),
                }
            }
        }
    }

    /// `return CODE [TEXT]` (`ngx_http_rewrite_module`).
    fn answer(&mut self, directive: Directive<'t>, server: &Server<'t>, location: &Text) {
        let code = directive.arg(0).unwrap_or_default();
        let status = std::str::from_utf8(&code).ok().and_then(|code| code.parse::<u16>().ok());
        let Some(status) = status.filter(|status| (500..=599).contains(status)) else { return };
        if self.answers.len() < ANSWERS {
            self.answers.push(OwnAnswer {
                place: directive.place(),
                status,
                server_names: server.names.clone(),
                location: location.clone(),
            });
        }
    }

    fn unknown(&mut self, directive: Directive<'_>) {
        let name = Text::from_bytes(&directive.name());
        let what = format!("\"{}\" is not understood", name.raw());
        self.problems.add(ProblemKind::Unknown, directive.place(), what);
    }

    fn pass(
        &mut self,
        directive: Directive<'t>,
        family: Family,
        module: &Module<'t>,
        server: &Server<'t>,
        scope: &Scope,
        location: &Text,
    ) {
        let place = directive.place();
        let (Some(written), 1) = (directive.arg(0), directive.len()) else {
            let what = "a pass directive takes one argument";
            self.problems.add(ProblemKind::Syntax, place, what);
            return;
        };
        let variable = written.contains(&b'$');
        let ways = if variable {
            module.variables.ways(&written, &server.variables, directive.index())
        } else {
            vec![(written.to_vec(), true)]
        };
        let is_group = |name: &[u8]| module.groups.contains_key(name);
        let mut targets: Vec<Target> = Vec::new();
        for (known, complete) in &ways {
            let target = pass::target(known, *complete, family, is_group);
            // Of several, one that leads nowhere is what is left when a request chooses none.
            let empty = ways.len() > 1 && matches!(target, Target::Bad(_));
            if !empty && !targets.contains(&target) {
                targets.push(target);
            }
        }
        let chosen = targets.len() > 1;
        let route = Route {
            place: place.clone(),
            server_names: server.names.clone(),
            location: location.clone(),
            listens: server.listens.clone(),
        };
        let direct = |address| Naming {
            index: directive.index(),
            place: place.clone(),
            address,
            written: Text::from_bytes(&written),
            group: None,
            group_size: 1,
            params: ServerParams::default(),
            keepalive: 0,
            resolver: None,
            chosen,
        };
        let stream_tls = family == Family::Stream && scope.stream_tls();
        for target in targets {
            let (mut namings, tls, per_request) = match target {
                Target::Group { name, tls } => (members(module.groups.get(&name)), tls, false),
                Target::Address { address, tls } => (vec![direct(Some(address))], tls, variable),
                Target::Open { tls } => (vec![direct(None)], tls, true),
                Target::Bad(bad) => {
                    // What a variable gives is looked at by each request and not by the test.
                    let kind = if variable { ProblemKind::Unknown } else { bad.kind };
                    self.problems.add(kind, place.clone(), bad.what);
                    (vec![direct(None)], false, variable)
                }
            };
            for naming in &mut namings {
                naming.chosen = chosen;
            }
            let protocol = family.protocol(tls || stream_tls);
            self.keep(namings, protocol, per_request, &route, family, scope);
        }
    }

    /// Keeps the upstreams that one target means.
    fn keep(
        &mut self,
        namings: Vec<Naming>,
        protocol: Protocol,
        per_request: bool,
        route: &Route,
        family: Family,
        scope: &Scope,
    ) {
        let (tree, problems) = (self.tree, &mut self.problems);
        for naming in namings {
            self.upstreams.add(naming, protocol, per_request, route, problems, |naming| {
                ConfiguredUpstream {
                    id: UpstreamId(Text::default()),
                    place: naming.place,
                    address: naming.address,
                    written: naming.written,
                    group: naming.group,
                    group_size: naming.group_size,
                    protocol,
                    per_request,
                    params: naming.params,
                    timeouts: scope.timeouts(family, tree),
                    header_buffer: scope.header_buffer(family, tree),
                    resolver: naming.resolver.or_else(|| scope.resolver(tree)),
                    tls_verify: protocol.is_tls() && scope.tls_verify(family),
                    tls: if protocol.is_tls() {
                        scope.tls(family, tree)
                    } else {
                        UpstreamTls::default()
                    },
                    fixed_by: None,
                    container: None,
                    chosen: naming.chosen,
                    timeouts_differ: false,
                    keepalive: naming.keepalive,
                    routes: Vec::new(),
                }
            });
        }
    }
}

fn members(group: Option<&groups::Group<'_>>) -> Vec<Naming> {
    let Some(group) = group else { return Vec::new() };
    let size = u32::try_from(group.peers.len()).unwrap_or(u32::MAX);
    let member = |peer: &groups::Peer<'_>| Naming {
        index: peer.directive.index(),
        place: peer.directive.place(),
        address: peer.address.clone(),
        written: peer.written.clone(),
        group: Some(group.name.clone()),
        group_size: size,
        params: peer.params.clone(),
        keepalive: group.keepalive,
        resolver: group.resolver.clone(),
        chosen: false,
    };
    group.peers.iter().map(member).collect()
}
