"""What a lineage store says about runs and artifacts, as JSON and as text for people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from assay.cli.console import table
from assay.errors import LineageError
from assay.gating.blessing import revocation_of
from assay.lineage.queries import (
    ArtifactNode,
    BlessedModel,
    ancestor_tree,
    descendant_tree,
    latest_blessed_model,
    record_json,
    tree_json,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from assay.lineage import ArtifactRecord, ExecutionRecord, LineageStore, RunRecord
    from assay.runners.local.liveness import Standing

_OUTCOMES = {0: "passed", 3: "anomalies found", 4: "not blessed", 5: "a step did nothing"}
_ELISIONS = {"shown_above": "(shown above)", "too_deep": "(deeper levels left out)"}
_SHORTEST_DIGEST = 6
_SHOWN_DIGEST = 12


@dataclass(frozen=True, slots=True)
class LineageAnswer:
    """An answer as a JSON document and as something to print."""

    document: Mapping[str, object]
    text: RenderableType

    def json(self) -> str:
        """Return the document as text."""
        return json.dumps(self.document, indent=1)


def overview(standing: Standing) -> LineageAnswer:
    """Return the runs, the latest first, and the latest blessed model."""
    runs, blessed = [standing.run(run) for run in standing.store.runs()], _latest_blessed(standing.store)
    rows = table("run", "pipeline", "started (UTC)", "seconds", "outcome", numbers=["seconds"])
    for run in runs:
        rows.add_row(run.id, run.pipeline, f"{run.started_at:%Y-%m-%d %H:%M}", _seconds(run), _outcome(run))
    document = {
        "runs": [record_json(run) for run in runs],
        "latest_blessed_model": {
            "status": blessed.status,
            "model": record_json(blessed.model) if blessed.model else None,
            "blessing": record_json(blessed.blessing) if blessed.blessing else None,
        },
    }
    return LineageAnswer(document, Group(rows, Text(), Text(_blessed_sentence(blessed))))


def _latest_blessed(store: LineageStore) -> BlessedModel:
    return latest_blessed_model(store, is_revoked=lambda blessing: revocation_of(Path(blessing.location)) is not None)


def answer_on(standing: Standing, name: str, *, down: bool) -> LineageAnswer:
    """Return what is known of a run, or of an artifact by its id, path or digest.

    Raises:
        LineageError: If the store knows nothing of that name.
    """
    store = standing.store
    run = next((run for run in store.runs() if run.id == name), None)
    if run is not None:
        return _run_answer(standing, standing.run(run))
    artifact = _find_artifact(store, name)
    graph = standing.graph(store.descendants(artifact.id) if down else store.ancestors(artifact.id))
    tree = descendant_tree(graph) if down else ancestor_tree(graph)
    text = _drawn(tree, came_of_it=down)
    return LineageAnswer({"direction": "down" if down else "up", **tree_json(tree)}, text)


def _find_artifact(store: LineageStore, name: str) -> ArtifactRecord:
    if name.isdecimal():
        return store.artifact(int(name))
    digest = name.removeprefix("sha256:")
    is_digest = len(digest) >= _SHORTEST_DIGEST and set(digest) <= set("0123456789abcdef")
    if is_digest and not Path(name).exists():
        found = [each for each in store.artifacts(state=None) if each.digest.startswith(f"sha256:{digest}")]
        if found:
            # Of several artifacts with this content, a live one is the one to ask about.
            return next((each for each in found if each.state == "LIVE"), found[0])
    place = Path(name).resolve()
    for folder in (place, *place.parents):  # a file inside an artifact stands for the artifact
        known = store.artifact_by_uri(folder)
        if known is not None:
            return known
    raise LineageError(
        "lineage.unknown",
        f"The lineage store has no run or artifact '{name}'.",
        "List the runs with `assay lineage`, and a run's artifacts with `assay lineage RUN`.",
    )


def _run_answer(standing: Standing, run: RunRecord) -> LineageAnswer:
    store = standing.store
    rows = table("step", "state", "seconds", "artifacts", numbers=["seconds"])
    executions = []
    for execution in map(standing.execution, store.executions_of(run.id)):
        outputs = store.outputs_of(execution.id)
        named = [f"{key} {artifact.id}" for key, artifacts in outputs.items() for artifact in artifacts]
        rows.add_row(
            execution.node_id, _state(execution), _seconds(execution), ", ".join(named) or execution.error_message
        )
        executions.append(
            {
                "execution": record_json(execution),
                "inputs": _records(store.inputs_of(execution.id)),
                "outputs": _records(outputs),
            }
        )
    title = Text(f"Run {run.id} of {run.pipeline}: {_outcome(run)}", "bold")
    return LineageAnswer({"run": record_json(run), "executions": executions}, Group(title, Text(), rows))


def _records(artifacts: Mapping[str, tuple[ArtifactRecord, ...]]) -> dict[str, list[dict[str, object]]]:
    return {key: [record_json(artifact) for artifact in values] for key, values in artifacts.items()}


def _drawn(node: ArtifactNode, *, came_of_it: bool) -> Tree:
    """Draws a tree: artifacts, below each the execution that made or read it, below that what that read or gave."""
    drawn = Tree(_artifact_line(node.artifact, _ELISIONS.get(node.elided, "")))
    _grow(drawn, node, came_of_it=came_of_it)
    return drawn


def _grow(drawn: Tree, node: ArtifactNode, *, came_of_it: bool) -> None:
    verb = "read by" if came_of_it else "made by"
    for each in node.executions:
        run = each.execution
        branch = drawn.add(
            Text.assemble((f"{verb} ", "dim"), run.node_id, (f"  {_state(run)}, run {run.run_id}", "dim"))
        )
        for keyed in each.artifacts:
            line = _artifact_line(keyed.node.artifact, _ELISIONS.get(keyed.node.elided, ""), key=keyed.key)
            _grow(branch.add(line), keyed.node, came_of_it=came_of_it)


def _artifact_line(artifact: ArtifactRecord, note: str, *, key: str = "") -> Text:
    digest = artifact.digest.removeprefix("sha256:")[:_SHOWN_DIGEST]
    details = [f"{artifact.uri}  {digest}", "deleted" if artifact.state == "DELETED" else "", note]
    return Text.assemble(
        (f"{key}: " if key else ""),
        (f"{artifact.type} {artifact.id}", "bold"),
        ("  " + "  ".join(filter(None, details)), "dim"),
    )


def _outcome(run: RunRecord) -> str:
    if run.state == "COMPLETE":
        return _OUTCOMES.get(run.exit_code or 0, "complete")
    return _state(run)


def _state(record: RunRecord | ExecutionRecord) -> str:
    return "killed" if record.state == "ABANDONED" else record.state.lower()


def _seconds(record: RunRecord | ExecutionRecord) -> str:
    if record.finished_at is None:
        return ""
    return f"{(record.finished_at - record.started_at).total_seconds():.1f}"


def _blessed_sentence(blessed: BlessedModel) -> str:
    if blessed.model is None:
        if blessed.status == "gone":
            return "The models that were blessed are gone."
        return "No model has been blessed yet."
    lost = f"; {len(blessed.lost)} newer blessed model(s) are gone" if blessed.lost else ""
    return f"Latest blessed model: {blessed.model.id} ({blessed.model.uri}){lost}"
