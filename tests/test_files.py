"""Files made of a fit: each is what its kind says, and holds the numbers of the screen."""

import csv
import io
import json

import jax.numpy as jnp
import numpy as np
import pytest

from nlsq_widget import FitWidget, load
from nlsq_widget.files import KINDS, file
from nlsq_widget.wire import Answer, pack_file

X = np.linspace(0, 4, 12)
Y = 2.5 * np.exp(-1.3 * X) + 0.1 * np.cos(7 * X)


def decay(x, a, b):
    return a * jnp.exp(-b * x)


@pytest.fixture(scope="module")
def widget():
    return FitWidget(decay, X, Y, p0=[2, 1], excluded=[3])


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_called_what_it_is(kind, widget):
    name, mime, content = file(widget.view, kind)
    begins = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG", "script": b'"""', "scipy": b'"""', "points": b"x,y\n"}
    assert content.startswith(begins.get(kind, b""))
    assert len(content) > 100
    assert (name.rpartition(".")[2], mime.rpartition("/")[2]) in {
        ("py", "x-python"),
        ("csv", "csv"),
        ("json", "json"),
        ("md", "markdown"),
        ("tex", "x-tex"),
        ("svg", "svg+xml"),
        ("pdf", "pdf"),
        ("png", "png"),
    }


def test_what_is_read_back_is_the_fit_of_the_screen(widget):
    rows = list(csv.reader(io.StringIO(file(widget.view, "points").content.decode())))[1:]
    np.testing.assert_array_equal(np.array(rows, float), np.column_stack([X, Y]))
    told = json.loads(file(widget.view, "json").content)
    assert [p["value"] for p in told["parameters"]] == widget.result.popt.tolist()
    assert load(file(widget.view, "session").content.decode(), decay).excluded == {3}


def test_a_program_that_was_taken_away_makes_the_fit(widget):
    names = {}
    exec(file(widget.view, "script").content, names)
    np.testing.assert_array_equal(names["result"].popt, widget.result.popt)


def test_where_there_is_no_fit_there_is_a_sentence():
    w = FitWidget(decay, X, Y, p0=[2, 1])
    with pytest.raises(ValueError, match="The kind of a file is 'exe'; choose one of"):
        file(w.view, "exe")
    broken = FitWidget(lambda x, a: a * jnp.log(x - 9.0), X, Y, p0=[1])
    with pytest.raises(ValueError, match="There is no fit to take away"):
        file(broken.view, "csv")
    w.live = "button"
    w._receive(None, {"type": "command", "page": "p", "seq": 1, "gesture": 1,
                      "command": {"kind": "p0", "name": "a", "value": 3.0}}, [])  # fmt: skip
    with pytest.raises(ValueError, match="not fitted yet; fit first"):
        file(w.view, "csv")


def test_a_page_gets_the_bytes_or_the_sentence(widget):
    head, [content] = pack_file(Answer("page", 7), file(widget.view, "csv"))
    assert (head["type"], head["page"], head["seq"], head["refused"], head["name"]) == (
        "file",
        "page",
        7,
        None,
        "fit.csv",
    )
    assert bytes(content) == file(widget.view, "csv").content
    assert pack_file(Answer("page", 7), "Why not.") == (
        {"type": "file", "page": "page", "seq": 7, "refused": "Why not."},
        [],
    )
