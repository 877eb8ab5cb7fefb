"""KServe: a version is pushed to storage, and an InferenceService's manifest names it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from assay.components.pusher.config import KServeDestination
from assay.documents import parse_yaml, read_text
from assay.errors import ArtifactError, UsageError, did_you_mean
from assay.files import write_durably

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from assay.components.pusher.receipt import Receipt, Version
    from assay.components.pusher.versioned_folder import VersionedFolder
    from assay.components.pusher.versioned_url import VersionedUrl

INSIDE = "1"
"""TensorFlow Serving looks for a numbered folder below what `storageUri` names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KServe:
    """A destination whose current version is the one that a manifest names.

    Attributes:
        storage: Where the models are kept.
        config: The InferenceService.
    """

    storage: VersionedFolder | VersionedUrl
    config: KServeDestination

    @property
    def base(self) -> str:
        """Where the models are kept."""
        return self.storage.base

    def versions(self) -> Sequence[Version]:
        """Return the versions in storage."""
        return self.storage.versions()

    def staging(self) -> AbstractContextManager[Path]:
        """Forward to the storage."""
        return self.storage.staging()

    def publish(self, staged: Path, receipt: Receipt) -> Receipt:
        """Store the version, then write the manifest that names it, and apply that where it was asked for.

        Raises:
            ArtifactError: The storage or the manifest cannot be written, or kubectl failed.
            UsageError: kubectl is to apply it and is not there.
        """
        if self.config.apply and shutil.which("kubectl") is None:
            raise UsageError("kserve.kubectl", "kserve.apply requires kubectl, which is not on the PATH.")
        # A rollback is not an experiment: all requests go to the version that was good.
        percent = 100 if receipt.restores else self.config.canary_traffic_percent
        published = self._keeping_what_serves().publish(staged, replace(receipt, traffic_percent=percent))
        text = yaml.safe_dump(manifest(self.config, published, percent), sort_keys=False)
        file = Path(self.config.manifest)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_durably(file, text.encode())
        if self.config.apply:
            _apply(file)
        return replace(published, reason=f"{published.reason} The manifest {file} names it.")

    def _keeping_what_serves(self) -> VersionedFolder | VersionedUrl:
        """Return the storage, set to keep what serves until the cluster has taken the new version.

        That is the latest version that got all requests, and every canary since.
        """
        if self.storage.keep_last is None:
            return self.storage
        versions = self.versions()
        whole = [at for at, each in enumerate(versions) if each.receipt is None or each.receipt.traffic_percent == 100]
        serving = len(versions) - (whole[-1] if whole else 0)
        return replace(self.storage, keep_last=max(self.storage.keep_last, serving + 1))

    def fetch(self, version: Version, folder: Path) -> None:
        """Forward to the storage."""
        self.storage.fetch(version, folder)

    def digest(self, version: Version) -> str:
        """Forward to the storage."""
        return self.storage.digest(version)


def manifest(config: KServeDestination, receipt: Receipt, percent: int) -> dict[str, Any]:
    """Return the InferenceService that serves a version; the version before it keeps the rest of the requests."""
    root = (config.storage_uri or config.base_directory).rstrip("/")
    predictor: dict[str, Any] = {} if percent == 100 else {"canaryTrafficPercent": percent}
    predictor["model"] = {
        "modelFormat": {"name": config.model_format},
        "storageUri": f"{root}/{receipt.version}",
    }
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": config.name,
            "namespace": config.namespace,
            "annotations": {
                "assay/version": receipt.version,
                "assay/content-digest": receipt.content_digest,
                **{f"assay/{kind.replace('_', '-')}": digest for kind, digest in receipt.blessings.items()},
            },
        },
        "spec": {"predictor": predictor},
    }


def _apply(file: Path) -> None:
    done = subprocess.run(  # noqa: S603 (the file's name is an argument of its own)
        ["kubectl", "apply", "-f", str(file)],  # noqa: S607 (whichever kubectl the user has)
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ArtifactError(
            "kserve.apply",
            f"kubectl could not apply {file}: {done.stderr.strip() or done.stdout.strip()}",
            "Apply the manifest by hand, or run again; the model is stored and the manifest is written.",
        )


_OF_THE_COMMAND = {"base_directory", "keep_last"}


def read_kserve(path: Path, base_directory: str, keep_last: int | None) -> KServeDestination:
    """Read the fields of a [`KServeDestination`][...config.KServeDestination], but for those of the command line.

    Args:
        path: YAML with `name`, `manifest` and whatever else differs from the defaults.
        base_directory: Where the models are stored.
        keep_last: How many versions to keep.

    Raises:
        UsageError: The file cannot be read, lacks a field, or has one that does not exist.
    """
    text = read_text(path, "the YAML of an InferenceService", code="kserve.file")
    plain = parse_yaml(text, str(path), code="kserve.file", hint="See PushDestination.KServe for the fields.")
    if not isinstance(plain, dict):
        raise UsageError("kserve.file", f"{path} must contain a mapping with the fields name and manifest.")
    known = sorted({field.name for field in fields(KServeDestination)} - _OF_THE_COMMAND)
    for name in plain:
        if name not in known:
            raise UsageError("kserve.file", f"{path} has the unknown field '{name}'.", did_you_mean(str(name), known))
    given = plain | {"base_directory": base_directory, "keep_last": keep_last}
    try:
        return msgspec.convert(given, KServeDestination)
    except msgspec.ValidationError as error:
        raise UsageError("kserve.file", f"{path}: {error}.", "See PushDestination.KServe for the fields.") from error
