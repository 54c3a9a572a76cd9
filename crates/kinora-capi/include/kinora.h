/*
 * Kinora for C.
 *
 * A player is put together by a builder, told what to do by functions that return at once, and tells what happens by events in
 * one queue. Pictures and samples are lent by pointer and stride, never copied.
 *
 *     kinora_builder *builder = kinora_builder_new();
 *     kinora_builder_autoplay(builder, 1);
 *     kinora_player *player = NULL;
 *     kinora_fault *fault = NULL;
 *     if (kinora_builder_build(builder, &player, &fault) != KINORA_OK) ...
 *     kinora_player_open(player, "https://example.com/film.mp4");
 *     for (;;) {
 *         kinora_event *event = kinora_player_wait_event(player, -1);
 *         ...
 *         kinora_event_free(event);
 *     }
 *     kinora_player_free(player);
 *
 * LIFE. A builder becomes a player by kinora_builder_build, which takes the builder whatever comes of it. Then:
 *
 *     kinora_player_open, or kinora_player_set_source and kinora_player_prepare     idle -> initialized -> prepared
 *     kinora_player_start, _pause, _seek, ...                                       -> started, paused, ... completion
 *     kinora_player_stop, _reset                                                    -> stopped, idle: another source may follow
 *     kinora_player_release                                                         its sinks have all; events can still be had
 *     kinora_player_free                                                            nothing of it runs any more
 *
 * KINORA_EVENT_STATE_CHANGED tells each step. A program that wants no last words calls kinora_player_free alone. Readers live
 * between their open and their free, and need no player.
 *
 * ERRORS. What may fail answers a number: KINORA_OK, or one of kinora_codes.h, or 0x20080000 plus an errno. A function with a
 * `kinora_fault **fault` also gives the whole of it there, unless that is NULL: what, where, why and what to do, as text and as
 * JSON; free it with kinora_fault_free. After success *fault is NULL. A panic inside the library ends at this border and is
 * KINORA_ERROR_UNKNOWN_ERROR. NULL where a handle is wanted is an error (EINVAL), no crash; a handle that was freed is not
 * noticed. Errors come in three ways, none of which repeats another:
 *   - the answer of a function: the call itself was wrong, or what it does at once failed;
 *   - KINORA_EVENT_COMMAND_REFUSED: a command that the player can not obey in its state, or with that value;
 *   - KINORA_EVENT_ERROR: playing failed, and has ended; KINORA_EVENT_RECOVERED: something failed, and playing goes on.
 *
 * EVENTS lie in one queue for each player. Who asks for them may wait (kinora_player_wait_event), be called
 * (kinora_player_set_wakeup) or watch a descriptor (kinora_player_wakeup_fd). Each has its name and its fields as JSON; a fault is
 * given as such. docs/events.md lists them. A program that never asks loses events, and nothing else.
 *
 * THREADS. There is no state outside of handles. A player may be used by several threads at a time, but for kinora_player_free,
 * which is the last call of all. Everything else (builders, readers, events, frames, faults) may go from thread to thread, but is
 * used by one at a time. Functions return at once, except those that say that they wait, and those of readers, which read and
 * decode on the caller's thread. Callbacks of sinks and wake-ups come on threads of the player, never two of one sink at a time;
 * they must neither free that player nor jump out of the callback (longjmp, exceptions). A sink may give the player commands.
 *
 * MEMORY. What a function gives out by a pointer to a handle belongs to the caller, who frees it by the function of its kind:
 *
 *     kinora_builder *        kinora_builder_free, or kinora_builder_build
 *     kinora_player *         kinora_player_free
 *     kinora_event *          kinora_event_free        (its name, JSON and fault are lent, and end with it)
 *     kinora_fault *          kinora_fault_free
 *     kinora_frame *          kinora_frame_free        (its planes are lent, and end with the last owner)
 *     kinora_samples *        kinora_samples_free
 *     kinora_*_reader *       kinora_*_reader_free     (what it gave lives on)
 *     char *                  kinora_text_free, never free()
 *
 * All of these take NULL and do nothing. What a program gives (texts, JSON, tables of functions) is copied before the call returns;
 * the `data` of a sink must live until its `destroy`, that of a wake-up until it is taken back.
 *
 * TEXTS are UTF-8 and end with a zero. A `char *` that is answered belongs to the caller: kinora_text_free. A `const char *` is
 * lent, as long as what it was asked of lives.
 *
 * TIMES are in microseconds unless their names say otherwise.
 *
 * VERSIONS. A struct begins with its `size`: set it to sizeof before the call. A program that was built with an older header then
 * keeps working: it gets, and gives, what that header had. Functions and numbers are added, never changed, within one soname.
 */
