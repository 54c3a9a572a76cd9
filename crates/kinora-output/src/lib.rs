//! Video and audio sinks: null, PNG, YUV, terminal, WAV
