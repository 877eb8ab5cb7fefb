"""The page of one artifact: what identifies it, what it holds, its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assay.artifacts import Artifact
from assay.artifacts.store import MANIFEST, Manifest, read_manifest
from assay.reports.blocks import Link, Page, Section
from assay.reports.figures import short_digest
from assay.reports.opening import Related, opened
from assay.reports.rendering import to_html
from assay.reports.views.files import files_section, properties_section
from assay.reports.views.registry import view_of


def render(
    artifact: Artifact | str | Path,
    *,
    related: Related | None = None,
    lineage: Section | None = None,
    crumbs: Sequence[Link] = (),
) -> str:
    """Return one self-contained HTML page for any artifact.

    Args:
        artifact: An artifact, or its folder: one that assay sealed, or one that TFX wrote.
        related: The other inputs and outputs of the step that made it, by key: anomalies are shown with the
            distributions of `statistics`. Found through the run's record where it is not given.
        lineage: A section on what made it and what came of it.
        crumbs: The way to the page.

    Raises:
        ArtifactError: The folder is missing, or its content is not recognised.
    """
    return to_html(artifact_page(artifact, related=related, lineage=lineage, crumbs=crumbs))


def artifact_page(
    artifact: Artifact | str | Path,
    *,
    related: Related | None = None,
    lineage: Section | None = None,
    crumbs: Sequence[Link] = (),
) -> Page:
    """Return the page of an artifact, before it is HTML; see [`render`][assay.reports.artifact_page.render]."""
    found = artifact if isinstance(artifact, Artifact) else opened(Path(artifact))
    manifest = read_manifest(found.path) if (found.path / MANIFEST).is_file() else None
    shown = view_of(found, related)
    sections = [*shown.sections, *([lineage] if lineage else [])]
    properties = properties_section(found)
    if properties is not None:
        sections.append(properties)
    sections.append(files_section(found.path, manifest))
    return Page(
        kind=_words(found.type_name),
        title=shown.title or _title(found, manifest),
        summary=shown.summary,
        status=shown.status,
        facts=_facts(found, manifest),
        sections=sections,
        crumbs=crumbs,
    )


def _words(type_name: str) -> str:
    """`ExampleStatistics` as `Example statistics`."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type_name).strip()
    return spaced[:1].upper() + spaced[1:]


def _title(artifact: Artifact, manifest: Manifest | None) -> str:
    if manifest and manifest.producer.node_id:
        return f"{manifest.producer.node_id}.{manifest.producer.output_key}"
    return artifact.path.name


def _facts(artifact: Artifact, manifest: Manifest | None) -> list[tuple[str, Any]]:
    facts: list[tuple[str, Any]] = []
    if manifest and manifest.producer.pipeline:
        facts.append(("pipeline", manifest.producer.pipeline))
        facts.append(("run", manifest.producer.run_id))
    if artifact.digest:
        facts.append(("digest", short_digest(artifact.digest)))
    facts += [(f"rows, {split}", count) for split, count in artifact.rows.items()][:6]
    if manifest and manifest.producer.component_version:
        facts.append(("assay", manifest.producer.component_version))
    return facts
