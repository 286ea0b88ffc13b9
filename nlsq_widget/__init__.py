"""Curve fitting inside a notebook: drag a start value or a bound, and the fit follows."""

import importlib
from typing import TYPE_CHECKING, Any

from nlsq_widget.bands import confidence_band as confidence_band
from nlsq_widget.bands import prediction_band as prediction_band
from nlsq_widget.batch import BatchResult as BatchResult
from nlsq_widget.batch import fit_batch as fit_batch
from nlsq_widget.batch import multistart as multistart
from nlsq_widget.fit import fit as fit
from nlsq_widget.formula import Formula as Formula
from nlsq_widget.outliers import outliers as outliers
from nlsq_widget.profile import profile_interval as profile_interval
from nlsq_widget.pure import Solution as Solution
from nlsq_widget.pure import least_squares as least_squares
from nlsq_widget.rank import rank as rank
from nlsq_widget.result import Result as Result
from nlsq_widget.saved import load as load
from nlsq_widget.saved import save as save
from nlsq_widget.scipy_api import CovarianceWarning as CovarianceWarning
from nlsq_widget.scipy_api import curve_fit as curve_fit
from nlsq_widget.scripts import data_csv as data_csv
from nlsq_widget.scripts import script as script
from nlsq_widget.tables import table as table

if TYPE_CHECKING:
    from nlsq_widget.widget import FitWidget as FitWidget

__all__ = [
    "BatchResult",
    "CovarianceWarning",
    "FitWidget",
    "Formula",
    "Result",
    "Solution",
    "confidence_band",
    "curve_fit",
    "data_csv",
    "fit",
    "fit_batch",
    "least_squares",
    "load",
    "multistart",
    "outliers",
    "prediction_band",
    "profile_interval",
    "rank",
    "save",
    "script",
    "table",
]


def __getattr__(name: str) -> Any:
    """FitWidget, once it is asked for: who only fits does not wait for the libraries of the widget."""
    if name != "FitWidget":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("nlsq_widget.widget").FitWidget


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
