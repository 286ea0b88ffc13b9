"""Models side by side: the one that made the data comes first, what cannot be fitted last, with the reason."""

import pytest

from nlsq_widget import rank
from nlsq_widget.models import LibraryModel, Parameter, constant, line
from truths import CANDIDATES, experiment


@pytest.mark.parametrize("model", CANDIDATES, ids=lambda m: m.name)
def test_the_model_that_made_the_data_is_ranked_first(model):
    x, y, _ = experiment(model)
    ranking = rank(x, y, models=CANDIDATES)
    assert ranking[0].model is model
    assert len(ranking) == len(CANDIDATES)
    scores = [row.aicc for row in ranking]
    assert scores == sorted(scores)
    assert ranking.weights.sum() == pytest.approx(1)
    assert ranking.weights[0] == max(ranking.weights)
    assert [text.split()[0] for text in str(ranking).splitlines()[1:]] == [row.model.name for row in ranking]


def test_what_cannot_be_fitted_is_ranked_last_with_the_reason():
    def broken(x, a):
        raise ValueError("out of order")

    height = Parameter("a", "a", "y", "its height")
    own = LibraryModel("own", "mine", broken, (height,), "a", "Nothing.", lambda x, y: (1.0,))
    x, y, _ = experiment(line)
    ranking = rank(x, y, models=[own, line])
    assert [row.model for row in ranking] == [line, own]
    assert ranking[1].result is None
    assert "out of order" in str(ranking).splitlines()[-1]
    few = rank([1.0, 2.0], [1.0, 2.1], models=[constant])
    assert "2 points are too few for 1 parameter." in str(few)
