"""Nonlinear least squares as a pure function of arrays: it can be jitted, vmapped and sharded from outside."""

from nlsq_widget.solver.errors import covariance as covariance
from nlsq_widget.solver.linalg import lengths as lengths
from nlsq_widget.solver.loop import State as State
from nlsq_widget.solver.loop import Status as Status
from nlsq_widget.solver.loop import advance as advance
from nlsq_widget.solver.loop import start as start
from nlsq_widget.solver.loss import LOSSES as LOSSES
from nlsq_widget.solver.residuals import Form as Form
from nlsq_widget.solver.residuals import Mode as Mode
from nlsq_widget.solver.residuals import asked as asked
from nlsq_widget.solver.residuals import forward_is_cheaper as forward_is_cheaper
from nlsq_widget.solver.residuals import linear as linear
from nlsq_widget.solver.residuals import triangle as triangle
