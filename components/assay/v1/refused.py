"""Names of tfx.v1 that have no counterpart here, each with what to do instead; docs/guides/porting.md lists them."""

from __future__ import annotations

from typing import Final

_CONTAINERS: Final = "Containers are Kubeflow's: compile the pipeline for it (docs/guides/kfp.md)."
_OWN_COMPONENT: Final = "Write a component of your own as a function: tfx.dsl.components.component."
_TUNER: Final = "Search in run_fn, or bring best hyperparameters in: Importer(artifact_type=HyperParameters)."
_EXAMPLE_DIFF: Final = "assay.drift and assay.skew compare examples, from Python and as `assay drift` and `assay skew`."
_DRIFT: Final = "Set drift and skew thresholds in the schema, or in ExampleValidator(drift_thresholds=…)."
_KUBERNETES: Final = "InfraValidator runs models in a process or in a local Docker container: LocalDockerConfig."

REFUSED: Final[dict[str, dict[str, str]]] = {
    "assay.v1": {
        "extensions": "Components of Google Cloud are no part of assay; a function component may call Google's client.",
        "testing": "It tests TFX itself; declare channels with tfx.dsl.Channel.",
    },
    "assay.v1.components": {"ExampleDiff": _EXAMPLE_DIFF, "Tuner": _TUNER},
    "assay.v1.dsl": {
        "placeholders": "They fill in the command lines of containers; pass step.outputs[…] or a RuntimeParameter.",
        "standard_annotations": "Types of ML Metadata; an artifact type names its own: Artifact.declaration.",
    },
    "assay.v1.dsl.components": {
        "AsyncOutputArtifact": "A step's outputs appear whole when it has ended; use OutputArtifact.",
        "BeamComponentParameter": "Take an argument `context: assay.ExecutionContext`; it has the Beam options.",
    },
    "assay.v1.dsl.experimental": {
        "ResolverStrategy": "There are LatestArtifactStrategy, LatestBlessedModelStrategy and SpanRangeStrategy.",
        "create_container_component": _CONTAINERS,
    },
    "assay.v1.orchestration": {"experimental": _CONTAINERS},
    "assay.v1.orchestration.metadata": {
        "mysql_metadata_connection_config": "For a team: Pipeline(metadata_connection_config='postgresql+psycopg://…')."
    },
    "assay.v1.proto": {
        "CustomConfig": "It configures ExampleGens of TFX's own kind; write a component that puts out Examples.",
        "DistributionValidatorConfig": _DRIFT,
        "FeatureComparator": _DRIFT,
        "ExampleDiffConfig": _EXAMPLE_DIFF,
        "PairedExampleSkew": _EXAMPLE_DIFF,
        "FeatureSlicingSpec": "Name the slices in eval_config: slicing_specs.",
        "SingleSlicingSpec": "Name the slices in eval_config: slicing_specs.",
        "Filesystem": "PushDestination.Filesystem is the one that Pusher takes.",
        "TuneArgs": _TUNER,
        "EnvVar": _KUBERNETES,
        "EnvVarSource": _KUBERNETES,
        "KubernetesConfig": _KUBERNETES,
        "PodOverrides": _KUBERNETES,
        "SecretKeySelector": _KUBERNETES,
        "orchestration": "States of TFX's orchestrators; `assay lineage` and run.json say how runs ended.",
    },
    "assay.v1.types": {
        "BaseBeamComponent": _OWN_COMPONENT,
        "BaseComponent": _OWN_COMPONENT,
        "BaseFunctionalComponent": _OWN_COMPONENT,
        "BaseFunctionalComponentFactory": _OWN_COMPONENT,
    },
    "assay.v1.types.standard_artifacts": {"TunerResults": _TUNER},
}
"""By module: the name, and what to do instead."""