#ifndef KINORA_H
#define KINORA_H

#include <stddef.h>
#include <stdint.h>

#include "kinora_codes.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32) && !defined(KINORA_STATIC)
#define KINORA_API __declspec(dllimport)
#else
#define KINORA_API
#endif

/* Raised whenever something is added to this header. */
#define KINORA_API_VERSION 2u

#define KINORA_OK 0u

typedef struct kinora_builder kinora_builder;
typedef struct kinora_player kinora_player;
typedef struct kinora_event kinora_event;
typedef struct kinora_fault kinora_fault;
typedef struct kinora_frame kinora_frame;
typedef struct kinora_samples kinora_samples;
typedef struct kinora_video_reader kinora_video_reader;
typedef struct kinora_audio_reader kinora_audio_reader;

/* ---- The library ------------------------------------------------------------------------------------------------------- */

/* KINORA_API_VERSION of the library; it can do what this header says if it is not less than the header's. */
KINORA_API uint32_t kinora_api_version(void);
/* The version of the library: "0.1.0". */
KINORA_API const char *kinora_version(void);
/* Frees a text that was answered; NULL is nothing. */
KINORA_API void kinora_text_free(char *text);

/* ---- The error table --------------------------------------------------------------------------------------------------- */

/* The name of a number: "ERROR_NETWORK_HTTP_404". */
KINORA_API char *kinora_code_name(uint32_t code);
/* What is known of a number (decimal, hexadecimal), a name, or words in English or Chinese: JSON, as `kinora explain --json`
 * writes it. NULL if the query is NULL or not in UTF-8. */
KINORA_API char *kinora_explain(const char *query);

/* The number; KINORA_OK for NULL. */
KINORA_API uint32_t kinora_fault_code(const kinora_fault *fault);
/* All of it for a person, in "en" or "zh". URLs in it are masked. */
KINORA_API char *kinora_fault_report(const kinora_fault *fault, const char *language);
/* All of it for a machine: JSON with `code`, `name`, `reason`, `causes`, the place. */
KINORA_API char *kinora_fault_json(const kinora_fault *fault);
/* Not for one that an event lends. */
KINORA_API void kinora_fault_free(kinora_fault *fault);

/* ---- Pictures and samples ---------------------------------------------------------------------------------------------- */

/* How the samples of a picture lie. Those of more than 8 bits take two bytes, little endian, value in the low bits. */
typedef enum kinora_pixel_format {
    KINORA_PIXEL_GRAY8 = 1,
    KINORA_PIXEL_GRAY10 = 2,
    KINORA_PIXEL_I420 = 3,
    KINORA_PIXEL_I422 = 4,
    KINORA_PIXEL_I444 = 5,
    KINORA_PIXEL_I420P10 = 6,
    KINORA_PIXEL_I422P10 = 7,
    KINORA_PIXEL_I444P10 = 8,
    KINORA_PIXEL_I420P12 = 9,
    KINORA_PIXEL_I422P12 = 10,
    KINORA_PIXEL_I444P12 = 11,
    KINORA_PIXEL_NV12 = 12,
    /* As NV12, of 10 bit in the high bits of samples of two bytes. */
    KINORA_PIXEL_P010 = 13
} kinora_pixel_format;

/* A picture. The planes live as long as a kinora_frame of it. */
typedef struct kinora_picture {
    size_t size;
    uint32_t width, height; /* Of what is to be seen. */
    int32_t format;         /* kinora_pixel_format; later versions may add some. */
    uint32_t plane_count;
    int64_t pts, duration; /* A duration of 0 is unknown. */
    const uint8_t *planes[4];
    size_t strides[4];     /* Bytes from one row to the next. */
    size_t plane_sizes[4]; /* Bytes that may be read from planes[i] on. */
    uint32_t pixel_aspect_num, pixel_aspect_den;
    uint32_t rotation; /* Degrees clockwise by which it is to be turned. */
    uint32_t mirror;   /* After that: 1 left and right, 2 top and bottom. */
    uint8_t color_primaries, color_transfer, color_matrix; /* ITU-T H.273; 2 is unspecified. */
    uint8_t color_full_range;
} kinora_picture;

