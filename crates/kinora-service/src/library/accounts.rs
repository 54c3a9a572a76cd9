//! The operator's hand on keys, roles and referer rules.

use super::Library;
use crate::domain::{AccessKey, Policy, RamRole, RefererRule, TrustPolicy};
use crate::error::ServiceError;

impl Library {
    /// All access keys, in the order of their ids.
    ///
    /// # Errors
    /// The database failed.
    pub async fn access_keys(&self) -> Result<Vec<AccessKey>, ServiceError> {
        self.core.accounts.access_keys().await
    }

    /// Changes what a key may do, or whether it is active; what is not given stays as it is. Temporary credentials
    /// that come from the key are bound by the change at once.
    ///
    /// # Errors
    /// There is no such key, or the database failed.
    pub async fn update_access_key(
        &self,
        id: &str,
        policy: Option<&Policy>,
        active: Option<bool>,
    ) -> Result<(), ServiceError> {
        let accounts = &self.core.accounts;
        match accounts.update_access_key(id, policy, active).await? {
            true => Ok(()),
            false => Err(ServiceError::NoAccessKey),
        }
    }

    /// All roles, in the order of their names.
    ///
    /// # Errors
    /// The database failed.
    pub async fn roles(&self) -> Result<Vec<RamRole>, ServiceError> {
        self.core.accounts.roles().await
    }

    /// Changes what a role's sessions may do, or who may assume it; what is not given stays as it is. Sessions of it
    /// that are there already are bound by the change at once.
    ///
    /// # Errors
    /// There is no such role, or the database failed.
    pub async fn update_role(
        &self,
        name: &str,
        policy: Option<&Policy>,
        trust: Option<&TrustPolicy>,
    ) -> Result<(), ServiceError> {
        match self.core.accounts.update_role(name, policy, trust).await? {
            true => Ok(()),
            false => Err(ServiceError::NoRole),
        }
    }

    /// Deletes a role, and ends its sessions by that.
    ///
    /// # Errors
    /// There is no such role, or the database failed.
    pub async fn delete_role(&self, name: &str) -> Result<(), ServiceError> {
        match self.core.accounts.delete_role(name).await? {
            true => Ok(()),
            false => Err(ServiceError::NoRole),
        }
    }

    /// Which pages may show the media.
    ///
    /// # Errors
    /// The database failed, or the rule that it holds can not be read.
    pub async fn referer_rule(&self) -> Result<RefererRule, ServiceError> {
        self.core.accounts.referer_rule().await
    }
}
