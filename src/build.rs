//! Tells the compiler which programs the tests may use, so that a test that needs another one is
//! listed as ignored with its reason, and never passes without having run.
//!
//! `ORRERY_TEST_WITH=postgres,chromium cargo test` sets `with_postgres` and `with_chromium`; `all` sets
//! every one.

/// Programs and rights that some tests need beside the checkout and Rust.
const NEEDS: [&str; 4] = ["postgres", "chromium", "faketime", "root"];

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    println!("cargo::rerun-if-env-changed=ORRERY_TEST_WITH");
    let named = std::env::var("ORRERY_TEST_WITH").unwrap_or_default();
    let named: Vec<&str> = named.split(',').filter(|name| !name.is_empty()).collect();
    for name in &named {
        assert!(
            *name == "all" || NEEDS.contains(name),
            "ORRERY_TEST_WITH={name}: known are all, {}",
            NEEDS.join(", ")
        );
    }
    for need in NEEDS {
        println!("cargo::rustc-check-cfg=cfg(with_{need})");
        if named.contains(&need) || named.contains(&"all") {
            println!("cargo::rustc-cfg=with_{need}");
        }
    }
}
