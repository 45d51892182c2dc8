"""A screenshot made small: PNG (ISO/IEC 15948) with 64 colours instead of 16 million, as few kilobytes as a diagram needs."""

import struct
import zlib
from collections import Counter

COLOURS = 64
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def with_few_colours(png):
    """`png`, of eight bits for each of red, green and blue, with its most frequent colours in the place of all."""
    chunks = dict(read_chunks(png))
    width, height, depth, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, kind) == (8, 2), f"a PNG of depth {depth} and kind {kind}"
    data = b"".join(content for name, content in read_chunks(png) if name == b"IDAT")
    rows = [[row[at:at + 3] for at in range(0, len(row), 3)] for row in unfiltered(zlib.decompress(data), width * 3)]
    counted = Counter(colour for row in rows for colour in row)
    palette = [colour for colour, _ in counted.most_common(COLOURS)]
    nearest = {colour: min(range(len(palette)), key=lambda at: distance(palette[at], colour)) for colour in counted}
    lines = b"".join(b"\0" + bytes(nearest[colour] for colour in row) for row in rows)
    return SIGNATURE + b"".join([
        chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)), chunk(b"PLTE", b"".join(palette)),
        chunk(b"IDAT", zlib.compress(lines, 9)), chunk(b"IEND", b"")])


def read_chunks(png):
    at = len(SIGNATURE)
    while at < len(png):
        [length] = struct.unpack(">I", png[at:at + 4])
        yield png[at + 4:at + 8], png[at + 8:at + 8 + length]
        at += 12 + length


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def unfiltered(data, size):
    """The rows of three bytes a pixel, without the filters of section 9."""
    above = bytes(size)
    for at in range(0, len(data), size + 1):
        row = bytearray(data[at + 1:at + 1 + size])
        for x in range(size):
            left, corner = (row[x - 3], above[x - 3]) if x >= 3 else (0, 0)
            row[x] = (row[x] + predicted(data[at], left, above[x], corner)) & 255
        above = bytes(row)
        yield above


def predicted(how, left, above, corner):
    if how < 4:
        return (0, left, above, (left + above) // 2)[how]
    guess = left + above - corner
    return min((abs(guess - each), order, each) for order, each in enumerate((left, above, corner)))[2]


def distance(one, other):
    return sum((a - b) ** 2 for a, b in zip(one, other))
