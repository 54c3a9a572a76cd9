"""Pictures and samples as arrays."""

import gc
import io
import math
import subprocess

import numpy
import PIL.Image
import pytest

import kinora
from kinora import _kinora


def decoded_by_ffmpeg(clip):
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(clip), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
    raw = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    return numpy.frombuffer(raw, numpy.uint8).reshape(-1, 160 * 120 * 3 // 2)


def test_frames_are_arrays_of_the_planes_with_the_samples_that_ffmpeg_decodes(clip):
    expected = decoded_by_ffmpeg(clip)
    count = 0
    for frame, raw in zip(kinora.frames(clip), expected):
        y, u, v = frame
        assert (y.shape, u.shape, v.shape) == ((120, 160), (60, 80), (60, 80))
        assert numpy.array_equal(numpy.concatenate([y.ravel(), u.ravel(), v.ravel()]), raw)
        assert math.isclose(frame.pts, count / 25, abs_tol=0.001)
        count += 1
    assert count == len(expected) == 25


def test_nothing_is_copied_and_the_memory_lives_as_long_as_an_array(clip):
    reader = _kinora.VideoReader(str(clip), "{}", 1)
    picture = reader.next()
    address, is_readonly = picture.plane(0).__array_interface__["data"]
    array = kinora.Frame(picture)[0]
    assert array.__array_interface__["data"][0] == address
    assert is_readonly and not array.flags.writeable and not array.flags.owndata
    with pytest.raises(ValueError):
        array[0, 0] = 1
    before = array.copy()
    # What the decoder makes next goes to other memory while the array holds this.
    reader.seek(0.0)
    others = [reader.next() for _ in range(20)]
    reader.close()
    del picture, reader, others
    gc.collect()
    assert numpy.array_equal(array, before)


def test_a_frame_becomes_an_image(clip):
    frame = next(kinora.frames(clip, start=0.5))
    assert math.isclose(frame.pts, 0.48, abs_tol=0.001)
    pixels = frame.rgb()
    assert pixels.shape == (120, 160, 3) and pixels.dtype == numpy.uint8
    same = PIL.Image.open(io.BytesIO(frame.png()))
    assert numpy.array_equal(numpy.asarray(same.convert("RGB")), pixels)
    assert numpy.array_equal(numpy.asarray(PIL.Image.fromarray(pixels)), pixels)


def test_samples_are_arrays_of_floats_from_the_time_on_that_is_asked_for(clip):
    heard = list(kinora.samples(clip))
    assert {block.sample_rate for block in heard} == {44100}
    tone = numpy.concatenate([block.data for block in heard])
    assert tone.dtype == numpy.float32 and tone.shape[1] == 1
    assert abs(len(tone) - 44100) <= 1024
    assert 0.1 < numpy.abs(tone).max() <= 1.0
    first = next(kinora.samples(clip, start=0.5))
    assert math.isclose(first.pts, 0.5, abs_tol=0.001)


def test_an_iterator_that_is_left_closes_its_reader(clip):
    frames = kinora.frames(clip)
    next(frames)
    frames.close()
    assert list(frames) == []
    reader = _kinora.VideoReader(str(clip), "{}", 1)
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.next()
