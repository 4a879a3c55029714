//! The stylesheet and the icon, in the binary. Their addresses change with their content, so browsers may keep them for ever.

/// Address of the stylesheet.
pub const STYLESHEET_URL: &str = concat!("/assets/style-", env!("STYLESHEET_HASH"), ".css");
/// The stylesheet.
pub const STYLESHEET: &str = include_str!("style.css");
/// Address of the icon.
pub const FAVICON_URL: &str = concat!("/assets/favicon-", env!("FAVICON_HASH"), ".svg");
/// The icon.
pub const FAVICON: &str = include_str!("favicon.svg");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stylesheet_stays_light_and_loads_nothing() {
        assert!(STYLESHEET.len() < 20_000, "{} bytes", STYLESHEET.len());
        for forbidden in ["@import", "url(", "http:", "https:"] {
            assert!(!STYLESHEET.contains(forbidden), "{forbidden}");
        }
    }
}
