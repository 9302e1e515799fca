"""Whether an ONNX graph holds all of its numbers itself, told from its bytes before any runtime sees them.

A tensor in ONNX may lie in another file, which runtimes then open wherever its path leads. In a model file that would
be a part that no checksum covers. This follows the messages of onnx.proto (https://onnx.ai, fields by their numbers)
down to all tensors, without the package `onnx`, which the line does not have.
"""

from collections.abc import Iterator

MESSAGES = {  # kind of message -> field -> kind of the message in it
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
EXTERNAL_DATA, DATA_LOCATION = 13, 14  # of a tensor; a location of 0 is the tensor itself
VARINT, EIGHT_BYTES, SIZED, FOUR_BYTES = 0, 1, 2, 5  # wire types of protocol buffers
VARINT_LIMIT = 10  # bytes
KEY_LIMIT = 2**32  # readers cut longer keys off, each in its way


def is_self_contained(onnx: bytes) -> bool:
    """Whether no tensor of the graph lies in another file. Raises ValueError for bytes that are no ONNX model."""
    left = [("model", 0, len(onnx))]
    while left:
        kind, start, end = left.pop()
        for field, value, size in _read_fields(onnx, start, end):
            if kind == "tensor" and (field == EXTERNAL_DATA or (field == DATA_LOCATION and value != 0)):
                return False
            inside = MESSAGES[kind].get(field)
            if inside is not None:
                if size is None:
                    raise ValueError("it is no ONNX model")
                left.append((inside, value, value + size))
    return True


def _read_fields(onnx: bytes, start: int, end: int) -> Iterator[tuple[int, int, int | None]]:
    """The fields of a message: number, then value and None, or where its bytes begin and how many they are."""
    at = start
    while at < end:
        key, at = _read_varint(onnx, at, end)
        if key >= KEY_LIMIT:
            raise ValueError("it is no ONNX model")
        field, wire = key >> 3, key & 7
        size: int | None = None
        if wire == VARINT:
            value, at = _read_varint(onnx, at, end)
        elif wire == SIZED:
            size, value = _read_varint(onnx, at, end)
            at = value + size
        elif wire in (EIGHT_BYTES, FOUR_BYTES):
            value = at
            at += 8 if wire == EIGHT_BYTES else 4
        else:
            raise ValueError("it is no ONNX model")
        if at > end:
            raise ValueError("it is cut off")
        yield field, value, size


def _read_varint(onnx: bytes, at: int, end: int) -> tuple[int, int]:
    """A whole number, and where what follows begins."""
    value = 0
    for index in range(VARINT_LIMIT):
        if at + index >= end:
            raise ValueError("it is cut off")
        byte = onnx[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    raise ValueError("it is no ONNX model")
