from __future__ import annotations

import gzip
from pathlib import Path

from assay.data.tfrecord import TFRecordWriter
from assay.data.vocabulary import read_vocabularies
from raising import raises


def test_lines_and_records(tmp_path: Path) -> None:
    text, records = tmp_path / "words.txt", tmp_path / "words.tfrecord.gz"
    text.write_text("the\n fox \n\nä\n", encoding="utf-8")
    with TFRecordWriter(records) as writer:
        for token in ("the", "ä"):
            writer.write(token.encode())
    assert read_vocabularies({"text": text, "records": str(records)}) == {
        "text": ("the", "fox", "", "ä"),
        "records": ("the", "ä"),
    }


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with raises("vocabulary.unreadable", "words", "none.txt"):
        read_vocabularies({"words": tmp_path / "none.txt"})
    (tmp_path / "latin.txt").write_bytes("ä".encode("latin-1"))
    with raises("vocabulary.not_utf8"):
        read_vocabularies({"words": tmp_path / "latin.txt"})
    (tmp_path / "cut.tfrecord.gz").write_bytes(gzip.compress(b"abc"))
    with raises("tfrecord.truncated", "cut.tfrecord.gz", "1"):
        read_vocabularies({"words": tmp_path / "cut.tfrecord.gz"})
