//! Other channels: down by the coefficients of Rec. ITU-R BS.775-3, annex 4, up without making anything louder.

/// 1 / sqrt(2), which halves the power.
const HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaker {
    FrontLeft,
    FrontRight,
    Centre,
    Low,
    BackLeft,
    BackRight,
    BackCentre,
    SideLeft,
    SideRight,
}

use Speaker::{
    BackCentre, BackLeft, BackRight, Centre, FrontLeft, FrontRight, Low, SideLeft, SideRight,
};

/// The usual speakers of so many channels, in the order of WAVE files; `None`: none are usual.
fn layout(channels: usize) -> Option<&'static [Speaker]> {
    Some(match channels {
        1 => &[Centre],
        2 => &[FrontLeft, FrontRight],
        3 => &[FrontLeft, FrontRight, Centre],
        4 => &[FrontLeft, FrontRight, BackLeft, BackRight],
        5 => &[FrontLeft, FrontRight, Centre, BackLeft, BackRight],
        6 => &[FrontLeft, FrontRight, Centre, Low, BackLeft, BackRight],
        7 => &[
            FrontLeft, FrontRight, Centre, Low, BackCentre, SideLeft, SideRight,
        ],
        8 => &[
            FrontLeft, FrontRight, Centre, Low, BackLeft, BackRight, SideLeft, SideRight,
        ],
        _ => return None,
    })
}

/// Makes samples of some channels of samples of others.
#[derive(Debug)]
pub(crate) struct Mixer {
    from: usize,
    /// A row for each channel that comes out: how much of each that goes in it holds.
    rows: Vec<Vec<f32>>,
}

impl Mixer {
    pub(crate) fn new(from: usize, to: usize) -> Self {
        let rows = match (layout(from), layout(to)) {
            // A recording of one channel sounds from both as loud as from one.
            _ if (from, to) == (1, 2) => vec![vec![1.0]; 2],
            (Some(have), Some(want)) => matrix(have, want),
            // Nobody knows where they belong: each stays where it is.
            _ => (0..to).map(|row| unit(from, row)).collect(),
        };
        Self { from, rows }
    }

    pub(crate) fn mix(&self, samples: &[f32], out: &mut Vec<f32>) {
        for frame in samples.chunks_exact(self.from) {
            let share_of = |row: &Vec<f32>| row.iter().zip(frame).map(|(a, b)| a * b).sum::<f32>();
            out.extend(self.rows.iter().map(share_of));
        }
    }
}

fn unit(from: usize, row: usize) -> Vec<f32> {
    (0..from)
        .map(|it| if it == row { 1.0 } else { 0.0 })
        .collect()
}

/// All rows by one factor, so that directions stay, and such that nothing grows louder than full scale.
fn matrix(have: &[Speaker], want: &[Speaker]) -> Vec<Vec<f32>> {
    let mut rows: Vec<Vec<f32>> = want
        .iter()
        .map(|to| have.iter().map(|from| share(*from, *to, want)).collect())
        .collect();
    let loudest = rows.iter().map(|row| row.iter().sum()).fold(1.0, f32::max);
    rows.iter_mut()
        .flatten()
        .for_each(|share: &mut f32| *share /= loudest);
    rows
}

/// How much of a speaker's sound another one has, among those that there are.
fn share(from: Speaker, to: Speaker, there: &[Speaker]) -> f32 {
    let has = |speaker: Speaker| there.contains(&speaker);
    let to_front = |side: Speaker, share: f32| match () {
        () if to == side => share,
        () if to == Centre && !has(side) => share * HALF,
        () => 0.0,
    };
    if from == to {
        return 1.0;
    }
    if has(from) {
        return 0.0;
    }
    match from {
        Low => 0.0,
        FrontLeft | FrontRight => to_front(from, 1.0),
        Centre => match to {
            FrontLeft | FrontRight => HALF,
            _ => 0.0,
        },
        BackLeft if has(SideLeft) => f32::from(to == SideLeft),
        BackRight if has(SideRight) => f32::from(to == SideRight),
        SideLeft if has(BackLeft) => f32::from(to == BackLeft),
        SideRight if has(BackRight) => f32::from(to == BackRight),
        BackLeft | SideLeft => to_front(FrontLeft, HALF),
        BackRight | SideRight => to_front(FrontRight, HALF),
        BackCentre => match to {
            BackLeft | BackRight => HALF,
            SideLeft | SideRight if !has(BackLeft) => HALF,
            FrontLeft | FrontRight if !has(BackLeft) && !has(SideLeft) => 0.5,
            Centre if !has(FrontLeft) => 0.5,
            _ => 0.0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed(from: usize, to: usize, samples: &[f32]) -> Vec<f32> {
        let mut out = Vec::new();
        Mixer::new(from, to).mix(samples, &mut out);
        out
    }

    #[test]
    fn surround_becomes_stereo_by_the_recommended_shares() {
        // BS.775-3, annex 4, table 2: left 1, centre and surround 0.7071; all by one factor.
        let sum = 1.0 + HALF + HALF;
        let each = |at: usize| {
            let mut frame = [0.0; 6];
            frame[at] = 1.0;
            mixed(6, 2, &frame)
        };
        let near = |out: Vec<f32>, left: f32, right: f32| {
            let good = (out[0] - left).abs() < 1e-6 && (out[1] - right).abs() < 1e-6;
            assert!(good, "{out:?} is not {left} {right}");
        };
        near(each(0), 1.0 / sum, 0.0);
        near(each(1), 0.0, 1.0 / sum);
        near(each(2), HALF / sum, HALF / sum);
        near(each(3), 0.0, 0.0);
        near(each(4), HALF / sum, 0.0);
        near(each(5), 0.0, HALF / sum);
    }

    #[test]
    fn nothing_grows_louder_than_full_scale_from_any_layout_to_any_other() {
        for from in 1..=10 {
            for to in 1..=10 {
                let out = mixed(from, to, &vec![1.0; from]);
                assert_eq!(out.len(), to);
                assert!(
                    out.iter().all(|it| *it < 1.0 + 1e-5),
                    "{from} to {to}: {out:?}"
                );
                assert!(out.iter().any(|it| *it > 0.2), "{from} to {to} is silent");
            }
        }
    }

    #[test]
    fn mono_and_stereo_go_where_they_belong() {
        assert_eq!(mixed(1, 2, &[0.5]), [0.5, 0.5]);
        assert_eq!(mixed(1, 6, &[0.5]), [0.0, 0.0, 0.5, 0.0, 0.0, 0.0]);
        let middle = mixed(2, 1, &[0.5, 0.25]);
        assert!((middle[0] - 0.375).abs() < 1e-6, "{middle:?}");
        assert_eq!(mixed(2, 6, &[0.5, 0.25]), [0.5, 0.25, 0.0, 0.0, 0.0, 0.0]);
    }
}
