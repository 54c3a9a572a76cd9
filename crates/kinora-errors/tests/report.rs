//! A fault as a person reads it.

use kinora_errors::{Code, Fault, Lang, Origin, ReportStyle, codes};

fn report(code: Code, lang: Lang) -> String {
    let fault = Fault::new(code, "file.io").with(|context| {
        context.segment = Some(3);
        context.bytes = Some((5, None));
        context.position_ms = Some(1_500);
        context.attempts = Some(2);
        context.elapsed_ms = Some(40);
    });
    fault.report(lang, ReportStyle::Plain)
}

#[test]
fn a_system_error_has_a_cause_and_a_remedy_whether_it_is_known_or_not() {
    for errno in [28, 9_999] {
        let text = report(Code::from_errno(errno), Lang::En);
        for label in ["what", "cause", "remedy"] {
            assert!(text.contains(&format!("\n  {label}")), "{errno}: {text}");
        }
    }
}

#[test]
fn a_number_of_no_family_is_reported_without_a_remedy() {
    let text = report(Code::from_number(0x1234_0000), Lang::En);
    assert!(!text.contains("remedy"), "{text}");
}

#[test]
fn place_and_attempts_are_reported_in_the_requested_language() {
    let english = report(codes::ERROR_GENERAL_EIO, Lang::En);
    assert!(
        english.contains("segment 3, from byte 5, at 1.500 s\n"),
        "{english}"
    );
    assert!(english.contains("2 times, 40 ms\n"), "{english}");
    let chinese = report(codes::ERROR_GENERAL_EIO, Lang::Zh);
    assert!(
        chinese.contains("分片 3，起始字节 5，时刻 1.500 s\n"),
        "{chinese}"
    );
    assert!(chinese.contains("2 次，40 毫秒\n"), "{chinese}");
}

#[test]
fn the_causes_of_a_fault_are_reported_in_the_requested_language() {
    let fault = Fault::new(codes::ERROR_NETWORK_UNKNOWN, "tls.unknown_ca")
        .because("the TLS handshake with `video.example` failed")
        .because("invalid peer certificate: UnknownIssuer");
    let chinese = fault.report(Lang::Zh, ReportStyle::Plain);
    let cause = "原因  与 `video.example` 的 TLS 握手失败：对方的证书无效：签发者不受信任\n";
    assert!(chinese.contains(cause), "{chinese}");
    let english = fault.report(Lang::En, ReportStyle::Plain);
    assert!(english.contains("failed: invalid peer certificate: UnknownIssuer\n"));
    let machine = serde_json::to_value(&fault).unwrap();
    assert_eq!(
        machine["causes"][1],
        "invalid peer certificate: UnknownIssuer"
    );
}

#[test]
fn the_system_s_words_for_a_number_give_way_to_what_mostly_causes_it() {
    let full = std::io::Error::from_raw_os_error(28);
    let fault = Fault::new(Code::from_errno(28), "file.io").cause(&full);
    for (lang, cause) in [(Lang::En, "inodes left"), (Lang::Zh, "剩余 inode")] {
        let text = fault.report(lang, ReportStyle::Plain);
        assert!(text.contains(cause) && !text.contains("os error"), "{text}");
    }
    let other = Fault::new(Code::from_errno(5), "file.io").cause(&full);
    let text = other.report(Lang::Zh, ReportStyle::Plain);
    assert!(
        text.contains("磁盘空间已满（ENOSPC，系统错误 28）"),
        "{text}"
    );
}

#[test]
fn the_origin_of_a_fault_is_that_of_its_number_where_nothing_better_is_known() {
    let fault = Fault::new(codes::ERROR_NETWORK_UNKNOWN, "tls.expired");
    assert_eq!(fault.origin(), Some(Origin::Network));
    let fault = fault.with_origin(Origin::Service);
    assert_eq!(fault.origin(), Some(Origin::Service));
    assert_eq!(
        Fault::new(Code::from_errno(9_999), "file.io").origin(),
        None
    );
}
