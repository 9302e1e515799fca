"""Files that are no picture which can be read: what they are, by their first bytes, and what to do."""

import re

AGAIN = "Copy it again from its source, or remove it"
RESAVE = "Save it as PNG or JPEG"
REMOVE = "Remove it, or give the picture itself"

PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8", b"II*\0", b"MM\0*")
OTHERS = (
    (b"%PDF", "a PDF"),
    (b"PK\3\4", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x93NUMPY", "a NumPy array"),
)


def explain_foreign(content: bytes) -> tuple[str, str]:
    """Problem and remedy for the content of a file which is no picture that can be read."""
    if content.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not the picture", "Fetch the picture with: git lfs pull"
    if content[4:8] == b"ftyp":
        return "it is a HEIC, AVIF or video file, which cannot be read", "Export it as JPEG or PNG"
    if content[4:8] == b"jP  ":
        return "it is a JPEG 2000 file, which cannot be read", RESAVE
    if content.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        return "it is a JPEG XL file, which cannot be read", RESAVE
    if content[128:132] == b"DICM":
        return "it is a DICOM file, which cannot be read", RESAVE
    if content.startswith(PICTURES):
        return "the picture is truncated or damaged, right at its head", AGAIN
    for start, name in OTHERS:
        if content.startswith(start):
            return f"it is {name}, not a picture", REMOVE
    if re.fullmatch(rb"[\t\n\r\x20-\x7e\x80-\xff]+", content[:512]):
        return "it is text, not a picture", REMOVE
    return "it is no picture that can be read, or its head is damaged", RESAVE


def to_line(error: Exception) -> str:
    """One short line out of a decoder's words; the error's kind where those say nothing."""
    line = (str(error).splitlines() or [""])[0][:80].rstrip(".")
    return line if re.search("[a-z]{3}", line) else type(error).__name__
