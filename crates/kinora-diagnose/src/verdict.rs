//! What it all comes to.

use kinora_errors::{Fault, Lang, Origin};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::check::{Check, CheckKind, CheckStatus};

/// One failure, the first on the way, and who can mend it.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What fails first; nothing where all is well.
    pub fault: Option<Fault>,
    /// At which step.
    pub check: Option<CheckKind>,
    /// A command that shows it without this program. Secrets in it are masked and must be filled in.
    pub command: Option<String>,
}

impl Verdict {
    /// Whose matter it is.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        self.fault.as_ref()?.origin()
    }
    /// Who must act, as a sentence.
    #[must_use]
    pub fn who(&self, lang: Lang) -> &'static str {
        if self.fault.is_none() {
            return match lang {
                Lang::Zh => "无需处理：一切正常",
                Lang::En => "nobody: all is well",
            };
        }
        let (zh, en) = match self.origin() {
            Some(Origin::Content) => ("媒体的发布者", "whoever publishes the media"),
            Some(Origin::Network) => (
                "网络的维护者：DNS、代理、防火墙或服务器所在的网络",
                "whoever runs the network: DNS, proxy, firewall, or the server's own",
            ),
            Some(Origin::Service) => (
                "服务器或视频服务的运维者",
                "whoever runs the server or the video service",
            ),
            Some(Origin::Caller) => (
                "调用播放器的应用",
                "the application: what it passes to the player is wrong",
            ),
            Some(Origin::Internal) => (
                "Kinora 的开发者：请报告",
                "Kinora's developers: please report it",
            ),
            // Numbers of the system's own errors have no row.
            Some(Origin::Device) | None => ("本机的使用者", "the owner of this machine"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("good", &self.fault.is_none())?;
        if let Some(fault) = &self.fault {
            map.serialize_entry("step", &self.check.map(CheckKind::name))?;
            map.serialize_entry("who", &self.origin().map(Origin::name).unwrap_or("device"))?;
            map.serialize_entry("command", &self.command)?;
            map.serialize_entry("fault", fault)?;
        }
        map.end()
    }
}

/// The first failure on the way is the cause of those behind it.
pub(crate) fn of(checks: &[Check]) -> Verdict {
    let Some(bad) = checks.iter().find(|check| check.status == CheckStatus::Bad) else {
        return Verdict {
            fault: None,
            check: None,
            command: None,
        };
    };
    Verdict {
        fault: bad.fault.clone(),
        check: Some(bad.kind),
        command: command(bad),
    }
}

fn command(bad: &Check) -> Option<String> {
    let url = bad.fault.as_ref()?.context().url.as_deref()?;
    if !url.starts_with("http") {
        return Some(match bad.kind {
            CheckKind::File => format!("ls -ld {}", quoted(url)),
            _ => format!("file {0}; head -c 64 {0} | xxd", quoted(url)),
        });
    }
    let url = quoted(url);
    Some(match bad.kind {
        CheckKind::Dns | CheckKind::Tcp | CheckKind::Tls => {
            format!("curl -sv -o /dev/null -r 0-65535 {url}")
        }
        CheckKind::Playlist | CheckKind::PlayInfo => format!("curl -s {url}"),
        CheckKind::Media | CheckKind::Segment | CheckKind::Type | CheckKind::Play => {
            format!("curl -s -r 0-65535 {url} | xxd | head")
        }
        _ => format!("curl -s -D - -o /dev/null -r 0-65535 {url}"),
    })
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
