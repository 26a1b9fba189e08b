//! What stands before the first message: paths, origins, subprotocols, and the operator's port.

use std::sync::Arc;

use crate::support::{Client, Server, Setup, Shared, get, handshake, request};

static SHARED: Shared = Shared::new();

fn server() -> Arc<Server> {
    SHARED.server(|| {
        Server::start(Setup {
            flags: &["--allow-origin", "https://friend.example"],
            ..Setup::default()
        })
    })
}

#[test]
fn the_subprotocol_is_echoed_if_offered_and_never_invented() {
    let server = server();
    for (offer, expected) in [
        (&[][..], None),
        (
            &["Sec-WebSocket-Protocol: orrery.v1.json"][..],
            Some("orrery.v1.json"),
        ),
        (
            &["Sec-WebSocket-Protocol: chat, orrery.v1.json"][..],
            Some("orrery.v1.json"),
        ),
        (&["Sec-WebSocket-Protocol: chat, orrery.v2.json"][..], None),
    ] {
        let (answer, _stream) = handshake(server.listen, "/ws", offer);
        assert_eq!(answer.status, 101, "{offer:?}");
        assert_eq!(
            answer.header("Sec-WebSocket-Protocol"),
            expected,
            "{offer:?}"
        );
        let accept = answer.header("Sec-WebSocket-Accept");
        assert_eq!(accept, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!(answer.header("Sec-WebSocket-Extensions"), None);
    }
}

#[test]
fn pages_connect_from_the_same_origin_and_from_allowed_ones_only() {
    let server = server();
    let own = format!("Origin: http://{}", server.listen);
    for (origin, status) in [
        (own.as_str(), 101),
        ("Origin: https://friend.example", 101),
        ("Origin: https://foe.example", 403),
        ("Origin: https://friend.example.foe.example", 403),
        ("Origin: null", 403),
    ] {
        let (answer, _stream) = handshake(server.listen, "/ws", &[origin]);
        assert_eq!(answer.status, status, "{origin}");
    }
    let (answer, _stream) = handshake(server.listen, "/ws", &[]);
    assert_eq!(answer.status, 101, "no Origin is no browser");
}

#[test]
fn the_player_port_answers_plain_requests() {
    let server = server();
    let page = get(server.listen, "/");
    assert_eq!(page.status, 200);
    assert!(
        page.header("Content-Type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(page.body.contains("<html"));
    let protocol = get(server.listen, "/protocol");
    assert_eq!(protocol.status, 200);
    assert_eq!(protocol.body, orrery::wire::PROTOCOL);
    let schema = get(server.listen, "/schema.json").body;
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema, orrery::wire::schema());
    assert_eq!(get(server.listen, "/ws").status, 426);
    assert_eq!(get(server.listen, "/nothing").status, 404);
    assert_eq!(get(server.listen, "/metrics").status, 404);
    assert_eq!(request(server.listen, "DELETE", "/", &[]).status, 405);
    let (elsewhere, _stream) = handshake(server.listen, "/socket", &[]);
    assert_eq!(elsewhere.status, 404);
}

#[test]
fn the_operators_port_tells_health_readiness_and_figures() {
    let server = server();
    let _pilot = Client::pilot(&server, "counted");
    assert_eq!(get(server.admin, "/healthz").status, 200);
    assert_eq!(get(server.admin, "/readyz").status, 200);
    assert_eq!(get(server.admin, "/").status, 200);
    assert_eq!(get(server.admin, "/nothing").status, 404);
    assert_eq!(request(server.admin, "POST", "/healthz", &[]).status, 405);
    let (upgrade, _stream) = handshake(server.admin, "/ws", &[]);
    assert_eq!(upgrade.status, 404);
    let metrics = get(server.admin, "/metrics");
    assert_eq!(metrics.status, 200);
    assert!(metrics.body.ends_with("# EOF\n"));
    server.wait_until("the pilot is counted", |server| {
        server.metric(r#"orrery_pilots{system="sol-1"}"#) >= 1.0
    });
    assert!(server.metric("orrery_connections") >= 1.0);
    assert!(server.metric("orrery_ticks_total") > 0.0);
    assert!(server.metric("orrery_tick_seconds_count") > 0.0);
    assert!(server.metric(r#"orrery_messages_sent_total{kind="world.snapshot"}"#) >= 1.0);
}
