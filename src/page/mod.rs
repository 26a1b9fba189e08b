//! The page: the web client that the binary carries, as bytes ready to serve.
//!
//! Owns the files under `src/page`, their content types, validators and headers. Never reads a disk,
//! never knows a connection.
//!
//! Everything but the document itself lives under `/page/<build>/`, where `<build>` is a hash of all
//! files: relative imports between modules stay inside one build, a browser may keep them for ever,
//! and a new server is never mixed with an old page. The document is revalidated by its `ETag`.
//!
//! The policy allows this origin and nothing else: no outside request, no inline script or style, no
//! frame, and no way for text to become markup (Trusted Types with no policy).

use std::fmt::Write as _;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// What stands for the build's hash in the document.
const BUILD_MARK: &str = "/page/BUILD/";

/// Where the document lists the modules to fetch ahead, instead of one import after another.
const PRELOAD_MARK: &str = "<!--preload-->";

/// Hexadecimal digits of a hash that name a build or validate a file: 64 bits.
const HASH_DIGITS: usize = 16;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

const DOCUMENT_HEADERS: &[(&str, &str)] = &[
    ("Cache-Control", "no-cache"),
    ("Content-Security-Policy", POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
];

const FILE_HEADERS: &[(&str, &str)] = &[
    ("Cache-Control", "public, max-age=31536000, immutable"),
    ("Content-Security-Policy", POLICY),
    ("Cross-Origin-Resource-Policy", "same-origin"),
];

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!($path))),*]
    };
}

const DOCUMENT: &str = include_str!("index.html");

/// Every file but the document, by its path below this folder.
const FILES: &[(&str, &str)] = files![
    "app/game.js",
    "app/link.js",
    "app/main.js",
    "app/retry.js",
    "app/words.js",
    "control/gamepad.js",
    "control/keyboard.js",
    "control/steering.js",
    "control/touch.js",
    "game/clock.js",
    "game/entity.js",
    "game/flight.js",
    "game/prediction.js",
    "game/world.js",
    "icon.svg",
    "panel/dialogs.js",
    "panel/dom.js",
    "panel/hud.js",
    "panel/log.js",
    "panel/station.js",
    "style/base.css",
    "style/hud.css",
    "style/panels.css",
    "style/touch.css",
    "types.js",
    "view/backdrop.js",
    "view/bodies.js",
    "view/camera.js",
    "view/effects.js",
    "view/markers.js",
    "view/orrery.js",
    "view/palette.js",
    "view/radar.js",
    "view/scene.js",
    "view/sprites.js",
    "view/stars.js",
    "view/stations.js",
];

/// One thing to serve, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageAsset {
    /// Value of the `Content-Type` header.
    pub content_type: &'static str,
    /// The strong `ETag`, quotes included.
    pub etag: &'static str,
    /// Bytes of the file, as the build embedded them.
    pub body: &'static [u8],
    /// Every other header that belongs to it.
    pub headers: &'static [(&'static str, &'static str)],
}

/// The asset at an absolute path without its query, or `None` where the page has nothing.
///
/// Work: one pass over the list of files (about 35).
pub fn asset(path: &str) -> Option<PageAsset> {
    let page: &'static Page = &PAGE;
    page.entries
        .iter()
        .find(|entry| entry.path == path)
        .map(|entry| PageAsset {
            content_type: entry.content_type,
            etag: &entry.etag,
            body: entry.body.as_bytes(),
            headers: entry.headers,
        })
}

struct Page {
    entries: Vec<Entry>,
}

struct Entry {
    path: String,
    content_type: &'static str,
    etag: String,
    body: std::borrow::Cow<'static, str>,
    headers: &'static [(&'static str, &'static str)],
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let build = build_hash();
    let mut entries = vec![entry(
        "/",
        "index.html",
        document(&build).into(),
        DOCUMENT_HEADERS,
    )];
    for (path, text) in FILES {
        entries.push(entry(
            &format!("/page/{build}/{path}"),
            path,
            (*text).into(),
            FILE_HEADERS,
        ));
    }
    Page { entries }
});

fn entry(
    at: &str,
    file: &str,
    body: std::borrow::Cow<'static, str>,
    headers: &'static [(&'static str, &'static str)],
) -> Entry {
    Entry {
        path: at.to_owned(),
        content_type: content_type(file),
        etag: format!(
            "\"{}\"",
            digits(Sha256::new().chain_update(body.as_bytes()))
        ),
        body,
        headers,
    }
}

fn content_type(file: &str) -> &'static str {
    match file.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// The hash of every path and body: two servers with the same page agree on it.
