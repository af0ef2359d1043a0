//! Commands as a person would type them.

/// A command as one line, for reading and copying; never for running. What a shell would take apart
/// is quoted (POSIX.1-2017, Shell Command Language, 2.2.2).
pub fn spoken(words: &[String]) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+{}[]".contains(c);
    let word = |word: &String| {
        // Braces with a list or a range in them are taken apart too (bash(1)).
        let braces = word.contains('{') && (word.contains(',') || word.contains(".."));
        if !word.is_empty() && word.chars().all(plain) && !braces {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_copied_means_to_a_shell_what_it_says() {
        let line = |words: &[&str]| {
            spoken(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(line(&["systemctl", "start", "a@1.service"]), "systemctl start a@1.service");
        assert_eq!(line(&["journalctl", "-g", "Killed process"]), "journalctl -g 'Killed process'");
        assert_eq!(line(&["cat", "/a b'; rm $x"]), r"cat '/a b'\''; rm $x'");
        assert_eq!(line(&["rm", "/a{b,c}"]), "rm '/a{b,c}'");
        assert_eq!(line(&["echo", ""]), "echo ''");
    }
}
