pub(super) const STRAY_REQUESTS: &str = "";