/* Describes a frame; set picture->size first. EINVAL where that is less than any version of the struct had. */
KINORA_API uint32_t kinora_frame_describe(const kinora_frame *frame, kinora_picture *picture);
/* Its format as FFmpeg calls it: "yuv420p". */
KINORA_API char *kinora_frame_format_name(const kinora_frame *frame);
/* Another owner of the same samples: how a sink keeps a frame beyond its call. Decoders reuse memory: who keeps many frames
 * keeps much. */
KINORA_API kinora_frame *kinora_frame_ref(const kinora_frame *frame);
/* Writes it as PNG, turned upright and in its own shape. It converts and writes before it returns. Fails with the errno of the
 * file. */
KINORA_API uint32_t kinora_frame_write_png(const kinora_frame *frame, const char *path, kinora_fault **fault);
/* Gives up this owner. */
KINORA_API void kinora_frame_free(kinora_frame *frame);

/* Samples: 32-bit floats, one of each channel in turn. They live as long as their kinora_samples. */
typedef struct kinora_audio {
    size_t size;
    int64_t pts;
    const float *samples;
    size_t frames; /* Samples of one channel. */
    uint32_t sample_rate, channels;
} kinora_audio;

/* Describes samples; set audio->size first. EINVAL as for kinora_frame_describe. */
KINORA_API uint32_t kinora_samples_describe(const kinora_samples *samples, kinora_audio *audio);
KINORA_API void kinora_samples_free(kinora_samples *samples);

/* ---- Sinks -------------------------------------------------------------------------------------------------------------- */

/* What takes pictures. The functions are called one after the other, on a thread of the player; any may be NULL. One that
 * answers an int says 0, an errno, or a number of kinora_codes.h; the player tells it as its own error. */
typedef struct kinora_video_sink {
    size_t size;
    void *data; /* The first argument of all of them. */
    /* A picture to be seen in `ahead` microseconds (0 or less: now). It is lent for the call; see kinora_frame_ref. A slow sink
     * is given fewer pictures. */
    int32_t (*present)(void *data, const kinora_frame *frame, int64_t ahead);
    void (*flush)(void *data);                       /* Playback jumps: what is held back is worthless. */
    void (*set_paused)(void *data, int32_t is_paused);
    void (*clear)(void *data);                       /* Nothing is to be seen any more. */
    int32_t (*finish)(void *data);                   /* Nothing follows. */
    void (*destroy)(void *data);                     /* No function is called any more. */
} kinora_video_sink;

/* What takes samples and keeps the time: a queue with a clock, whose position the pictures follow. `now` is the player's clock.
 * With `configure` that answers other than 0 other formats are offered, to which samples are converted. */
typedef struct kinora_audio_sink {
    size_t size;
    void *data;
    int32_t (*configure)(void *data, uint32_t sample_rate, uint32_t channels); /* The count of `played` begins at 0. */
    int32_t (*queue)(void *data, int64_t now, const float *samples, size_t frames);
    uint64_t (*played)(void *data, int64_t now); /* Samples of one channel that were heard since `configure` or `flush`. */
    void (*run)(void *data, int64_t now);
    void (*hold)(void *data, int64_t now);
    void (*flush)(void *data, int64_t now); /* Forget what is queued; the count begins at 0. */
    void (*drain)(void *data, int64_t now); /* What is queued is the last, as far as is known. */
    int32_t (*finish)(void *data);
    void (*destroy)(void *data);
} kinora_audio_sink;

/* ---- Putting a player together ------------------------------------------------------------------------------------------- */

/* A builder of a player with the documented settings, without sinks. */
KINORA_API kinora_builder *kinora_builder_new(void);
/* Gives up. Not after kinora_builder_build. */
KINORA_API void kinora_builder_free(kinora_builder *builder);

