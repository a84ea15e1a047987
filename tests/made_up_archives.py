"""Archives of the form in which MMLU-Pro's answers are published, made up, and a server that hands them out."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from helpers.aggregation import mmlu_pro


def record(question=70, gold="I", pred="I", n_options=9, **changes):
    """One record as the archives hold it, with made-up texts."""
    return {"question_id": question, "question": "Which?", "options": [f"option {i}" for i in range(n_options)],
            "answer": gold, "answer_index": ord(gold) - 65, "cot_content": "", "category": "business", "src": "made up",
            "pred": pred, "model_outputs": "The answer is here."} | changes  # fmt: skip


def zipped(content, name="model_outputs_X_5shots.json", **more):
    """The bytes of an archive that holds `content` as JSON (or bytes as they are) under a name, and more such files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, inside in {name: content, **more}.items():
            archive.writestr(file, inside if isinstance(inside, bytes) else json.dumps(inside))
    return packed.getvalue()


def archive_name(model):
    return f"model_outputs_{model}_5shots.zip"


class Forge:
    """A server of archives: `archives` maps file names to bytes, `plans` to a list of mishaps, one per request."""

    def __init__(self):
        self.archives = {archive_name(model): zipped([record(pred="ABCDEFGHI"[i % 9]), record(71, "B", "B")])
                         for i, model in enumerate(mmlu_pro.MODELS)}  # fmt: skip
        self.plans, self.asked = {}, []
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                forge.answer(self, self.path.rsplit("/")[-1])

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.released = threading.Event()
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/eval_results"

    def answer(self, handler, name):
        self.asked.append(name)
        mishap = self.plans[name].pop(0) if self.plans.get(name) else None
        content = self.archives.get(name)
        if content is None or isinstance(mishap, int):
            return handler.send_error(mishap or 404)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2] if mishap else content)
        handler.wfile.flush()
        if mishap == "stall":
            self.released.wait(10)
        handler.close_connection = True

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
