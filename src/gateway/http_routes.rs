//! The player port's routes: which browser may open a WebSocket, and what plain HTTP requests get.
//!
//! `/` and the page's files, `/protocol`, `/schema.json`, `POST /guest` where guests are welcome,
//! and `/ws`, which only an upgrade from an allowed origin passes. Each gateway has a copy; what guests are
//! counted by is shared.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;

use super::guests::GuestTokens;
use crate::limits::SUBPROTOCOL;
use crate::net::SystemClock;
use crate::net::http::{Accept, Method, Request, Response};
use crate::page;
use crate::protocol::{self, AskedVersion};
use crate::session::token::Signer;

/// Rendered once: it takes milliseconds, which no stranger may cost as often as they like.
static SCHEMA: LazyLock<Bytes> = LazyLock::new(|| format!("{:#}\n", protocol::schema()).into());

/// Whom the server lets in from where.
#[derive(Clone, Debug, Default)]
pub struct HttpRoutes {
    allowed_origins: Arc<[String]>,
    guests: Option<Arc<GuestTokens>>,
}

/// How a WebSocket was let in.
#[derive(Debug)]
pub struct Entry {
    /// What to answer.
    pub accept: Accept,
    /// Which protocol version the address asked for.
    pub asked_version: AskedVersion,
}

impl HttpRoutes {
    /// Pages from these origins may connect, besides the server's own; with a signer, anybody gets
    /// a guest's token.
    pub fn new(allowed_origins: Vec<String>, guests: Option<Arc<Signer>>) -> Self {
        Self {
            allowed_origins: allowed_origins.into(),
            guests: guests
                .map(|signer| Arc::new(GuestTokens::new(signer, Arc::new(SystemClock::new())))),
        }
    }

    /// Answers a plain request.
    pub fn http(&self, request: &Request<'_>) -> Response {
        match (request.method, request.path) {
            (Method::Post, "/guest") => self.guest(request),
            (_, "/guest") => {
                Response::text(405, "POST here for a guest's token.\n").with_header("Allow", "POST")
            }
            (Method::Get | Method::Head, path) => resource(request, path),
            _ => Response::text(405, "Only GET and HEAD here.\n").with_header("Allow", "GET, HEAD"),
        }
    }

    /// Lets an upgrade in, or says why not.
    pub fn admit(&self, upgrade: &Request<'_>) -> Result<Entry, Response> {
        if upgrade.path != "/ws" {
            return Err(Response::text(404, "The WebSocket is at /ws.\n"));
        }
        if !self.allows_origin(upgrade) {
            return Err(Response::text(
                403,
                "Pages of this origin may not connect; see --allow-origin.\n",
            ));
        }
        let asked_version = upgrade
            .parameter("protocol_version")
            .map_or_else(AskedVersion::default, AskedVersion::from_query);
        let offered = upgrade.subprotocols().any(|offer| offer == SUBPROTOCOL);
        let accept = Accept {
            subprotocol: offered.then_some(SUBPROTOCOL),
        };
        Ok(Entry {
            accept,
            asked_version,
        })
    }

    /// What an upgrade gets while the server goes down.
    pub fn draining() -> Response {
        Response::text(503, "The server is shutting down.\n").with_header("Retry-After", "5")
    }

    /// No `Origin` is no browser; the page's own origin and the listed ones may connect.
    fn allows_origin(&self, request: &Request<'_>) -> bool {
        let mut origins = request.headers_named("origin");
        let Some(origin) = origins.next() else {
            return true;
        };
        if origins.next().is_some() {
            return false;
        }
        if self
            .allowed_origins
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(origin))
        {
            return true;
        }
        let authority = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        matches!((authority, request.header("host")), (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host))
    }

    fn guest(&self, request: &Request<'_>) -> Response {
        let Some(context) = &self.guests else {
            return Response::text(403, "Guests are not welcome here; log in with a token.\n");
        };
        if !self.allows_origin(request) {
            return Response::text(403, "Pages of this origin may not ask for a token.\n");
        }
        context.answer(request.peer)
    }
}

fn resource(request: &Request<'_>, path: &str) -> Response {
    match path {
        "/ws" => Response::text(426, "This is a WebSocket; see /protocol.\n")
            .with_header("Upgrade", "websocket"),
        "/protocol" => {
            Response::new(200).with_body("text/markdown; charset=utf-8", protocol::PROTOCOL)
        }
        "/schema.json" => Response::new(200).with_body("application/schema+json", SCHEMA.clone()),
        _ => match page::asset(path) {
            Some(asset) => page_file(request, asset),
            None => Response::text(404, "There is nothing here.\n"),
        },
    }
}

fn page_file(request: &Request<'_>, asset: page::PageAsset) -> Response {
    let is_known = request
        .list("if-none-match")
        .any(|tag| tag == asset.etag || tag == "*");
    let mut response =
        Response::new(if is_known { 304 } else { 200 }).with_header("ETag", asset.etag);
    for &(name, value) in asset.headers {
        response = response.with_header(name, Cow::Borrowed(value));
    }
    if is_known {
        response
    } else {
        response.with_body(asset.content_type, Bytes::from_static(asset.body))
    }
}
