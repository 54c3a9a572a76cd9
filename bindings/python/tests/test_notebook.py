"""The notebook runs, and makes a sheet."""

import json
import pathlib

import numpy

NOTEBOOK = pathlib.Path(__file__).parent.parent / "examples" / "contact_sheet.ipynb"


def test_the_notebook_makes_a_contact_sheet(clip, monkeypatch):
    monkeypatch.setenv("KINORA_FILM", str(clip))
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] for cell in notebook["cells"] if cell["cell_type"] == "code")
    names = {}
    for cell in cells:
        exec(compile(cell, str(NOTEBOOK), "exec"), names)
    assert names["sheet"].size == (4 * 160, 3 * 120)
    pixels = numpy.asarray(names["sheet"])
    columns = numpy.split(pixels, 4, axis=1)
    assert not numpy.array_equal(columns[0], columns[1]), "the pictures are of different times"
    assert len(names["brightness"]) == 25
