use super::{ApiError, ApiErrorCode};

/// Categories lie in categories, in so many levels.
const MAX_LEVELS: i64 = 3;
/// So many lie in one.
pub(crate) const MAX_SUBCATEGORIES: usize = 100;
/// Octets of a name.
const MAX_NAME_LEN: usize = 64;
/// The id of what holds the categories of the first level.
pub(crate) const ROOT_ID: i64 = -1;

/// A shelf of the library.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Category {
    pub(crate) id: i64,
    /// [`ROOT_ID`] for one of the first level.
    pub(crate) parent_id: i64,
    /// 0 for the first.
    pub(crate) level: i64,
    pub(crate) name: String,
    pub(crate) created_ms: i64,
    /// How many lie in it.
    pub(crate) subcategories: i64,
}

impl Category {
    /// The level of what lies in it.
    pub(crate) fn level_below(&self) -> Result<i64, ApiError> {
        let level = self.level.saturating_add(1);
        match level < MAX_LEVELS {
            true => Ok(level),
            false => Err(ApiErrorCode::LevelExceededMax.because(format!(
                "The level of categories exceeded maximum: there are {MAX_LEVELS}, and the parent is of the last."
            ))),
        }
    }
    pub(crate) fn not_found() -> ApiError {
        ApiErrorCode::CategoryNotFound
            .because("The CateId does not exist. GetCategories lists those that do.")
    }
    pub(crate) fn too_many() -> ApiError {
        ApiErrorCode::SubTotalExceededMax.because(format!(
            "The total of sub categories exceeded maximum: there are {MAX_SUBCATEGORIES} in this one."
        ))
    }
    /// Reads an id, of a category or of the root.
    pub(crate) fn parse_id(name: &'static str, text: &str) -> Result<i64, ApiError> {
        // Rust reads a plus sign as well.
        let number = text.parse().ok().filter(|_| !text.starts_with('+'));
        number
            .filter(|id| *id >= ROOT_ID)
            .ok_or_else(|| ApiError::invalid(name, "it must be the number of a category, or -1."))
    }
    /// Reads a name.
    pub(crate) fn parse_name(text: &str) -> Result<String, ApiError> {
        let name = super::clean_title(text);
        match (name.is_empty(), text.len() > MAX_NAME_LEN) {
            (false, false) => Ok(name),
            (_, true) => Err(ApiErrorCode::LengthExceededMax.because(format!(
                "The CateName length has exceeded {MAX_NAME_LEN} bytes."
            ))),
            (true, false) => Err(ApiError::invalid(
                "CateName",
                "it must hold something that can be seen.",
            )),
        }
    }
}
