'use strict';

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { pathToFileURL } = require('node:url');

// Where the package is: beside, or where the tests have laid it out.
const PACKAGE = process.env.KINORA_PACKAGE ?? path.join(__dirname, '..');
const kinora = require(PACKAGE);
const { Player } = kinora;

// Whatever is waited for takes no longer.
const LIMIT = { timeout: 60_000 };

let folder;
let clip;
let server;
let address;

before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kinora-node-'));
  clip = path.join(folder, 'clip.mp4');
  const made = '-nostdin -v error -y -f lavfi -i testsrc2=size=160x120:rate=25:duration=1 -f lavfi -i sine=duration=1 '
    + '-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac -shortest';
  execFileSync('ffmpeg', [...made.split(' '), clip]);
  server = http.createServer((request, response) => {
    if (request.url !== '/clip.mp4') {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'Content-Length': fs.statSync(clip).size });
    fs.createReadStream(clip).pipe(response);
  });
  return new Promise((listening) => {
    server.listen(0, '127.0.0.1', () => {
      address = `http://127.0.0.1:${server.address().port}`;
      listening();
    });
  });
});

after(() => {
  server.close();
  server.closeAllConnections?.();
  fs.rmSync(folder, { recursive: true });
});

const near = (a, b, by = 0.001) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);

test('a player plays to the end, and its events end with it', LIMIT, async () => {
  const player = new Player(clip, { autoplay: true });
  const names = [];
  for await (const event of player) {
    names.push(event.name);
    if (event.name === 'completion') break;
  }
  for (const name of ['prepared', 'first_frame', 'completion']) {
    assert.equal(names.filter((it) => it === name).length, 1, name);
  }
  assert.equal(player.state, 'completion');
  near(player.duration, 1, 0.1);
  assert.deepEqual(new Set(player.mediaInfo().tracks.map((it) => it.type)), new Set(['video', 'audio']));
  assert.equal(player.snapshot().planes[0].length, 160 * 120);
  await player.release();
  for await (const event of player) assert.equal(event.name, 'state_changed');
  assert.ok(player.released);
  assert.equal(await player.nextEvent(), null);
});

test('pictures and sound go to the outputs that are named', LIMIT, async () => {
  const [frames, sound] = [path.join(folder, 'frames'), path.join(folder, 'sound.wav')];
  const player = new Player({ video: `png:${frames}`, audio: `wav:${sound}`, autoplay: true });
  player.open(pathToFileURL(clip));
  await player.wait('completion');
  await player.release();
  assert.equal(fs.readdirSync(frames).length, 25);
  assert.ok(fs.statSync(sound).size > 44_100);
});

test('what is asked for is told, and what can not be is refused', LIMIT, async () => {
  const player = new Player();
  player.start();
  const refused = await player.wait('command_refused');
  assert.equal(refused.fields.command, 'start');
  Object.assign(player, { speed: 1.5, volume: 0.5, muted: true, looping: true, rotation: 90, mirror: 'horizontal', scaleMode: 'fill' });
  player.setConfig({ max_buffer: 30_000 });
  assert.deepEqual(
    [player.speed, player.volume, player.muted, player.looping, player.rotation, player.mirror, player.scaleMode],
    [1.5, 0.5, true, true, 90, 'horizontal', 'fill'],
  );
  player.looping = false;
  player.open(clip);
  await player.wait('prepared');
  player.seek(0.5, { exact: true });
  const done = await player.wait('seek_done');
  near(done.fields.pts, 0.48);
  await player.release();
});

test('several wait for events, and each event is given once', LIMIT, async () => {
  const player = new Player();
  const waiting = [player.nextEvent(), player.nextEvent(), player.nextEvent()];
  player.start();
  player.pause();
  const first = await Promise.race(waiting);
  assert.equal(first.name, 'command_refused');
  await player.release();
  const told = (await Promise.all(waiting)).map((it) => it?.fields.command ?? null);
  assert.deepEqual(told.filter((it) => it !== null).sort(), ['pause', 'start']);
});

