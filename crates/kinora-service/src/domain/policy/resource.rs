use super::error::{PolicyProblem, clip};
use super::pattern::{CharClass, Pattern};

/// The one account of a service.
pub(crate) const ACCOUNT_ID: &str = "1";
const VIDEO: &str = "video/";
const CATEGORY: &str = "category/";
const ROLE: &str = "role/";
/// Digits of a category's id: those of the largest number.
const MAX_CATEGORY_DIGITS: usize = 19;
/// Longest name of a role.
pub(crate) const MAX_ROLE_NAME_LEN: usize = 64;

/// What is asked for, by its name `acs:service:region:account:relative`.
///
/// The resource of what is done to videos is `acs:vod:REGION:1:video/VIDEOID`, to categories
/// `acs:vod:REGION:1:category/CATEID`, that of `sts:AssumeRole` is `acs:ram::1:role/NAME`. A call that names none, or
/// none that can exist, asks for the resource with an empty id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Resource {
    service: &'static str,
    region: String,
    relative: String,
}

impl Resource {
    pub(crate) fn video(region: &str, id: &str) -> Self {
        Self {
            service: "vod",
            region: region.to_owned(),
            relative: format!("{VIDEO}{id}"),
        }
    }
    /// A category, or the root of them all.
    pub(crate) fn category(region: &str, id: Option<i64>) -> Self {
        let id = id.map_or_else(String::new, |id| id.to_string());
        Self {
            service: "vod",
            region: region.to_owned(),
            relative: format!("{CATEGORY}{id}"),
        }
    }
    pub(crate) fn role(name: &str) -> Self {
        Self {
            service: "ram",
            region: String::new(),
            relative: format!("{ROLE}{name}"),
        }
    }
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            service,
            region,
            relative,
        } = self;
        write!(f, "acs:{service}:{region}:{ACCOUNT_ID}:{relative}")
    }
}

/// `*`, or a resource's name with wildcards in its parts; none reaches over a colon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum ResourcePattern {
    Any,
    Named {
        service: Pattern,
        region: Pattern,
        account: Pattern,
        relative: Pattern,
    },
}

impl ResourcePattern {
    /// Reads a pattern. One that speaks of this service and can match nothing of it is refused: a Deny that is
    /// never meant is a mistake.
    pub(super) fn parse(text: &str) -> Result<Self, PolicyProblem> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let malformed = || PolicyProblem::Resource(clip(text));
        let parts: Vec<&str> = text.splitn(5, ':').collect();
        let ["acs", service, region, account, relative] = parts[..] else {
            return Err(malformed());
        };
        let of = |part: &str, more: fn(u8) -> bool| {
            part.bytes()
                .all(|byte| matches!(byte, b'*' | b'?' | b'-' | b'0'..=b'9') || more(byte))
        };
        let fits = !service.is_empty()
            && of(service, |byte| byte.is_ascii_lowercase())
            && of(region, |byte| byte.is_ascii_lowercase())
            && of(account, |_| false)
            && !relative.is_empty()
            && of(relative, |byte| byte.is_ascii_graphic());
        if !fits {
            return Err(malformed());
        }
        let pattern = Self::Named {
            service: Pattern::new(service),
            region: Pattern::new(region),
            account: Pattern::new(account),
            relative: Pattern::new(relative),
        };
        match pattern.can_match() {
            true => Ok(pattern),
            false => Err(PolicyProblem::NoSuchResource(clip(text))),
        }
    }

    pub(super) fn matches(&self, resource: &Resource) -> bool {
        match self {
            Self::Any => true,
            Self::Named {
                service,
                region,
                account,
                relative,
            } => {
                service.matches(resource.service)
                    && region.matches(&resource.region)
                    && account.matches(ACCOUNT_ID)
                    && relative.matches(&resource.relative)
            }
        }
    }

    /// Whether it speaks of other services only, or of something that may exist here.
    fn can_match(&self) -> bool {
        let Self::Named {
            service,
            region,
            account,
            relative,
        } = self
        else {
            return true;
        };
        let vod = service.matches("vod");
        // RAM and STS are one service in two names; roles bear that of RAM.
        let ram = service.matches("ram");
        if !vod && !ram {
            return !service.matches("sts");
        }
        let a_video =
            vod && !region.is_empty() && relative.may_match(&shape(VIDEO, 32, is_id_digit));
        let a_category = vod
            && !region.is_empty()
            && (1..=MAX_CATEGORY_DIGITS).any(|len| {
                relative.may_match(&shape(CATEGORY, len, |digit| digit.is_ascii_digit()))
            });
        let a_role = ram
            && region.matches("")
            && (1..=MAX_ROLE_NAME_LEN)
                .any(|len| relative.may_match(&shape(ROLE, len, is_role_letter)));
        account.matches(ACCOUNT_ID) && (a_video || a_category || a_role)
    }
}

