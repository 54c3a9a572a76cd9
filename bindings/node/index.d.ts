/**
 * Kinora, an open video player SDK.
 *
 * `Player` plays; `frames` and `samples` give pictures and sound as typed arrays without playing; `probe` tells what a source holds,
 * `diagnose` why it does not play, `explain` what a number means. What fails is a `KinoraError` with its number, its reason and its
 * remedy. Times are in seconds unless their names say otherwise.
 */

/** A path, or a URL. */
export type Location = string | URL;

/** What to play: a URL; or a video of a service, by its id. */
export type Source =
  | { url: string }
  | { vid: string; play_auth: string; region?: string; endpoint?: string }
  | {
      vid: string;
      access_key_id: string;
      access_key_secret: string;
      security_token: string;
      region?: string;
      endpoint?: string;
    };

/** How requests are made. Times are in milliseconds. */
export interface Network {
  user_agent?: string;
  referer?: string;
  /** `Name: value` each. */
  headers?: string[];
  proxy?: string;
  keep_cookies?: boolean;
  redirect_limit?: number;
  connect_timeout?: number;
  first_byte_timeout?: number;
  stall_timeout?: number;
  /** Certificates in PEM. */
  extra_ca?: string;
}

export interface ReadOptions {
  network?: Network;
  /** Content keys by their ids, in hexadecimal digits. */
  keys?: Record<string, string>;
  /** From the picture, or the sample, of that time on. */
  start?: number;
}

export interface PlayerOptions {
  /** Begins to play by itself, once prepared. */
  autoplay?: boolean;
  /** `png:DIR`, `y4m:FILE`, `yuv:FILE`, `sheet:FILE`, `terminal`; without it nothing is seen, in time. */
  video?: string;
  /** `auto`, `pulse`, `alsa`, `wav:FILE`; without it nothing is heard, in time. */
  audio?: string;
  /** The documented settings, durations in milliseconds. */
  config?: Record<string, unknown>;
  network?: Network;
  /** Where what the web gives is kept; sizes in bytes, times in milliseconds. */
  cache?: {
    dir: string;
    max_size?: number;
    min_free?: number;
    max_age?: number;
    max_duration?: number;
    ignore_query?: string[];
  };
  /** Content keys by their ids, in hexadecimal digits. */
  keys?: Record<string, string>;
}

/** Container, duration, tracks, chapters. */
export type MediaInfo = Record<string, any>;

/** Something that can be chosen. */
export interface Track {
  index: number;
  type: string;
  label: string | null;
  bandwidth: number | null;
  width: number | null;
  height: number | null;
  selected: boolean;
}

/** What failed: one stable number, the place, the cause and the remedy. There is one class for each group of the table. */
export class KinoraError extends Error {
  protected constructor(told: never);
  /** The number: `0x20050194`. */
  readonly number: number;
  /** The name of the number: `ERROR_NETWORK_HTTP_404`. */
  readonly code: string;
  /** The group, which the class stands for: `playback`. */
  readonly group: string;
  /** A stable word, more precise than the number: `tls.expired`. */
  readonly reason: string;
  /** Whose matter it is: content, network, service, device, caller, internal. */
  readonly origin: string | null;
  /** Whether trying again may help: never, now, backoff, after_refresh, after_user. */
  readonly retry: string;
  readonly meaning: string;
  readonly remedy: string;
  /** What led to it, from the symptom down. */
  readonly causes: string[];
  /** All that is known of it. */
  readonly detail: Record<string, any>;
  /** All of it for a person. */
  report(language?: 'en' | 'zh'): string;
}
export class RequestError extends KinoraError {}
export class PopError extends KinoraError {}
export class VodError extends KinoraError {}
export class MpsError extends KinoraError {}
export class PlaybackError extends KinoraError {}
export class DownloadError extends KinoraError {}
export class PrivateEncryptionError extends KinoraError {}
export class LiveShiftError extends KinoraError {}
export class ArtpError extends KinoraError {}

/** A decoded picture. */
export class Frame {
  protected constructor(native: never);
  readonly pts: number;
  /** 0 where it is unknown. */
  readonly duration: number;
  /** Pixels, as it is coded: not turned. */
  readonly width: number;
  /** Pixels, as it is coded: not turned. */
  readonly height: number;
  /** How its samples lie, as FFmpeg calls it: `yuv420p`. */
  readonly format: string;
  /** Bits of a sample. */
  readonly bits: number;
  /** Degrees clockwise by which it is to be turned. */
  readonly rotation: number;
  /** The samples of each plane, row after row, of `Uint16Array` where they have more than 8 bits. */
  readonly planes: (Uint8Array | Uint16Array)[];
  /** Red, green, blue; upright, in its own shape. */
  rgb(): { width: number; height: number; data: Uint8Array };
  /** A PNG file; upright, in its own shape. */
  png(): Uint8Array;
}

/** Decoded sound. */
export class Samples {
  protected constructor(native: never);
  readonly pts: number;
  /** Samples of one channel in a second. */
  readonly sampleRate: number;
  readonly channels: number;
  /** One of each channel in turn. */
  readonly data: Float32Array;
}

/** Something that happened; docs/events.md lists the names with their fields. */
export class PlayerEvent {
  protected constructor(told: never);
  /** `first_frame`, `completion`, `error`, ... */
  readonly name: string;
  readonly fields: Record<string, any>;
  /** What failed, in events that tell of a failure. */
  readonly error: KinoraError | null;
}

