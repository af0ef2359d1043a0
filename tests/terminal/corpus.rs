//! What people have put into logs, names and labels to make a terminal act.

/// One of each kind: strings that set, ask, copy, link and notify; C1 controls; characters that
/// turn text around, hide, or pile up; what forges our own screen.
pub const CORPUS: [&str; 26] = [
    "\u{1b}[2J\u{1b}[31mred",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]2;title\u{1b}\\",
    "\u{1b}]8;;http://evil/\u{1b}\\link\u{1b}]8;;\u{1b}\\",
    "\u{1b}]52;c;ZXZpbA==\u{7}",
    "\u{1b}]50;#1\u{7}\u{1b}]9;hello\u{7}\u{1b}]1337;File=inline=1:AAAA\u{7}",
    "\u{1b}P$q\"p\u{1b}\\\u{1b}_x\u{1b}\\\u{1b}Xx\u{1b}\\\u{1b}^x\u{1b}\\",
    "\u{9b}2J\u{9d}0;t\u{9c}\u{90}q\u{9c}\u{85}\u{84}",
    "\u{1b}[1\u{1b}[2J;5H",
    "half a sequence \u{1b}",
    "half a sequence \u{1b}[",
    "\r\u{8}\u{8}\u{8}\u{b}\u{c}\u{7f}\u{0}",
    "line\nnext\r\nlast\u{85}x\u{2028}y\u{2029}z",
    "abc\u{202e}gnp.exe\u{202c}\u{202a}\u{202b}\u{202d}",
    "\u{2066}\u{2067}\u{2068}\u{2069}\u{61c}",
    "a\u{200b}b\u{200c}c\u{200d}d\u{200e}e\u{200f}f\u{feff}g\u{ad}h",
    "\u{e0001}\u{e0041}\u{e007f}\u{e000}\u{10fffd}\u{fff9}\u{ffff}",
    "👩\u{200d}👩\u{200d}👧\u{fe0f}👍🏽🏳\u{fe0f}\u{200d}🌈1\u{fe0f}\u{20e3}",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}Z\u{489}\u{489}\u{489}",
    "日本語テキスト·±×①…",
    "\u{1100}\u{1161}\u{11a8}\u{3164}\u{115f}\u{ffa0}ﾊﾟ",
    "\u{1b}[?1049l\u{1b}[?25h$ rm -rf /",
    "Do it? [y] yes  [Esc] no",
    "✓ VERIFIED fixed",
    "━━━━ 3 Cause ━━━━ 0 that hold now ━━━━",
    "\u{1b}[6n\u{1b}[c\u{1b}[>q\u{5}\u{1b}[21t\u{1b}[?2026$p",
];
