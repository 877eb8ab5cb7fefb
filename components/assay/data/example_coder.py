"""Serialised `tf.Example`s to Arrow and back, all records of a batch at once.

A record is a message in a message in a message, on the wire of https://protobuf.dev/programming-guides/encoding/:

    Example      features: Features
    Features     feature: an entry for each name
    entry        key: text, value: Feature
    Feature      bytes_list, float_list or int64_list
    the list     value, value, ...

A message is a row of fields; a field is a key (its number and the kind of its value), for a message, text or packed
numbers a length, and the value. A level of messages is decoded in steps: step i reads the i-th field of every message,
so that numpy sees as many messages at once as there are. Values stay where they are, as spans of the bytes of all
records, until Arrow gathers those of a kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Integers: TypeAlias = NDArray[np.int64]
    Bytes: TypeAlias = NDArray[np.uint8]

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5  # kinds of values, in the lowest three bits of a key
_SIZES = np.array([0, 8, 0, 1 << 62, 1 << 62, 4, 1 << 62, 1 << 62])  # of groups, which tf.Example has not, beyond all
_FIRST, _SECOND = 1 << 3 | _LENGTH, 2 << 3 | _LENGTH  # keys of the fields 1 and 2 where they have a length
_LONG_VARINT, _SHORT_VARINT = 10, 5  # bytes that 64 and 32 bits take
_BEYOND = 1 << 62

_BYTES, _FLOAT, _INT64 = 1, 2, 3  # the fields of Feature
_TYPES = {_BYTES: pa.large_binary(), _FLOAT: pa.float32(), _INT64: pa.int64()}
_NAMES = {_BYTES: "bytes", _FLOAT: "float", _INT64: "int64"}
_NOTHING = pa.scalar(b"", pa.large_binary())  # the separator
_KINDS = {kind: number for number, kind in _TYPES.items()}


class MalformedError(ValueError):
    """A record is not a `tf.Example`.

    Attributes:
        record: Its index.
    """

    def __init__(self, record: int) -> None:
        super().__init__(record)
        self.record = record


class FeatureListsError(MalformedError):
    """A record is a `tf.SequenceExample`."""


class MixedKindsError(ValueError):
    """A feature changes its kind between records.

    Attributes:
        feature: Its name.
        found: A record's index for each kind.
    """

    def __init__(self, feature: str, found: dict[str, int]) -> None:
        super().__init__(feature)
        self.feature, self.found = feature, found


def decode_examples(records: Sequence[bytes]) -> pa.RecordBatch:
    """Return a list column for each feature, in the order of their names.

    A record without the feature, or in which it has no kind, has a null list. Of a name that a record has twice, the
    later entry counts, as for protobuf.

    Raises:
        MalformedError: A record is not a `tf.Example`; `FeatureListsError` where it is a `tf.SequenceExample`.
        MixedKindsError: A feature changes its kind.
    """
    data = _Data(records)
    top = data.fields(data.starts, data.ends, np.arange(len(records)))
    if (sequences := top.owner[top.key == _SECOND]).size:
        raise FeatureListsError(int(sequences[0]))
    features = top[top.key == _FIRST]
    entries = data.fields(features.start, features.end, features.owner).of(features.owner)
    entries = entries[entries.key == _FIRST]
    parts = data.fields(entries.start, entries.end, entries.owner)
    names, codes = _names(data, parts[parts.key == _FIRST], entries)
    lists = _lists(data, parts[parts.key == _SECOND], entries)
    # By column, and within it by record; the last entry of a record counts.
    order = np.argsort(codes.astype(np.uint16) if len(names) <= 1 << 16 else codes, kind="stable")
    is_last = np.ones(len(order), np.bool_)
    is_last[:-1] = (np.diff(codes[order]) != 0) | (np.diff(entries.owner[order]) != 0)
    order = order[is_last]
    if not names:  # rows without a column count all the same
        return pa.RecordBatch.from_struct_array(pa.array([{}] * len(records), pa.struct([])))
    bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
    values = {kind: _values(data, kind, lists, order) for kind in _TYPES}
    record, kinds = entries.owner[order], lists.kind[order]
    columns = [
        _column(name, slice(at, end), record[at:end], kinds[at:end], values, len(records))
        for name, at, end in zip(names, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names)


@dataclass(frozen=True, slots=True)
class _Fields:
    """Fields of messages, message by message, and within it as they are written.

    Attributes:
        owner: The index of the message.
        key: The field's number times 8, plus the kind of its value.
        start: Where the value begins, behind its length.
        end: Where it ends.
    """

    owner: Integers
    key: Integers
    start: Integers
    end: Integers

    def __getitem__(self, chosen: Any) -> _Fields:
        return _Fields(self.owner[chosen], self.key[chosen], self.start[chosen], self.end[chosen])

    def of(self, owner: Integers) -> _Fields:
        """Return them as fields of what owns their messages."""
        return _Fields(owner[self.owner], self.key, self.start, self.end)


class _Data:
    """The bytes of all records.

    Attributes:
        bytes: As numbers.
        starts: Where each record begins.
        ends: Where it ends.
    """

    def __init__(self, records: Sequence[bytes]) -> None:
        # A key and a number that begin in the last byte are read beyond it, and found to be out of bounds after that.
        joined = b"".join([*records, bytes(_SHORT_VARINT + _LONG_VARINT)])
        self.bytes: Bytes = np.frombuffer(joined, np.uint8)
        self._buffer = pa.py_buffer(joined)
        self.ends = np.cumsum(np.fromiter(map(len, records), np.int64, len(records)))
        self.starts = np.append(0, self.ends)[:-1]

    def fields(self, starts: Integers, ends: Integers, record: Integers) -> _Fields:
        """Read the fields of messages.

        Raises:
            MalformedError: One ends within a field; `record` says to which record each message belongs.
        """
        at, steps = starts.copy(), []
        active = np.flatnonzero(starts < ends)
        while len(active):
            key, start = self._varints(at[active], _SHORT_VARINT)
            kind = key & 7
            end = start + _SIZES[kind]
            for of_kind, longest in ((_LENGTH, _SHORT_VARINT), (_VARINT, _LONG_VARINT)):
                chosen = np.flatnonzero(kind == of_kind)
                number, behind = self._varints(start[chosen], longest)
                if of_kind == _LENGTH:
                    start[chosen] = behind
                    behind = behind + number
                end[chosen] = behind
            is_broken = (end > ends[active]) | (key < 8)
            if is_broken.any():
                raise MalformedError(int(record[active[is_broken]].min()))
            steps.append(_Fields(active, key, start, end))
            at[active] = end
            active = active[end < ends[active]]
        return _in_order(steps, len(starts))

    def _varints(self, at: Integers, longest: int) -> tuple[Integers, Integers]:
        """Return the numbers that begin at places, and where they end: beyond all bytes if they are too long."""
        byte = self.bytes[at]
        number, end = (byte & 0x7F).astype(np.int64), at + 1
        more, shift = np.flatnonzero(byte & 0x80), 7
        while len(more) and shift < 7 * longest:
            byte = self.bytes[end[more]]
            number[more] |= (byte & 0x7F).astype(np.int64) << shift
            end[more] += 1
            more, shift = more[byte >= 0x80], shift + 7
        end[more] = _BEYOND
        return number, end

    def gather(self, start: Integers, end: Integers, order: Integers | None = None) -> pa.Array:
        """Return the bytes of spans, which ascend, in an order."""
        if not len(start):
            return pa.array([], pa.large_binary())
        # Every other item of this array is a span, and those between are what is between the spans.
        offsets = np.stack([start, end], axis=1).reshape(-1)
        both = pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), self._buffer]
        )
        order = np.arange(len(start)) if order is None else order
        return both.take(pa.array(2 * order))


def _in_order(steps: list[_Fields], num_messages: int) -> _Fields:
    """Put the fields of step i, which are the i-th of their messages, in the order of messages."""
    if len(steps) == 1:
        return steps[0]
    counts = np.zeros(num_messages, np.int64)
    for step in steps:
        counts[step.owner] += 1
    first = np.cumsum(counts) - counts
    whole = _Fields(*(np.empty(counts.sum(), np.int64) for _ in range(4)))
    for number, step in enumerate(steps):
        place = first[step.owner] + number
        whole.owner[place], whole.key[place], whole.start[place], whole.end[place] = (
            *(step.owner, step.key, step.start, step.end),
        )
    return whole


def _names(data: _Data, keys: _Fields, entries: _Fields) -> tuple[list[str], Integers]:
    """Return the names in order, and the index of each entry's among them."""
    start, end = entries.start.copy(), entries.start.copy()  # without a key, the name is empty
    start[keys.owner], end[keys.owner] = keys.start, keys.end  # numpy assigns in order: the last key counts
    encoded = data.gather(start, end).dictionary_encode()
    codes = encoded.indices.to_numpy().astype(np.int64)
    raw: list[bytes] = encoded.dictionary.to_pylist()
    names = []
    for code, name in enumerate(raw):
        try:
            names.append(name.decode())
        except UnicodeDecodeError as error:
            raise MalformedError(int(entries.owner[codes == code][0])) from error
    rank = np.empty(len(raw), np.int64)
    rank[sorted(range(len(raw)), key=raw.__getitem__)] = np.arange(len(raw))
    return sorted(names), rank[codes]