fn build_hash() -> String {
    let mut hash = Sha256::new();
    for (path, text) in FILES {
        hash.update(path.as_bytes());
        hash.update([0]);
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    digits(hash)
}

fn digits(hash: Sha256) -> String {
    let mut text = String::with_capacity(HASH_DIGITS);
    for byte in hash.finalize().iter().take(HASH_DIGITS / 2) {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The document of a build: its paths filled in, its modules listed.
fn document(build: &str) -> String {
    let mut preload = String::new();
    for (path, _) in FILES.iter().filter(|(path, _)| is_module(path)) {
        let _ = writeln!(
            preload,
            "<link rel=\"modulepreload\" href=\"/page/{build}/{path}\">"
        );
    }
    DOCUMENT
        .replace(PRELOAD_MARK, preload.trim_end())
        .replace(BUILD_MARK, &format!("/page/{build}/"))
}

/// Whether a file is a module that runs (`types.js` only describes).
fn is_module(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, extension)| extension == "js")
        && !["types.js", "app/main.js"].contains(&path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn text(asset: PageAsset) -> &'static str {
        std::str::from_utf8(asset.body).unwrap()
    }

    /// Every file below `folder` with a web extension, relative to this folder.
    fn files_on_disk(folder: &Path, found: &mut BTreeSet<String>) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_on_disk(&path, found);
            } else if matches!(
                path.extension().and_then(|e| e.to_str()),
                Some("js" | "css" | "svg")
            ) {
                found.insert(
                    path.strip_prefix(&root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned(),
                );
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        let mut found = BTreeSet::new();
        files_on_disk(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page"),
            &mut found,
        );
        let listed: BTreeSet<String> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(found, listed);
    }

    #[test]
    fn the_document_names_only_what_is_served() {
        let document = text(asset("/").unwrap());
        assert!(!document.contains("BUILD") && !document.contains(PRELOAD_MARK));
        let mut named = 0;
        for attribute in ["href=\"", "src=\""] {
            for rest in document.split(attribute).skip(1) {
                let path = rest.split('"').next().unwrap();
                assert!(asset(path).is_some(), "{path}");
                named += 1;
            }
        }
        assert!(named > 30, "{named}");
    }

    #[test]
    fn every_import_leads_to_a_served_module() {
        for (path, source) in FILES.iter().filter(|(path, _)| path.ends_with(".js")) {
            for line in source.lines() {
                let Some((_, target)) = line.split_once(" from \"") else {
                    continue;
                };
                let target = target.split('"').next().unwrap();
                let mut at: Vec<&str> = path.split('/').collect();
                at.pop();
                for step in target.split('/') {
                    match step {
                        "." => {}
                        ".." => {
                            at.pop();
                        }
                        name => at.push(name),
                    }
                }
                let resolved = at.join("/");
                assert!(
                    FILES.iter().any(|(path, _)| *path == resolved),
                    "{path} imports {resolved}"
                );
            }
        }
    }

    #[test]
    fn nothing_runs_or_paints_from_inside_the_document() {
        let document = DOCUMENT.to_lowercase();
        assert!(!document.contains("<style") && !document.contains(" style="));
        assert_eq!(
            document.matches("<script").count(),
            document.matches("<script type=\"module\" src=").count()
        );
        for handler in [" onclick", " onload", " onerror", "javascript:"] {
            assert!(!document.contains(handler), "{handler}");
        }
        for (path, source) in FILES {
            for way in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
            ] {
                assert!(!source.contains(way), "{path} uses {way}");
            }
            let outside = source.replace("http://www.w3.org/2000/svg", "");
            assert!(
                !outside.contains("http://") && !outside.contains("https://"),
                "{path} names another host"
            );
        }
    }

    #[test]
    fn the_document_is_revalidated_and_its_files_are_kept() {
        let header = |asset: PageAsset, name: &str| {
            asset
                .headers
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| *value)
        };
        let document = asset("/").unwrap();
        assert_eq!(document.content_type, "text/html; charset=utf-8");
        assert_eq!(header(document, "Cache-Control"), Some("no-cache"));
        let module = asset(&format!("/page/{}/app/main.js", build_hash())).unwrap();
        assert_eq!(module.content_type, "text/javascript; charset=utf-8");
        assert!(
            header(module, "Cache-Control")
                .unwrap()
                .contains("immutable")
        );
        assert_ne!(document.etag, module.etag);
        for policy in [
            header(document, "Content-Security-Policy"),
            header(module, "Content-Security-Policy"),
        ] {
            assert!(policy.unwrap().contains("default-src 'none'"));
            assert!(!policy.unwrap().contains("unsafe"));
        }
        assert!(document.etag.starts_with('"') && document.etag.len() == HASH_DIGITS + 2);
    }

    #[test]
    fn nothing_else_is_there() {
        for path in [
            "",
            "/index.html",
            "/page/",
            "/page/0/app/main.js",
            "/mod.rs",
            "/page/../Cargo.toml",
        ] {
            assert!(asset(path).is_none(), "{path}");
        }
        assert!(asset(&format!("/page/{}/mod.rs", build_hash())).is_none());
    }

    #[test]
    fn modules_fit_in_the_head() {
        for (path, source) in FILES {
            assert!(source.lines().count() <= 400, "{path}");
            if path.ends_with(".js") {
                assert!(
                    source.starts_with("/**\n"),
                    "{path} opens without saying what it owns"
                );
            }
        }
    }
}
