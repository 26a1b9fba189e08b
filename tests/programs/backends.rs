//! One list of claims, held on each back-end of the store.

/// A module of tests for each back-end.
macro_rules! on_every_backend {
    ($($claim:ident),* $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $claim() {
                super::$claim(&super::Database::sqlite());
            })*
        }
        mod postgres {
            $(#[test]
            #[cfg_attr(not(with_postgres), ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres")]
            fn $claim() {
                super::$claim(&super::Database::postgres());
            })*
        }
    };
}
pub(crate) use on_every_backend;
