"""The trickiest models one at a time, on rows drawn beside the rows they must give."""

import model_cases
import pytest


@pytest.mark.parametrize("case", model_cases.load(), ids=lambda case: f"{case.model}: {case.name}")
def test_model(case):
    said = model_cases.failures(case)
    assert not said, "\n".join([case.because, *said])
