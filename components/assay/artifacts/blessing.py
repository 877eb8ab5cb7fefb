"""ModelBlessing and InfraBlessing: the marks that a gate leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.artifacts.base import Artifact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BLESSED = "BLESSED"
NOT_BLESSED = "NOT_BLESSED"
INFRA_BLESSED = "INFRA_BLESSED"
INFRA_NOT_BLESSED = "INFRA_NOT_BLESSED"
STAMPED_FOLDER = "stamped_model"


class ModelBlessing(Artifact):
    """`BLESSED` or `NOT_BLESSED` for the model that the properties name by digest, and `verdict.json`."""

    @property
    def blessed(self) -> bool:
        """Tells whether the model is blessed: by the mark and the property, which must agree."""
        return (self.path / BLESSED).is_file() and self.properties.get("blessed") == 1

    def describe(self) -> Mapping[str, Any]:
        """Infer the blessing from a folder that TFX wrote."""
        return {"blessed": int((self.path / BLESSED).is_file())}

    def mark(self, *, blessed: bool) -> None:
        """Write the mark and the property."""
        (self.path / (BLESSED if blessed else NOT_BLESSED)).touch()
        self.properties["blessed"] = int(blessed)


class InfraBlessing(Artifact):
    """`INFRA_BLESSED` or `INFRA_NOT_BLESSED` for a model that was loaded and queried, and `verdict.json`."""

    @property
    def blessed(self) -> bool:
        """Tells whether the model loads and answers."""
        return (self.path / INFRA_BLESSED).is_file()

    @property
    def stamped_path(self) -> Path:
        """The folder of the model with warm-up requests; need not exist."""
        return self.path / STAMPED_FOLDER

    def describe(self) -> Mapping[str, Any]:
        """Infer the blessing from a folder that TFX wrote."""
        return {"blessed": int(self.blessed), "has_model": int(self.stamped_path.is_dir())}

    def mark(self, *, blessed: bool) -> None:
        """Write the mark and the properties."""
        (self.path / (INFRA_BLESSED if blessed else INFRA_NOT_BLESSED)).touch()
        self.properties["blessed"] = int(blessed)
        self.properties["has_model"] = int(self.stamped_path.is_dir())
