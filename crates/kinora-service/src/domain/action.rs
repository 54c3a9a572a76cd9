//! What can be asked for: every action, its version, the right that it needs and the parameters that it goes by.

use kinora_cloud::{sts, vod};

/// An action of the API, as it is documented to those who call it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ServedAction {
    /// Version of the service.
    pub version: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What policies allow and deny: `service:Name`.
    pub permission: &'static str,
    /// All that it goes by; others are ignored.
    pub parameters: &'static [&'static str],
}

macro_rules! actions {
    ($($version:path, $service:literal { $($action:ident($($parameter:literal)*),)+ })+) => {
        /// One of the actions.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Action { $($($action,)+)+ }

        /// All that can be allowed and denied.
        pub(crate) const ACTIONS: &[Action] = &[$($(Action::$action,)+)+];

        impl Action {
            /// Its row.
            pub(crate) const fn row(self) -> ServedAction {
                match self {
                    $($(Self::$action => ServedAction {
                        version: $version,
                        name: stringify!($action),
                        permission: concat!($service, ":", stringify!($action)),
                        parameters: &[$($parameter),*],
                    },)+)+
                }
            }
        }
    };
}

actions! {
    vod::VERSION, "vod" {
        GetPlayInfo("VideoId" "Formats" "AuthTimeout" "OutputType" "StreamType" "Definition" "ResultType" "PlayConfig" "AuthInfo"),
        GetVideoPlayAuth("VideoId" "AuthInfoTimeout"),
        GetVideoInfo("VideoId"),
        GetVideoInfos("VideoIds"),
        GetVideoList("Status" "CateId" "StartTime" "EndTime" "SortBy" "PageNo" "PageSize"),
        SearchMedia("SearchType" "Match" "Fields" "SortBy" "PageNo" "PageSize"),
        UpdateVideoInfo("VideoId" "Title" "Description" "Tags" "CateId" "CoverURL" "UserData"),
        UpdateVideoInfos("UpdateContent"),
        DeleteVideo("VideoIds"),
        AddCategory("CateName" "ParentId" "Type"),
        UpdateCategory("CateId" "CateName"),
        DeleteCategory("CateId"),
        GetCategories("CateId" "SortBy" "Type" "PageNo" "PageSize"),
    }
    sts::VERSION, "sts" {
        AssumeRole("RoleArn" "RoleSessionName" "DurationSeconds" "Policy"),
        GetCallerIdentity(),
    }
}

impl Action {
    pub(crate) fn find(version: &str, name: &str) -> Option<Self> {
        let mut all = ACTIONS.iter().copied();
        all.find(|action| action.row().version == version && action.row().name == name)
    }
    /// What policies call it.
    pub(crate) const fn permission(self) -> &'static str {
        self.row().permission
    }
    /// Whether it goes by that parameter.
    pub(crate) fn takes(self, parameter: &str) -> bool {
        self.row().parameters.contains(&parameter)
    }
}

/// All actions that the service answers, service by service.
pub fn served_actions() -> impl Iterator<Item = ServedAction> {
    ACTIONS.iter().map(|action| action.row())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_found_in_its_own_version_only() {
        for action in ACTIONS {
            let row = action.row();
            assert_eq!(Action::find(row.version, row.name), Some(*action));
        }
        assert_eq!(Action::find(sts::VERSION, "GetPlayInfo"), None);
        assert_eq!(Action::find(vod::VERSION, "getPlayInfo"), None);
        assert_eq!(Action::AssumeRole.permission(), "sts:AssumeRole");
        assert!(Action::GetVideoInfo.takes("VideoId") && !Action::GetVideoInfo.takes("Title"));
    }
}
