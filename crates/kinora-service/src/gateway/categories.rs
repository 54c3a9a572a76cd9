//! The shelves of the library.

use serde_json::{Value, json};

use super::call::{Call, Page};
use crate::domain::{ApiError, Category, ROOT_ID, Resource};

/// The one type that is kept here.
const TYPE: &str = "default";

fn check_type(call: &Call<'_>) -> Result<(), ApiError> {
    match call.get("Type") {
        None | Some(TYPE) => Ok(()),
        Some(_) => Err(ApiError::invalid(
            "Type",
            "this service keeps categories of the type default only.",
        )),
    }
}

fn describe(category: &Category) -> Value {
    json!({
        "CateId": category.id,
        "CateName": category.name,
        "Level": category.level,
        "ParentId": category.parent_id,
        "Type": TYPE,
    })
}

/// The category of a parameter; the root where it is absent.
fn id(call: &Call<'_>, name: &'static str) -> Result<i64, ApiError> {
    let given = call.get(name).map(|id| Category::parse_id(name, id));
    Ok(given.transpose()?.unwrap_or(ROOT_ID))
}

/// A category that must be there, and is not the root.
async fn find(call: &Call<'_>) -> Result<Category, ApiError> {
    let id = Category::parse_id("CateId", call.required("CateId")?)?;
    let found = call.state.core.videos.category(id).await?;
    found.ok_or_else(Category::not_found)
}

pub(super) async fn add_category(call: &Call<'_>) -> Result<Value, ApiError> {
    check_type(call)?;
    let name = Category::parse_name(call.required("CateName")?)?;
    let parent = id(call, "ParentId")?;
    let added = call.state.core.add_category(parent, &name, call.now_ms);
    Ok(json!({ "Category": describe(&added.await??) }))
}

pub(super) async fn update_category(call: &Call<'_>) -> Result<Value, ApiError> {
    let category = find(call).await?;
    let name = Category::parse_name(call.required("CateName")?)?;
    let renamed = call.state.core.videos.rename_category(category.id, &name);
    match renamed.await? {
        true => Ok(json!({})),
        false => Err(Category::not_found()),
    }
}

/// With it goes what lies in it; videos stay, on no shelf.
pub(super) async fn delete_category(call: &Call<'_>) -> Result<Value, ApiError> {
    let category = find(call).await?;
    match call.state.core.videos.delete_category(category.id).await? {
        true => Ok(json!({})),
        false => Err(Category::not_found()),
    }
}

pub(super) async fn get_categories(call: &Call<'_>) -> Result<Value, ApiError> {
    check_type(call)?;
    let (id, newest_first) = (id(call, "CateId")?, call.newest_first()?);
    let videos = &call.state.core.videos;
    let own = match id {
        ROOT_ID => json!({
            "CateId": ROOT_ID, "CateName": "root", "Level": -1, "ParentId": ROOT_ID, "Type": TYPE
        }),
        id => describe(&videos.category(id).await?.ok_or_else(Category::not_found)?),
    };
    let mut page: Page<Value> = call.page()?;
    for category in videos.subcategories(id, newest_first).await? {
        if call.may(&Resource::category(&call.state.region, Some(category.id))) {
            let mut told = describe(&category);
            told["SubTotal"] = category.subcategories.into();
            page.see(told);
        }
    }
    Ok(json!({
        "Category": own,
        "SubTotal": page.total,
        "SubCategories": { "Category": page.items },
    }))
}
