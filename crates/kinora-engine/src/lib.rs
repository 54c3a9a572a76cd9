//! The player as a sans-IO state machine
