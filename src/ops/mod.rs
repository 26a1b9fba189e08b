//! The operator's page: one screen that reads `/metrics` once a second and draws it.
//!
//! Only embedded bytes live here. The page asks nobody but the port it came from, keeps nothing,
//! and shows what a scrape shows: for history and alerts operators point Prometheus at the same
//! address.

/// A file of the operator's page.
#[derive(Clone, Copy, Debug)]
pub struct OpsAsset {
    /// Value of the `Content-Type` header.
    pub content_type: &'static str,
    /// The file's bytes.
    pub body: &'static [u8],
}

/// The page may load its own files, fetch its own origin, and nothing else.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The file at a path of the operator's port.
pub fn asset(path: &str) -> Option<OpsAsset> {
    let (content_type, body): (_, &[u8]) = match path {
        "/" => ("text/html; charset=utf-8", include_bytes!("index.html")),
        "/ops.css" => ("text/css; charset=utf-8", include_bytes!("ops.css")),
        "/ops.js" => ("text/javascript; charset=utf-8", include_bytes!("ops.js")),
        _ => return None,
    };
    Some(OpsAsset { content_type, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_page_names_is_embedded() {
        let page = std::str::from_utf8(asset("/").unwrap().body).unwrap();
        for reference in page.split(['"', '\'']).filter(|text| text.starts_with('/')) {
            assert!(
                asset(reference).is_some() || reference == "/metrics",
                "{reference}"
            );
        }
    }
}