/// `prefix` and then so many letters of a kind.
fn shape(prefix: &str, len: usize, letter: fn(char) -> bool) -> Vec<CharClass> {
    let mut shape: Vec<CharClass> = prefix.chars().map(CharClass::Exactly).collect();
    shape.resize(prefix.len() + len, CharClass::One(letter));
    shape
}

fn is_id_digit(letter: char) -> bool {
    matches!(letter, '0'..='9' | 'a'..='f')
}

/// What a role's name is made of.
pub(crate) fn is_role_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5aed81b74ba84920be578cdfe004af4b";

    fn matches(pattern: &str, resource: &Resource) -> bool {
        ResourcePattern::parse(pattern).unwrap().matches(resource)
    }

    #[test]
    fn a_resource_is_matched_part_by_part() {
        let video = Resource::video("cn-shanghai", ID);
        for pattern in [
            "*",
            "acs:*:*:*:*",
            "acs:vod:*:*:*",
            "acs:vod:cn-*:1:video/*",
            "acs:v?d:cn-shanghai:?:video/5aed*",
            &video.to_string(),
        ] {
            assert!(matches(pattern, &video), "{pattern}");
        }
        for pattern in [
            "acs:oss:*:*:*",
            "acs:vod:cn-beijing:*:*",
            "acs:vod:*:*:video/6*",
            "acs:ram::1:role/*",
        ] {
            assert!(!matches(pattern, &video), "{pattern}");
        }
        let shelf = Resource::category("cn-shanghai", Some(7));
        assert!(matches("acs:vod:*:*:category/7", &shelf));
        assert!(matches(
            "acs:vod:*:*:category/*",
            &Resource::category("cn-shanghai", None)
        ));
        assert!(!matches("acs:vod:*:*:video/*", &shelf));
        let role = Resource::role("player");
        assert!(matches("acs:ram::1:role/player", &role));
        assert!(matches("acs:ram:*:*:role/pl*", &role));
        assert!(!matches("acs:ram::1:role/Player", &role));
        assert!(!matches("acs:vod:*:*:*", &role));
    }

    #[test]
    fn what_can_name_nothing_here_is_refused() {
        for never in [
            "acs:vod:*:1234567890:*",
            "acs:vod:*:*:vidoe/*",
            "acs:vod:*:*:video/5AED81B74BA84920BE578CDFE004AF4B",
            "acs:vod:*:*:video/5aed",
            "acs:vod::1:*",
            "acs:vod:*:*:app/app-1000000",
            "acs:vod:*:*:category/films",
            "acs:ram::2:role/player",
            "acs:ram:cn-shanghai:1:role/player",
            "acs:ram::1:user/alice",
            "acs:sts:*:*:*",
        ] {
            let refused = ResourcePattern::parse(never).unwrap_err();
            assert!(
                matches!(refused, PolicyProblem::NoSuchResource(_)),
                "{never}"
            );
        }
        for malformed in [
            "",
            "video/*",
            "acs",
            "acs:*",
            "acs:vod:*:*",
            "acs:vod:*:*:",
            "ACS:vod:*:*:*",
            "acs:VOD:*:*:*",
            "acs:vod:*:*:video/ *",
            "acs:vod:*:*:vidéo/*",
            "arn:vod:*:*:*",
        ] {
            let refused = ResourcePattern::parse(malformed).unwrap_err();
            assert!(matches!(refused, PolicyProblem::Resource(_)), "{malformed}");
        }
    }
}