@dataclass(frozen=True, slots=True)
class _Lists:
    """The lists of entries.

    Attributes:
        kind: Of each entry: the field of Feature that is set, or 0.
        items: The fields of the lists, with the entry as owner: single values, or packed ones.
        item_kind: The kind of each item's list.
    """

    kind: Integers
    items: _Fields
    item_kind: Integers


def _lists(data: _Data, features: _Fields, entries: _Fields) -> _Lists:
    lists = data.fields(features.start, features.end, entries.owner[features.owner]).of(features.owner)
    lists = lists[np.isin(lists.key, [kind << 3 | _LENGTH for kind in _TYPES])]
    kind_of_list = lists.key >> 3
    kind = np.zeros(len(entries.owner), np.int64)
    kind[lists.owner] = kind_of_list  # the last one is set
    items = data.fields(lists.start, lists.end, entries.owner[lists.owner])
    # Setting a kind clears another that was set before, and adds to the same.
    is_other = np.flatnonzero(kind_of_list != kind[lists.owner])
    last_other = np.full(len(kind), -1)
    last_other[lists.owner[is_other]] = is_other
    is_kept = np.arange(len(lists.owner)) > last_other[lists.owner]
    of_kind, alone = kind_of_list[items.owner], np.array([-1, -1, 1 << 3 | _FOUR_BYTES, 1 << 3 | _VARINT])
    chosen = is_kept[items.owner] & ((items.key == _FIRST) | (items.key == alone[of_kind]))
    items = items[chosen]
    _check_items(data, items, of_kind[chosen], entries.owner[lists.owner])
    return _Lists(kind, items.of(lists.owner), of_kind[chosen])