/* Settings, as a JSON object of those that differ from the documented ones; durations are in milliseconds:
 * {"network_timeout": 15000, "network_retry_count": 2, "max_buffer": 50000, "start_buffer": 500, "high_buffer": 3000,
 *  "max_delay": 5000, "position_interval": 500, "live_start_index": -3, "prefer_audio": true,
 *  "audio_language": "de", "enable_sei": true, ...}
 * EINVAL for what is no such object; the fault names the setting that is not known, or whose value is not taken. */
KINORA_API uint32_t kinora_builder_config(kinora_builder *builder, const char *json, kinora_fault **fault);
/* How requests are made, as a JSON object: user_agent, referer, headers (list of "Name: value"), proxy (a URL), keep_cookies,
 * redirect_limit, connect_timeout, first_byte_timeout, stall_timeout (milliseconds), extra_ca (PEM). EINVAL as above. */
KINORA_API uint32_t kinora_builder_network(kinora_builder *builder, const char *json, kinora_fault **fault);
/* Keeps what the web gives: a JSON object with dir, and perhaps max_size, min_free (bytes), max_age, max_duration (milliseconds),
 * ignore_query (names of parameters that do not tell one film from another). EINVAL as above. */
KINORA_API uint32_t kinora_builder_cache(kinora_builder *builder, const char *json, kinora_fault **fault);
/* A content key of common encryption; both in 32 hexadecimal digits, else EINVAL. */
KINORA_API uint32_t kinora_builder_key(kinora_builder *builder, const char *id, const char *key, kinora_fault **fault);
/* Whether it begins to play by itself, once prepared. */
KINORA_API uint32_t kinora_builder_autoplay(kinora_builder *builder, int32_t on);
/* Where pictures and sound go; without, nowhere. The table is copied. EINVAL where it is NULL or its size is not set; then its
 * `destroy` is not called. */
KINORA_API uint32_t kinora_builder_video_sink(kinora_builder *builder, const kinora_video_sink *sink);
KINORA_API uint32_t kinora_builder_audio_sink(kinora_builder *builder, const kinora_audio_sink *sink);
/* Builds, and starts the player's threads. The builder is freed by it, also when it fails; then *player is not written. */
KINORA_API uint32_t kinora_builder_build(kinora_builder *builder, kinora_player **player, kinora_fault **fault);

/* ---- The player ---------------------------------------------------------------------------------------------------------- */

/* The public state. */
typedef enum kinora_state {
    KINORA_STATE_IDLE = 0,
    KINORA_STATE_INITIALIZED = 1,
    KINORA_STATE_PREPARED = 2,
    KINORA_STATE_STARTED = 3,
    KINORA_STATE_PAUSED = 4,
    KINORA_STATE_STOPPED = 5,
    KINORA_STATE_COMPLETION = 6,
    KINORA_STATE_ERROR = 7
} kinora_state;

/* Commands return at once, on any thread, and are obeyed in the order in which they come; what comes of them is told by events. One
 * that can not be obeyed is told by KINORA_EVENT_COMMAND_REFUSED, and changes nothing. Their answers are KINORA_OK or EINVAL: a
 * handle or a text that is NULL, a text that is not in UTF-8, a number that means nothing. */

/* Sets a URL or path and prepares it. */
KINORA_API uint32_t kinora_player_open(const kinora_player *player, const char *url);
/* Sets a source without preparing it: {"url": …}; or {"vid": …, "play_auth": …}; or {"vid": …, "access_key_id": …,
 * "access_key_secret": …, "security_token": …}; with a vid perhaps "region" and "endpoint". What was set before
 * ends. */
KINORA_API uint32_t kinora_player_set_source(const kinora_player *player, const char *json, kinora_fault **fault);
/* Opens the source and decodes its first picture: KINORA_EVENT_PREPARED, or KINORA_EVENT_ERROR. */
KINORA_API uint32_t kinora_player_prepare(const kinora_player *player);
/* Plays, from where it is. */
KINORA_API uint32_t kinora_player_start(const kinora_player *player);
/* Holds, with the picture that is shown. Data go on coming, up to max_buffer. */
KINORA_API uint32_t kinora_player_pause(const kinora_player *player);
/* The next picture, and hold. */
KINORA_API uint32_t kinora_player_step(const kinora_player *player);
/* Ends playing; the source stays set, and may be prepared again. */
KINORA_API uint32_t kinora_player_stop(const kinora_player *player);
/* Ends playing and forgets the source. */
KINORA_API uint32_t kinora_player_reset(const kinora_player *player);
/* Tries again what has stopped after KINORA_ERROR_LOADING_TIMEOUT. */
KINORA_API uint32_t kinora_player_reload(const kinora_player *player);
/* The device has joined another network: connections of the old one are let go of, and what is under way is asked for again at
 * once. The same comes about by itself, once the network timeout has passed in silence. */
