"""Curve fitting inside a notebook: drag a start value or a bound, and the fit follows."""

from nlsq_widget.fit import CovarianceWarning as CovarianceWarning
from nlsq_widget.fit import curve_fit as curve_fit
from nlsq_widget.fit import fit as fit
from nlsq_widget.result import Result as Result
from nlsq_widget.widget import FitWidget as FitWidget
