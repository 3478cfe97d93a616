//! Text that attackers may have written, put into the media of tickets so that it stays text.

/// A text on one line: whatever breaks lines anywhere (Unicode's separators as well) becomes a blank.
pub fn line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.split(|c: char| breaks(c) || c.is_whitespace()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A text of at most `max` characters, with an ellipsis where something is left out.
pub fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => {
            let kept = text.char_indices().nth(max.saturating_sub(1)).map_or(text, |(at, _)| &text[..at]);
            format!("{}…", kept.trim_end())
        }
    }
}

/// The lines of a text, each on its own, without the space around it that Markdown takes for code.
pub fn lines(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(['\n', '\r', '\u{2028}', '\u{2029}']).map(line)
}

/// Text in HTML, also within a quoted attribute.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// One line of text in Markdown (CommonMark 0.31, section 2.4), so that it shows as it is: no links, images, code,
/// emphasis, headings, lists, tables or HTML come of it.
///
/// `@` and `#` get an invisible blank behind them, since trackers look for mentions and references in what is shown,
/// where a backslash is gone.
pub fn markdown(text: &str) -> String {
    const NO_BREAK: char = '\u{200B}';
    let text = line(text);
    let mut out = String::with_capacity(text.len() + 16);
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    // The word that the last characters make, as far as a scheme is long.
    let mut word = String::new();
    for (at, c) in text.chars().enumerate() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '{' | '}' | '!' | '|' | '~' | '$' => out.extend(['\\', c]),
            '#' | '@' => out.extend(['\\', c, NO_BREAK]),
            // A number or word with a reference behind it (`GH-1`, `group/project!1`) is left as it is written.
            '-' | '+' | '=' if at == 0 => out.extend(['\\', c]),
            '.' if digits > 0 && at == digits => out.extend(['\\', c]),
            // Schemes that run something are no links anywhere; the colon set apart keeps them none.
            ':' if SCRIPTS.contains(&word.as_str()) => out.extend(['\\', c, NO_BREAK]),
            c => out.push(c),
        }
        if !c.is_ascii_alphanumeric() {
            word.clear();
        } else if word.len() < 16 {
            word.push(c.to_ascii_lowercase());
        }
    }
    out
}

/// Schemes that run what follows them, or read from the reader's own machine.
const SCRIPTS: &[&str] = &["javascript", "vbscript", "data", "file"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_title_is_one_line_whatever_breaks_it() {
        assert_eq!(line("a\r\nBcc: x\u{2028}b\u{85}c\t d\0"), "a Bcc: x b c d");
        assert_eq!(cut("åäöåäö", 6), "åäöåäö");
        assert_eq!(cut("åäö åäö", 5), "åäö…");
        assert_eq!(cut(&"x".repeat(300), 255).chars().count(), 255);
    }

    #[test]
    fn nothing_of_markdown_is_left_in_text() {
        for (text, expected) in [
            ("[x](javascript:alert(1))", "\\[x\\]\\(javascript\\:\u{200B}alert\\(1\\)\\)"),
            ("`rm -rf`", "\\`rm -rf\\`"),
            ("@admin #123", "\\@\u{200B}admin \\#\u{200B}123"),
            ("# rubrik", "\\#\u{200B} rubrik"),
            ("- punkt", "\\- punkt"),
            ("1. punkt", "1\\. punkt"),
            ("==", "\\=="),
            ("![x](https://evil.example/p.png)", "\\!\\[x\\]\\(https://evil.example/p.png\\)"),
            ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert\\(1\\)&gt;"),
            ("&lt;b&gt; | **fet** __x__ ~~y~~", "&amp;lt;b&amp;gt; \\| \\*\\*fet\\*\\* \\_\\_x\\_\\_ \\~\\~y\\~\\~"),
            ("    kod", "kod"),
            ("a\r\n---\r\nb", "a --- b"),
        ] {
            assert_eq!(markdown(text), expected, "{text}");
        }
    }

    #[test]
    fn nothing_of_html_is_left_in_text() {
        assert_eq!(html("<a href='x' title=\"y\">&"), "&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;");
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_line_or_opens_a_tag(text in "\\PC*|[\\x00-\\x7f]{0,60}") {
            let shown = markdown(&text);
            prop_assert!(!shown.contains(['<', '>', '\n', '\r']));
            let special = ['`', '*', '[', ']', '@', '#'];
            for (at, _) in shown.match_indices(special) {
                prop_assert_eq!(shown[..at].chars().next_back(), Some('\\'), "{}", shown);
            }
            prop_assert!(!html(&text).contains(['<', '>', '"', '\'']));
        }
    }
}
