"""The prose of the package and of the documentation keeps to plain, idiomatic English and one word for one thing.

Each pattern is a phrase that reads like a translation, or a second word for something that has one; beside it stands
what to write. Strings, docstrings and comments of the package are read, and the documentation outside of code spans.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "components/assay"
PAGES = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "docs", "changelog.d"]

INSTEAD = {
    r"(?<!\b[Tt]here )\bis no (?!longer\b|more than\b|such\b)\w+": "is not a …",
    r", for one\b(?=[.,;:)]|$)": "for example",
    r"\banew\b": "again",
    r"\bbesides\b": "also, in addition",
    r"\b(?:is|was|be|are) told\b": "is given, is known",
    r"\btold apart\b": "distinguished",
    r"\bmends?\b|\bmended\b": "fix",
    r"\bstands? in\b(?! for\b)": "is in, is set in",
    r"\blies? in\b(?! a range)|\blies? (?:below|beside|at)\b": "is in, is at",
    r"\bamiss\b": "wrong",
    r"\bon your word\b": "at your own risk",
    r"\bwhich there is not\b": "which does not exist",
    r"\bdata[ -]sets?\b": "dataset",
    r"\b(?:hold|holds|held) (?:\w+ ){0,4}?against\b": "validate against, compare with",
    r"\bput aside\b": "rejected, quarantined",
    r"\bleast severity\b": "minimum severity",
    r"\bchance of error\b": "significance level",
    r"\b[Hh]ow sure\b": "confidence",
    r"\ba (?:row|line|column|value|number|class|list|cell) a "
    r"(?:row|line|column|value|class|feature|check|slice|span)\b": "one … per …",
    r"\b(?:wants|want) to lie\b": "escapes",
    r"^Gives\b": "Return",
    r", say[.,;)]": "for example",
    r"\bvouch(?:es)? for this very\b": "belongs to",
    r"\bword for nothing\b": "missing-value token",
}
PATTERN = re.compile("|".join(f"(?P<p{at}>{each})" for at, each in enumerate(INSTEAD)), re.MULTILINE)


def wrong(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the phrase and what to write instead."""
    for found in PATTERN.finditer(text):
        instead = list(INSTEAD.values())[int((found.lastgroup or "p0")[1:])]
        yield text.count("\n", 0, found.start()), found.group(), instead


def prose(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each string and comment of a module."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in {tokenize.STRING, tokenize.COMMENT} or tokenize.tok_name[token.type] == "FSTRING_MIDDLE":
            yield token.start[0], token.string.removeprefix('"""')


def page(source: str) -> str:
    """Return a page with code blanked out, and every line where it was."""
    blank = lambda found: re.sub(r"[^\n]", " ", found.group())  # noqa: E731
    return re.sub(r"`[^`\n]+`", blank, re.sub(r"^( *)```.*?^\1```", blank, source, flags=re.MULTILINE | re.DOTALL))


def test_the_package_says_it_in_plain_english(project_root: Path) -> None:
    found = [
        f"{path.relative_to(project_root)}:{line + below}: '{phrase}': write '{instead}'"
        for path in sorted((project_root / PACKAGE).rglob("*.py"))
        for line, text in prose(path.read_text(encoding="utf-8"))
        for below, phrase, instead in wrong(text)
    ]
    assert not found, "\n".join(found)


def test_the_documentation_says_it_in_plain_english(project_root: Path) -> None:
    places = [project_root / each for each in PAGES]
    pages = [path for place in places for path in ([place] if place.is_file() else sorted(place.rglob("*.md")))]
    found = [
        f"{path.relative_to(project_root)}:{line + 1}: '{phrase}': write '{instead}'"
        for path in pages
        if "generated" not in path.parts  # of the package, which the test above reads
        for line, phrase, instead in wrong(page(path.read_text(encoding="utf-8")))
    ]
    assert not found, "\n".join(found)
