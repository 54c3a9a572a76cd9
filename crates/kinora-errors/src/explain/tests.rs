//! What is found, by what was asked.

use super::nearest::MAX_NEAREST;
use super::*;

fn names(query: &str) -> Vec<&'static str> {
    look_up(query).matches.iter().map(name).collect()
}

fn name(found: &Match) -> &'static str {
    match found {
        Match::Row(row) | Match::Reserved(row) => row.name,
        Match::System(_, errno) => errno.name,
    }
}

#[test]
fn a_number_is_understood_in_every_writing() {
    for query in ["0x20050006", "20050006", "537198598", "0X20050006"] {
        assert_eq!(
            names(query).first(),
            Some(&"ERROR_NETWORK_HTTP_404"),
            "{query}"
        );
    }
}

#[test]
fn a_number_of_other_players_is_known_as_such() {
    for query in ["0x2005000b", "ERROR_NETWORK_HTTP_REDIRECT_NONMEDIA"] {
        assert_eq!(names(query), ["ERROR_NETWORK_HTTP_REDIRECT_NONMEDIA"]);
        let text = render(&look_up(query), Lang::En, ReportStyle::Plain);
        assert!(text.contains("reserved"), "{text}");
    }
    assert_eq!(
        json(&look_up("0x20090001"))["matches"][0]["status"],
        "reserved"
    );
}

#[test]
fn one_number_with_two_names_brings_both() {
    assert_eq!(names("0x20013007").len(), 2);
}

#[test]
fn names_are_found_whole_in_part_and_by_alias() {
    assert_eq!(names("error_decode_video"), ["ERROR_DECODE_VIDEO"]);
    assert_eq!(names("decode video"), ["ERROR_DECODE_VIDEO"]);
    assert!(names("token_expired").contains(&"ERROR_SERVER_POP_TOKEN_EXPIRED"));
    assert_eq!(
        names("DOWNLOADER_ERROR_NO_SPACE"),
        ["DOWNLOAD_ERROR_NO_SPACE"]
    );
}

#[test]
fn the_open_family_is_explained_by_its_errno() {
    assert_eq!(names("0x2008001C"), ["ENOSPC"]);
    for (lang, label) in [(Lang::En, "remedy"), (Lang::Zh, "处理")] {
        let text = render(&look_up("0x2008001C"), lang, ReportStyle::Plain);
        assert!(text.contains(label), "{text}");
    }
}

#[test]
fn an_error_of_the_system_is_found_by_name_number_and_words() {
    for query in [
        "ENOSPC",
        "enospc",
        "28",
        "0x1c",
        "0x2008001C",
        "ERROR_GENERAL_ENOSPC",
    ] {
        assert_eq!(names(query), ["ENOSPC"], "{query}");
    }
    assert_eq!(
        names("EIO"),
        ["ERROR_GENERAL_EIO"],
        "by its row where it has one"
    );
    assert_eq!(names("2"), ["ERROR_GENERAL_ENOENT"]);
    assert_eq!(names("addrinuse"), ["EADDRINUSE"]);
    assert!(names("quota").contains(&"EDQUOT"));
    assert!(names("符号链接").contains(&"ELOOP"));
    let answer = look_up("ENOPSC");
    assert_eq!(answer.nearest.first().map(name), Some("ENOSPC"));
}

#[test]
fn the_common_errors_of_the_system_have_words_of_their_own() {
    let common = [
        "ENOTTY EISDIR ENOSPC EADDRINUSE EACCES EPERM ENOENT ENOTDIR ELOOP ENAMETOOLONG EMFILE ENFILE EROFS EDQUOT",
        "EFBIG EPIPE ENODEV EBUSY ESTALE ETIMEDOUT ECONNREFUSED ECONNRESET EHOSTUNREACH ENETUNREACH EADDRNOTAVAIL",
        "ENOMEM EIO EINTR ENXIO ENODATA",
    ];
    let mut said = std::collections::HashSet::new();
    for name in common.iter().flat_map(|line| line.split(' ')) {
        let answer = look_up(name);
        assert_eq!(answer.matches.len(), 1, "{name}");
        for lang in [Lang::En, Lang::Zh] {
            let text = answer.matches[0].text(lang);
            for words in [text.meaning, text.cause, text.remedy] {
                assert!(!words.is_empty() && said.insert(words), "{name}: {words}");
            }
        }
    }
}

#[test]
fn a_row_in_chinese_is_chinese_in_every_line() {
    let text = render(&look_up("0x20010001"), Lang::Zh, ReportStyle::Plain);
    let han = |text: &str| text.contains(|c: char| ('\u{4e00}'..='\u{9fff}').contains(&c));
    for line in text.lines().skip(1) {
        let (label, words) = line.trim().split_once("  ").unwrap();
        assert!(han(label) && han(words), "{line}");
    }
}

#[test]
fn a_query_without_end_is_cut_at_a_character() {
    let cut = "是".repeat(MAX_QUERY_LEN);
    let long = "是".repeat(1 << 19);
    assert_eq!(look_up(&long), look_up(&cut));
    assert_eq!(look_up(&long).nearest.len(), MAX_NEAREST);
}

#[test]
fn a_group_brings_its_rows() {
    assert_eq!(names("request").len(), 5);
}

#[test]
fn misspelt_words_bring_the_rows_that_have_them() {
    for (query, name) in [
        ("tokn expird", "ERROR_SERVER_POP_TOKEN_EXPIRED"),
        ("conection refusd", "ERROR_NETWORK_COULD_NOT_CONNECT"),
        ("conection timout", "ERROR_NETWORK_CONNECT_TIMEOUT"),
        ("expird the tokn", "ERROR_SERVER_POP_TOKEN_EXPIRED"),
        ("vidio decodr", "ERROR_DECODE_VIDEO"),
        ("downlod no spase", "DOWNLOAD_ERROR_NO_SPACE"),
    ] {
        let answer = look_up(query);
        assert!(answer.matches.is_empty(), "{query}");
        let nearest: Vec<_> = answer.nearest.iter().map(self::name).collect();
        assert!(nearest.contains(&name), "{query}: {nearest:?}");
    }
}

#[test]
fn misspelt_chinese_brings_the_rows_that_were_meant() {
    for (query, meant) in [
        (
            "播放凭正过期",
            "ERROR_SERVER_VOD_INVALIDAUTHINFO_EXPIRETIME",
        ),
        ("磁盘空见已满", "ENOSPC"),
        ("域名解晰失败", "ERROR_NETWORK_RESOLVE"),
        ("连接被拒觉", "ECONNREFUSED"),
        ("令牌已过其", "ERROR_SERVER_POP_TOKEN_EXPIRED"),
        ("地址以被占用", "EADDRINUSE"),
        ("签名不一至", "ERROR_SERVER_POP_SIGNATURE_NOT_MATCH"),
    ] {
        let answer = look_up(query);
        assert!(answer.matches.is_empty(), "{query}");
        let nearest: Vec<_> = answer.nearest.iter().map(name).collect();
        assert!(nearest.contains(&meant), "{query}: {nearest:?}");
    }
}

#[test]
fn what_is_unknown_brings_the_nearest_names() {
    let answer = look_up("ERROR_DECODE_VIDIO");
    assert!(answer.matches.is_empty());
    assert_eq!(answer.nearest.first().map(name), Some("ERROR_DECODE_VIDEO"));
}
