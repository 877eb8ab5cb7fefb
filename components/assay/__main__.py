"""`python -m assay`, which is `assay` where no console script is on the path."""

from __future__ import annotations

from assay.cli.main import main

if __name__ == "__main__":
    main()
