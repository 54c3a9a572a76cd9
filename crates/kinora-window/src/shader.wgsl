// Planes of video to the screen, and what lies over them.

struct Picture {
  // Left, top, width, height, in clip space.
  place: vec4f,
  // From a corner of what is seen to the place on the picture as coded, both of 0 to 1: two columns, and where the first corner lies.
  across: vec2f,
  down: vec2f,
  origin: vec2f,
  // Pixels of luma.
  size: vec2f,
  // A place in texels of colour is a place in those of luma times xy, plus zw.
  colour: vec4f,
  // Texels of colour.
  colour_size: vec2f,
  // 0: of screens, 1: PQ, 2: HLG.
  range: f32,
  // 1: samples are of two bytes.
  wide: f32,
  // What makes a sample of the components of a texel, for each of the three textures.
  weights: array<vec4f, 3>,
  // R, G and B of the signal from the three samples, and what is added.
  rows: array<vec4f, 3>,
}

@group(0) @binding(0) var<uniform> picture: Picture;
@group(0) @binding(1) var smooth_sampler: sampler;
@group(0) @binding(2) var first: texture_2d<f32>;
@group(0) @binding(3) var second: texture_2d<f32>;
@group(0) @binding(4) var third: texture_2d<f32>;

struct Corner {
  @builtin(position) position: vec4f,
  @location(0) at: vec2f,
}

// The corners of a strip: left top, right top, left bottom, right bottom.
fn corner_of(index: u32) -> vec2f {
  return vec2f(f32(index & 1u), f32(index >> 1u));
}

@vertex
fn picture_corner(@builtin(vertex_index) index: u32) -> Corner {
  let corner = corner_of(index);
  let coded = picture.origin + picture.across * corner.x + picture.down * corner.y;
  return Corner(
    vec4f(picture.place.xy + picture.place.zw * corner, 0.0, 1.0),
    coded * picture.size,
  );
}

// A sample between texels.
fn sample_at(texels: texture_2d<f32>, at: vec2f, size: vec2f, weights: vec4f) -> f32 {
  if (picture.wide < 0.5) {
    return dot(textureSampleLevel(texels, smooth_sampler, at / size, 0.0), weights);
  }
  // Samplers may round what lies between two bytes: high and low ones would no longer belong together.
  let corner = floor(at - 0.5);
  let share = at - 0.5 - corner;
  let last = vec2i(size) - 1;
  let near = clamp(vec2i(corner), vec2i(0), last);
  let far = clamp(vec2i(corner) + 1, vec2i(0), last);
  let above = mix(
    dot(textureLoad(texels, near, 0), weights),
    dot(textureLoad(texels, vec2i(far.x, near.y), 0), weights),
    share.x,
  );
  let below = mix(
    dot(textureLoad(texels, vec2i(near.x, far.y), 0), weights),
    dot(textureLoad(texels, far, 0), weights),
    share.x,
  );
  return mix(above, below, share.y);
}

fn samples(at: vec2f) -> vec3f {
  let colour = at * picture.colour.xy + picture.colour.zw;
  return vec3f(
    sample_at(first, at, picture.size, picture.weights[0]),
    sample_at(second, colour, picture.colour_size, picture.weights[1]),
    sample_at(third, colour, picture.colour_size, picture.weights[2]),
  );
}

@fragment
fn picture_pixel(corner: Corner) -> @location(0) vec4f {
  // A pixel that covers several samples is their average; one that covers less than one lies between them.
  let right = dpdx(corner.at);
  let down = dpdy(corner.at);
  let taps = clamp(vec2i(ceil(vec2f(length(right), length(down)) - 0.01)), vec2i(1), vec2i(4));
  var sum = vec3f(0.0);
  for (var y = 0; y < taps.y; y++) {
    for (var x = 0; x < taps.x; x++) {
      let share = (vec2f(f32(x), f32(y)) + 0.5) / vec2f(taps) - 0.5;
      sum += samples(corner.at + right * share.x + down * share.y);
    }
  }
  let yuv = vec4f(sum / f32(taps.x * taps.y), 1.0);
  let signal = vec3f(dot(picture.rows[0], yuv), dot(picture.rows[1], yuv), dot(picture.rows[2], yuv));
  return vec4f(to_screen(clamp(signal, vec3f(0.0), vec3f(1.0))), 1.0);
}

// As `DynamicRange::to_screen` of kinora-output, which names the clauses.
const PEAK = 1000.0;
const WHITE = 203.0;
const M1 = 0.1593017578125;
const M2 = 78.84375;
const C1 = 0.8359375;
const C2 = 18.8515625;
const C3 = 18.6875;

fn pq_signal(light: vec3f) -> vec3f {
  let root = pow(max(light, vec3f(0.0)), vec3f(M1));
  return pow((C1 + C2 * root) / (1.0 + C3 * root), vec3f(M2));
}

fn pq_light(signal: vec3f) -> vec3f {
  let root = pow(max(signal, vec3f(0.0)), vec3f(1.0 / M2));
  return pow(max(root - C1, vec3f(0.0)) / (C2 - C3 * root), vec3f(1.0 / M1));
}

fn hlg_scene(signal: vec3f) -> vec3f {
  let a = 0.17883277;
  let b = 1.0 - 4.0 * a;
  let c = 0.5 - a * log(4.0 * a);
  return select((exp((signal - c) / a) + b) / 12.0, signal * signal / 3.0, signal <= vec3f(0.5));
}

fn bent(light: vec3f) -> vec3f {
  let peak = pq_signal(vec3f(PEAK / 10000.0));
  let most = pq_signal(vec3f(WHITE / 10000.0)) / peak;
  let knee = 1.5 * most - 0.5;
  let signal = min(pq_signal(light / 10000.0) / peak, vec3f(1.0));
  let t = (signal - knee) / (1.0 - knee);
  let square = t * t;
  let cube = square * t;
  let spline = (2.0 * cube - 3.0 * square + 1.0) * knee + (cube - 2.0 * square + t) * (1.0 - knee)
    + (3.0 * square - 2.0 * cube) * most;
  return select(pq_light(spline * peak) * 10000.0, light, signal <= knee);
}

fn to_screen(signal: vec3f) -> vec3f {
  if (picture.range < 0.5) {
    return signal;
  }
  var light = pq_light(signal) * 10000.0;
  if (picture.range > 1.5) {
    let scene = hlg_scene(signal);
    let luminance = dot(scene, vec3f(0.2627, 0.6780, 0.0593));
    light = scene * pow(luminance, 0.2) * PEAK;
  }
  let of_white = bent(light) / WHITE;
  let narrow = vec3f(
    dot(of_white, vec3f(1.6605, -0.5876, -0.0728)),
    dot(of_white, vec3f(-0.1246, 1.1329, -0.0083)),
    dot(of_white, vec3f(-0.0182, -0.1006, 1.1187)),
  );
  return pow(clamp(narrow, vec3f(0.0), vec3f(1.0)), vec3f(1.0 / 2.2));
}

struct Layer {
  place: vec4f,
}

@group(0) @binding(0) var<uniform> layer: Layer;
@group(0) @binding(1) var layer_sampler: sampler;
@group(0) @binding(2) var layer_pixels: texture_2d<f32>;

@vertex
fn layer_corner(@builtin(vertex_index) index: u32) -> Corner {
  let corner = corner_of(index);
  return Corner(vec4f(layer.place.xy + layer.place.zw * corner, 0.0, 1.0), corner);
}

@fragment
fn layer_pixel(corner: Corner) -> @location(0) vec4f {
  return textureSampleLevel(layer_pixels, layer_sampler, corner.at, 0.0);
}