KINORA_API uint32_t kinora_player_network_reconnect(const kinora_player *player);
/* The system has little memory left, or no longer: meanwhile no more is held than ends a stall. On Linux a player finds out by
 * itself. */
KINORA_API uint32_t kinora_player_set_low_memory(const kinora_player *player, int32_t is_low);
/* Answers KINORA_EVENT_CREDENTIAL_EXPIRED: {"play_auth": …}; or {"access_key_id": …, "access_key_secret": …,
 * "security_token": …}; or {"url": …} of the same resource. EINVAL for what is no credential. */
KINORA_API uint32_t kinora_player_refresh(const kinora_player *player, const char *json, kinora_fault **fault);
/* The same with a play credential alone. */
KINORA_API uint32_t kinora_player_refresh_play_auth(const kinora_player *player, const char *play_auth);
/* As kinora_builder_config, for one that plays. */
KINORA_API uint32_t kinora_player_set_config(const kinora_player *player, const char *json, kinora_fault **fault);
/* To a time in microseconds: to the key frame before it, or exactly. KINORA_EVENT_SEEK_END tells that it is there. One that comes
 * while another is under way takes its place. */
KINORA_API uint32_t kinora_player_seek(const kinora_player *player, int64_t time, int32_t exact);
/* A track by its index in kinora_player_tracks; a negative one: the player chooses. */
KINORA_API uint32_t kinora_player_select_track(const kinora_player *player, int64_t index);
/* A file of subtitles beside the film; KINORA_EVENT_SUBTITLE_ADDED tells its index. */
KINORA_API uint32_t kinora_player_add_subtitle(const kinora_player *player, const char *url);
/* Shows subtitles, or hides them: external ones by the index of KINORA_EVENT_SUBTITLE_ADDED (1024 and more), those of the film by
 * that of kinora_player_tracks. */
KINORA_API uint32_t kinora_player_select_subtitle(const kinora_player *player, uint32_t index, int32_t is_shown);
/* Shows them so many microseconds later; sooner where it is negative. */
KINORA_API uint32_t kinora_player_set_subtitle_delay(const kinora_player *player, uint32_t index, int64_t delay);
/* As kinora_builder_key; answers KINORA_EVENT_KEY_REQUIRED. */
KINORA_API uint32_t kinora_player_add_key(const kinora_player *player, const char *id, const char *key, kinora_fault **fault);
/* The keys of a ClearKey licence (W3C Encrypted Media Extensions 9.1.4), which is JSON. */
KINORA_API uint32_t kinora_player_add_licence(const kinora_player *player, const char *json, kinora_fault **fault);
/* 0.5 to 2 with the pitch kept; 4 to 32 searches forward by key pictures, -4 to -32 back, without sound. */
KINORA_API uint32_t kinora_player_set_speed(const kinora_player *player, double speed);
/* A factor, 0 to 2; 1 is as recorded. */
KINORA_API uint32_t kinora_player_set_volume(const kinora_player *player, float volume);
/* Silence, at any volume. */
KINORA_API uint32_t kinora_player_set_mute(const kinora_player *player, int32_t is_muted);
/* Sound is heard so many microseconds later than its pictures are seen; earlier where it is negative. 10 seconds at most. */
KINORA_API uint32_t kinora_player_set_audio_delay(const kinora_player *player, int64_t delay);
/* Begins again at the end, each time with KINORA_EVENT_LOOPING_START. */
KINORA_API uint32_t kinora_player_set_loop(const kinora_player *player, int32_t is_looped);
/* Plays a part again and again (A-B); one that does not end behind its begin: no longer. */
KINORA_API uint32_t kinora_player_set_repeat(const kinora_player *player, int64_t from, int64_t to);
/* As kinora_builder_autoplay; set it before kinora_player_prepare. */
KINORA_API uint32_t kinora_player_set_autoplay(const kinora_player *player, int32_t on);
/* Ends what plays in the presentation's place (an interstitial); refused where that may not be skipped. */
KINORA_API uint32_t kinora_player_skip_interstitial(const kinora_player *player);
/* In which area pictures are seen, in pixels: no larger rendition is chosen by itself than fills it. 0 and 0: it is not known. */
KINORA_API uint32_t kinora_player_set_viewport(const kinora_player *player, uint32_t width, uint32_t height);
/* Turns pictures by 0, 90, 180 or 270 degrees clockwise, and then mirrors them: 0 not, 1 left and right, 2 top and bottom. */
KINORA_API uint32_t kinora_player_set_orientation(const kinora_player *player, uint32_t degrees, uint32_t mirror);
/* How pictures lie in the area of a sink that has one: 0 fit, 1 fill, 2 stretch. */
KINORA_API uint32_t kinora_player_set_scale_mode(const kinora_player *player, uint32_t mode);

