use kinora_errors::{Code, Coded, Retry, codes};

use super::*;

const GOOD: &str = r#"{"RequestId":"R-1","VideoBase":{"VideoId":"v","Title":"t","Status":"Normal","Duration":"20.04","CoverURL":null,
 "ThumbnailList":{"Thumbnail":[{"URL":"http://h/t.vtt?auth_key=k"}]}},
 "PlayInfoList":{"PlayInfo":[
  {"PlayURL":"http://h/a.mp4?auth_key=1-0-0-s3cret","Format":"mp4","Definition":"LD","Bitrate":"432.1","Size":"1234","Width":"640","Height":360,"Encrypt":"0","Unknown":[1]},
  {"PlayURL":"http://h/a.m3u8","Format":"m3u8","Definition":"SD","Encrypt":1,"EncryptType":"HLSEncryption"}]}}"#;

fn code_of(status: u16, body: &str) -> Code {
    parse_play_info(status, body.as_bytes()).unwrap_err().code()
}

#[test]
fn numbers_in_quotes_nulls_and_unknown_members_are_read() {
    let info = parse_play_info(200, GOOD.as_bytes()).unwrap();
    let [first, second] = info.play_info_list.play_info.as_slice() else {
        panic!("two entries");
    };
    assert_eq!(
        (first.bitrate, first.size, first.width, first.height),
        (432.1, 1234, 640, 360)
    );
    assert_eq!(first.encryption(), EncryptType::None);
    assert_eq!(second.encryption(), EncryptType::Hls);
    assert!((info.video_base.duration - 20.04).abs() < 1e-9);
    assert!(!format!("{info:?}").contains("s3cret"));
}

#[test]
fn a_reply_is_read_as_it_was_written() {
    let info = parse_play_info(200, GOOD.as_bytes()).unwrap();
    let json = serde_json::to_vec(&info).unwrap();
    assert_eq!(parse_play_info(200, &json).unwrap(), info);
}

#[test]
fn checks_come_in_the_documented_order() {
    assert_eq!(code_of(200, ""), codes::ERROR_SERVER_NO_RESPONSE);
    assert_eq!(code_of(503, " \n"), codes::ERROR_SERVER_NO_RESPONSE);
    for body in [
        "<html>login</html>",
        "<?xml version=\"1.0\"?><Error/>",
        "{",
        "[]",
        "null",
        "1",
        "{}",
    ] {
        assert_eq!(code_of(200, body), codes::ERROR_SERVER_WRONG_JSON, "{body}");
    }
    assert_eq!(
        code_of(200, r#"{"Code":"Forbidden.RAM"}"#),
        codes::ERROR_SERVER_POP_FORBIDDEN
    );
    assert_eq!(
        code_of(404, r#"{"Code":"Some.New"}"#),
        codes::ERROR_SERVER_VOD_UNKNOWN
    );
    assert_eq!(
        code_of(503, r#"{"RequestId":"r"}"#),
        codes::ERROR_SERVER_POP_SERVICE_UNAVALIABLE
    );
    assert_eq!(code_of(500, "{}"), codes::ERROR_SERVER_POP_INTERNAL_ERROR);
    let blocked = GOOD.replace("Normal", "Blocked");
    assert_eq!(
        code_of(200, &blocked),
        codes::ERROR_SERVER_VOD_FORBIDDEN_ILLEGALSTATUS
    );
}

#[test]
fn a_refusal_carries_what_support_needs_and_no_secret() {
    let body = br#"{"RequestId":"R-9","HostId":"h","Code":"SignatureDoesNotMatch",
      "Message":"Specified signature is not matched. server string to sign is:GET&%2F&SecurityToken%3Dt0ken"}"#;
    let error = parse_play_info(400, body).unwrap_err().for_video("v");
    let fault = error.fault();
    assert_eq!(fault.code(), codes::ERROR_SERVER_POP_SIGNATURE_NOT_MATCH);
    assert_eq!(fault.retry(), Retry::AfterRefresh);
    let context = fault.context();
    assert_eq!(context.request_id.as_deref(), Some("R-9"));
    assert_eq!(
        context.service_code.as_deref(),
        Some("SignatureDoesNotMatch")
    );
    assert_eq!(
        (context.http_status, context.video_id.as_deref()),
        (Some(400), Some("v"))
    );
    assert!(!format!("{error} {error:?} {fault:?}").contains("t0ken"));
    // Nor half of the sentence that shows it.
    assert!(error.to_string().ends_with("signature is not matched."));
}

#[test]
fn damaged_replies_never_panic() {
    let mut seed = 11_u32;
    for _ in 0..3000 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut bytes = GOOD.as_bytes().to_vec();
        let at = (seed >> 8) as usize % bytes.len();
        bytes[at] = (seed >> 24) as u8;
        if seed & 0x80 != 0 {
            bytes.truncate(at);
        }
        let _ = parse_play_info(200, &bytes);
    }
    let deep = "[".repeat(1 << 20);
    assert_eq!(code_of(200, &deep), codes::ERROR_SERVER_WRONG_JSON);
}

#[test]
fn a_list_that_no_video_has_is_refused() {
    let body = |count: usize| {
        let items = vec!["{}"; count].join(",");
        format!("{{\"PlayInfoList\":{{\"PlayInfo\":[{items}]}}}}")
    };
    assert_eq!(
        parse_play_info(200, body(1_000).as_bytes())
            .unwrap()
            .play_info_list
            .play_info
            .len(),
        1_000
    );
    let error = parse_play_info(200, body(1_001).as_bytes()).unwrap_err();
    assert!(matches!(error.kind(), CloudErrorKind::WrongJson(_)));
}

#[test]
fn a_list_where_text_belongs_is_refused() {
    let error =
        parse_play_info(200, br#"{"Code":["a"],"PlayInfoList":{"PlayInfo":[]}}"#).unwrap_err();
    assert!(matches!(error.kind(), CloudErrorKind::WrongJson(_)));
}

// CVE-2013-0340 (expat): entities that grow. No XML is read at all: a reply that is some is told by name.
#[test]
fn xml_with_entities_is_refused_unread() {
    let entities: String = (1..20)
        .map(|at| format!("<!ENTITY e{at} \"&e{0};&e{0};\">", at - 1))
        .collect();
    let body =
        format!("<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY e0 \"x\">{entities}]><a>&e19;</a>");
    let error = parse_play_info(200, body.as_bytes()).unwrap_err();
    assert!(matches!(error.kind(), CloudErrorKind::WrongJson(why) if why == "it is XML"));
}
