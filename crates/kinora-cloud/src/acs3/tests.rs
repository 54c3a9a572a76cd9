use super::*;

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const AGENT: &str = "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2";
const PLAY_CONFIG: &str = r#"{"PreviewTime":"20"}"#;
const FORM: &[u8] = b"AppId=a+b&GroupId=g&MuteUserList=u1%2Cu2";

/// A call of a current SDK, what its canonical request hashes to, and its signature.
struct Vector {
    query: &'static [(&'static str, &'static str)],
    /// Beside the ones that every call has.
    headers: Vec<(&'static str, &'static str)>,
    body: &'static [u8],
    hash: &'static str,
    signature: &'static str,
}

fn vectors() -> [Vector; 3] {
    [
        Vector {
            query: &[
                ("VideoId", "5aed81b74ba84920be578cdfe004af4b"),
                ("Formats", "mp4,m3u8"),
                ("AuthTimeout", "3600"),
                ("PlayConfig", PLAY_CONFIG),
            ],
            headers: vec![
                ("x-acs-action", "GetPlayInfo"),
                ("x-acs-credentials-provider", "static_ak"),
                ("x-acs-version", "2017-03-21"),
            ],
            body: b"",
            hash: "858bfdedb5b050145a924878892390085fc7415455fd52f7778883ff95732355",
            signature: "e3655b553a568b2132e297a404262630e5644b9a91123da94ca4848f4ca910d7",
        },
        Vector {
            query: &[
                ("CateId", "5"),
                ("FileName", "a.mp4"),
                ("GenerateThumbnail", "True"),
                ("Tags", ""),
                ("Title", "a b*~中"),
            ],
            headers: vec![
                ("x-acs-accesskey-id", "testId"),
                ("x-acs-action", "CreateUploadVideo"),
                ("x-acs-credentials-provider", "static_sts"),
                ("x-acs-security-token", "tok/+="),
                ("x-acs-version", "2017-03-21"),
            ],
            body: b"",
            hash: "c43d1a1234853101745c276709cfe6490668e96434c0219ae12fbd8d7e6caa99",
            signature: "d9e5329a5c6366713ab0a9a442739d2455c48688362d1e94e2804068c9403c21",
        },
        Vector {
            query: &[],
            headers: vec![
                ("Content-Type", "application/x-www-form-urlencoded"),
                ("x-acs-action", "MuteGroupUser"),
                ("x-acs-credentials-provider", "static_ak"),
                ("x-acs-version", "2016-11-01"),
            ],
            body: FORM,
            hash: "1daba68138c179e213e53cd264c4f181389f94d1d3035190e75f1fe94528e09e",
            signature: "9e7ac069a0c8c1d2a47e9743657283521351aa8e8932920bb20485a0868ebe5a",
        },
    ]
}

