"""A stand-in for Google Cloud Storage on loopback, with faults on demand.

It keeps objects in memory and speaks both dialects that our libraries use: the JSON API (gcsfs,
for files; Google's own client, for logs) and the XML API (object_store inside deltalake, for
tables). As in the real one, an object appears whole with the last byte of its upload, its
generation tells its versions apart, and a write or a delete that names a generation is refused
with 412 when that is not the one there.
"""

import base64
import contextlib
import json
import os
import re
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

import google_crc32c

from impressions_assets_tests.servers.bucket import Bucket, Object, Refused
from impressions_assets_tests.servers.loopback import Loopback

# gcsfs would ask Google itself, for a minute, what kind of bucket this is; it reads this at import.
os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")

Fault = int | Literal["cut", "lost"]
"""A status to answer without doing anything; half of the answer; no answer to what was done."""


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class GoogleCloudStorage:
    """The server: what was asked of it, what it holds, and what it is to do wrong."""

    page_size = 100

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {"bucket": Bucket()}
        self.requests: list[str] = []
        self.uploads: dict[str, tuple[str, bytes, str | None]] = {}
        self._faults: list[tuple[re.Pattern[str], deque[Fault]]] = []
        self._lock = threading.Lock()
        self._http = Loopback(_Handler, gcs=self)
        self.url = self._http.url

    @contextlib.contextmanager
    def running(self) -> Iterator["GoogleCloudStorage"]:
        with self._http.running():
            yield self

    def fail(self, pattern: str, *faults: Fault) -> None:
        """Let the next requests that match `METHOD /path?query` fail, one after the other."""
        self._faults.append((re.compile(pattern), deque(faults)))

    def heal(self) -> None:
        """Do everything right from now on."""
        self._faults.clear()

    @property
    def num_faults_left(self) -> int:
        return sum(len(faults) for _, faults in self._faults)

    def names(self, prefix: str = "") -> list[str]:
        return [o.name for o in self.buckets["bucket"].list(prefix)]

    def note(self, request: str) -> Fault | None:
        """Remember a request, and say how it is to fail."""
        with self._lock:
            self.requests.append(request)
            for pattern, faults in self._faults:
                if faults and pattern.search(request):
                    return faults.popleft()
        return None

    @property
    def service_account(self) -> str:
        """A key file that leads deltalake here, without a login."""
        unused = {"client_email": "", "private_key": "", "private_key_id": ""}
        return json.dumps({"gcs_base_url": self.url, "disable_oauth": True, **unused})

    @property
    def storage_options(self) -> dict[str, str]:
        """What leads deltalake here; it tries a request four times within a second."""
        impatient = {"max_retries": "3", "backoff_config.init_backoff": "20ms"}
        return {"google_service_account_key": self.service_account, **impatient}

    @property
    def file_options(self) -> dict[str, Any]:
        """What leads gcsfs here."""
        return {"token": "anon", "endpoint_url": self.url}


