"""Draws the pictures of the README and the site: what commands print, and what pages look like, in light and dark.

    make pictures

The data is that of the tutorial. Terminals are SVG, written by Rich from what a command printed; pages are pictures of
a browser, with few colours so that the files stay small.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "static" / "pictures"
sys.path.insert(0, str(ROOT / "tests"))

from browsers import chromium  # noqa: E402 (found on the path that was just set)

_COLUMNS = 92
_COLOURS = 128
_PAGE = {"width": 1180, "height": 740}
# The background, the text, and a terminal's eight colours: black, red, green, yellow, blue, magenta, cyan, white.
_THEMES: dict[str, TerminalTheme] = {
    mode: TerminalTheme(background, text, colours, colours)
    for mode, background, text, colours in (
        (
            "light", (246, 248, 250), (31, 35, 40),
            [(110, 118, 129), (207, 34, 46), (26, 127, 55), (154, 103, 0), (9, 105, 218), (130, 80, 223),
             (27, 124, 131), (31, 35, 40)],
        ),
        (
            "dark", (22, 27, 34), (230, 237, 243),
            [(110, 118, 129), (255, 123, 114), (63, 185, 80), (210, 153, 34), (88, 166, 255), (188, 140, 255),
             (86, 212, 221), (230, 237, 243)],
        ),
    )
}  # fmt: skip
_GATE = """\
model_specs:
  - {label_key: label, prediction_key: score}
slicing_specs:
  - {}
  - feature_keys: [region]
metrics_specs:
  - metrics:
      - class_name: AUC
        threshold:
          change_threshold: {direction: HIGHER_IS_BETTER, absolute: 0, significant: regression}
"""
_PREDICTIONS = """
import csv, random
random.seed(3)
rows = [(number, int(random.random() < 0.5), random.choice(["north", "south"])) for number in range(6000)]
for name, sharpness in (
    ("baseline.csv", {"north": 0.5, "south": 0.5}),
    ("candidate.csv", {"north": 0.44, "south": 0.62}),
):
    with open(name, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "label", "score", "region"])
        for number, label, region in rows:
            score = random.gauss(0.5 + sharpness[region] * (label - 0.5), 0.2)
            writer.writerow([number, label, f"{min(max(score, 0), 1):.4f}", region])
"""
# What a reader of the page does not need to see: where this script put its files.
_WITHOUT_FOLDER = "document.querySelectorAll('dl').forEach(e => e.textContent.includes('folder') && e.remove())"


def main() -> None:
    """Draw all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tutorial = (ROOT / "docs" / "tutorials" / "start.md").read_text(encoding="utf-8")
        data = re.search(r"```python\n(.*?)```", tutorial, re.DOTALL)
        assert data is not None, "the tutorial makes its data"
        for code in (data[1], _PREDICTIONS):
            subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)  # noqa: S603 (our own)
        (folder / "gate.yaml").write_text(_GATE, encoding="utf-8")
        _terminal(
            "validate",
            folder,
            "assay schema infer trips.csv -o schema.pbtxt",
            "assay validate next.csv --schema schema.pbtxt",
        )
        _terminal(
            "gate",
            folder,
            "assay gate --config gate.yaml --predictions candidate.csv \\\n"
            "    --baseline-predictions baseline.csv --join-on id -o verdict",
        )
        for command in (
            "assay stats trips.csv -o trips.pb",
            "assay stats next.csv -o next.pb",
            "assay report next.pb --against trips.pb -o statistics.html",
            "assay report verdict -o verdict.html",
        ):
            _run(command, folder)
        _pages(folder, "statistics", "verdict")


def _run(command: str, folder: Path) -> str:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "components"),
        "FORCE_COLOR": "1",
        "COLUMNS": str(_COLUMNS),
    }
    arguments = command.replace("\\\n", "").split()
    done = subprocess.run(  # noqa: S603 (a command of ours)
        [sys.executable, "-m", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in {0, 3, 4}:
        raise SystemExit(f"{command}\n{done.stdout}{done.stderr}")
    return done.stdout


def _terminal(name: str, folder: Path, *commands: str) -> None:
    printed = list(_printed(folder, commands))
    for mode, theme in _THEMES.items():
        console = Console(width=_COLUMNS, record=True, file=io.StringIO(), force_terminal=True, color_system="standard")
        for text in printed:
            console.print(text, highlight=False, soft_wrap=False)
        svg = console.export_svg(title="", theme=theme, unique_id=f"{name}-{mode}")
        # Without the addresses of fonts: a picture asks nothing of a network.
        svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
        # Nor with clips, which cut underscores off in fonts that are not Rich's.
        svg = re.sub(
            r'<clipPath id="[\w-]+">.*?</clipPath>|clip-path="url\(#[\w-]+\)"',
            "",
            svg,
            flags=re.DOTALL,
        )
        svg = svg.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace")
        lines = (line.rstrip() for line in svg.splitlines())
        (FOLDER / f"{name}-{mode}.svg").write_text("\n".join(filter(None, lines)) + "\n", encoding="utf-8")


def _printed(folder: Path, commands: tuple[str, ...]) -> Iterator[Text]:
    for command in commands:
        yield Text.assemble(("$ ", "bold green"), (command, "bold"))
        yield Text.from_ansi(_run(command, folder).rstrip())


def _pages(folder: Path, *names: str) -> None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (of the tools that this script needs, the slowest)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for name in names:
            for mode in _THEMES:
                page = browser.new_page(viewport=_PAGE, color_scheme=mode)
                page.goto((folder / f"{name}.html").as_uri())
                page.evaluate(_WITHOUT_FOLDER)
                picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                small = picture.quantize(_COLOURS, dither=Image.Dither.NONE)
                small.save(FOLDER / f"{name}-{mode}.png", optimize=True)
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
