"""The `component.yaml` beside each component: what `kfp.components.load_component_from_file` loads.

    python -m assay.runners.kfp.descriptors

rewrites them all.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from kfp import compiler

from assay import components
from assay.components import FOLDERS
from assay.files import write_durably
from assay.runners.kfp.components import component_of
from assay.runners.kfp.interface import snake_case

_FOLDER = Path(components.__file__).parent


def descriptor_path(name: str) -> Path:
    """Return a component's descriptor: `component.yaml`, or, of several in one folder, `<name>.component.yaml`."""
    home = FOLDERS[name]
    is_alone = list(FOLDERS.values()).count(home) == 1
    return _FOLDER / home / ("component.yaml" if is_alone else f"{snake_case(name)}.component.yaml")


def descriptor(name: str) -> str:
    """Return the YAML of a component of assay's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "component.yaml"
        compiler.Compiler().compile(component_of(getattr(components, name)).component, str(path))
        return path.read_text(encoding="utf-8")


def write_descriptors() -> None:
    """Write the descriptor of every component."""
    for name in components.__all__:
        write_durably(descriptor_path(name), descriptor(name).encode())


if __name__ == "__main__":
    write_descriptors()
