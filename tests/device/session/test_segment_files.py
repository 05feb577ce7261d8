"""Segments are plain MCAP: the reader of the mcap package reads them, by index and in a stream, and finds the same."""

from importlib import import_module
from pathlib import Path

import pytest
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from mcap.reader import make_reader
from mcap.records import Chunk, ChunkIndex, Message, MessageIndex
from mcap.stream_reader import StreamReader
from tests.device.session.recordings import at_ns, encode, frame, header, stored, write_session

from barbotage_device.session import files, segment_writer
from barbotage_device.session.images import data_span, image_message
from barbotage_device.session.segment_reader import SegmentFile
from barbotage_device.session.segment_writer import SegmentWriter
from barbotage_device.session.topics import plan_of


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed session of two segments."""
    path = tmp_path_factory.mktemp("session") / header().id
    write_session(path)
    return path


NAMES = [f"{kind}-000{number}.mcap" for kind in ("telemetry", "video") for number in (0, 1)]


@pytest.mark.parametrize("name", NAMES)
def test_the_index_finds_what_a_stream_reads_and_every_checksum_holds(session: Path, name: str) -> None:
    with (session / name).open("rb") as file:
        indexed = [
            (channel.topic, message)
            for _, channel, message in make_reader(file, validate_crcs=True).iter_messages(log_time_order=False)
        ]
    with (session / name).open("rb") as file:
        streamed = [record for record in StreamReader(file, validate_crcs=True).records if isinstance(record, Message)]
    assert [message for _, message in indexed] == streamed
    assert len(streamed) == len([each for each in stored(session) if each.file == name]) > 0


@pytest.mark.parametrize("name", NAMES)
def test_statistics_and_chunk_indexes_are_those_of_the_file(session: Path, name: str) -> None:
    path = session / name
    with path.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    assert summary.statistics is not None
    messages = [each for each in stored(session) if each.file == name]
    assert summary.statistics.message_count == len(messages)
    assert summary.statistics.message_start_time == min(each.log_time_ns for each in messages)
    assert summary.statistics.message_end_time == max(each.log_time_ns for each in messages)
    with path.open("rb") as file:
        records = list(StreamReader(file, emit_chunks=True).records)
    chunks = [record for record in records if isinstance(record, Chunk)]
    places = [record for record in records if isinstance(record, ChunkIndex)]
    assert summary.statistics.chunk_count == len(chunks) == len(places)
    for place, chunk in zip(places, chunks, strict=True):
        assert place.compressed_size == len(chunk.data)
        inside = [each for each in messages if each.chunk[0] == place.chunk_start_offset]
        assert (place.message_start_time, place.message_end_time) == (
            inside[0].log_time_ns,
            max(each.log_time_ns for each in inside),
        )
    indexed = sum(len(record.records) for record in records if isinstance(record, MessageIndex))
    assert indexed == len(messages)


def test_a_frame_is_a_foxglove_image_that_its_own_schema_decodes(session: Path) -> None:
    with (session / "video-0000.mcap").open("rb") as file:
        schema, channel, message = next(iter(make_reader(file).iter_messages()))
    assert schema is not None
    assert (schema.name, schema.encoding, channel.message_encoding) == ("foxglove.CompressedImage", "protobuf", "protobuf")
    # By name: the package has no type information.
    pool = import_module("google.protobuf.descriptor_pool").DescriptorPool()
    for each in import_module("google.protobuf.descriptor_pb2").FileDescriptorSet.FromString(schema.data).file:
        pool.Add(each)
    message_class = import_module("google.protobuf.message_factory").GetMessageClass
    image = message_class(pool.FindMessageTypeByName(schema.name)).FromString(message.data)
    assert (image.data, image.format) == (encode(frame(0).pixels), "jpeg")
    assert image.timestamp.seconds * 10**9 + image.timestamp.nanos == header().log_time_ns(at_ns(0))


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16_383, 16_384, 300_000])
def test_the_picture_is_found_inside_its_message(length: int) -> None:
    data = bytes(length)
    message = image_message(data, "png", 1_790_000_000_123_456_789)
    assert CompressedImage.FromString(message).data == data
    if length:
        offset, found = data_span(message)
        assert message[offset : offset + found] == data
        assert data_span(message[: offset + 1], len(message)) == (offset, length), "the front is enough"


def test_a_chunk_is_finished_when_it_is_full_and_when_it_is_told(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "a.mcap", plan_of("telemetry"), header())
    for index in range(40):
        writer.write("/log", at_ns(index), bytes(10_000), index)
    waiting = [writer.has_open_chunk]
    writer.finish_chunk()
    waiting.append(writer.has_open_chunk)
    assert waiting == [True, False]
    writer.write("/log", at_ns(40), b"{}", 40)
    segment = writer.finish()
    file = SegmentFile(tmp_path / "a.mcap")
    counts = [sum(1 for _ in file.messages(chunk)) for chunk in file.index().chunks]
    file.close()
    assert counts == [7, 7, 7, 7, 7, 5, 1], "64 KiB hold seven of 10 kB"
    assert (segment.messages, segment.first_ns, segment.last_ns) == (41, at_ns(0), at_ns(40))


def test_a_write_that_fails_is_taken_back_and_can_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SegmentWriter(tmp_path / "a.mcap", plan_of("video"), header())
    write_whole = files.write_whole
    broken = True

    def half(descriptor: int, data: bytes) -> None:
        write_whole(descriptor, data[: len(data) // 2] if broken else data)
        if broken:
            raise OSError(28, "No space left on device")

    size = (tmp_path / "a.mcap").stat().st_size
    monkeypatch.setattr(segment_writer, "write_whole", half)
    writer.write("/camera/us", at_ns(0), image_message(b"first", "jpeg", 1))
    with pytest.raises(OSError, match="No space"):
        writer.finish_chunk()
    assert (tmp_path / "a.mcap").stat().st_size == size, "half a chunk does not stay"
    broken = False
    writer.write("/camera/us", at_ns(1), image_message(b"second", "jpeg", 2))
    writer.finish()
    with (tmp_path / "a.mcap").open("rb") as file:
        pictures = [
            CompressedImage.FromString(message.data).data
            for _, _, message in make_reader(file, validate_crcs=True).iter_messages()
        ]
    assert pictures == [b"first", b"second"]
