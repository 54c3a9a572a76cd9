//! Replies as XML: the services' default form. Objects are elements, lists repeat their element.

use serde_json::Value;

/// A good reply: its root is `{action}Response`.
#[must_use]
pub fn response(action: &str, value: &Value) -> String {
    document(&format!("{action}Response"), value)
}

/// A refusal: its root is `Error`.
#[must_use]
pub fn error(value: &Value) -> String {
    document("Error", value)
}

fn document(root: &str, value: &Value) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    element(&mut out, root, value);
    out
}

fn element(out: &mut String, name: &str, value: &Value) {
    if let Value::Array(items) = value {
        items.iter().for_each(|item| element(out, name, item));
        return;
    }
    let name: String = name.chars().filter(|letter| is_name(*letter)).collect();
    out.push('<');
    out.push_str(&name);
    out.push('>');
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| element(out, name, value)),
        Value::String(text) => text.chars().for_each(|letter| escape(out, letter)),
        Value::Null | Value::Array(_) => {}
        plain @ (Value::Bool(_) | Value::Number(_)) => out.push_str(&plain.to_string()),
    }
    out.push_str("</");
    out.push_str(&name);
    out.push('>');
}

const fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.')
}

fn escape(out: &mut String, letter: char) {
    match letter {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        // XML 1.0 2.2: these cannot be written at all.
        control if control < ' ' && !matches!(control, '\t' | '\n' | '\r') => out.push(' '),
        '\u{fffe}' | '\u{ffff}' => out.push(' '),
        other => out.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_repeat_text_is_escaped_and_roots_are_named() {
        let value =
            json!({"List": {"Item": [{"A": "<&>\"\u{1}"}, {"A": 1}]}, "N": null, "T": true});
        let body = "<List><Item><A>&lt;&amp;&gt;&quot; </A></Item><Item><A>1</A></Item></List><N></N><T>true</T>";
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
        assert_eq!(
            response("GetPlayInfo", &value),
            format!("{head}<GetPlayInfoResponse>{body}</GetPlayInfoResponse>")
        );
        assert_eq!(
            error(&json!({"<x>": "a"})),
            format!("{head}<Error><x>a</x></Error>")
        );
    }
}
