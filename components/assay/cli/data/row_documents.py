"""The JSON of `assay skew` and `assay leakage`: stable, with a JSON Schema each under `schemas/cli/`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from assay.kernels.feature_skew import FeatureSkewReport
    from assay.kernels.leakage import SplitPair

_VERSION: Final = 1


class SkewedFeature(msgspec.Struct, frozen=True, kw_only=True):
    """One feature over all compared pairs; `data` and `control` count the pairs with values on that side."""

    feature: str
    data: int
    control: int
    match: int
    data_only: int
    control_only: int
    mismatch: int
    diff: int


class PairRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Two examples of one id that differ; bytes that are no text are shown as Python writes them."""

    data: dict[str, Any]
    control: dict[str, Any]
    mismatched: tuple[str, ...]
    data_only: tuple[str, ...]
    control_only: tuple[str, ...]


class ConfusionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How often a value of the data stands where the control has another; null is a missing one."""

    feature: str
    data: str | int | None
    control: str | int | None
    count: int


class SkewDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What `assay skew --json` prints; `ids` has TFDV's match statistics, with its "base" being the control."""

    ok: bool
    exit_code: int
    summary: str
    features: tuple[SkewedFeature, ...]
    ids: dict[str, int]
    pairs: tuple[PairRecord, ...]
    confusion: tuple[ConfusionRecord, ...]
    schema_version: int = _VERSION


class SharedRowRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A row that two data sets share: its values, how often each has it, and where first, from 0."""

    values: dict[str, Any]
    rows: tuple[int, int]
    first: tuple[int, int]


class SharedRowsRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What two data sets share."""

    data: tuple[str, str]
    num_rows: tuple[int, int]
    num_shared: tuple[int, int]
    num_distinct: int
    sentence: str
    samples: tuple[SharedRowRecord, ...]


class LeakageDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What `assay leakage --json` prints."""

    ok: bool
    exit_code: int
    summary: str
    pairs: tuple[SharedRowsRecord, ...]
    schema_version: int = _VERSION


def skew_document(report: FeatureSkewReport, *, allow_duplicates: bool = False) -> SkewDocument:
    """A comparison by id."""
    return SkewDocument(
        ok=report.ok,
        exit_code=0 if report.ok else 3,
        summary=_summary(report, allow_duplicates=allow_duplicates),
        features=tuple(
            SkewedFeature(
                feature=each.feature_name,
                data=each.test_count,
                control=each.base_count,
                match=each.match_count,
                data_only=each.test_only,
                control_only=each.base_only,
                mismatch=each.mismatch_count,
                diff=each.diff_count,
            )
            for each in report.features
        ),
        ids=asdict(report.match_stats),
        pairs=tuple(
            PairRecord(
                data=plain(pair.test),
                control=plain(pair.base),
                mismatched=pair.mismatched_features,
                data_only=pair.test_only_features,
                control_only=pair.base_only_features,
            )
            for pair in report.pairs
        ),
        confusion=tuple(
            ConfusionRecord(feature=each.feature_name, data=each.test, control=each.base, count=each.count)
            for each in report.confusion
        ),
    )


def _summary(report: FeatureSkewReport, *, allow_duplicates: bool) -> str:
    ids, skewed = report.match_stats, report.skewed
    repeated = ids.duplicate_id_count if not allow_duplicates else 0
    left_out = f" {repeated:,} ids that occur several times were left out." if repeated else ""
    if not report.features:
        why = "no id is in both data sets" if not ids.matching_pairs_count else "no example has an id of its own"
        return f"Nothing was compared: {why}.{left_out}"
    names = ", ".join(feature.feature_name for feature in skewed[:5])
    more = f" and {len(skewed) - 5} more" if len(skewed) > 5 else ""
    return f"{len(skewed)} of {len(report.features)} features differ{': ' if skewed else ''}{names}{more}.{left_out}"


def leakage_document(pairs: Sequence[SplitPair]) -> LeakageDocument:
    """Shared rows of each two data sets."""
    sharing = [pair for pair in pairs if not pair.ok]
    return LeakageDocument(
        ok=not sharing,
        exit_code=3 if sharing else 0,
        summary=f"{len(sharing)} of {len(pairs)} pairs of data sets share rows.",
        pairs=tuple(
            SharedRowsRecord(
                data=pair.splits,
                num_rows=pair.num_rows,
                num_shared=pair.num_shared,
                num_distinct=pair.num_distinct,
                sentence=pair.sentence,
                samples=tuple(
                    SharedRowRecord(values=plain(sample.values), rows=sample.rows, first=sample.first)
                    for sample in pair.samples
                ),
            )
            for pair in pairs
        ),
    )


def plain(value: Any) -> Any:
    """Gives a value as JSON can hold it: bytes as text, or as Python writes them; what it has no word for as text."""
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return repr(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