/* What follows asks, at once and on any thread; of NULL the answer is that of a player that has nothing. */

/* A kinora_state; later versions may add some. */
KINORA_API int32_t kinora_player_state(const kinora_player *player);
/* Where playback is, in microseconds. */
KINORA_API int64_t kinora_player_position(const kinora_player *player);
/* Up to where data are there, in microseconds of the same timeline. */
KINORA_API int64_t kinora_player_buffered(const kinora_player *player);
/* In microseconds; negative where it is unknown or live. */
KINORA_API int64_t kinora_player_duration(const kinora_player *player);
/* The chapter that plays, by its place among those of kinora_player_media_info; negative: none. */
KINORA_API int64_t kinora_player_chapter(const kinora_player *player);
/* Those that were asked for last. */
KINORA_API double kinora_player_speed(const kinora_player *player);
KINORA_API float kinora_player_volume(const kinora_player *player);
/* Container, duration, tracks, chapters, attachments as a JSON object; NULL before it is prepared. */
KINORA_API char *kinora_player_media_info(const kinora_player *player);
/* What can be chosen, as a JSON list of objects with index, type, label, bandwidth, width, height, selected. */
KINORA_API char *kinora_player_tracks(const kinora_player *player);
/* The picture that is shown, to be freed; NULL before the first. */
KINORA_API kinora_frame *kinora_player_snapshot(const kinora_player *player);

/* Ends everything and WAITS until the sinks have written what they hold, at most so many milliseconds. Its fault is what a sink
 * could not write, or ETIMEDOUT. */
KINORA_API uint32_t kinora_player_release(const kinora_player *player, uint32_t limit, kinora_fault **fault);
/* Whether it is released and its last event was given. */
KINORA_API int32_t kinora_player_is_released(const kinora_player *player);
/* Releases it, which WAITS a second at most, and frees it: the last call on it, with no other under way. Its wake-up function
 * is not called any more when this returns. */
KINORA_API void kinora_player_free(kinora_player *player);

/* ---- Events -------------------------------------------------------------------------------------------------------------- */

typedef enum kinora_event_kind_t {
    KINORA_EVENT_OTHER = 0, /* See its name. */
    KINORA_EVENT_STATE_CHANGED = 1,
    KINORA_EVENT_PREPARED = 2,
    KINORA_EVENT_AUTO_PLAY_START = 3,
    KINORA_EVENT_TRACKS_READY = 4,
    KINORA_EVENT_TRACK_CHANGED = 5,
    KINORA_EVENT_VIDEO_SIZE = 6,
    KINORA_EVENT_FIRST_FRAME = 7,
    KINORA_EVENT_COMPLETION = 8,
    KINORA_EVENT_LOOPING_START = 9,
    KINORA_EVENT_LOADING_BEGIN = 10,
    KINORA_EVENT_LOADING_PROGRESS = 11,
    KINORA_EVENT_LOADING_END = 12,
    KINORA_EVENT_SEEK_END = 13,
    KINORA_EVENT_POSITION = 14,
    KINORA_EVENT_BUFFERED_POSITION = 15,
    KINORA_EVENT_DOWNLOAD_SPEED = 16,
    KINORA_EVENT_INFO = 17,
    KINORA_EVENT_COMMAND_REFUSED = 18,
    KINORA_EVENT_SUBTITLE_ADDED = 19,
    KINORA_EVENT_SUBTITLE_FAILED = 20,
    KINORA_EVENT_SUBTITLE_SHOWN = 21,
    KINORA_EVENT_SUBTITLE_HIDDEN = 22,
    KINORA_EVENT_KEY_REQUIRED = 23,
    KINORA_EVENT_CREDENTIAL_EXPIRED = 24,
    KINORA_EVENT_RECOVERED = 25, /* A failure that was mended. */
    KINORA_EVENT_ERROR = 26      /* A failure that was not. */
} kinora_event_kind_t;

