"""The library of models: a family a file, a model a record, and sums of them."""

from nlsq_widget.models.decays import DECAYS
from nlsq_widget.models.decays import exponential as exponential
from nlsq_widget.models.decays import rise_and_decay as rise_and_decay
from nlsq_widget.models.decays import stretched_exponential as stretched_exponential
from nlsq_widget.models.decays import two_exponentials as two_exponentials
from nlsq_widget.models.doses import DOSES
from nlsq_widget.models.doses import hill as hill
from nlsq_widget.models.doses import logistic4 as logistic4
from nlsq_widget.models.doses import logistic5 as logistic5
from nlsq_widget.models.doses import michaelis_menten as michaelis_menten
from nlsq_widget.models.doses import substrate_inhibition as substrate_inhibition
from nlsq_widget.models.growth import GROWTH
from nlsq_widget.models.growth import exponential_growth as exponential_growth
from nlsq_widget.models.growth import gompertz as gompertz
from nlsq_widget.models.growth import logistic as logistic
from nlsq_widget.models.growth import richards as richards
from nlsq_widget.models.lines import LINES
from nlsq_widget.models.lines import constant as constant
from nlsq_widget.models.lines import cubic as cubic
from nlsq_widget.models.lines import line as line
from nlsq_widget.models.lines import parabola as parabola
from nlsq_widget.models.lines import polynomial as polynomial
from nlsq_widget.models.peaks import PEAKS
from nlsq_widget.models.peaks import breit_wigner_fano as breit_wigner_fano
from nlsq_widget.models.peaks import gaussian as gaussian
from nlsq_widget.models.peaks import lorentzian as lorentzian
from nlsq_widget.models.peaks import modified_gaussian as modified_gaussian
from nlsq_widget.models.peaks import moffat as moffat
from nlsq_widget.models.peaks import pseudo_voigt as pseudo_voigt
from nlsq_widget.models.peaks import skewed_gaussian as skewed_gaussian
from nlsq_widget.models.peaks import voigt as voigt
from nlsq_widget.models.powers import POWERS
from nlsq_widget.models.powers import power_law as power_law
from nlsq_widget.models.powers import shifted_power_law as shifted_power_law
from nlsq_widget.models.record import LibraryModel as LibraryModel
from nlsq_widget.models.record import Parameter as Parameter
from nlsq_widget.models.record import Sum as Sum
from nlsq_widget.models.saturation import SATURATION
from nlsq_widget.models.saturation import langmuir as langmuir
from nlsq_widget.models.saturation import rational as rational
from nlsq_widget.models.saturation import saturating_exponential as saturating_exponential
from nlsq_widget.models.steps import STEPS
from nlsq_widget.models.steps import arctan_step as arctan_step
from nlsq_widget.models.steps import erf_step as erf_step
from nlsq_widget.models.steps import logistic_step as logistic_step
from nlsq_widget.models.thermal import THERMAL
from nlsq_widget.models.thermal import arrhenius as arrhenius
from nlsq_widget.models.thermal import planck as planck
from nlsq_widget.models.waves import WAVES
from nlsq_widget.models.waves import damped_sine as damped_sine
from nlsq_widget.models.waves import sine as sine

# All of them, by name.
MODELS = {
    model.name: model
    for family in (LINES, PEAKS, DECAYS, GROWTH, DOSES, WAVES, STEPS, POWERS, THERMAL, SATURATION)
    for model in family
}
