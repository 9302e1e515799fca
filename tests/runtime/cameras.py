"""Cameras on loopback: one that sends JPEG pictures over HTTP, and one that speaks RTSP (RFC 2326, 2435)."""

import io
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image

PAUSE = 0.04  # seconds between two frames


def to_jpeg(pixels: np.ndarray) -> bytes:
    """4:2:0, the standard Huffman tables, as RTP's payload for JPEG wants it."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=90, subsampling="4:2:0", optimize=False)
    return content.getvalue()


@contextmanager
def http_camera(frames: Sequence[np.ndarray]) -> Iterator[str]:
    """Serves the frames once to everybody who asks; -> its address."""
    pictures = [to_jpeg(frame) for frame in frames]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            for picture in pictures:
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                try:
                    self.wfile.write(head.encode() + picture + b"\r\n")
                except OSError:  # nobody looks any more
                    return
                time.sleep(PAUSE)

        def log_message(self, *given: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://user:secret@127.0.0.1:{server.server_port}/camera.mjpg"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def rtsp_camera(frames: Sequence[np.ndarray]) -> Iterator[str]:
    """Sends the frames once to the first who plays it, over the same connection; -> its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_serve_rtsp, args=(listener, [to_jpeg(frame) for frame in frames]), daemon=True).start()
    try:
        yield f"rtsp://127.0.0.1:{listener.getsockname()[1]}/main"
    finally:
        listener.close()


def _serve_rtsp(listener: socket.socket, pictures: Sequence[bytes]) -> None:
    try:
        connection, _ = listener.accept()
    except OSError:
        return
    listener.close()  # nobody comes back to a camera that is gone
    with connection, connection.makefile("rb") as heard:
        while request := heard.readline().decode():
            lines = iter(lambda: heard.readline().decode().strip(), "")
            fields = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
            method, address = request.split()[:2]
            answer = {"CSeq": fields.get("cseq", "0"), "Session": "1"}
            body = ""
            if method == "OPTIONS":
                answer["Public"] = "DESCRIBE, SETUP, PLAY, TEARDOWN"
            if method == "DESCRIBE":
                body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:0\r\n"
                answer |= {"Content-Type": "application/sdp", "Content-Base": f"{address}/"}
            if method == "SETUP":
                answer["Transport"] = "RTP/AVP/TCP;unicast;interleaved=0-1"
            head = "".join(f"{key}: {value}\r\n" for key, value in answer.items())
            connection.sendall(f"RTSP/1.0 200 OK\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            if method == "PLAY":
                _send_frames(connection, pictures)
                return


def _send_frames(connection: socket.socket, pictures: Sequence[bytes]) -> None:
    sequence = 0
    for index, picture in enumerate(pictures):
        tables, scan, width, height = _take_apart(picture)
        offset = 0
        while offset < len(scan):
            piece = scan[offset : offset + 1000]
            last = offset + len(piece) == len(scan)
            rtp = struct.pack("!BBHII", 0x80, 26 | (0x80 if last else 0), sequence & 0xFFFF, 3600 * index, 1)
            jpeg = struct.pack("!II", offset, (1 << 24) | (255 << 16) | (width // 8) << 8 | height // 8)
            if offset == 0:
                jpeg += struct.pack("!BBH", 0, 0, len(tables)) + tables
            packet = rtp + jpeg + piece
            try:
                connection.sendall(b"$\0" + struct.pack("!H", len(packet)) + packet)
            except OSError:
                return
            offset, sequence = offset + len(piece), sequence + 1
        time.sleep(PAUSE)


def _take_apart(picture: bytes) -> tuple[bytes, bytes, int, int]:
    """Quantisation tables, entropy-coded scan, width and height of a baseline JPEG."""
    place, tables, width, height = 2, b"", 0, 0
    while True:
        marker, length = picture[place + 1], int.from_bytes(picture[place + 2 : place + 4], "big")
        segment = picture[place + 4 : place + 2 + length]
        if marker == 0xDB:
            while segment:
                tables, segment = tables + segment[1:65], segment[65:]
        if marker == 0xC0:
            height, width = struct.unpack("!HH", segment[1:5])
        place += 2 + length
        if marker == 0xDA:
            return tables, picture[place:-2], width, height