/* WAITS so many milliseconds for the next event; negative: until one comes. NULL: none came, or none can come any more
 * (kinora_player_is_released). Each event is given once, whoever asks. 1,024 events wait for a program that does not ask; then
 * those that repeat (positions) are left out. */
KINORA_API kinora_event *kinora_player_wait_event(const kinora_player *player, int64_t limit);
/* A kinora_event_kind_t; KINORA_EVENT_OTHER for one that this version of the header does not number. */
KINORA_API int32_t kinora_event_kind(const kinora_event *event);
/* Its name, as docs/events.md lists it: "first_frame". Lent. */
KINORA_API const char *kinora_event_name(const kinora_event *event);
/* Its name and fields, as a JSON object. Lent. */
KINORA_API const char *kinora_event_json(const kinora_event *event);
/* What failed; NULL where nothing did. Lent. */
KINORA_API const kinora_fault *kinora_event_fault(const kinora_event *event);
KINORA_API void kinora_event_free(kinora_event *event);

/* For an event loop: a function that is called when events have come. It comes on a thread of the player, must return soon and
 * ask the player nothing: it wakes the loop, which then asks kinora_player_wait_event(player, 0) until that is NULL. NULL takes
 * it back: it does not run any more when this returns. */
KINORA_API uint32_t kinora_player_set_wakeup(const kinora_player *player, void (*function)(void *data), void *data);
/* For poll, epoll, select: a descriptor that can be read while events may wait. Ask kinora_player_wait_event(player, 0) until
 * that is NULL; do not read it yourself, nor close it. It lives as long as the player. */
KINORA_API uint32_t kinora_player_wakeup_fd(const kinora_player *player, int *descriptor, kinora_fault **fault);

/* ---- Reading without playing --------------------------------------------------------------------------------------------- */

/* `network` is the JSON of kinora_builder_network, or NULL. These functions WAIT: for the network within its limits, and for
 * decoders. Their faults are those of the source (not found, no container that is known, a decoder that fails) and EINVAL. After a
 * fault of `next` a reader may be asked again or for another time; one that has ended answers NULL each time. */

/* What a source holds, as a JSON object: container, duration, tracks, chapters. */
KINORA_API uint32_t kinora_probe(const char *url, const char *network, char **info, kinora_fault **fault);

/* The pictures of a source, in presentation order, as fast as the machine can. `threads` decode it: 1 to 64. */
KINORA_API uint32_t kinora_video_reader_open(const char *url, const char *network, uint32_t threads,
                                             kinora_video_reader **reader, kinora_fault **fault);
/* The next picture is the one that is on screen at that time (microseconds). */
KINORA_API uint32_t kinora_video_reader_seek(kinora_video_reader *reader, int64_t time, kinora_fault **fault);
/* *frame is NULL at the end. */
KINORA_API uint32_t kinora_video_reader_next(kinora_video_reader *reader, kinora_frame **frame, kinora_fault **fault);
KINORA_API void kinora_video_reader_free(kinora_video_reader *reader);

/* The sound of a source, all samples as 32-bit floats. */
KINORA_API uint32_t kinora_audio_reader_open(const char *url, const char *network, kinora_audio_reader **reader,
                                             kinora_fault **fault);
/* The next samples begin at that time (microseconds), to the sample. */
KINORA_API uint32_t kinora_audio_reader_seek(kinora_audio_reader *reader, int64_t time, kinora_fault **fault);
/* *samples is NULL at the end. */
KINORA_API uint32_t kinora_audio_reader_next(kinora_audio_reader *reader, kinora_samples **samples, kinora_fault **fault);
KINORA_API void kinora_audio_reader_free(kinora_audio_reader *reader);

#ifdef __cplusplus
}
#endif

#endif
