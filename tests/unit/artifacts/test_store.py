from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assay.artifacts import Artifact, ArtifactType, Examples, Model, PropertyDeclaration, Schema
from assay.artifacts.store import (
    MANIFEST,
    Producer,
    adopt,
    changed_files,
    damage,
    digest_of,
    list_files,
    open_artifact,
    read_manifest,
    seal,
)
from assay.files import is_stream, write_durably
from raising import raises


class Note(Artifact):
    declaration = ArtifactType(
        "Note", properties={"length": PropertyDeclaration("int"), "tags": PropertyDeclaration("list")}
    )


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The kernel refuses writes beyond `size` bytes of a file (EFBIG), as a full disk does (ENOSPC)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def staged(folder: Path) -> Note:
    folder.mkdir(parents=True)
    (folder / "b.txt").write_text("b")
    (folder / "sub").mkdir()
    (folder / "sub" / "a.txt").write_text("a")
    return Note(folder, properties={"length": 2}, rows={"train": 3})


@pytest.fixture
def sealed(tmp_path: Path) -> Note:
    note = staged(tmp_path / "staging")
    seal(note, tmp_path / "out" / "1", Producer(component="C", run_id="r"))
    return note


def test_sealing_moves_the_folder_and_describes_it(sealed: Note, tmp_path: Path) -> None:
    assert sealed.path == tmp_path / "out" / "1"
    assert not (tmp_path / "staging").exists()
    assert sorted(path.name for path in sealed.path.iterdir()) == ["b.txt", MANIFEST, "sub"]
    manifest = read_manifest(sealed.path)
    assert [entry.path for entry in manifest.files] == ["b.txt", "sub/a.txt"]
    assert manifest.digest == sealed.digest == digest_of(list_files(sealed.path))
    assert (manifest.properties, manifest.rows) == ({"length": 2}, {"train": 3})
    assert (manifest.producer.component, manifest.producer.run_id) == ("C", "r")
    found = open_artifact(sealed.path, Note)
    assert (found.properties, found.rows, found.digest) == (sealed.properties, sealed.rows, sealed.digest)


def test_the_digest_depends_on_names_and_contents_only(tmp_path: Path) -> None:
    one, two = staged(tmp_path / "s1"), staged(tmp_path / "s2")
    two.properties["length"] = 99
    os.utime(two.path / "b.txt", (0, 0))
    seal(one, tmp_path / "1", Producer(run_id="x"))
    seal(two, tmp_path / "2", Producer(run_id="y"))
    assert one.digest == two.digest
    three = staged(tmp_path / "s3")
    (three.path / "b.txt").rename(three.path / "c.txt")
    seal(three, tmp_path / "3", Producer())
    assert three.digest != one.digest


def test_every_change_is_found(sealed: Note) -> None:
    assert changed_files(sealed.path) == []
    (sealed.path / "b.txt").write_text("B")
    (sealed.path / "sub" / "a.txt").unlink()
    (sealed.path / "sub" / "new.txt").touch()
    assert changed_files(sealed.path) == ["b.txt", "sub/a.txt", "sub/new.txt"]


def test_damage_is_told_in_words(sealed: Note, tmp_path: Path) -> None:
    assert damage(sealed.path, sealed.digest) == ""
    assert damage(sealed.path, "sha256:other") == "was replaced by another"
    assert damage(tmp_path / "gone", sealed.digest) == "is gone"
    (sealed.path / "b.txt").write_text("B")
    assert damage(sealed.path, sealed.digest) == "was changed after it was sealed (b.txt)"
    (sealed.path / MANIFEST).unlink()
    assert damage(sealed.path, sealed.digest) == "was changed after it was imported"
    (sealed.path / "b.txt").write_text("b")
    assert damage(sealed.path, sealed.digest) == ""


def test_an_existing_destination_is_never_overwritten(sealed: Note, tmp_path: Path) -> None:
    with raises("artifact.exists", "out/1"):
        seal(staged(tmp_path / "again"), sealed.path, Producer())
    assert changed_files(sealed.path) == []


def test_an_incomplete_layout_is_not_published(tmp_path: Path) -> None:
    (tmp_path / "staging").mkdir()
    (tmp_path / "staging" / "notes.txt").touch()
    with raises("artifact.layout", "schema.pbtxt", "notes.txt"):
        seal(Schema(tmp_path / "staging"), tmp_path / "out", Producer())
    assert not (tmp_path / "out").exists()


def edit_manifest(folder: Path, **values: object) -> None:
    path = folder / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"manifest_version": 2}, ("artifact.newer_manifest", "manifest.json", "2", "1")),
        ({"type_version": 2}, ("artifact.newer_type", "Note", "2", "1")),
        ({"type": "Model"}, ("artifact.wrong_type", "Note", "Model")),
        ({"files": "none"}, ("artifact.bad_manifest", "manifest.json", "array", "str", "$.files")),
        ({"properties": {"lenth": 1}}, ("artifact.unknown_property", "Note", "lenth", "length")),
    ],
)
def test_a_manifest_that_this_release_cannot_read_is_refused(
    sealed: Note, values: dict[str, object], expected: tuple[str, ...]
) -> None:
    edit_manifest(sealed.path, **values)
    with raises(*expected):
        open_artifact(sealed.path, Note)


