//! The labels of a container that tell a gateway how to reach it. Pure.

use serde_json::Value;

use crate::{
    evidence::labels::{is_wanted, without_values},
    observation::Text,
};

/// Labels kept of one container.
const MOST: usize = 256;
/// Longest name or value that is kept, in bytes.
const LONGEST: usize = 1_024;

/// Takes what is wanted out of a map of labels; values that rules ask of requests stay away.
pub(super) fn of(labels: &Value) -> Vec<(Text, Text)> {
    let all = labels.as_object().into_iter().flatten();
    let wanted = all.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    wanted
        .filter(|(name, value)| name.len().max(value.len()) <= LONGEST && is_wanted(name))
        .take(MOST)
        .map(|(name, value)| {
            let rule = name.to_ascii_lowercase().ends_with(".rule");
            let value = if rule { without_values(value) } else { value.to_owned() };
            (Text::new(name), Text::new(value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn routes_are_kept_and_users_and_header_values_are_not() {
        let kept = of(&json!({
            "traefik.enable": "true",
            "traefik.http.routers.a.rule": "Host(`a.lan`) && Headers(`X-Key`, `CANARY`)",
            "traefik.http.middlewares.b.basicauth.users": "u:CANARY",
            "org.example.password": "CANARY",
            "traefik.docker.network": 7,
        }));
        let shown: Vec<String> =
            kept.iter().map(|(n, v)| format!("{}={}", n.raw(), v.raw())).collect();
        assert_eq!(
            shown,
            [
                "traefik.enable=true",
                "traefik.http.routers.a.rule=Host(`a.lan`) && Headers(`…`, `…`)"
            ]
        );
        assert_eq!(of(&Value::Null), []);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_bounded(names in proptest::collection::vec("traefik[.a-z]{0,30}", 0..400), value in ".{0,2000}") {
            let all = names.into_iter().map(|name| (name, Value::from(value.clone()))).collect();
            prop_assert!(of(&Value::Object(all)).len() <= MOST);
        }
    }
}
