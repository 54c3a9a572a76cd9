CREATE TABLE setting (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE access_key (
    id TEXT NOT NULL PRIMARY KEY,
    secret TEXT NOT NULL,
    policy TEXT NOT NULL,
    active BIGINT NOT NULL
);
CREATE TABLE role (
    name TEXT NOT NULL PRIMARY KEY,
    policy TEXT NOT NULL
);
CREATE TABLE nonce (
    key_id TEXT NOT NULL,
    nonce TEXT NOT NULL,
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (key_id, nonce)
);
CREATE INDEX nonce_until ON nonce (until_ms);
CREATE TABLE video (
    id TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    status TEXT NOT NULL,
    duration_s DOUBLE PRECISION NOT NULL,
    size BIGINT NOT NULL,
    cover TEXT,
    created_ms BIGINT NOT NULL
);
CREATE TABLE rendition (
    video_id TEXT NOT NULL REFERENCES video (id) ON DELETE CASCADE,
    file TEXT NOT NULL,
    format TEXT NOT NULL,
    definition TEXT NOT NULL,
    encryption TEXT NOT NULL,
    audio_only BIGINT NOT NULL,
    bitrate_kbps DOUBLE PRECISION NOT NULL,
    fps DOUBLE PRECISION NOT NULL,
    duration_s DOUBLE PRECISION NOT NULL,
    size BIGINT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (video_id, file)
);
