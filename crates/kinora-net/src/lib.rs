//! HTTP and files: the only home of tokio on the player's side