/**
 * Plays one source at a time. Commands return at once; what comes of them is told by events. One that can not be obeyed changes
 * nothing and is told by `command_refused`.
 *
 * The events are an async iterator, which ends when the player is released; each event is given once, whoever asks. A player keeps the
 * process alive only while its events are waited for. One that is merely forgotten ends too, without waiting for what its outputs
 * hold.
 *
 *     const player = new Player('film.mp4', { audio: 'auto', autoplay: true });
 *     for await (const event of player) if (event.name === 'completion') break;
 *     await player.release();
 */
export class Player implements AsyncIterable<PlayerEvent> {
  constructor(source?: Location | Source | null, options?: PlayerOptions);
  constructor(options: PlayerOptions);
  /** Sets a source and prepares it. */
  open(source: Location | Source): void;
  setSource(source: Source): void;
  /** Opens the source and decodes its first picture: `prepared`, or `error`. */
  prepare(): void;
  start(): void;
  pause(): void;
  /** Shows the next picture and holds. */
  step(): void;
  /** Ends playing; the source stays set. */
  stop(): void;
  /** Ends playing and forgets the source. */
  reset(): void;
  /** Tries again what has stopped after `ERROR_LOADING_TIMEOUT`. */
  reload(): void;
  networkReconnect(): void;
  setLowMemory(low: boolean): void;
  /** Answers `credential_expired`. */
  refresh(
    credential:
      | { play_auth: string }
      | { access_key_id: string; access_key_secret: string; security_token: string }
      | { url: string },
  ): void;
  /** Changes settings, durations in milliseconds. */
  setConfig(settings: Record<string, unknown>): void;
  /** To a time: to the key picture before it, or exactly. `seek_done` follows. */
  seek(time: number, options?: { exact?: boolean }): void;
  /** A track by its index in `tracks()`; without one the player chooses. */
  selectTrack(index?: number): void;
  /** Reads a file of subtitles beside the source; `subtitle_added` tells its index. */
  addSubtitle(url: Location): void;
  selectSubtitle(index: number, shown?: boolean): void;
  setSubtitleDelay(index: number, delay: number): void;
  /** Sound is heard so many seconds later than its pictures are seen; earlier where it is negative. 10 at most. */
  setAudioDelay(delay: number): void;
  /** A content key, both in hexadecimal digits. */
  addKey(id: string, key: string): void;
  /** The keys of a ClearKey licence. */
  addLicence(licence: string): void;
  /** Plays a part again and again; without one: no longer. */
  setRepeat(begin?: number, end?: number): void;
  skipInterstitial(): void;
  /** In which area pictures are seen, in pixels. */
  setViewport(width?: number, height?: number): void;
  /** 0.5 to 2 with the pitch kept; 4 to 32 and -4 to -32 search by key pictures. */
  speed: number;
  /** 0 to 2; 1 is as recorded. */
  volume: number;
  muted: boolean;
  /** Begins again at the end. */
  looping: boolean;
  autoplay: boolean;
  /** Degrees by which pictures are turned, beyond what the source says. */
  rotation: number;
  mirror: string;
  scaleMode: string;
  readonly state: string;
  readonly position: number;
  /** Up to where the data is there. */
  readonly buffered: number;
  /** Null where it is unknown or live. */
  readonly duration: number | null;
  readonly chapter: number | null;
  /** Bits a second that arrive. */
  readonly downloadSpeed: number;
  /** Whether it has ended: no event can come any more. */
  readonly released: boolean;
  /** Null before it is prepared. */
  mediaInfo(): MediaInfo | null;
  tracks(): Track[];
  /** The picture that is shown; null before the first. */
  snapshot(): Frame | null;
  /** The next event; null when none can come any more. */
  nextEvent(): Promise<PlayerEvent | null>;
  /** The next event of one of these names, past all others. It is rejected by what `error` tells, unless that is waited for. */
  wait(...names: string[]): Promise<PlayerEvent>;
  /** Ends everything, and waits so many seconds at most until the outputs have written what they hold. */
  release(timeout?: number): Promise<void>;
  [Symbol.asyncIterator](): AsyncIterator<PlayerEvent>;
}

/** The pictures of a file or URL in the order in which they are shown, as fast as the machine can; closed when that is left. */
export function frames(source: Location, options?: ReadOptions & { threads?: number }): AsyncGenerator<Frame, void, void>;
/** The sound of a file or URL, as fast as the machine can. */
export function samples(source: Location, options?: ReadOptions): AsyncGenerator<Samples, void, void>;
/** What a file or URL holds. */
export function probe(source: Location, options?: ReadOptions): Promise<MediaInfo>;
/** Why a source does not play, and who must act, as `kinora diagnose --json` tells it. */
export function diagnose(
  source: Location | Source,
  options?: { seconds?: number; network?: Network },
): Promise<Record<string, any>>;
/** What a number, a name or words in English or Chinese mean, as `kinora explain --json` tells it. */
export function explain(query: number | string): Record<string, any>;
/** The name of a number: `ERROR_NETWORK_HTTP_404`. */
export function codeName(number: number): string;
/** The version of the library. */
export const version: string;
