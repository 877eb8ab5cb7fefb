"""Where a model is pushed to, in the shape of TFX's `pusher_pb2`, with KServe in addition."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import ClassVar

from assay.errors import UsageError

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class Versioning(str, enum.Enum):
    """How a version gets its name; both are the Unix time in seconds, counted up until it is free."""

    AUTO = "AUTO"
    UNIX_TIMESTAMP = "UNIX_TIMESTAMP"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesystemDestination:
    """A folder that a model server watches.

    Attributes:
        base_directory: The folder, or a URL that fsspec can open (`gs://bucket/models`); each pushed model is a
            subfolder with a number for its name.
        versioning: How a version gets its name.
        keep_last: How many versions to keep, the new one included; None keeps all. The current one is never removed,
            nor one that assay did not push.
    """

    base_directory: str
    versioning: Versioning = Versioning.AUTO
    keep_last: int | None = None

    def __post_init__(self) -> None:
        """Check that a destination is named, and that the current version is kept."""
        if not self.base_directory:
            raise UsageError("push_destination.folder", "`base_directory` of a push destination must name a folder.")
        if self.keep_last is not None and self.keep_last < 1:
            raise UsageError("push_destination.keep_last", f"keep_last must be 1 or more, got {self.keep_last}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class KServeDestination:
    """An `InferenceService` of KServe, whose storage is a folder or a URL.

    Each version is `<base_directory>/<version>/1/`, since KServe rolls out a change of `storageUri`, and TensorFlow
    Serving looks for a numbered folder below it.

    Attributes:
        base_directory: Where the models are stored.
        manifest: The YAML file to write.
        name: The InferenceService's name.
        namespace: Its namespace.
        storage_uri: What the cluster calls `base_directory` (`pvc://models/taxi`); `base_directory` itself by default,
            where that is a URL.
        canary_traffic_percent: The share of requests that the new version gets; the version before it gets the rest.
        model_format: KServe's name of the format.
        apply: Whether to run `kubectl apply` on the manifest.
        keep_last: As for a folder; but what serves until the cluster has taken the new version is kept as well: the
            latest version that got all requests, and every canary since.
    """

    base_directory: str
    manifest: str
    name: str
    namespace: str = "default"
    storage_uri: str = ""
    canary_traffic_percent: int = 100
    model_format: str = "tensorflow"
    apply: bool = False
    keep_last: int | None = None

    def __post_init__(self) -> None:
        """Check for values that the cluster would reject."""
        for field, name in (("name", self.name), ("namespace", self.namespace)):
            if not _DNS_LABEL.fullmatch(name):
                raise UsageError("push_destination.kserve", f"kserve.{field} '{name}' is not a valid Kubernetes name.")
        if not 0 <= self.canary_traffic_percent <= 100:
            raise UsageError(
                "push_destination.kserve",
                f"kserve.canary_traffic_percent must be from 0 to 100, got {self.canary_traffic_percent}.",
            )
        if "://" not in (self.storage_uri or self.base_directory):
            raise UsageError(
                "push_destination.kserve",
                f"The cluster cannot reach the folder '{self.base_directory}' under that name.",
                "Give kserve.storage_uri, such as pvc://models/taxi or gs://bucket/taxi.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PushDestination:
    """Where a model is pushed to: exactly one of the two.

    Attributes:
        Filesystem: The class of `filesystem`, under the name that it has in TFX.
        KServe: The class of `kserve`.
        filesystem: A folder that a model server watches.
        kserve: An InferenceService.
    """

    Filesystem: ClassVar[type[FilesystemDestination]] = FilesystemDestination
    KServe: ClassVar[type[KServeDestination]] = KServeDestination

    filesystem: FilesystemDestination | None = None
    kserve: KServeDestination | None = None

    def __post_init__(self) -> None:
        """Check that a way to join is given."""
        if (self.filesystem is None) == (self.kserve is None):
            raise UsageError(
                "push_destination.one",
                "A PushDestination requires exactly one of `filesystem` and `kserve`, as a keyword argument.",
            )
