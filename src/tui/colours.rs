//! Colours as numbers: how they are written, what 256 colours make of them, and how far apart they
//! are for which eyes.

/// Red, green and blue, 0 to 255 each.
pub(super) type Rgb = (u8, u8, u8);

/// Levels of one component of xterm's colour cube.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Reads `#rrggbb`.
pub(super) fn rgb_of(text: &str) -> Option<Rgb> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let [_, r, g, b] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some((r, g, b))
}

/// What one of xterm's colours from 16 on looks like: the cube, then the greys.
pub(super) fn rgb_at(index: u8) -> Rgb {
    let Some(at) = index.checked_sub(16) else { return (0, 0, 0) };
    if at >= 216 {
        let grey = 8 + (at - 216) * 10;
        return (grey, grey, grey);
    }
    let level = |n: u8| LEVELS.get(usize::from(n)).copied().unwrap_or(0);
    (level(at / 36), level(at / 6 % 6), level(at % 6))
}

/// The nearest of xterm's 240 colours that no palette changes.
pub(super) fn nearest(rgb: Rgb) -> u8 {
    let apart = |index: &u8| {
        let near = rgb_at(*index);
        let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        square(rgb.0, near.0) + square(rgb.1, near.1) + square(rgb.2, near.2)
    };
    (16..=255).min_by_key(apart).unwrap_or(16)
}

#[cfg(test)]
pub(super) use measure::*;

#[cfg(test)]
mod measure {
    use super::Rgb;

    /// Whose eyes.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(in crate::tui) enum Eyes {
        Usual,
        Protanopia,
        Deuteranopia,
        Tritanopia,
    }

    /// Components in linear light (IEC 61966-2-1).
    fn linear(rgb: Rgb) -> [f64; 3] {
        [rgb.0, rgb.1, rgb.2].map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn luminance([r, g, b]: [f64; 3]) -> f64 {
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// Contrast as WCAG 2.1 measures it, 1 to 21.
    pub(in crate::tui) fn contrast(one: Rgb, other: Rgb) -> f64 {
        let (one, other) = (luminance(linear(one)), luminance(linear(other)));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// What eyes make of a colour, in linear light: the matrices of Machado, Oliveira and
    /// Fernandes 2009 for a full deficiency.
    pub(in crate::tui) fn seen_by(rgb: Rgb, eyes: Eyes) -> [f64; 3] {
        let [r, g, b] = linear(rgb);
        let matrix = match eyes {
            Eyes::Usual => return [r, g, b],
            Eyes::Protanopia => [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
            Eyes::Deuteranopia => [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
            Eyes::Tritanopia => [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        };
        matrix.map(|[x, y, z]| (x * r + y * g + z * b).clamp(0.0, 1.0))
    }

    /// CIE L*a*b* of linear light, D65.
    #[expect(clippy::many_single_char_names, reason = "they are called so")]
    pub(in crate::tui) fn lab([r, g, b]: [f64; 3]) -> [f64; 3] {
        let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
        let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
        let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// How far apart two colours are (CIE76: 2 is just noticeable).
    pub(in crate::tui) fn distance(one: [f64; 3], other: [f64; 3]) -> f64 {
        one.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_written_with_six_digits_and_found_again_among_256() {
        assert_eq!(rgb_of("#14171c"), Some((0x14, 0x17, 0x1c)));
        for bad in ["14171c", "#14171", "#14171cc", "#+4171c", "", "#ééé"] {
            assert_eq!(rgb_of(bad), None, "{bad}");
        }
        for index in 16..=255 {
            assert_eq!(rgb_at(nearest(rgb_at(index))), rgb_at(index));
        }
        assert!((contrast((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 0.01);
    }
}
