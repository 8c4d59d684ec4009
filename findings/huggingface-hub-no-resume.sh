#!/usr/bin/env bash
# huggingface_hub 2.4.0: a download that is interrupted starts from its first byte when the command is run again.
#
# Expected: hf_hub_download resumes, since it writes to a file *.incomplete in the cache and sends Range headers; its
# parameter resume_download was the default behavior for years, and a model has gigabytes.
# Found: each call writes to an incomplete file whose name is random, and removes that file when it fails, so Range is sent
# only for retries within one call. The second call requests the file from its start (source: _download_to_tmp_and_move in
# file_download.py, and pull request 4228: processes must not share the file on network disks without working locks).
# Workaround: keep the part yourself, and stream the rest with get_session() and build_hf_headers().
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet huggingface_hub==2.4.0
cd "$work"
cat > hub.py <<'PY'
import http.server
import threading

CONTENT, COMMIT = bytes(range(256)) * 196_608, "0" * 40  # 48 MiB
state = {"break_after": len(CONTENT) // 2, "ranges": []}


class Hub(http.server.BaseHTTPRequestHandler):
    """One repository with one file; the first response ends in its middle."""

    def do_HEAD(self):
        self.respond(body=False)

    def do_GET(self):
        state["ranges"].append(self.headers.get("Range"))
        self.respond(body=True)

    def respond(self, body):
        if "/resolve/" not in self.path:
            self.send_error(404)
            return
        self.send_response(200)
        for name, value in (("ETag", '"abc"'), ("X-Repo-Commit", COMMIT), ("Content-Length", str(len(CONTENT)))):
            self.send_header(name, value)
        self.end_headers()
        if body:
            end, state["break_after"] = state["break_after"], len(CONTENT)
            self.wfile.write(CONTENT[:end])
            if end < len(CONTENT):
                interrupted.set()
                released.wait(30)

    def log_message(self, *_):
        pass


interrupted, released = threading.Event(), threading.Event()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=server.serve_forever, daemon=True).start()
PY
HF_HUB_DISABLE_TELEMETRY=1 HF_HUB_DISABLE_PROGRESS_BARS=1 HF_HOME="$work/home" venv/bin/python - <<'PY'
import os
import signal
import threading
import time
from pathlib import Path

import hub
from huggingface_hub import hf_hub_download

endpoint = f"http://127.0.0.1:{hub.server.server_port}"


def interrupt():
    hub.interrupted.wait(30)
    time.sleep(1)  # the half that was sent arrives
    print("incomplete files at the interruption:", [path.stat().st_size for path in Path("home").rglob("*.incomplete")])
    os.kill(os.getpid(), signal.SIGINT)  # as Ctrl-C does


threading.Thread(target=interrupt).start()
try:
    hf_hub_download("org/model", "weights.bin", endpoint=endpoint)
    raise SystemExit("the first download was not interrupted")
except KeyboardInterrupt:
    pass
finally:
    hub.released.set()
left = [path.stat().st_size for path in Path("home").rglob("*.incomplete")]
path = hf_hub_download("org/model", "weights.bin", endpoint=endpoint)
assert Path(path).read_bytes() == hub.CONTENT
print("incomplete files after it:", left)
print("Range of each download:", hub.state["ranges"])
assert left == [] and hub.state["ranges"] == [None, None], (left, hub.state)
PY
echo "holds: huggingface_hub 2.4.0 does not resume an interrupted download"
