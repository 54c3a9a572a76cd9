-- Who may assume the role: a list of principals as JSON. Until now everybody of the account could.
ALTER TABLE role ADD COLUMN trust TEXT NOT NULL DEFAULT '["*"]';
-- The role that every account has: acs:ram::1:role/player.
INSERT INTO role (name, policy, trust) VALUES (
    'player',
    '{"Version":"1","Statement":[{"Effect":"Allow","Action":["vod:GetPlayInfo","vod:GetVideoPlayAuth","vod:GetVideoInfo"],"Resource":"*"}]}',
    '["*"]'
) ON CONFLICT (name) DO NOTHING;
