//! Decoders on libavcodec, loaded at run time if it is there
