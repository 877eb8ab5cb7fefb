"""Puts what a step made where Kubeflow Pipelines looks for it."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from assay.artifacts.base import Artifact
from assay.errors import UsageError
from assay.files import write_durably
from assay.runners.kfp import views
from assay.runners.kfp.executor_io import ExecutorInput, write_executor_output
from assay.runners.kfp.inputs import ARTIFACT_TYPE, EMPTY, inputs_with_places
from assay.runners.kfp.storage import Places
from assay.spec.signature import ComponentSpec


def publish(
    spec: ComponentSpec,
    title: str,
    given: ExecutorInput,
    places: Places,
    inputs: Mapping[str, tuple[Artifact, ...]],
    written: Mapping[str, Artifact],
    returned: Mapping[str, Any],
) -> None:
    """Publish a step's sealed artifacts, views, values, and `executor_output.json` last.

    Args:
        spec: The declaration.
        title: The step's name on its pages.
        given: The step's executor input.
        places: Where artifacts go.
        inputs: What the step read, for its page.
        written: The sealed outputs; an optional one that was left empty is absent.
        returned: The output parameters.

    Raises:
        UsageError: For an output parameter that KFP's JSON cannot carry.
        ArtifactError: If something cannot be written.
    """
    for key, value in returned.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(
                "kfp.not_finite",
                f"{spec.name}.{key} is {value}, but Kubeflow Pipelines supports finite numbers only.",
                "Return a finite number, or text, instead.",
            )
    metadata = {key: _metadata(artifact) for key, artifact in written.items()}
    shown = [view for view in views.views_of(spec) if view in given.outputs]
    if views.METRICS in shown:
        metadata[views.METRICS] = views.metrics(written, returned)
    if views.CLASSIFICATION in shown:
        metadata[views.CLASSIFICATION] = views.classification(written.values())
    pages: dict[str, str] = {}
    if views.HTML in shown:
        related = {**{key: found[0] for key, found in inputs.items()}, **written}
        pages[views.HTML] = views.page(title, written, related)
    if views.MARKDOWN in shown:
        pages[views.MARKDOWN] = views.summary(title, written.values())
    # The pages are made before the artifacts are moved away, and name the places where all of them will lie.
    lie = {str(each.path): given.outputs[key].uri for key, each in written.items() if key in given.outputs}
    lie |= _places_of(given, inputs)
    for view, text in pages.items():
        file = places.scratch / view
        write_durably(file, _naming(text, lie).encode())
        places.publish(file, given.outputs[view].uri)
    for key in spec.outputs:
        if key in given.outputs:
            made = written[key].path if key in written else _empty(places.scratch / f"{key}.empty", title, key)
            places.publish(made, given.outputs[key].uri)
    values = {key: value for key, value in returned.items() if key in given.parameter_files}
    write_executor_output(given, values, metadata)


def name_places(made: Iterable[Artifact], given: ExecutorInput, inputs: Mapping[str, tuple[Artifact, ...]]) -> None:
    """Replace paths of inputs in properties by their URIs, since the paths end with the step."""
    lie = _places_of(given, inputs)
    for artifact in made:
        for name, value in artifact.properties.items():
            if isinstance(value, str) and value in lie:
                artifact.properties[name] = lie[value]


def _places_of(given: ExecutorInput, inputs: Mapping[str, tuple[Artifact, ...]]) -> dict[str, str]:
    wired = inputs_with_places(given, inputs)
    return {str(artifact.path): uri for found in wired.values() for artifact, uri in found}


def _naming(text: str, places: Mapping[str, str]) -> str:
    for path, uri in places.items():
        text = text.replace(html.escape(path), html.escape(uri))
    return text


def _metadata(artifact: Artifact) -> dict[str, Any]:
    """Return the metadata that KFP shows of an artifact; downstream steps trust the manifest."""
    shown = {
        ARTIFACT_TYPE: artifact.type_name,
        "schema_version": artifact.type().version,
        "digest": artifact.digest,
        **({"rows": artifact.rows} if artifact.rows else {}),
        **artifact.properties,
    }
    # KFP's launcher fails a step that did its work over a null in metadata, and protobuf's JSON has no other numbers.
    return {
        name: value
        for name, value in shown.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }


def _empty(folder: Path, title: str, key: str) -> Path:
    """Write a marker in the place of an output that was left empty."""
    folder.mkdir()
    write_durably(folder / EMPTY, (json.dumps({"left_empty_by": title, "output": key}) + "\n").encode())
    return folder
