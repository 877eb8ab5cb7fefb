"""What a maintainer relies on outside of the package: make targets, workflows, forms, hooks and owners."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

PUBLISHER = "pypa/gh-action-pypi-publish@release/v1"  # PyPI's own action, which has no other tag for a major version
ELSEWHERE = {"sync-packages"}  # a target of kubeflow/pipelines-components, which a guide names


@pytest.fixture(scope="module")
def workflows(project_root: Path) -> dict[str, Any]:
    found = (project_root / ".github/workflows").glob("*.yml")
    return {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in found}


def targets(project_root: Path) -> set[str]:
    makefile = (project_root / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))


def documents(project_root: Path) -> Iterator[Path]:
    yield from project_root.glob("*.md")
    yield from (path for path in project_root.glob("docs/**/*.md") if "generated" not in path.parts)
    yield from (path for path in (project_root / ".github").rglob("*") if path.is_file())
    yield project_root / ".ci/run"


def test_every_make_target_that_is_named_exists(project_root: Path) -> None:
    known = targets(project_root)
    assert {"test", "lint", "docs", "changelog"} <= known
    missing = [
        f"{path.relative_to(project_root)}: make {target}"
        for path in documents(project_root)
        for target in re.findall(
            r"(?:^|`|run: |sudo )make ([a-z][a-z-]*)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
        if target not in known | ELSEWHERE
    ]
    assert not missing


def test_makefile_targets_are_documented_and_phony(project_root: Path) -> None:
    makefile = (project_root / "Makefile").read_text(encoding="utf-8")
    documented = set(re.findall(r"^([a-z][a-z-]*):.*## ", makefile, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert targets(project_root) == documented == set(phony[1].split())


def test_workflows_have_least_permissions_limits_and_pinned_actions(workflows: dict[str, Any]) -> None:
    assert {"ci.yml", "weekly.yml", "release.yml"} <= set(workflows)
    for name, workflow in workflows.items():
        assert workflow["permissions"] == {"contents": "read"}, name
        assert "group" in workflow["concurrency"], name
        for job in workflow["jobs"].values():
            assert job["timeout-minutes"] <= 180, name
            for step in job["steps"]:
                uses = step.get("uses")
                assert uses in {None, PUBLISHER} or re.fullmatch(r"actions/[a-z-]+@v\d+", uses), (name, uses)
                if uses is not None and uses.startswith("actions/checkout@"):
                    assert step["with"]["persist-credentials"] is False, name


def test_workflows_run_every_python_that_has_a_lock(project_root: Path, workflows: dict[str, Any]) -> None:
    locked = {
        re.sub(r"(\d)(\d+)", r"\1.\2", path.stem.partition("py")[2])
        for path in (project_root / "requirements").glob("full-py*.txt")
    }
    matrix = workflows["ci.yml"]["jobs"]["test-fast"]["strategy"]["matrix"]["include"]
    assert {row["python"] for row in matrix} == locked


def test_issue_forms_and_hooks_are_complete(project_root: Path) -> None:
    forms = [path for path in (project_root / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"]
    assert len(forms) >= 3
    for path in [*forms, *(project_root / ".github/DISCUSSION_TEMPLATE").glob("*.yml")]:
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path in forms:
            assert form["name"], path.name
            assert form["description"], path.name
        ids = [field["id"] for field in form["body"] if field["type"] != "markdown"]
        assert len(set(ids)) == len(ids), path.name
        assert all(field["attributes"].get("label") or field["type"] == "markdown" for field in form["body"]), path.name
    hooks = yaml.safe_load((project_root / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert {each["repo"] for each in hooks["repos"]} == {"local"}
    updates = yaml.safe_load((project_root / ".github/dependabot.yml").read_text(encoding="utf-8"))["updates"]
    assert {each["package-ecosystem"] for each in updates} == {"pip", "github-actions"}


def test_links_of_pages_outside_of_the_site_lead_to_files(project_root: Path) -> None:
    pages = [*project_root.glob("*.md"), *project_root.glob("examples/**/*.md")]
    broken = [
        f"{page.relative_to(project_root)}: {link}"
        for page in pages
        for link in re.findall(r'\]\(([^)#\s]+)|(?:src|srcset)="([^"]+)"', page.read_text(encoding="utf-8"))
        for target in filter(None, link)
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not broken


def test_owned_paths_exist(project_root: Path) -> None:
    for line in (project_root / ".github/CODEOWNERS").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#") and line.split()[0] != "*":
            assert (project_root / line.split()[0].lstrip("/")).exists(), line
