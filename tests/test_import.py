"""Importing the package changes nothing for anyone else, and who only fits does not wait for the widget."""

import json
import subprocess
import sys

import pytest

import nlsq_widget

IMPORT = """
import json, logging, os, sys, threading, warnings
import jax

def world():
    handlers = [repr(logger.handlers) for logger in (logging.root, logging.getLogger("jax"))]
    return repr((dict(jax.config.values), dict(os.environ), handlers, warnings.filters, threading.active_count()))

before, known = world(), set(sys.modules)
import nlsq_widget
unchanged, new = before == world(), {name.partition(".")[0] for name in set(sys.modules) - known}
listed = "FitWidget" in dir(nlsq_widget) and "FitWidget" in nlsq_widget.__all__
from nlsq_widget import FitWidget
print(json.dumps([unchanged, sorted(new), listed, FitWidget.__module__]))
"""


def test_importing_changes_nothing_and_brings_no_widget_no_picture_and_no_scipy():
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    unchanged, new, listed, module = json.loads(done.stdout)
    assert unchanged
    assert set(new) <= {"nlsq_widget", "jax", "numpy", *sys.stdlib_module_names}
    assert listed
    assert module == "nlsq_widget.widget"
    assert done.stderr == ""


def test_a_name_that_the_package_does_not_have_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'FitWidgets'"):
        nlsq_widget.__getattr__("FitWidgets")
