"""Applying Beam transforms to a list, in this process.

TFMA's extractors are Beam transforms that map one element to others. A Beam pipeline for them costs seconds before the
first example is looked at: translating the graph, pickling, a worker. A list costs nothing. Only element-wise
transforms have a meaning here; anything else says so, and TFMA's own pipeline takes over.
"""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from apache_beam.transforms.ptransform import _NamedPTransform


class NotElementwiseError(Exception):
    """A transform groups or merges; it needs a real pipeline."""


class LocalCollection:
    """Elements in memory, which take `| transform` as a `beam.PCollection` does.

    Attributes:
        elements: The elements.
        pipeline: None: there is no pipeline to ask.
    """

    pipeline = None

    def __init__(self, elements: list[Any]) -> None:
        self.elements = elements

    def __or__(self, transform: Any) -> LocalCollection:
        """Gives the elements that `transform` makes of these.

        Raises:
            NotElementwiseError: The transform is not a `ParDo`, nor made of such.
        """
        # `label >> transform` wraps the transform to carry the label.
        if isinstance(transform, _NamedPTransform):
            transform = transform.transform
        if isinstance(transform, beam.ParDo):
            return LocalCollection(_apply(transform, self.elements))
        if isinstance(transform, (beam.GroupByKey, beam.CombineGlobally, beam.CombinePerKey, beam.Flatten)):
            raise NotElementwiseError(str(transform))
        result = transform.expand(self)
        if not isinstance(result, LocalCollection):
            raise NotElementwiseError(str(transform))
        return result


def _apply(transform: beam.ParDo, elements: list[Any]) -> list[Any]:
    arguments = [*transform.args, *transform.kwargs.values()]
    if any(isinstance(argument, beam.pvalue.AsSideInput) for argument in arguments):
        raise NotElementwiseError(str(transform))
    work = transform.fn
    work.setup()
    work.start_bundle()
    made: list[Any] = []
    for element in elements:
        made.extend(work.process(element, *transform.args, **transform.kwargs) or ())
    work.finish_bundle()
    work.teardown()
    return made
