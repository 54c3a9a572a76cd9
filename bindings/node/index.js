// Kinora for Node.js: what is JavaScript's way, on the native half beside it. index.d.ts documents all of it.
'use strict';

const { fileURLToPath } = require('node:url');
const { availableParallelism, cpus } = require('node:os');
const native = require('./kinora.node');

/** What failed. */
class KinoraError extends Error {
  #reports;
  constructor({ fault, en, zh }) {
    const because = fault.causes.length > 0 ? ` (${fault.causes[0]})` : '';
    const hex = fault.number.toString(16).toUpperCase().padStart(8, '0');
    super(`0x${hex} ${fault.name}: ${fault.meaning}${because} ${fault.remedy}`.trimEnd());
    this.name = new.target.name;
    this.#reports = { en, zh };
    this.code = fault.name;
    for (const field of ['number', 'group', 'reason', 'origin', 'retry', 'meaning', 'remedy', 'causes']) {
      this[field] = fault[field];
    }
    this.detail = fault;
  }
  report(language = 'en') {
    return language.startsWith('zh') ? this.#reports.zh : this.#reports.en;
  }
}
class RequestError extends KinoraError {}
class PopError extends KinoraError {}
class VodError extends KinoraError {}
class MpsError extends KinoraError {}
class PlaybackError extends KinoraError {}
class DownloadError extends KinoraError {}
class PrivateEncryptionError extends KinoraError {}
class LiveShiftError extends KinoraError {}
class ArtpError extends KinoraError {}

const OF_GROUP = {
  request: RequestError,
  pop: PopError,
  vod: VodError,
  mps: MpsError,
  playback: PlaybackError,
  download: DownloadError,
  private_encryption: PrivateEncryptionError,
  liveshift: LiveShiftError,
  artp: ArtpError,
};

function ofTold(told) {
  const Class = OF_GROUP[told.fault.group] ?? KinoraError;
  return new Class(told);
}

/** What the native half throws, as one of the classes: its message is JSON. */
function raised(error) {
  try {
    return ofTold(JSON.parse(error.message));
  } catch {
    return error;
  }
}

/** Does something of the native half, at once or by a promise. */
function tried(work) {
  try {
    const done = work();
    return done instanceof Promise ? done.catch((error) => { throw raised(error); }) : done;
  } catch (error) {
    throw raised(error);
  }
}

/** A path, or a URL as text; a `file:` URL object is its path. */
function location(source) {
  if (source instanceof URL) return source.protocol === 'file:' ? fileURLToPath(source) : source.href;
  return String(source);
}

const readOptions = ({ network, keys } = {}) => JSON.stringify({ network, keys });

