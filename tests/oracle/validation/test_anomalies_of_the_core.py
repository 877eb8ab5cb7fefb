"""Anomalies of made-up statistics against made-up schemas, as TFDV's core finds them, field by field."""

from __future__ import annotations

import pytest
import tfdv_core
from google.protobuf import text_format
from hypothesis import given
from schema_pairs import SEEDS, Pair, examples

from assay.validation.anomaly_detection import find_anomalies

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


@examples(1000)
@given(SEEDS)
def test_anomalies(seed: int) -> None:
    pair = Pair(seed)
    parameters = {"environment": pair.environment, **pair.controls, "severities": pair.severities}
    ours = find_anomalies(pair.dataset, pair.schema, **parameters)
    theirs = tfdv_core.find_anomalies(pair.dataset, pair.schema, **parameters)
    assert theirs is None or text_format.MessageToString(ours) == text_format.MessageToString(theirs), pair
