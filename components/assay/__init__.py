"""Prebuilt ML validation components that share typed artifacts, in TFX's own formats.

Importing this package is cheap: names are looked up when they are first used (PEP 562), so that `import assay` loads
neither TensorFlow nor Beam nor any data library.
"""

from __future__ import annotations

__version__ = "0.1.0.dev0"

__all__ = ["__version__"]
