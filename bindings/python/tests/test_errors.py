"""What fails."""

import ast
import inspect
import pathlib

import pytest

import kinora
from kinora import _kinora


def test_a_missing_file_is_an_exception_with_number_reason_and_remedy(tmp_path):
    with pytest.raises(kinora.PlaybackError) as raised:
        kinora.frames(tmp_path / "nowhere.mp4")
    error = raised.value
    assert error.number == 0x20080002
    assert error.name == "ERROR_GENERAL_ENOENT"
    assert error.reason and error.meaning and error.remedy
    assert "nowhere.mp4" in error.detail["url"]
    assert "0x20080002" in str(error) and error.remedy in str(error)
    assert "处理" in error.report("zh")


def test_what_a_server_has_not_is_told_with_its_status(server):
    with pytest.raises(kinora.PlaybackError) as raised:
        kinora.probe(f"{server}/nowhere.mp4?token=CANARY")
    assert raised.value.name == "ERROR_NETWORK_HTTP_404"
    assert raised.value.detail["http_status"] == 404
    assert "CANARY" not in raised.value.report() + str(raised.value)


def test_a_wrong_setting_is_named():
    with pytest.raises(kinora.Error, match="did you mean `max_buffer`"):
        kinora.Player(config={"max_bufer": 1})
    with pytest.raises(kinora.Error, match="png:DIR"):
        kinora.Player(video="window")
    with kinora.Player() as player:
        with pytest.raises(kinora.Error, match="90"):
            player.rotation = 45
        with pytest.raises(kinora.Error) as raised:
            player.set_source({"vid": "x", "play_auth": "CANARY", "oops": "1"})
        assert "CANARY" not in str(raised.value)


def test_a_panic_is_an_exception_with_its_number(capfd):
    with pytest.raises(kinora.Error) as raised:
        _kinora._panic_for_tests()
    assert raised.value.name == "ERROR_UNKNOWN_ERROR"
    assert raised.value.reason == "python.panic"


def test_numbers_are_named_and_explained():
    assert kinora.code_name(0x20080002) == "ERROR_GENERAL_ENOENT"
    found = kinora.explain("ERROR_NETWORK_HTTP_404")
    assert found["matches"][0]["name"] == "ERROR_NETWORK_HTTP_404"
    assert kinora.explain(found["matches"][0]["number"]) == found


def test_a_diagnosis_names_what_fails_first(clip, tmp_path):
    assert kinora.diagnose(clip, seconds=0.2)["verdict"] == {"good": True}
    verdict = kinora.diagnose(tmp_path / "nowhere.mp4", seconds=0)["verdict"]
    assert not verdict["good"] and verdict["step"] == "file"
    assert verdict["fault"]["number"] == 0x20080002


def test_probe_tells_what_a_source_holds(clip, server):
    for source in (clip, str(clip), f"{server}/clip.mp4"):
        info = kinora.probe(source)
        assert {track["codec"] for track in info["tracks"]} == {"h264", "aac"}
        assert abs(info["duration"] - 1.0) < 0.1


def members(body):
    for it in body:
        if isinstance(it, (ast.FunctionDef, ast.ClassDef)):
            yield it.name
        elif isinstance(it, ast.AnnAssign):
            yield it.target.id


def test_the_stubs_name_what_the_native_half_has():
    stub = ast.parse((pathlib.Path(kinora.__file__).parent / "_kinora.pyi").read_text("utf-8"))
    public = {name for name in vars(_kinora) if not name.startswith("__")}
    assert set(members(stub.body)) == public
    for it in stub.body:
        if isinstance(it, ast.ClassDef):
            own = [name for name in vars(getattr(_kinora, it.name)) if not name.startswith("__")]
            assert {name for name in members(it.body) if not name.startswith("__")} == set(own), it.name


def test_every_public_thing_is_documented():
    for name in kinora.__all__:
        thing = getattr(kinora, name)
        assert name.startswith("__") or inspect.getdoc(thing), name
