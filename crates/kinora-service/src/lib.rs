//! The VOD service that one person runs on one machine