def _check_items(data: _Data, items: _Fields, kinds: Integers, record: Integers) -> None:
    """Check that packed numbers end where their field does."""
    is_cut = (kinds == _FLOAT) & ((items.end - items.start) % 4 != 0)
    is_cut |= (kinds == _INT64) & (items.end > items.start) & (data.bytes[items.end - 1] >= 0x80)
    if is_cut.any():
        raise MalformedError(int(record[items.owner[is_cut]].min()))


def _values(data: _Data, kind: int, lists: _Lists, order: Integers) -> tuple[pa.Array, Integers]:
    """Return the values of one kind, in an order of entries, and where those of each entry begin and end in it."""
    items = lists.items[lists.item_kind == kind]
    rank = np.full(len(lists.kind), -1)
    rank[order] = np.arange(len(order))
    if len(order) < len(rank):  # names that come twice
        items = items[rank[items.owner] >= 0]
    counts = np.bincount(rank[items.owner], minlength=len(order))
    bounds = np.append(0, np.cumsum(counts))
    number = np.arange(len(items.owner))
    is_first = np.append(True, np.diff(items.owner) != 0)[: len(number)]
    place = bounds[rank[items.owner]] + number - np.maximum.accumulate(np.where(is_first, number, 0))
    placed = np.empty(len(number), np.int64)
    placed[place] = number
    spans = data.gather(items.start, items.end, placed)
    if kind == _BYTES:
        return spans, bounds
    offsets = np.frombuffer(spans.buffers()[1], np.int64)[: len(spans) + 1] if len(spans) else np.zeros(1, np.int64)
    packed = spans.buffers()[2] if offsets[-1] else pa.py_buffer(b"")
    if kind == _FLOAT:
        floats = pa.Array.from_buffers(pa.float32(), offsets[-1] // 4, [None, packed.slice(0, offsets[-1])])
        return floats, offsets[bounds] // 4
    integers, before = _unpacked(np.frombuffer(packed, np.uint8)[: offsets[-1]])
    return pa.array(integers), before[offsets[bounds]]


def _unpacked(packed: Bytes) -> tuple[Integers, Integers]:
    """Return the integers of varints one after another, and how many end before each byte."""
    is_last = packed < 0x80
    before = np.append(0, np.cumsum(is_last))
    last = np.flatnonzero(is_last)
    if len(last) == len(packed):
        return packed.astype(np.int64), before
    first = np.append(0, last[:-1] + 1)
    shift = (np.arange(len(packed)) - np.repeat(first, last - first + 1)).astype(np.uint64) * np.uint64(7)
    parts = (packed & 0x7F).astype(np.uint64) << shift
    return np.add.reduceat(parts, first).view(np.int64), before


def _column(
    name: str,
    entries: slice,
    record: Integers,
    kinds: Integers,
    values: dict[int, tuple[pa.Array, Integers]],
    num_records: int,
) -> pa.Array:
    kind, is_set = int(kinds.max()), kinds != 0
    if not kind:
        return pa.nulls(num_records)
    if (kinds[is_set] != kind).any():
        raise MixedKindsError(
            name, {_NAMES[each]: int(record[kinds == each][0]) for each in np.unique(kinds[is_set]).tolist()}
        )
    of_kind, bounds = values[kind]
    bounds = bounds[entries.start : entries.stop + 1]
    lengths = np.zeros(num_records + 1, np.int64)
    lengths[record + 1] = np.diff(bounds)
    valid = np.zeros(num_records, np.bool_)
    valid[record] = is_set
    bitmap = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.LargeListArray.from_buffers(
        pa.large_list(_TYPES[kind]),
        num_records,
        [bitmap, pa.py_buffer(np.cumsum(lengths))],
        children=[of_kind.slice(bounds[0], bounds[-1] - bounds[0])],
    )


def encode_examples(columns: pa.RecordBatch) -> pa.Array:
    """Return rows as serialised `tf.Example`s, with features in the order of their names.

    Args:
        columns: Large lists of int64, float32 or large_binary; a null list is written as a feature without a kind.
    """
    by_name = sorted(zip(columns.schema.names, columns.columns, strict=True))
    entries = [_entries(name.encode(), column) for name, column in by_name]
    if not entries:
        return pa.array([b""] * columns.num_rows, pa.large_binary())
    return _headed(pc.binary_join_element_wise(*entries, _NOTHING), lambda size: _sized(_FIRST, size))


def _entries(name: bytes, column: pa.Array) -> pa.Array:
    """Return the entry of a feature in each record."""
    kind = _KINDS[column.type.value_type]

    def entry(feature: bytes, size: int) -> bytes:
        head = _sized(_FIRST, len(name)) + name + _sized(_SECOND, len(feature) + size) + feature
        return _sized(_FIRST, len(head) + size) + head

    def header(size: int) -> bytes:
        packed = _sized(_FIRST, size) if kind != _BYTES and size else b""
        return entry(_sized(kind << 3 | _LENGTH, len(packed) + size) + packed, size)

    return pc.fill_null(_headed(_payload(column, kind), header), entry(b"", 0))


def _payload(column: pa.Array, kind: int) -> pa.Array:
    """Return the values of each list as bytes; of text and bytes, each with key and length."""
    column = pa.concat_arrays([column])  # without an offset
    values = column.values
    if kind == _BYTES:
        joined = _headed(values, lambda size: _sized(_FIRST, size))
        bounds, content = _offsets(joined), joined.buffers()[2]
    elif kind == _FLOAT:
        bounds, content = np.arange(len(values) + 1) * 4, pa.py_buffer(values.to_numpy())
    else:
        content, bounds = _packed(values.to_numpy())
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(column), [column.buffers()[0], pa.py_buffer(bounds[_offsets(column)]), content]
    )


