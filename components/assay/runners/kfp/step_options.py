"""What a cluster needs to know about a step and a declaration does not say: resources, retries, environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import msgspec
from kfp import dsl
from kfp.dsl import structures

from assay.documents import parse_yaml, read_text
from assay.errors import UsageError, did_you_mean

_NO_DEADLINE = 365 * 24 * 3600  # seconds; Kubernetes' activeDeadlineSeconds, which Argo derives, takes 31 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKey:
    """A key of a Kubernetes secret."""

    secret: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOptions:
    """Options of a step on a cluster; the step `*` stands for all, and a step's own options win.

    Attributes:
        image: The step's image.
        cpu_request: Kubernetes' notation, such as `500m`.
        cpu_limit: As above.
        memory_request: Such as `4G`.
        memory_limit: As above.
        accelerator_type: Such as `nvidia.com/gpu`.
        accelerator_count: How many of them.
        retries: How often a failed step is tried again.
        retry_backoff: The wait before the first retry, such as `30s`; it doubles.
        caching: Whether KFP may take the step from an earlier run; by default the pipeline's `enable_cache`, and never
            for a step that reads what KFP cannot see (files, a registry) or acts on the outside world (a push).
        env: Environment variables.
        secrets: Environment variables that come from secrets.
    """

    image: str = ""
    cpu_request: str = ""
    cpu_limit: str = ""
    memory_request: str = ""
    memory_limit: str = ""
    accelerator_type: str = ""
    accelerator_count: int = 0
    retries: int = 0
    retry_backoff: str = ""
    caching: bool | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, SecretKey] = field(default_factory=dict)


class _Retries(structures.RetryPolicy):  # type: ignore[misc]  # kfp has no types
    """Retries without a deadline.

    KFP's SDK caps `backoff_max_duration` at an hour. Argo counts it from the start of the first attempt, does not retry
    what failed later, and kills a retry that still runs then. Without the field, KFP's server gives Argo no time.
    """

    def to_proto(self) -> Any:
        """Return KFP's message."""
        message = super().to_proto()
        message.backoff_max_duration.FromSeconds(_NO_DEADLINE)
        return message


def read_step_options(path: Path) -> dict[str, StepOptions]:
    """Read a YAML file that gives options by step.

    Raises:
        UsageError: If it cannot be read, or names an option that there is not.
    """
    text = read_text(path, "options of pipeline nodes", code="kfp.step_options")
    document = parse_yaml(text, str(path), code="kfp.step_options") or {}
    try:
        known = [each.name for each in fields(StepOptions)]
        for step, options in document.items():
            for name in options:
                if name not in known:
                    raise UsageError(
                        "kfp.step_option", f"{path}: {step} has no option '{name}'.", did_you_mean(name, known)
                    )
        texts = {step: {name: _as_text(name, value) for name, value in each.items()} for step, each in document.items()}
        return msgspec.convert(texts, dict[str, StepOptions])
    except (msgspec.ValidationError, AttributeError, TypeError) as error:
        raise UsageError(
            "kfp.step_options",
            f"{path} does not contain options by step: {error}.",
            "Write `Trainer: {memory_limit: 8G, retries: 2}`, one line per step.",
        ) from None


def _as_text(name: str, value: Any) -> Any:
    """Convert a number to text where only text is valid: `cpu_limit: 8`, and `env: {PORT: 8080}`."""
    if name == "env" and isinstance(value, dict):
        return {key: _as_text("", item) for key, item in value.items()}
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if is_number and name not in {"accelerator_count", "retries"} else value


def options_of(step: str, given: Mapping[str, StepOptions]) -> StepOptions:
    """Return a step's options: its own, and for those that it does not set, those of `*`."""
    general, own = given.get("*", StepOptions()), given.get(step, StepOptions())
    default = StepOptions()
    values: dict[str, Any] = {}
    for each in fields(StepOptions):
        value = getattr(own, each.name)
        values[each.name] = getattr(general, each.name) if value == getattr(default, each.name) else value
    values["env"] = {**general.env, **own.env}
    values["secrets"] = {**general.secrets, **own.secrets}
    return StepOptions(**values)


def steering_options(step: str, given: Mapping[str, StepOptions]) -> StepOptions:
    """Return the options of the gate after a step: where it runs is the step's, how much it needs is that of `*`.

    The gate reads what the step wrote, so it needs the same image and access; a machine for training it does not need.
    """
    own, general = options_of(step, given), options_of("*", given)
    reached = {name: getattr(own, name) for name in ("image", "env", "secrets", "retries", "retry_backoff")}
    return replace(general, **reached, caching=None)


def apply_options(task: dsl.PipelineTask, options: StepOptions, *, caching: bool) -> None:
    """Set a task's options.

    Args:
        task: The task.
        options: The step's options; the image is set where the component is made.
        caching: Whether KFP may cache the step where the options do not say.

    Raises:
        UsageError: For a value that KFP does not take.
    """
    if options.retries < 0 or (options.accelerator_count and not options.accelerator_type):
        found = f"retries: {options.retries}" if options.retries < 0 else "accelerator_count without accelerator_type"
        raise UsageError("kfp.step_value", f"The options of {task.name} hold {found}.", "Remove it, or complete it.")
    try:
        _set_options(task, options, caching=caching)
    except ValueError as error:  # KFP's, for values in a notation that it does not know
        raise UsageError(
            "kfp.step_value",
            f"The options of {task.name}: {error}",
            "Use Kubernetes notation: 500m, 16G, 30s.",
        ) from None


def _set_options(task: dsl.PipelineTask, options: StepOptions, *, caching: bool) -> None:
    task.set_caching_options(caching if options.caching is None else options.caching)
    settings = {
        "set_cpu_request": options.cpu_request,
        "set_cpu_limit": options.cpu_limit,
        "set_memory_request": options.memory_request,
        "set_memory_limit": options.memory_limit,
        "set_accelerator_type": options.accelerator_type,
        "set_accelerator_limit": options.accelerator_count,
    }
    for method, value in settings.items():
        if value:
            getattr(task, method)(value)
    if options.retry_backoff:
        structures.convert_duration_to_seconds(options.retry_backoff)  # which KFP looks at much later
    if options.retries:
        task.set_retry(num_retries=options.retries, backoff_duration=options.retry_backoff or None, backoff_factor=2.0)
        task._task_spec.retry_policy = _Retries(**vars(task._task_spec.retry_policy))  # noqa: SLF001 (there is no other way)
    for name, value in options.env.items():
        task.set_env_variable(name, value)
    if options.secrets:
        # What kfp-kubernetes' use_secret_as_env writes; KFP itself only carries it.
        task.platform_config.setdefault("kubernetes", {})["secretAsEnv"] = [
            {"secretName": each.secret, "keyToEnv": [{"secretKey": each.key, "envVar": name}]}
            for name, each in sorted(options.secrets.items())
        ]
