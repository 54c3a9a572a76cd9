//! The engine's own rule beside those of other players, on a few networks of each kind; `cargo xtask abr` takes many.

use kinora_abr::{Network, RuleKind, Score, play};

#[test]
fn it_is_worth_more_than_each_other_rule_and_stalls_no_more() {
    let networks = Network::all(3, 1);
    let mean = |rule: RuleKind, field: fn(&Score) -> f64| {
        let scores = networks.iter().map(|network| play(network, rule));
        let fields = scores.map(|score| field(&score.unwrap()));
        fields.sum::<f64>() / networks.len() as f64
    };
    let own = (
        mean(RuleKind::Kinora, |it| it.qoe_linear),
        mean(RuleKind::Kinora, |it| it.stalled),
    );
    for other in &RuleKind::ALL[1..] {
        let (qoe, stalled) = (
            mean(*other, |it| it.qoe_linear),
            mean(*other, |it| it.stalled),
        );
        assert!(own.0 > qoe, "{own:?}, {other:?}: {qoe}");
        assert!(own.1 <= stalled + 0.1, "{own:?}, {other:?}: {stalled}");
    }
}
