"""Who vouches for the journal in the stories of journal.py: witnesses, each the same program in a folder of its own, and an authority that
timestamps, which is openssl behind a server of a few lines."""

import http.server
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

import foreign

HERE = pathlib.Path(__file__).resolve().parent
BINARY = str(pathlib.Path(os.environ["MANDATAIRE_BIN"]).resolve())
PATIENCE = 60


def call(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)


def run(*command):
    return call(BINARY, *command)


def verifier(*command):
    return call(sys.executable, str(HERE / "journal_verifier.py"), *command)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Witness:
    """Another organisation's witness: the same program, in a folder of its own."""

    def __init__(self, folder, name):
        self.folder, self.name, self.port = folder, name, free_port()
        folder.mkdir()
        self.key = run("witness", "key", "--name", name, str(folder / "key")).stdout.strip()

    def serve(self, origin, key):
        (self.folder / "witness.toml").write_text(
            f"""listen = "127.0.0.1:{self.port}"
key_file = "{self.folder}/key"
folder = "{self.folder}/memory"
[[logs]]
origin = "{origin}"
keys = ["{key}"]
""",
            "utf-8",
        )
        return subprocess.Popen(
            [BINARY, "--config", str(self.folder / "witness.toml"), "witness", "serve"],
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("wb"),
        )


SETTINGS = """
[req]
distinguished_name = name
prompt = no
[name]
CN = authority of a test
[ca]
basicConstraints = critical,CA:true
[tsa]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[reply]
serial = serial
signer_cert = tsa.pem
certs = ca.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


class Authority:
    """Answers requests of RFC 3161 on a port of this machine."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "settings").write_text(SETTINGS, "utf-8")
        (folder / "serial").write_text("01\n", "utf-8")
        key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config settings"
        self.openssl(f"req -x509 {key} -keyout ca.key -out ca.pem -days 2 -extensions ca")
        self.openssl(f"req {key} -keyout tsa.key -out tsa.csr -subj /CN=tsa")
        signed = "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -set_serial 7 -days 2 -extfile settings -extensions tsa -out tsa.pem"
        self.openssl(signed)
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                reply = authority.reply(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-type", "application/timestamp-reply")
                self.send_header("content-length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}/tsa"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def openssl(self, line):
        done = call("openssl", *line.split(" "), cwd=self.folder)
        if done.returncode != 0:
            raise SystemExit(f"openssl {line}: {done.stderr}")

    def reply(self, request):
        (self.folder / "query").write_bytes(request)
        self.openssl("ts -reply -config settings -section reply -queryfile query -out answer")
        return (self.folder / "answer").read_bytes()

    def vouches(self, note, reply):
        return call("openssl", "ts", "-verify", "-data", str(note), "-in", str(reply), "-CAfile", "ca.pem", cwd=self.folder)


def timestamped(service, folder, authority, check):
    """The timestamp of a checkpoint, taken out of the database: openssl and the authority's certificate are enough to believe it."""
    place = folder / "timestamps"
    place.mkdir()
    end = time.monotonic() + PATIENCE
    while not service.call("journal", "timestamps", str(place), "--purpose", "inspection") and time.monotonic() < end:
        time.sleep(0.5)
    replies = sorted(place.glob("*.tsr"))
    check("a checkpoint was timestamped", len(replies) == 1, str(list(place.iterdir())))
    note = replies[0].with_suffix(".note")
    done = authority.vouches(note, replies[0])
    check("openssl believes the timestamp", done.returncode == 0 and "Verification: OK" in done.stdout + done.stderr, str(done))
    note.write_text(note.read_text("utf-8").replace("\n", "\n1", 1), "utf-8")
    check("openssl does not believe it of another tree", authority.vouches(note, replies[0]).returncode != 0)


def witnessed(service, folder, key, witnesses, check):
    """The lines of the witnesses under a proof and a copy: who knows their keys sees them, and nobody is counted who did not sign."""
    one, other = (witness.key for witness in witnesses)
    names = [witness.name for witness in witnesses]
    ids = [json.loads(line)["id"] for line in service.call("journal", "list", "--purpose", "inspection", "--json", "--limit", "9").split("\n")]
    path = folder / "witnessed.tlog-proof"
    # The reading above is an entry: the newest checkpoint has no signature of a witness yet, and the proof is of the last that has.
    service.call("journal", "prove", ids[3], "--purpose", "inspection", "--to", str(path))
    stranger = run("witness", "key", "--name", "w3.example.org", str(folder / "stranger")).stdout.strip()
    whole = path.read_text("utf-8")
    forged = whole.replace("\u2014 w1.example.org ", "\u2014 w2.example.org ")
    taken = "\n".join(line for line in whole.split("\n") if not line.startswith("\u2014 w"))
    cases = [
        ("both witnesses", whole, [one, other], ["--needed", "2"], names, 0),
        ("one of them", whole, [other], [], names[1:], 0),
        ("one key twice", whole, [one, one], ["--needed", "2"], names[:1], 3),
        ("the log as its own witness", whole, [key], [], [], 3),
        ("a stranger", whole, [stranger], [], [], 3),
        ("a stranger too, where two are enough", whole, [stranger, one, other], ["--needed", "2"], names, 0),
        ("a line under another name", forged, [one, other], ["--needed", "2"], names[1:], 3),
        ("the lines taken away", taken, [one, other], [], [], 3),
        ("the lines taken away, and none needed", taken, [one, other], ["--needed", "0"], [], 0),
    ]
    for name, text, keys, more, expected, code in cases:
        path.write_text(text, "utf-8")
        given = [word for each in keys for word in ("--witness", each)] + more
        here = run("journal", "check", str(path), "--key", key, "--json", *given)
        there = verifier("check", str(path), "--key", key, *given)
        holds = here.returncode == there.returncode == code
        if holds:
            said = json.loads(here.stdout)["witnesses"]
            holds = said == json.loads(there.stdout)["witnesses"] and [each[0] for each in said] == expected
        needed = int(more[1]) if more else 1
        holds = holds and foreign.accepts(text, key, keys, needed) == (code == 0)
        check(f"a proof for whoever knows {name}", holds, f"{here} {there}")