class _Handler(BaseHTTPRequestHandler):
    gcs: GoogleCloudStorage
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.asked = dict(parse_qsl(parts.query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        fault = self.gcs.note(f"{self.command} {unquote(self.path)}")
        if isinstance(fault, int):
            self._send(Answer(fault, b"try again later"))
            return
        try:
            self._send(self._route(parts.path, body), fault)
        except Refused as refused:
            error = {"error": {"code": refused.status, "message": str(refused)}}
            self._send(Answer(refused.status, json.dumps(error).encode()))

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _route(self, path: str, body: bytes) -> Answer:
        if path.startswith("/upload/storage/v1/"):
            return self._upload(unquote(path.split("/")[5]), body)
        if match := re.fullmatch(r"/(?:download/)?storage/v1/b/([^/]+)/o(?:/(.+))?", path):
            bucket = self._bucket(match[1])
            return self._json(bucket, match[2]) if match[2] else self._json_list(bucket)
        if match := re.fullmatch(r"/storage/v1/b/([^/]+)", path):
            self._bucket(match[1])
            return _json_of({"kind": "storage#bucket", "name": match[1]})
        bucket_name, _, name = unquote(path).lstrip("/").partition("/")
        bucket = self._bucket(bucket_name)
        return self._xml(bucket, name, body) if name else self._xml_list(bucket)

    def _bucket(self, name: str) -> Bucket:
        if name not in self.gcs.buckets:
            raise Refused(404, f"The specified bucket does not exist: {name}")
        return self.gcs.buckets[name]

    # JSON API

    def _json(self, bucket: Bucket, rest: str) -> Answer:
        name, _, target = rest.partition("/rewriteTo/")
        name = unquote(name)
        if target:
            copied = bucket.put(unquote(target.split("/o/")[1]), bucket.get(name).body)
            return _json_of({"done": True, "resource": _resource(copied)})
        if self.command == "DELETE":
            bucket.delete(name, self.asked.get("ifGenerationMatch"))
            return Answer(204)
        if self.asked.get("alt") == "media":
            return self._content(bucket.get(name))
        return _json_of(_resource(bucket.get(name)))

    def _json_list(self, bucket: Bucket) -> Answer:
        prefix, delimiter = self.asked.get("prefix", ""), self.asked.get("delimiter", "")
        found = bucket.list(prefix, self.asked.get("pageToken", ""))
        size = min(int(self.asked.get("maxResults", self.gcs.page_size)), self.gcs.page_size)
        page, more = found[:size], found[size:]
        answer: dict[str, Any] = {"kind": "storage#objects", "items": [], "prefixes": []}
        for found_object in page:
            folder, _, below = found_object.name[len(prefix) :].partition(delimiter or "\0")
            if below and f"{prefix}{folder}/" not in answer["prefixes"]:
                answer["prefixes"].append(f"{prefix}{folder}/")
            elif not below:
                answer["items"].append(_resource(found_object))
        return _json_of({**answer, **({"nextPageToken": page[-1].name} if more else {})})

    def _upload(self, bucket_name: str, body: bytes) -> Answer:
        bucket, precondition = self._bucket(bucket_name), self.asked.get("ifGenerationMatch")
        if "upload_id" in self.asked:
            return self._upload_chunk(bucket, self.asked["upload_id"], body)
        if self.asked["uploadType"] == "media":
            return _json_of(_resource(bucket.put(self.asked["name"], body, precondition)))
        if self.asked["uploadType"] == "resumable":
            number = f"upload-{len(self.gcs.uploads)}"
            name = self.asked.get("name") or json.loads(body)["name"]
            self.gcs.uploads[number] = (name, b"", precondition)
            place = f"{self.gcs.url}/upload/storage/v1/b/{bucket_name}/o?upload_id={number}"
            return Answer(headers={"Location": place})
        boundary = (
            b"--" + re.findall('boundary="?([^"]+)', self.headers["content-type"])[0].encode()
        )
        _, meta, rest = body.split(boundary + b"\n", 2)
        content = rest.partition(b"\n\n")[2].removesuffix(b"\n" + boundary + b"--")
        name = json.loads(meta.partition(b"\n\n")[2])["name"]
        return _json_of(_resource(bucket.put(name, content, precondition)))

    def _upload_chunk(self, bucket: Bucket, number: str, chunk: bytes) -> Answer:
        if self.command == "DELETE":
            self.gcs.uploads.pop(number, None)
            return Answer(499)
        name, body, precondition = self.gcs.uploads[number]
        # Of a file that is empty, `bytes */0`.
        start, total = re.findall(r"bytes (\d+|\*)[-\d]*/(.+)", self.headers["content-range"])[0]
        body = body[: int(start)] + chunk if start != "*" else body
        self.gcs.uploads[number] = (name, body, precondition)
        if total != "*" and len(body) == int(total):
            return _json_of(_resource(bucket.put(name, body, precondition)))
        return Answer(308, headers={"Range": f"bytes=0-{len(body) - 1}"})

    # XML API

    def _xml(self, bucket: Bucket, name: str, body: bytes) -> Answer:
        if self.command == "DELETE":
            bucket.delete(name)
            return Answer(204)
        if self.command == "PUT":
            new = bucket.put(name, body, self.headers.get("x-goog-if-generation-match"))
            return Answer(headers=_facts(new))
        return self._content(bucket.get(name))

    def _xml_list(self, bucket: Bucket) -> Answer:
        prefix, delimiter = self.asked.get("prefix", ""), self.asked.get("delimiter", "")
        after = max(self.asked.get("start-after", ""), self.asked.get("continuation-token", ""))
        found = bucket.list(prefix, after)
        page, more = found[: self.gcs.page_size], found[self.gcs.page_size :]
        contents, folders = "", []
        for item in page:
            folder, _, below = item.name[len(prefix) :].partition(delimiter or "\0")
            if below:
                folders.append(f"{prefix}{folder}/")
                continue
            contents += (
                f"<Contents><Key>{escape(item.name)}</Key><Size>{len(item.body)}</Size>"
                f"<LastModified>{item.updated:%Y-%m-%dT%H:%M:%S.%fZ}</LastModified>"
                f"<ETag>{_facts(item)['ETag']}</ETag></Contents>"
            )
        contents += "".join(
            f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>"
            for folder in dict.fromkeys(folders)
        )
        if more:
            contents += f"<NextContinuationToken>{escape(page[-1].name)}</NextContinuationToken>"
        return Answer(body=f"<ListBucketResult>{contents}</ListBucketResult>".encode())

    # Both

    def _content(self, item: Object) -> Answer:
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("range") or "")
        if not wanted:
            return Answer(200, item.body, _facts(item))
        size = len(item.body)
        start = int(wanted[1]) if wanted[1] else max(0, size - int(wanted[2]))
        end = min(int(wanted[2]), size - 1) if wanted[1] and wanted[2] else size - 1
        if start >= size:
            raise Refused(416, "The requested range is not satisfiable")
        headers = {**_facts(item), "Content-Range": f"bytes {start}-{end}/{size}"}
        return Answer(206, item.body[start : end + 1], headers)

    def _send(self, answer: Answer, fault: Fault | None = None) -> None:
        if fault == "lost":
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body if fault is None else answer.body[: len(answer.body) // 2])
        self.close_connection = self.close_connection or fault == "cut"


def _json_of(value: object) -> Answer:
    return Answer(body=json.dumps(value).encode(), headers={"Content-Type": "application/json"})


def _resource(item: Object) -> dict[str, Any]:
    when = f"{item.updated:%Y-%m-%dT%H:%M:%S.%fZ}"
    return {
        "kind": "storage#object",
        "name": item.name,
        "size": str(len(item.body)),
        "generation": str(item.generation),
        "metageneration": "1",
        "timeCreated": when,
        "updated": when,
        "md5Hash": base64.b64encode(item.md5).decode(),
        "crc32c": base64.b64encode(google_crc32c.Checksum(item.body).digest()).decode(),
    }


def _facts(item: Object) -> dict[str, str]:
    return {
        "ETag": f'"{quote(item.md5.hex())}"',
        "Last-Modified": format_datetime(item.updated, usegmt=True),
        "x-goog-generation": str(item.generation),
    }
