//! Wire types and signatures of the video services: requests out, responses in