def test_an_unsealed_folder_is_not_opened(tmp_path: Path) -> None:
    with raises("artifact.no_manifest", "manifest.json"):
        open_artifact(tmp_path, Note)


def test_a_folder_of_another_tool_is_adopted_as_it_is(tmp_path: Path) -> None:
    for split in ("train", "eval"):
        (tmp_path / f"Split-{split}").mkdir()
        (tmp_path / f"Split-{split}" / "data_tfrecord-00000-of-00001.gz").write_text(split)
    adopted = adopt(tmp_path, Examples)
    assert (adopted.split_names, adopted.file_format) == (("eval", "train"), "tfrecord_gzip")
    assert adopted.digest == digest_of(list_files(tmp_path))
    assert not (tmp_path / MANIFEST).exists()


def test_a_line_break_in_a_name_does_not_make_one_file_look_like_two(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        (folder / "a").write_text("a")
    (two / "b").write_text("b")
    entry = list_files(two)[1]
    (one / "a").rename(one / f"a\n{entry.sha256}  b")
    assert digest_of(list_files(one)) != digest_of(list_files(two))
    (two / "b").rename(two / r"c\nd")
    escaped = digest_of(list_files(two))
    (two / r"c\nd").rename(two / "c\nd")
    assert digest_of(list_files(two)) != escaped


@pytest.mark.parametrize("name", ["plain", "with space", "line\nbreak", "back\\slash", "ä"])
def test_the_digest_is_of_what_sha256sum_prints(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("content")
    printed = subprocess.run(["sha256sum", "--", name], cwd=tmp_path, capture_output=True, check=True).stdout
    assert digest_of(list_files(tmp_path)) == "sha256:" + hashlib.sha256(printed).hexdigest()


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    note = staged(tmp_path / "staging")
    Path(os.fsdecode(os.fsencode(note.path) + b"/caf\xe9")).touch()
    with raises("artifact.file_name", "caf\\udce9"):
        seal(note, tmp_path / "out" / "1", Producer())
    assert not (tmp_path / "out").exists()


def test_an_adopted_artifact_of_assay_must_be_whole(sealed: Note) -> None:
    assert adopt(sealed.path, Note).digest == sealed.digest
    (sealed.path / "b.txt").write_text("B")
    with raises("artifact.changed", "b.txt", "manifest.json"):
        adopt(sealed.path, Note)


def test_what_is_not_there_cannot_be_adopted(tmp_path: Path) -> None:
    with raises("artifact.missing"):
        adopt(tmp_path / "gone", Note)
    with raises("artifact.layout", "Model"):
        adopt(tmp_path, Model)


def test_a_file_that_the_disk_does_not_take_is_not_half_there(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_durably(path, b"old")
    with largest_file(1024), raises("artifact.write_failed", path, "File too large"):
        write_durably(path, b"x" * 4096)
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["run.json"]


def test_an_artifact_whose_manifest_does_not_fit_is_not_published(tmp_path: Path) -> None:
    note = staged(tmp_path / "staging")
    with largest_file(100), raises("artifact.write_failed", "manifest.json", "File too large"):
        seal(note, tmp_path / "out", Producer())
    assert not (tmp_path / "out").exists()


def test_properties_are_checked_in_whichever_way_they_are_set(tmp_path: Path) -> None:
    note = Note(tmp_path)
    note.properties.update({"length": 1})
    assert note.properties.setdefault("length", 2) == 1
    note.properties["tags"] = None
    for wrong, code in [({"lenth": 1}, "artifact.unknown_property"), ({"length": "1"}, "artifact.property_type")]:
        with raises(code, *wrong):
            note.properties.update(wrong)
        with raises(code, *wrong):
            Note(tmp_path, properties=wrong)
    with raises("artifact.unknown_property", "Note", "x", "tags"):
        note.properties.setdefault("x", 1)


def test_a_class_without_a_declared_type_is_refused(tmp_path: Path) -> None:
    class Bare(Artifact):
        pass

    with raises("artifact.undeclared_type", "Bare"):
        Bare(tmp_path)


def test_a_subclass_that_only_adds_methods_is_of_its_parent_s_type(tmp_path: Path) -> None:
    class MyModel(Model):
        pass

    assert MyModel(tmp_path).type_name == "Model"


def test_a_missing_file_of_an_artifact_is_named(tmp_path: Path) -> None:
    with raises("artifact.missing_file", "Note", "b.txt"):
        Note(tmp_path).require("b.txt")


def test_a_link_stays_and_a_pipe_is_written_to(tmp_path: Path) -> None:
    link, target, pipe = tmp_path / "link", tmp_path / "target", tmp_path / "pipe"
    link.symlink_to(target)  # which need not exist
    for content in (b"one", b"two"):
        write_durably(link, content)
        assert (link.is_symlink(), target.read_bytes()) == (True, content)
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_durably(pipe, b"three")
    assert os.read(reader, 10) == b"three"
    os.close(reader)
    assert is_stream(pipe)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe", "target"]
