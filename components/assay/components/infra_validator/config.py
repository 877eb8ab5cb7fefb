"""How a model is tried, in the shape of TFX's `infra_validator_pb2`."""

from __future__ import annotations

from dataclasses import dataclass, field

from assay.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFlowServing:
    """TensorFlow Serving's image.

    Attributes:
        image_name: Its name.
        tags: Its tag; one of tag and digest, `latest` by default.
        digests: Its digest.
    """

    image_name: str = "tensorflow/serving"
    tags: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDockerConfig:
    """A Docker on this machine, which is found by Docker's own environment variables.

    The fields are TFX's; a value is rejected, since it would have no effect.
    """

    client_base_url: str = ""
    client_api_version: str = ""
    client_timeout_seconds: int = 0
    host_ip_address: str = ""

    def __post_init__(self) -> None:
        """Reject settings that would be ignored."""
        for name in ("client_base_url", "client_api_version", "client_timeout_seconds", "host_ip_address"):
            if getattr(self, name):
                raise UsageError(
                    "infra_validator.docker",
                    f"LocalDockerConfig.{name} is not supported.",
                    "Set DOCKER_HOST and DOCKER_API_VERSION in the environment instead.",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingSpec:
    """Where the model is loaded in addition to a fresh process of this Python.

    Attributes:
        tensorflow_serving: TensorFlow Serving in a container.
        local_docker: That container runs on this machine.
        model_name: The model's name in requests.
    """

    tensorflow_serving: TensorFlowServing | None = None
    local_docker: LocalDockerConfig | None = None
    model_name: str = "model"

    def image(self) -> str:
        """Return the image to run; empty where no container is asked for.

        Raises:
            UsageError: No image, or more than one, is named.
        """
        named = self.tensorflow_serving
        if named is None:
            if self.local_docker is None:
                return ""
            raise UsageError(
                "infra_validator.container",
                "local_docker without tensorflow_serving names no image.",
                "Remove local_docker to load the model in a fresh process.",
            )
        images = [f"{named.image_name}:{tag}" for tag in named.tags]
        images += [f"{named.image_name}@{one}" for one in named.digests]
        if len(images) > 1:
            raise UsageError(
                "infra_validator.images",
                f"serving_spec names {len(images)} images: {', '.join(images)}.",
                "Name one image for each InfraValidator.",
            )
        return images[0] if images else f"{named.image_name}:latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationSpec:
    """The limits.

    Attributes:
        max_loading_time_seconds: For starting, loading and answering together.
        num_tries: How often it is tried where it takes too long or dies; a wrong answer is not tried again.
        max_memory_megabytes: Resident memory of the process; None sets no limit. TensorFlow itself takes about 500.
    """

    max_loading_time_seconds: int = 300
    num_tries: int = 1
    max_memory_megabytes: int | None = None

    def __post_init__(self) -> None:
        """Check the limits."""
        for name in ("max_loading_time_seconds", "num_tries", "max_memory_megabytes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError("infra_validator.limit", f"validation_spec.{name} must be 1 or more, got {value}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFlowServingRequestSpec:
    """What is asked of the model.

    Attributes:
        tag_set: The SavedModel's tags; `serve` by default.
        signature_names: The signatures to call; `serving_default` by default.
    """

    tag_set: list[str] = field(default_factory=list)
    signature_names: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSpec:
    """The examples that the model is asked about.

    Attributes:
        tensorflow_serving: The signatures.
        split_name: The split that they come from; the first by default.
        num_examples: How many.
        make_warmup: Whether the requests are kept as warm-up requests, in a copy of the model beside the mark.
    """

    tensorflow_serving: TensorFlowServingRequestSpec = field(default_factory=TensorFlowServingRequestSpec)
    split_name: str = ""
    num_examples: int = 1
    make_warmup: bool = False

    def __post_init__(self) -> None:
        """Check that the number is 1 or more."""
        if self.num_examples < 1:
            raise UsageError(
                "infra_validator.num_examples", f"request_spec.num_examples must be 1 or more, got {self.num_examples}."
            )
