"""The images that steps run in: their version is the package's, so that a step finds the code it was compiled from."""

from __future__ import annotations

import assay
from assay.spec.signature import ComponentSpec

DATA_IMAGE = f"assay/data:{assay.__version__}"
FULL_IMAGE = f"assay/full:{assay.__version__}"


def default_image(spec: ComponentSpec) -> str:
    """The smaller image where the component does without TensorFlow; a user's component may need anything."""
    is_ours = spec.function.__module__.startswith("assay.")
    return DATA_IMAGE if is_ours and "tensorflow" not in spec.libraries else FULL_IMAGE