class Frame {
  #native;
  #planes;
  constructor(picture) {
    this.#native = picture;
  }
  get pts() { return this.#native.pts; }
  get duration() { return this.#native.duration; }
  get width() { return this.#native.width; }
  get height() { return this.#native.height; }
  get format() { return this.#native.format; }
  get bits() { return this.#native.bits; }
  get rotation() { return this.#native.rotation; }
  get planes() {
    this.#planes ??= Array.from({ length: this.#native.planeCount }, (_, index) => {
      const bytes = this.#native.plane(index);
      return this.bits > 8 ? new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2) : bytes;
    });
    return this.#planes;
  }
  rgb() { return tried(() => this.#native.rgb()); }
  png() { return tried(() => this.#native.png()); }
}

class Samples {
  constructor(sound) {
    this.pts = sound.pts;
    this.sampleRate = sound.sampleRate;
    this.channels = sound.channels;
    this.data = sound.data();
  }
}

/** What a reader reads, one after the other. It is opened when the first is asked for, and closed when that ends or is left. */
async function* read(open, start, wrap) {
  const reader = await tried(open);
  try {
    if (start !== undefined) await tried(() => reader.seek(start));
    for (;;) {
      const one = await tried(() => reader.next());
      if (one === null) return;
      yield wrap(one);
    }
  } finally {
    await reader.close();
  }
}

function frames(source, { start, threads, ...options } = {}) {
  const processors = availableParallelism?.() ?? cpus().length;
  const open = () => native.openPictures(location(source), readOptions(options), threads ?? processors);
  return read(open, start, (picture) => new Frame(picture));
}

function samples(source, { start, ...options } = {}) {
  const open = () => native.openSound(location(source), readOptions(options));
  return read(open, start, (sound) => new Samples(sound));
}

class PlayerEvent {
  constructor({ event, told, ...fields }) {
    this.name = event;
    this.fields = fields;
    this.error = told === undefined ? null : ofTold(told);
  }
}

const NATIVE = Symbol('native');

class Player {
  constructor(source, options = {}) {
    if (source !== null && typeof source === 'object' && !(source instanceof URL) && !('url' in source || 'vid' in source)) {
      [source, options] = [undefined, source];
    }
    const player = tried(() => new native.NativePlayer(JSON.stringify(options)));
    Object.defineProperty(this, NATIVE, { value: player });
    if (source !== undefined && source !== null) this.open(source);
  }
  open(source) {
    if (typeof source === 'object' && !(source instanceof URL)) {
      this.setSource(source);
      this.prepare();
    } else {
      this[NATIVE].open(location(source));
    }
  }
  setSource(source) { tried(() => this[NATIVE].setSource(JSON.stringify(source))); }
  setConfig(settings) { tried(() => this[NATIVE].setConfig(JSON.stringify(settings))); }
  refresh(credential) { tried(() => this[NATIVE].refresh(JSON.stringify(credential))); }
  seek(time, { exact = false } = {}) { this[NATIVE].seek(time, exact); }
  addSubtitle(url) { this[NATIVE].addSubtitle(location(url)); }
  selectSubtitle(index, shown = true) { this[NATIVE].selectSubtitle(index, shown); }
  mediaInfo() { return JSON.parse(this[NATIVE].mediaInfo()); }
  tracks() { return JSON.parse(this[NATIVE].tracks()); }
  snapshot() {
    const picture = this[NATIVE].snapshot();
    return picture === null ? null : new Frame(picture);
  }
  release(timeout = 1) { return tried(() => this[NATIVE].release(timeout)); }

  async nextEvent() {
    for (;;) {
      const polled = this[NATIVE].poll();
      if (polled === null) return null;
      if (typeof polled === 'string') return new PlayerEvent(JSON.parse(polled));
      await polled;
    }
  }
  async *[Symbol.asyncIterator]() {
    for (let event; (event = await this.nextEvent()) !== null;) yield event;
  }
  async wait(...names) {
    for await (const event of this) {
      if (names.includes(event.name)) return event;
      if (event.name === 'error') throw event.error;
    }
    throw new Error(`the player was released: no ${names.join(' or ')} came`);
  }
  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() { await this.release(); }
}

// What is passed on as it is.
for (const name of [
  'prepare', 'start', 'pause', 'step', 'stop', 'reset', 'reload', 'networkReconnect', 'setLowMemory', 'selectTrack',
  'setSubtitleDelay', 'setAudioDelay', 'addKey', 'addLicence', 'setRepeat', 'skipInterstitial', 'setViewport',
]) {
  Player.prototype[name] = function (...given) {
    return tried(() => this[NATIVE][name](...given));
  };
}
for (const name of ['state', 'position', 'buffered', 'duration', 'chapter', 'downloadSpeed', 'released']) {
  Object.defineProperty(Player.prototype, name, { get() { return this[NATIVE][name](); } });
}
for (const name of ['speed', 'volume', 'muted', 'looping', 'autoplay', 'rotation', 'mirror', 'scaleMode']) {
  const setter = `set${name[0].toUpperCase()}${name.slice(1)}`;
  Object.defineProperty(Player.prototype, name, {
    get() { return this[NATIVE][name](); },
    set(value) { tried(() => this[NATIVE][setter](value)); },
  });
}

async function probe(source, options) {
  return JSON.parse(await tried(() => native.probe(location(source), readOptions(options))));
}

async function diagnose(source, { seconds = 10, network = {} } = {}) {
  const what = typeof source === 'object' && !(source instanceof URL) ? source : { url: location(source) };
  return JSON.parse(await tried(() => native.diagnose(JSON.stringify(what), JSON.stringify(network), seconds)));
}

module.exports = {
  ArtpError,
  DownloadError,
  Frame,
  KinoraError,
  LiveShiftError,
  MpsError,
  PlaybackError,
  Player,
  PlayerEvent,
  PopError,
  PrivateEncryptionError,
  RequestError,
  Samples,
  VodError,
  codeName: (number) => native.codeName(number),
  diagnose,
  explain: (query) => JSON.parse(native.explain(String(query))),
  frames,
  probe,
  samples,
  version: native.version(),
  _panicForTests: () => tried(() => native.panicForTests()),
};
