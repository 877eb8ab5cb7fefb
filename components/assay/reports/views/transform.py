"""A transform graph: raw features, transformed features, and the vocabularies between them."""

from __future__ import annotations

import gzip
from pathlib import Path

from assay.artifacts import TransformGraph
from assay.errors import ArtifactError, DataError
from assay.reports.blocks import Column, DataTable, Facts, Graph, GraphNode, Section
from assay.reports.figures import plural
from assay.reports.views.schema import schema_sections
from assay.reports.views.shown import Shown

_MOST_TERMS = 2000
_MOST_NODES = 40


def show_transform_graph(artifact: TransformGraph) -> Shown:
    """Return the page of a transform graph."""
    transformed = artifact.transformed_schema()
    try:
        raw = list(artifact.raw_schema().feature)
    except (ArtifactError, DataError):  # graphs of old versions of TFT lack it
        raw = []
    folder = artifact.path / "transform_fn" / "assets"
    vocabularies = {path.name: _terms(path) for path in sorted(folder.iterdir())} if folder.is_dir() else {}
    counts = [
        ("raw features", len(raw)),
        ("transformed features", len(transformed.feature)),
        ("vocabularies", len(vocabularies)),
    ]
    sections = [Section(title="Overview", blocks=[Facts(counts)])]
    names = [feature.name for feature in raw], [feature.name for feature in transformed.feature]
    if 0 < len(names[0]) + len(names[1]) <= _MOST_NODES:
        sections.append(_graph_section(*names, list(vocabularies)))
    if vocabularies:
        sections.append(_vocabulary_section(vocabularies))
    [features, *_] = schema_sections(transformed)
    sections.append(Section(title="Transformed features", blocks=features.blocks))
    return Shown(
        sections=sections,
        summary=f"{plural(len(raw), 'raw feature')} to {plural(len(transformed.feature), 'transformed feature')}, "
        f"with {plural(len(vocabularies), 'vocabulary', 'vocabularies')}.",
    )


def _graph_section(raw: list[str], transformed: list[str], vocabularies: list[str]) -> Section:
    """Link inputs to outputs by name: TFT does not record which feature fills a vocabulary."""
    nodes = [GraphNode(id=f"raw {name}", label=name, note="raw", shape="artifact") for name in raw]
    nodes += [GraphNode(id=f"vocabulary {name}", label=name, note="vocabulary", tone="info") for name in vocabularies]
    nodes += [GraphNode(id=f"out {name}", label=name, note="transformed", shape="artifact") for name in transformed]
    edges = []
    for name in transformed:
        sources = [source for source in raw if name == source or name.startswith(f"{source}_")]
        source = max(sources, key=len, default=None)
        if source is None:
            continue
        if source in vocabularies:
            edges += [(f"raw {source}", f"vocabulary {source}"), (f"vocabulary {source}", f"out {name}")]
        else:
            edges.append((f"raw {source}", f"out {name}"))
    graph = Graph(caption="From raw to transformed features", nodes=nodes, edges=edges)
    return Section(title="Graph", blocks=[graph], note="Features are linked by their names.")


def _terms(path: Path) -> list[str]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return content.decode("utf-8", "backslashreplace").splitlines()


def _vocabulary_section(vocabularies: dict[str, list[str]]) -> Section:
    rows = [
        [term, name, index] for name, terms in vocabularies.items() for index, term in enumerate(terms[:_MOST_TERMS])
    ]
    sizes = ", ".join(f"{name}: {plural(len(terms), 'term')}" for name, terms in vocabularies.items())
    cut = any(len(terms) > _MOST_TERMS for terms in vocabularies.values())
    table = DataTable(
        name="vocabularies",
        caption="Vocabularies",
        columns=[
            Column(label="Term", kind="name", search=True),
            Column(label="Vocabulary", kind="pill", search=True),
            Column(label="Index", kind="int"),
        ],
        rows=[[term, [name, "plain"], index] for term, name, index in rows],
        filters=(1,),
        counted=("term", "terms"),
        empty="The vocabularies are empty.",
    )
    note = f"{sizes}. The first {_MOST_TERMS:,} terms of each are shown." if cut else f"{sizes}."
    return Section(title="Vocabularies", blocks=[table], note=note)