test('frames have the samples that FFmpeg decodes', LIMIT, async () => {
  const expected = execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', clip, '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-']);
  let count = 0;
  for await (const frame of kinora.frames(clip)) {
    const samples = Buffer.concat(frame.planes);
    assert.ok(samples.equals(expected.subarray(count * samples.length, (count + 1) * samples.length)), `picture ${count}`);
    near(frame.pts, count / 25);
    count += 1;
  }
  assert.equal(count, 25);
});

test('a frame becomes pixels and a PNG file, from the time that is asked for', LIMIT, async () => {
  for await (const frame of kinora.frames(clip, { start: 0.5 })) {
    near(frame.pts, 0.48);
    const { width, height, data } = frame.rgb();
    assert.deepEqual([width, height, data.length], [160, 120, 160 * 120 * 3]);
    assert.equal(frame.png().toString('latin1', 1, 4), 'PNG');
    break;
  }
});

test('samples are floats', LIMIT, async () => {
  let length = 0;
  for await (const block of kinora.samples(clip)) {
    assert.equal(block.sampleRate, 44_100);
    assert.ok(block.data instanceof Float32Array);
    length += block.data.length / block.channels;
  }
  near(length, 44_100, 1_024);
});

test('what fails is an error with number, reason and remedy', LIMIT, async () => {
  const missing = path.join(folder, 'nowhere.mp4');
  const isMissing = (error) => {
    assert.ok(error instanceof kinora.PlaybackError && error instanceof kinora.KinoraError);
    assert.equal(error.number, 0x20080002);
    assert.equal(error.code, 'ERROR_GENERAL_ENOENT');
    assert.ok(error.reason && error.meaning && error.remedy);
    assert.match(error.report('zh'), /处理/);
    return true;
  };
  await assert.rejects(kinora.probe(missing), isMissing);
  await assert.rejects(kinora.frames(missing).next(), isMissing);
  const player = new Player(missing);
  await assert.rejects(player.wait('prepared'), isMissing);
  await player.release();
  await assert.rejects(kinora.probe(`${address}/nowhere.mp4?token=CANARY`), (error) => {
    assert.equal(error.code, 'ERROR_NETWORK_HTTP_404');
    assert.equal(error.detail.http_status, 404);
    assert.ok(!`${error.message}${error.report()}`.includes('CANARY'));
    return true;
  });
  await assert.rejects(kinora._panicForTests(), { code: 'ERROR_UNKNOWN_ERROR', reason: 'node.panic' });
});

test('a wrong setting is named', LIMIT, async () => {
  assert.throws(() => new Player({ config: { max_bufer: 1 } }), /did you mean `max_buffer`/);
  assert.throws(() => new Player({ autplay: true }), /did you mean `autoplay`/);
  const player = new Player();
  assert.throws(() => { player.rotation = 45; }, kinora.KinoraError);
  await player.release();
});

test('probe, explain and diagnose tell', LIMIT, async () => {
  for (const source of [clip, `${address}/clip.mp4`]) {
    const info = await kinora.probe(source);
    assert.deepEqual(new Set(info.tracks.map((it) => it.codec)), new Set(['h264', 'aac']));
  }
  assert.equal(kinora.explain('ERROR_NETWORK_HTTP_404').matches[0].name, 'ERROR_NETWORK_HTTP_404');
  assert.equal(kinora.codeName(0x20080002), 'ERROR_GENERAL_ENOENT');
  assert.deepEqual((await kinora.diagnose(clip, { seconds: 0.2 })).verdict, { good: true });
  const { verdict } = await kinora.diagnose(path.join(folder, 'nowhere.mp4'), { seconds: 0 });
  assert.equal(verdict.step, 'file');
});

test('a player that nobody waits for lets the process end', LIMIT, () => {
  const program = `const { Player } = require(${JSON.stringify(PACKAGE)}); new Player(${JSON.stringify(clip)}); console.log('ends');`;
  const ended = spawnSync(process.execPath, ['-e', program], { timeout: 30_000, encoding: 'utf8' });
  assert.deepEqual([ended.status, ended.stdout], [0, 'ends\n'], ended.stderr);
});
