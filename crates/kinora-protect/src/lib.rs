//! Decryption of media: HLS AES-128
