"""A stand-in for the Hugging Face hub: repositories that are made, committed to, or gated."""

import base64
import json
from http.server import BaseHTTPRequestHandler
from typing import Any

from impressions_assets_tests.servers.loopback import Loopback


class Hub(Loopback):
    """What was committed lies in `commits`: by kind and name of a repository, files by commit."""

    def __init__(self, token: str) -> None:
        """Only who has the token may write, and nobody may read what is gated."""
        self.commits: dict[str, list[dict[str, bytes]]] = {}
        super().__init__(_Handler, hub=self, token=token)


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    token: str

    def do_GET(self) -> None:
        if "gated" in self.path:
            self._refuse(403, "GatedRepo", "Access to this model is restricted")
        elif "forbidden" in self.path:
            self._refuse(403, "", "Not yours")
        elif "broken" in self.path:
            self._refuse(500, "", "Try later")
        else:
            self._refuse(404, "RepoNotFound", "Repository not found")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Authorization") != f"Bearer {self.token}":
            self._refuse(401, "", "Invalid username or password.")
        elif self.path == "/api/repos/create":
            told = json.loads(body)
            name = f"{told.get('type', 'model')}s/{told['organization']}/{told['name']}"
            self.hub.commits.setdefault(name, [])
            self._answer({"url": f"{self.hub.url}/{name.removeprefix('models/')}"})
        elif self.path == "/api/validate-yaml":
            self._answer({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            files = [
                {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]
            self._answer({"files": files})
        else:
            name = self.path.removeprefix("/api/").partition("/commit/")[0]
            lines = [json.loads(line) for line in body.splitlines()]
            files = {
                line["value"]["path"]: base64.b64decode(line["value"]["content"])
                for line in lines
                if line["key"] == "file"
            }
            self.hub.commits[name].append(files)
            url = f"{self.hub.url}/{name}/commit/{'0' * 40}"
            self._answer({"commitUrl": url, "commitOid": "0" * 40, "hookOutput": ""})

    def _answer(self, told: dict[str, Any], status: int = 200, code: str = "") -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int, code: str, said: str) -> None:
        self._answer({"error": said}, status, code)

    def log_message(self, *_: object) -> None:
        """Be quiet."""
