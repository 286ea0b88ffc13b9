"""Curve fitting inside a notebook: drag a start value or a bound, and the fit follows."""

import importlib
from typing import TYPE_CHECKING, Any

from nlsq_widget.fit import fit as fit
from nlsq_widget.result import Result as Result
from nlsq_widget.scipy_api import CovarianceWarning as CovarianceWarning
from nlsq_widget.scipy_api import curve_fit as curve_fit

if TYPE_CHECKING:
    from nlsq_widget.widget import FitWidget as FitWidget

__all__ = ["CovarianceWarning", "FitWidget", "Result", "curve_fit", "fit"]


def __getattr__(name: str) -> Any:
    """FitWidget, once it is asked for: who only fits does not wait for the libraries of the widget."""
    if name != "FitWidget":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("nlsq_widget.widget").FitWidget


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
