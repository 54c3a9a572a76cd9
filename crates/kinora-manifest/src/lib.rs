//! HLS playlists: parsing, refresh, renditions
