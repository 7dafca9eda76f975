"""Zip archives read in place, member by member, with one range of bytes each: what AI-Hub delivers stays as it is.

The format is PKWARE's APPNOTE 6.3.10: end record (4.3.16), ZIP64 records (4.3.14, 4.3.15, 4.5.3), central directory
(4.3.12), local header (4.3.7). Only stored and deflated members occur; others are reported, as are encrypted ones.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence

import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.source.listing import Contents
from ocr_pipeline.storage.source.names import shown

_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_CENTRAL, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"
_LONGEST_END = 22 + (1 << 16)
_FULL = 0xFFFFFFFF
_HEADER = struct.Struct("<4x6H3I5H2I")  # up to the name
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 1, 1 << 11
_WRAPS = 1 << 16  # writers without ZIP64 (macOS') count members, and keep the last 16 bits
_LARGEST_RATIO = 1100  # deflate packs 1032 to 1 at most: what claims more is not what it says
_DEEPEST = 100  # folders; a path of an AI-Hub set has twelve at most
_EXTRA = 256  # bytes that a local header may be longer than expected before a second read is needed


class DamagedError(ValueError):
    """An archive, or a member of one, that cannot be read; the message says why."""


class Volume:
    """A file on the share, or the pieces of one (``.zip.part0``, ``.zip.part1``), as one run of bytes.

    Args:
        read: (path, start, size) -> bytes.
        pieces: (path, size), in order.
    """

    def __init__(self, read: Callable[[str, int, int], bytes], pieces: Sequence[tuple[str, int]]) -> None:
        self._read = read
        self._pieces = pieces
        self.size = sum(size for _, size in pieces)

    def read(self, start: int, size: int) -> bytes:
        """At most ``size`` bytes from ``start`` on; less only at the end.

        Raises:
            PipelineError: a file does not hold what it was listed with.
        """
        parts, begin = [], 0
        for path, length in self._pieces:
            first, last = max(start, begin), min(start + size, begin + length)
            if first < last:
                parts.append(self._read(path, first - begin, last - first))
                if len(parts[-1]) != last - first:
                    raise PipelineError(
                        f"an archive became shorter than the {length} bytes it was listed with",
                        where=path,
                        remedy="Run the same command again, once nothing is being written there.",
                    )
            begin += length
        return b"".join(parts)


class Member(msgspec.Struct, frozen=True, gc=False):
    """Where one member lies.

    Attributes:
        offset: of its local header; packed: bytes in the archive; size: bytes unpacked; crc: CRC-32 of these.
        name: bytes of its name in the archive; method: how it is packed.
        fault: why it cannot be read, where the directory tells.
    """

    offset: int
    packed: int
    size: int
    crc: int
    name: int
    method: int
    fault: str = ""


class Archive:
    """The directory of one zip archive, read once; members can be read from any number of threads.

    Raises:
        DamagedError: it is no zip archive, or its end is missing.
    """

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._members: dict[str, Member] = {}
        self._folders = {"": Contents()}
        for path, member in _central_directory(volume):
            self._place(path, _twin(member) if path in self._members else member)

    def __len__(self) -> int:
        return len(self._members)

    def contents(self, folder: str) -> Contents:
        """What a folder within the archive holds."""
        if folder not in self._folders:
            raise FileNotFoundError(folder)
        return self._folders[folder]

    def read(self, path: str) -> bytes:
        """One member.

        Raises:
            FileNotFoundError: there is none of that name.
            DamagedError: its bytes are not what the directory says.
        """
        return b"".join(self.pieces(path, 1 << 62))

    def pieces(self, path: str, piece: int) -> Iterator[bytes]:
        """One member as a stream, reading ``piece`` packed bytes at a time; raises what `read` raises."""
        member = self._members.get(path)
        if member is None:
            raise FileNotFoundError(path)
        size = crc = 0
        for data in self._unpacked(member, path, piece):
            size, crc = size + len(data), zlib.crc32(data, crc)
            if size > member.size:
                raise DamagedError(
                    f"the archive's member {path} unpacks to more than the {member.size} bytes it claims"
                )
            yield data
        if (size, crc) != (member.size, member.crc):
            raise DamagedError(f"the archive's member {path} is damaged (its checksum differs)")

    def _unpacked(self, member: Member, path: str, piece: int) -> Iterator[bytes]:
        if member.fault:
            raise DamagedError(member.fault)
        if member.method == _STORED:
            yield from self._packed(member, path, piece)
            return
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for data in self._packed(member, path, piece):
                yield unpacker.decompress(data, member.size + 1)  # more is damage, however much more
                while unpacker.unconsumed_tail:
                    yield unpacker.decompress(unpacker.unconsumed_tail, member.size + 1)
            yield unpacker.flush()
        except zlib.error as error:
            raise DamagedError(f"the archive's member {path} is damaged ({error})") from error

    def _packed(self, member: Member, path: str, piece: int) -> Iterator[bytes]:
        first = min(member.packed, piece)
        data = self._volume.read(member.offset, 30 + member.name + _EXTRA + first)
        if len(data) < 30 or data[:4] != _LOCAL:
            raise DamagedError(f"the archive's member {path} is not where its directory says")
        header = 30 + sum(struct.unpack_from("<HH", data, 26))
        done = min(member.packed, max(0, len(data) - header))
        yield data[header : header + done]
        while done < member.packed:
            data = self._volume.read(member.offset + header + done, min(piece, member.packed - done))
            if not data:
                raise DamagedError(f"the archive ends within its member {path}")
            done += len(data)
            yield data

    def _place(self, path: str, member: Member) -> None:
        above, _, name = path.rpartition("/")
        contents = self._folder(above)
        if name:
            if path not in self._members:
                contents.add(name, member.size, float(member.crc))
            self._members[path] = member
            if member.fault:
                contents.faults[name] = member.fault

    def _folder(self, path: str) -> Contents:
        parts = path.split("/")
        for depth, name in enumerate(parts if path else ()):
            above, here = "/".join(parts[:depth]), "/".join(parts[: depth + 1])
            if here not in self._folders:
                self._folders[here] = Contents()
                self._folders[above].folders.append(name)
        return self._folders[path]


def _central_directory(volume: Volume) -> Iterator[tuple[str, Member]]:
    """All members by their path; folders as a path with a slash at its end."""
    count, size, offset, end = _end_record(volume)
    start = end - size
    data = volume.read(start, size) if start >= 0 else b""
    shift = start - offset  # what stands before the archive, where something does
    if shift < 0:
        raise DamagedError("the archive's beginning is missing")
    place = found = 0
    while place < len(data):
        if data[place : place + 4] != _CENTRAL or place + _HEADER.size > len(data):
            raise DamagedError("the archive's directory is damaged")
        header = _HEADER.unpack_from(data, place)
        first = place + _HEADER.size
        name, extra = header[9], header[10]
        path = member_path(data[first : first + name], bool(header[2] & _UTF8))
        yield path, _member(header, data[first + name : first + name + extra], shift, path)
        place = first + name + extra + header[11]
        found += 1
    if (found - count) % _WRAPS:
        raise DamagedError(f"the archive holds {found} members where its end says {count}")


def _end_record(volume: Volume) -> tuple[int, int, int, int]:
    """Number of members, size and offset of the directory, and where it ends."""
    tail = volume.read(max(0, volume.size - _LONGEST_END), _LONGEST_END)
    place = _place_of_end(tail)
    if place < 0:
        raise DamagedError("no zip archive, or its end is missing (was the download complete?)")
    count, size, offset = struct.unpack_from("<HII", tail, place + 10)
    end = volume.size - len(tail) + place
    if place >= 20 and tail[place - 20 : place - 16] == _LOCATOR64:
        record = end - 20 - 56  # where it is, whatever stands before the archive
        data = volume.read(record, 56) if record >= 0 else b""
        if len(data) < 56 or data[:4] != _END64:
            raise DamagedError("the archive's end record is damaged")
        count, size, offset = struct.unpack_from("<QQQ", data, 32)
        end = record
    return count, size, offset, end


def _place_of_end(tail: bytes) -> int:
    """Where the end record begins: with its comment it reaches to the end, unless something follows; -1: nowhere."""
    places = [found.start() for found in re.finditer(_END, tail) if found.start() + 22 <= len(tail)]
    whole = [place for place in places if place + 22 + struct.unpack_from("<H", tail, place + 20)[0] == len(tail)]
    return max(whole or places, default=-1)


def _member(header: tuple[int, ...], extra: bytes, shift: int, path: str) -> Member:
    flags, method, crc, packed, size, offset = header[2], header[3], *header[6:9], header[15]
    wide = _zip64(extra)
    size = next(wide) if size == _FULL else size
    packed = next(wide) if packed == _FULL else packed
    offset = next(wide) if offset == _FULL else offset
    fault = ""
    if flags & _ENCRYPTED:
        fault = "the archive's member is encrypted"
    elif method not in (_STORED, _DEFLATED):
        fault = f"the archive's member is packed by method {method}"
    elif size > _LARGEST_RATIO * max(packed, 1 << 10):
        fault = f"the archive's member would unpack to {size / max(packed, 1):.0f} times its size"
    return Member(offset + shift, packed, size, crc, header[9], method, fault)


def _zip64(extra: bytes) -> Iterator[int]:
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        if kind == 1:
            yield from struct.unpack_from(f"<{length // 8}Q", extra, place + 4)
        place += 4 + length
    raise DamagedError("the archive's directory is damaged (a size is missing)")


def _twin(member: Member) -> Member:
    return msgspec.structs.replace(member, fault="the archive holds another member of the same name")


def member_path(name: bytes, is_utf8: bool) -> str:
    """A member's name below the archive: Korean programs write cp949, and those of macOS UTF-8, without saying so.

    Whatever would lead out of the archive goes, and so do folders beyond the hundredth.
    """
    text = _decoded(name, is_utf8).replace("\\", "/")
    parts = [shown(part) for part in text.split("/") if part not in ("", ".", "..")]
    return "/".join(parts[-_DEEPEST:]) + ("/" if text.endswith("/") else "")


def _decoded(name: bytes, is_utf8: bool) -> str:
    for encoding in ("utf-8", "cp949"):
        try:
            text = name.decode(encoding)
        except UnicodeDecodeError:
            continue
        # the bytes of some Korean syllables in cp949 are a Latin letter in UTF-8
        if is_utf8 or encoding == "cp949" or text.isascii() or any(letter >= "\u1100" for letter in text):
            return text
    return name.decode("cp437")