/// Lets a closure see a vector's parts.
fn with_parts<T>(vector: &Vector, see: impl Fn(SignedParts<'_>) -> T) -> T {
    let body_sha256 = body_sha256(vector.body);
    let mut headers = vec![
        ("accept", "application/json"),
        ("Host", "127.0.0.1:8080"),
        ("User-Agent", AGENT),
        ("x-acs-content-sha256", body_sha256.as_str()),
        ("x-acs-date", "2026-01-02T03:04:05Z"),
        ("x-acs-signature-nonce", "0123456789abcdef0123456789abcdef"),
    ];
    headers.extend(&vector.headers);
    see(SignedParts {
        method: "POST",
        path: "/",
        query: vector.query,
        headers: &headers,
        body_sha256: &body_sha256,
    })
}

fn secret() -> Secret {
    Secret::new("testSecret")
}

#[test]
fn the_calls_of_the_current_sdks_are_signed_as_they_sign_them() {
    for vector in vectors() {
        with_parts(&vector, |parts| {
            let text = parts.string_to_sign();
            assert_eq!(text, format!("ACS3-HMAC-SHA256\n{}", vector.hash));
            let made = parts.sign("testId", &secret());
            assert_eq!(made.signature.expose(), vector.signature);
            let header = made.to_header();
            assert!(
                header
                    .expose()
                    .starts_with("ACS3-HMAC-SHA256 Credential=testId,SignedHeaders=accept;"),
                "{}",
                header.expose()
            );
            assert_eq!(Authorization::parse(header.expose()), Ok(made.clone()));
            assert!(!format!("{made:?}{parts:?}").contains(vector.signature));
        });
    }
}

#[test]
fn the_canonical_request_is_the_documented_one() {
    let text = with_parts(&vectors()[0], |parts| parts.canonical_request());
    let expected = format!(
        "POST\n/\nAuthTimeout=3600&Formats=mp4%2Cm3u8&PlayConfig=%7B%22PreviewTime%22%3A%2220%22%7D&VideoId=5aed81b74ba84920be578cdfe004af4b\n\
         accept:application/json\nhost:127.0.0.1:8080\nuser-agent:{AGENT}\nx-acs-action:GetPlayInfo\nx-acs-content-sha256:{EMPTY}\n\
         x-acs-credentials-provider:static_ak\nx-acs-date:2026-01-02T03:04:05Z\nx-acs-signature-nonce:0123456789abcdef0123456789abcdef\n\
         x-acs-version:2017-03-21\n\n\
         accept;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version\n{EMPTY}"
    );
    assert_eq!(text, expected);
}

#[test]
fn every_change_of_a_signed_part_is_noticed() {
    for vector in vectors() {
        with_parts(&vector, |parts| {
            let given = parts.sign("testId", &secret());
            assert!(parts.verify(&secret(), &given));
            assert!(!parts.verify(&Secret::new("other"), &given));
            let changes = [
                SignedParts {
                    method: "GET",
                    ..parts
                },
                SignedParts {
                    path: "/x",
                    ..parts
                },
                SignedParts {
                    query: &[("a", "b")],
                    ..parts
                },
                SignedParts {
                    body_sha256: "00",
                    ..parts
                },
                SignedParts {
                    headers: &parts.headers[1..],
                    ..parts
                },
            ];
            for changed in changes {
                assert!(!changed.verify(&secret(), &given), "{changed:?}");
            }
            for at in 0..parts.headers.len() {
                let mut headers = parts.headers.to_vec();
                headers[at].1 = "changed";
                let changed = SignedParts {
                    headers: &headers,
                    ..parts
                };
                assert!(!changed.verify(&secret(), &given), "{}", headers[at].0);
                headers.push(parts.headers[at]);
                let doubled = SignedParts {
                    headers: &headers,
                    ..parts
                };
                assert!(!doubled.verify(&secret(), &given), "{}", headers[at].0);
            }
        });
    }
}

#[test]
fn headers_of_one_name_are_sorted_and_joined_and_values_trimmed() {
    let parts = SignedParts {
        method: "GET",
        path: "/",
        query: &[],
        headers: &[("X-Acs-B", " 2 "), ("x-acs-a", ""), ("x-acs-b", "1")],
        body_sha256: EMPTY,
    };
    let text = parts.canonical_request();
    assert_eq!(
        text,
        format!("GET\n/\n\nx-acs-a:\nx-acs-b:1,2\n\nx-acs-a;x-acs-b\n{EMPTY}")
    );
}

#[test]
fn an_authorization_of_another_form_is_refused() {
    let signature = "0".repeat(64);
    let good = format!("Credential=k,SignedHeaders=host;x-acs-date,Signature={signature}");
    let read = Authorization::parse(&format!("ACS3-HMAC-SHA256 {good}")).unwrap();
    assert!(read.signs("host") && !read.signs("accept"));
    let spaced = good.replace(',', ", ");
    assert_eq!(
        Authorization::parse(&format!("ACS3-HMAC-SHA256  {spaced}")),
        Ok(read)
    );
    for other in [
        "ACS3-HMAC-SM3",
        "ACS3-RSA-SHA256",
        "Bearer",
        "",
        "acs3-hmac-sha256",
    ] {
        let refused = Authorization::parse(&format!("{other} {good}"));
        assert_eq!(refused, Err(AuthorizationError::Algorithm), "{other}");
    }
    let many = (0..65)
        .map(|n| format!("h{n}"))
        .collect::<Vec<_>>()
        .join(";");
    for bad in [
        String::new(),
        "Credential=k".to_owned(),
        format!("{good},Credential=k"),
        format!("{good},More=1"),
        format!("{good},"),
        good.replace("=k", "="),
        good.replace("host", "ho st"),
        good.replace("host", "x-acs-date"),
        good.replace("host;x-acs-date", ""),
        good.replace("host;x-acs-date", &many),
        good.replace("000", "00"),
        good.replace("000", "00A"),
    ] {
        let refused = Authorization::parse(&format!("ACS3-HMAC-SHA256 {bad}"));
        assert_eq!(refused, Err(AuthorizationError::Form), "{bad}");
    }
}