def _packed(integers: Integers) -> tuple[pa.Buffer, Integers]:
    """Return integers as varints one after another, and where each begins and ends."""
    numbers = integers.view(np.uint64)
    sizes = np.ones(len(numbers), np.int64)
    for bits in range(7, 64, 7):
        is_longer = numbers >> np.uint64(bits) != 0
        if not is_longer.any():
            break
        sizes += is_longer
    bounds = np.append(0, np.cumsum(sizes))
    packed = np.empty(bounds[-1], np.uint8)
    for at in range(int(sizes.max(initial=0))):
        chosen = np.flatnonzero(sizes > at)
        byte = (numbers[chosen] >> np.uint64(7 * at)).astype(np.uint8) & np.uint8(0x7F)
        packed[bounds[chosen] + at] = byte | ((sizes[chosen] > at + 1) << 7).astype(np.uint8)
    return pa.py_buffer(packed), bounds


def _headed(values: pa.Array, header: Callable[[int], bytes]) -> pa.Array:
    """Put before each value what its size needs; many have the same."""
    sizes = pc.binary_length(values).dictionary_encode()
    headers = pa.array([header(size) for size in sizes.dictionary.to_pylist()], pa.large_binary())
    return pc.binary_join_element_wise(headers.take(sizes.indices), values, _NOTHING)


def _offsets(array: pa.Array) -> Integers:
    offsets: Integers = np.frombuffer(array.buffers()[1], np.int64)[array.offset :][: len(array) + 1]
    return offsets


def _sized(key: int, number: int) -> bytes:
    """Return a key and the length of what follows."""
    parts = bytearray([key])
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
