"""Columns by name, from whatever gives them, and the names of the axes."""

from collections import UserDict

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nlsq_widget import FitWidget, fit, load, multistart, save
from nlsq_widget.begin import begin
from nlsq_widget.frames import columns

T = np.linspace(0, 5, 20)
TABLE = {"t / s": T, "counts": 3 * np.exp(-T / 2) + 0.1 * np.cos(9 * T), "err": np.linspace(0.1, 0.2, 20)}


def decay(x, a, tau):
    return a * jnp.exp(-x / tau)


class Series:
    """What a series of a DataFrame is to NumPy, and its name."""

    def __init__(self, values, name):
        self.values, self.name = values, name

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


class Frame(UserDict):
    """A DataFrame that knows its columns and raises an error of its own."""

    columns = tuple(TABLE)

    def __getitem__(self, name):
        return Series(TABLE[name], name)

    def keys(self):
        raise AssertionError("columns says it")


def structured():
    table = np.empty(20, dtype=[(name, float) for name in TABLE])
    for name, values in TABLE.items():
        table[name] = values
    return table


def of(library):
    """The table as a library has it."""
    made = pytest.importorskip(library)
    match library:
        case "pandas" | "polars":
            return made.DataFrame(TABLE)
        case "pyarrow":
            return made.table(TABLE)
        case _:
            return made.Dataset({n: ("t / s", v) for n, v in TABLE.items() if n != "t / s"}, {"t / s": T})


TABLES = {"a dict": lambda: TABLE, "a structured array": structured, "a stand-in": Frame} | {
    library: lambda library=library: of(library) for library in ("pandas", "polars", "pyarrow", "xarray")
}


@pytest.fixture(params=TABLES.values(), ids=TABLES.keys())
def table(request):
    return request.param()


def test_columns_by_name_are_the_same_fit_as_arrays(table):
    session = begin(decay, "t / s", "counts", sigma="err", data=table)
    assert (session.data.x_label, session.data.y_label) == ("t / s", "counts")
    for found, values in zip((session.data.x, session.data.y, session.data.sigma), TABLE.values(), strict=True):
        np.testing.assert_array_equal(found, values)
    found = fit(decay, "t / s", "counts", sigma="err", data=table)
    np.testing.assert_array_equal(found.popt, fit(decay, *list(TABLE.values())[:2], sigma=TABLE["err"]).popt)


def test_a_series_names_its_axis_unless_a_label_is_given(table):
    if isinstance(table, dict | np.ndarray) or hasattr(table, "column_names"):
        pytest.skip("its columns have no name")
    x, y = table["t / s"], table["counts"]
    assert (begin(decay, x, y).data.x_label, begin(decay, x, y).data.y_label) == ("t / s", "counts")
    session = begin(decay, x, y, x_label="time", y_label="")
    assert (session.data.x_label, session.data.y_label) == ("time", "")


def test_a_column_that_is_missing_is_told_with_the_nearest(table):
    with pytest.raises(ValueError, match=r"data has no column 'count'; the nearest are counts\."):
        fit(decay, "t / s", "count", data=table)
    with pytest.raises(ValueError, match=r"data has no column 'q'; it has (t / s, counts, err|.*t / s.*)\."):
        fit(decay, "q", "counts", data=table)


@pytest.mark.parametrize("missing", [np.nan, None])
def test_a_missing_value_is_told_with_its_column(missing):
    values = [*TABLE["counts"][:7].tolist(), missing, *TABLE["counts"][8:].tolist()]
    sentence = (
        r"y \(column 'counts'\) has 1 value that is not finite \(nan or inf\), first at index 7; remove that point"
    )
    with pytest.raises(ValueError, match=sentence):
        fit(decay, "t / s", "counts", data=TABLE | {"counts": values})
    with pytest.raises(ValueError, match=sentence):
        fit(decay, T, Series(values, "counts"))


@pytest.mark.parametrize("dtype", ["float64", "Int64", "Float64", "object"])
def test_what_pandas_calls_missing_is_told_as_well(dtype):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"t": [1, 2, 3], "n": pandas.Series([4, None, 6], dtype=dtype)})
    with pytest.raises(ValueError, match=r"y \(column 'n'\) has 1 value that is not finite .*, first at index 1"):
        fit(decay, "t", "n", data=table)


def test_what_polars_calls_missing_is_told_as_well():
    polars = pytest.importorskip("polars")
    table = polars.DataFrame({"t": [1, 2, 3], "n": [4, None, 6]})
    with pytest.raises(ValueError, match=r"y \(column 'n'\) has 1 value that is not finite .*, first at index 1"):
        fit(decay, "t", "n", data=table)
    with pytest.raises(ValueError, match=r"data is LazyFrame, which gives no column 't'; .*: collect it first"):
        fit(decay, "t", "n", data=table.lazy())


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: fit(decay, "t", "counts"), "x is 't'; give an array, or data=, a table with a column of this name"),
        (lambda: fit(decay, T, T, sigma="err"), "sigma is 'err'; give an array, or data="),
        (lambda: fit(decay, "t", "n", data="file.csv"), "data is str, which gives no column 't'"),
        (lambda: fit(decay, "t", "n", data=[1, 2]), "data is list, which gives no column 't'"),
        (lambda: fit(decay, "t", "n", data={}), "it has none that has a name"),
        (lambda: fit(decay, "n", T, data={"n": list("abc")}), r"x \(column 'n'\) holds values that are not numbers"),
        (lambda: fit(decay, "time", T, data={f"q{i}": T for i in range(20)}), "q7 and 12 more"),
    ],
)
def test_what_is_no_column_gets_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_several_columns_are_several_predictors():
    def plane(x, a, b):
        return a * x[0] + b * x[1]

    table = {"u": T, "v": T**2, "y": 2 * T - 3 * T**2}
    np.testing.assert_allclose(fit(plane, ["u", "v"], "y", data=table).popt, [2, -3], rtol=1e-9)


def test_names_and_arrays_may_be_mixed():
    assert begin(decay, T, "counts", data=TABLE).data.y_label == "counts"
    assert begin(decay, "t / s", TABLE["counts"], sigma=0.1, data=TABLE).data.x_label == "t / s"


def test_a_jax_array_stays_as_it_is():
    values = jax.device_put(np.ones(3, np.float32))
    assert columns("t", T, None, {"t": values}).x is values


def test_multistart_takes_columns_too():
    found = multistart(decay, "t / s", "counts", data=TABLE, sigma="err", starts=4)
    np.testing.assert_allclose(found.popt, fit(decay, "t / s", "counts", data=TABLE, sigma="err").popt, rtol=1e-6)


def test_the_widget_writes_the_names_of_the_columns_on_its_axes():
    w = FitWidget(decay, "t / s", "counts", data=TABLE, sigma="err")
    head = w.view.frame.head()
    assert (head["x_label"], head["y_label"], head["has_sigma"]) == ("t / s", "counts", True)
    assert load(save(w.result), decay).data.x_label == "t / s"


def test_data_that_are_all_in_one_keep_their_labels():
    data = begin(decay, "t / s", "counts", data=TABLE).data
    assert begin(decay, data).data is data
