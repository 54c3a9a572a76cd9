-- What people say of a video beside its title, and where it is shelved.
ALTER TABLE video ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE video ADD COLUMN tags TEXT NOT NULL DEFAULT '';
ALTER TABLE video ADD COLUMN cover_url TEXT NOT NULL DEFAULT '';
ALTER TABLE video ADD COLUMN user_data TEXT NOT NULL DEFAULT '';
ALTER TABLE video ADD COLUMN category_id BIGINT;
ALTER TABLE video ADD COLUMN modified_ms BIGINT;
CREATE TABLE category (
    id BIGINT NOT NULL PRIMARY KEY,
    parent_id BIGINT NOT NULL,
    level BIGINT NOT NULL,
    name TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX category_parent ON category (parent_id);
