"""A real `serve` writes and signs a journal; it is copied, its copies are damaged, and two verifiers that share no line of code must say
the same of each: ours, and tests/peers/journal_verifier.py. Proofs are also held against a library of other people.

    MANDATAIRE_BIN=target/debug/mandataire target/run/python/bin/python tests/peers/journal.py
"""

import base64
import concurrent.futures
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import foreign
from growing import Signer, forks, vectors
from terminal import on_a_terminal
from vouching import Authority, Witness, free_port, timestamped, witnessed

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden" / "journal"
BINARY = str(pathlib.Path(os.environ["MANDATAIRE_BIN"]).resolve())
PATIENCE = 60
passed, failed = 0, 0


def check(name, holds, why=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(f"ok   {name}" if holds else f"FAIL {name}: {why}", flush=True)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def ours(place, key, *more):
    done = run(BINARY, "journal", "verify", str(place), "--key", key, "--json", *more)
    return done.returncode, json.loads(done.stdout) if done.stdout else {"wrong": done.stderr}


def theirs(place, key, *more):
    done = run(sys.executable, str(HERE / "journal_verifier.py"), "verify", str(place), "--key", key, *more)
    return done.returncode, json.loads(done.stdout or "{}")


def said(verdict):
    """What was found, and where: by position if it has one, else by file."""
    found = verdict.get("findings", [])
    located = lambda one: (one["from"], one["to"]) if one["from"] is not None else (one["place"],)
    return sorted(((one["damage"], *located(one)) for one in found), key=str)


def agree(name, place, key, *more, damaged=None, witnessed=None):
    """Both say the same; and `damaged` and `witnessed`, if given, are among what they say."""
    (code, here), (other, there) = ours(place, key, *more), theirs(place, key, *more)
    if "wrong" in here or "wrong" in there:
        check(name, "wrong" in here and "wrong" in there and damaged == "wrong", f"{here} {there}")
        return
    expected = 3 if damaged else 0
    same = all(here[field] == there[field] for field in ("size", "root", "covered", "witnessed")) and said(here) == said(there)
    found = (not damaged or damaged in said(here)) and (witnessed is None or here["witnessed"] == witnessed)
    check(name, same and found and code == other == expected, f"{code} {here} {other} {there}")


class Service:
    def __init__(self, folder, witnesses, authority):
        self.folder = folder
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        self.secret("master.key", base64.b64encode(secrets.token_bytes(32)).decode())
        self.secret("franceconnect.secret", secrets.token_hex(32))
        made = run(BINARY, "admin", "journal", "key", "--origin", f"127.0.0.1:{port}/log", str(folder / "journal.key"))
        self.key, self.origin = made.stdout.strip(), f"127.0.0.1:{port}/log"
        (folder / "mandataire.toml").write_text(
            f"""public_url = "{self.base}"
listen = "127.0.0.1:{port}"
development = true
contact = "contact@example.fr"
[database]
url = "sqlite:{folder}/mandataire.db"
[secrets]
master_key_file = "{folder}/master.key"
[journal]
key_file = "{folder}/journal.key"
public_entries = true
witnesses = {json.dumps([f"{one.key}@http://127.0.0.1:{one.port}" for one in witnesses])}
witnesses_needed = 2
witness_every = 1
timestamp_url = "{authority.url}"
[mail]
from = "mandataire@example.fr"
host = "127.0.0.1"
port = 1
encryption = "none"
[franceconnect]
issuer = "http://127.0.0.1:1/api/v2"
client_id = "us"
client_secret_file = "{folder}/franceconnect.secret"
""",
            "utf-8",
        )

    def secret(self, name, text):
        path = self.folder / name
        path.touch(0o600)
        path.write_text(text + "\n", "utf-8")

    def call(self, *command):
        done = run(BINARY, "--config", str(self.folder / "mandataire.toml"), *command)
        if done.returncode != 0:
            raise SystemExit(f"{command}: {done.stderr}{done.stdout}")
        return done.stdout.strip()

    def forged(self, _):
        """A form that no page of ours made: it is refused, and that is an entry."""
        request = urllib.request.Request(f"{self.base}/sign-in", data=b"email=a%40example.fr")
        try:
            urllib.request.urlopen(request, timeout=30).close()
        except urllib.error.HTTPError as error:
            error.close()

    def witnessed(self):
        """Whether the published checkpoint bears the lines of both witnesses."""
        with urllib.request.urlopen(f"{self.base}/log/checkpoint", timeout=5) as answer:
            return answer.read().decode().count("\n\u2014 w") == 2

    def size(self):
        try:
            with urllib.request.urlopen(f"{self.base}/log/checkpoint", timeout=5) as answer:
                return int(answer.read().decode().split("\n")[1])
        except OSError:
            return 0


def wait(until):
    end = time.monotonic() + PATIENCE
    while not until():
        if time.monotonic() > end:
            raise SystemExit("the service does not do what is waited for")
        time.sleep(0.1)


def quiet(service):
    """Waits until nothing is signed any more: two verifiers must read the same tree."""
    seen, since = service.size(), time.monotonic()
    while time.monotonic() - since < 2:
        time.sleep(0.2)
        if service.size() != seen:
            seen, since = service.size(), time.monotonic()


def works(service):
    """Acts with sealed parts and without, as many as make more than one full bundle."""
    organisation = json.loads(
        service.call("admin", "organisation", "create", "Maison de Houdan", "--siret", "73282932000074", "--json")
    )["id"]
    for number in range(12):
        email, name = f"person{number}@example.fr", f"Person {number}"
        service.call("admin", "mediator", "create", "--organisation", organisation, "--email", email, "--name", name)
    server = subprocess.Popen(
        [BINARY, "--config", str(service.folder / "mandataire.toml"), "serve"],
        stdout=subprocess.DEVNULL,
        stderr=(service.folder / "serve.log").open("wb"),
    )
    wait(lambda: service.size() > 12)
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        list(threads.map(service.forged, range(290)))
    wait(lambda: service.size() >= 300)
    quiet(service)
    return server


# --- What is done to copies ---


def tile(size, row, number=0):
    width = min(256, size - 256 * number)
    return f"tile/{row}/{number:03}" + ("" if width == 256 else f".p/{width}")


def entries(bundle):
    found = []
    while bundle:
        end = 2 + int.from_bytes(bundle[:2], "big")
        found.append(bundle[:end])
        bundle = bundle[end:]
    return found


def edited(path, change):
    path.write_bytes(change(path.read_bytes()))


def in_bundle(name, change):
    def act(copy):
        def whole(octets):
            each = entries(octets)
            change(each)
            return b"".join(each)

        edited(copy / name, whole)

    return act


def flipped(octets, at):
    return octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]


def swap(each, one, other):
    each[one], each[other] = each[other], each[one]


def damages(size):
    """Name, what is done, and what must be among the findings."""
    first, last = tile(size, "entries"), tile(size, "entries", 1)
    added = (40).to_bytes(2, "big") + b"{}" + bytes(38)
    for at in (0, 7, 128, 255):
        yield f"an entry altered at {at}", in_bundle(first, lambda each, at=at: each.__setitem__(at, flipped(each[at], 9))), ("altered", at, at + 1)
        yield f"an entry missing at {at}", in_bundle(first, lambda each, at=at: each.pop(at)), ("missing", at, at + 1)
        yield f"a hole at {at}", in_bundle(first, lambda each, at=at: each.__setitem__(at, b"\0\0")), ("missing", at, at + 1)
        yield f"an entry added at {at}", in_bundle(first, lambda each, at=at: each.insert(at, added)), ("added", at, at + 1)
    yield "two entries exchanged", in_bundle(first, lambda each: swap(each, 20, 90)), ("moved", 20, 21)
    yield "an entry twice", in_bundle(first, lambda each: each.__setitem__(50, each[51])), ("altered", 50, 51)
    yield "the last entry altered", in_bundle(last, lambda each: each.__setitem__(-1, flipped(each[-1], 5))), ("altered", size - 1, size)
    yield "a bundle cut", lambda copy: edited(copy / last, lambda octets: octets[:-7]), ("missing", size - 1, size)
    yield "a bundle gone", lambda copy: (copy / first).unlink(), ("missing", first)
    yield "a tile gone", lambda copy: (copy / tile(size, 0)).unlink(), ("missing", tile(size, 0))
    yield "a tile cut", lambda copy: edited(copy / tile(size, 0), lambda octets: octets[:-1]), ("altered", tile(size, 0))
    yield "a hash of a tile altered", lambda copy: edited(copy / tile(size, 0), lambda octets: flipped(octets, 32 * 33)), ("altered", 33, 34)
    yield "a tile above altered", lambda copy: edited(copy / "tile/1/000.p/1", lambda octets: flipped(octets, 3)), ("altered", "tile/1/000.p/1")
    yield "a tile above gone", lambda copy: (copy / "tile/1/000.p/1").unlink(), ("missing", "tile/1/000.p/1")
    sealed = first.replace("tile/entries", "sealed") + ".jsonl"
    yield "a salt altered", lambda copy: edited(copy / sealed, lambda octets: octets.replace(b'"salt":"', b'"salt":"AAAA', 1)), ("altered", 1, 2)
    yield "a line of sealed parts that is none", lambda copy: edited(copy / sealed, lambda octets: b"x\n" + octets), ("altered", 0, 1)
    yield "an earlier checkpoint altered", lambda copy: edited(copy / "checkpoints.jsonl", lambda octets: octets.replace(b"log\\n", b"log\\n1", 1)), ("altered", "checkpoints.jsonl, line 1")
    yield "the checkpoint forged", lambda copy: edited(copy / "checkpoint", lambda octets: octets.replace(str(size).encode(), str(size - 1).encode(), 1)), "wrong"
    yield "no checkpoint", lambda copy: (copy / "checkpoint").unlink(), "wrong"
    yield "cut short under its own checkpoint", lambda copy: [(copy / tile(size, row, 1)).unlink() for row in (0, "entries")], ("rolled_back", 256, size)


def proofs(service, folder, key):
    ids = [json.loads(line)["id"] for line in service.call("journal", "list", "--purpose", "inspection", "--json", "--limit", "300").split("\n")[:300]]
    for number in (0, 5, 255, 256, 290):
        path = folder / f"{number}.tlog-proof"
        service.call("journal", "prove", ids[number], "--purpose", "inspection", "--to", str(path))
        for name, text in (("as it is", path.read_bytes()), ("with a hash changed", path.read_bytes().replace(b"index ", b"index 1", 1))):
            path.write_bytes(text)
            here = run(BINARY, "journal", "check", str(path), "--key", key, "--json")
            there = run(sys.executable, str(HERE / "journal_verifier.py"), "check", str(path), "--key", key)
            expected = 0 if name == "as it is" else 3
            holds = here.returncode == there.returncode == expected
            holds = holds and foreign.accepts(text.decode("utf-8"), key) == (expected == 0)
            if holds and expected == 0:
                one, other = json.loads(here.stdout), json.loads(there.stdout)
                holds = all(one[field] == other[field] for field in ("entry", "index", "origin", "size"))
                holds = holds and json.loads(one["entry"])["id"] == ids[number]
            check(f"the proof of entry {number}, {name}", holds, f"{here} {there}")


def lists(service, folder, key):
    """A list with its proofs, as it is and damaged: both verifiers name the same line."""
    text = service.call("journal", "list", "--purpose", "inspection", "--proofs", "--limit", "400") + "\n"
    good = text.splitlines(keepends=True)
    count = len(good) - 1
    waiting = sum(json.loads(line)["kind"] == "waiting" for line in good)
    raised = good[0].replace(f'"entries":{count}', f'"entries":{count + 1}')
    acts = [
        ("as it is", good, None),
        ("an entry altered", [*good[:41], good[41].replace('\\"at\\":\\"2', '\\"at\\":\\"3', 1), *good[42:]], 42),
        ("a leaf hash altered", [*good[:9], good[9].replace('"leaf":"', '"leaf":"0', 1), *good[10:]], 10),
        ("two positions exchanged", [*good[:2], *(good[at].replace(f'"position":{at - 1}', f'"position":{4 - at}', 1) for at in (2, 3)), *good[4:]], 3),
        ("a line taken out", [*good[:50], *good[51:]], count + 1),
        ("a line twice", [raised, *good[1:31], good[30], *good[31:]], 32),
        ("cut within a line", [*good[:100], good[100][:90]], 101),
        ("no checkpoint", good[1:], 1),
        ("the checkpoint of another size", [good[0].replace("\\n3", "\\n4", 1), *good[1:]], 1),
        ("a proof taken off", [*good[:5], good[5].replace('"entry"', '"waiting"', 1)[: good[5].index(',"path"') + 2] + "}\n", *good[6:]], 6),
    ]
    path = folder / "list.jsonl"
    for name, lines, line in acts:
        path.write_text("".join(lines), "utf-8")
        here = run(BINARY, "journal", "check", str(path), "--key", key, "--json")
        there = run(sys.executable, str(HERE / "journal_verifier.py"), "check", str(path), "--key", key)
        one, other = (json.loads(done.stdout or "{}") for done in (here, there))
        if line is None:
            holds = here.returncode == there.returncode == 0 and one["proved"] == count - waiting > 300
            holds = holds and all(one[field] == other[field] for field in ("proved", "waiting", "origin", "size"))
        else:
            holds = here.returncode == there.returncode == 3 and one.get("line") == other.get("line") == line and lines != good
        check(f"a list, {name}", holds, f"{here} {there}")


def story(folder):
    witnesses = [Witness(folder / f"w{number}", f"w{number}.example.org") for number in (1, 2)]
    authority = Authority(folder / "authority")
    service = Service(folder, witnesses, authority)
    service.call("migrate")
    others = [one.serve(service.origin, service.key) for one in witnesses]
    server = works(service)
    try:
        key, public = service.key, f"{service.base}/log"
        known = [word for one in witnesses for word in ("--witness", one.key)]
        wait(service.witnessed)
        reached = [[one.name, service.size()] for one in witnesses]
        agree("the published journal, witnessed", public, key, *known, witnessed=reached)
        witnessed(service, folder, key, witnesses, check)
        timestamped(service, folder, authority, check)
        quiet(service)
        agree("the published journal", public, key)
        proofs(service, folder, key)
        quiet(service)
        lists(service, folder, key)
        quiet(service)
        copy = folder / "copy"
        service.call("journal", "export", str(copy), "--sealed", "--purpose", "inspection")
        before = folder / "before"
        shutil.copytree(copy, before)
        agree("a copy", copy, key)
        size = int((copy / "checkpoint").read_text("utf-8").split("\n")[1])
        code, seen = on_a_terminal(BINARY, "journal", "verify", str(copy), "--key", key)
        check("whoever looks on is told how far it is", code == 0 and f" of {size:,} " in seen and " % " in seen, f"{code} {seen!r}")
        check("nobody else is", run(BINARY, "journal", "verify", str(copy), "--key", key).stderr == "")
        agree("a copy, for whoever knows the witnesses", copy, key, *known)
        lines = [json.loads(line) for line in (copy / "checkpoints.jsonl").read_text("utf-8").split("\n") if line]
        both = "".join([*lines, (copy / "checkpoint").read_text("utf-8")])
        check("a copy has lines of both witnesses", all(f"\u2014 {one.name} " in both for one in witnesses))
        service.call("journal", "list", "--purpose", "inspection")
        quiet(service)
        service.call("journal", "export", str(copy), "--sealed", "--purpose", "inspection")
        agree("a copy continued", copy, key)
        agree("a copy continued holds what was kept", copy, key, "--checkpoint", str(before / "checkpoint"))
        opened = folder / "opened"
        service.call("journal", "export", str(opened), "--opened", "--purpose", "inspection")
        agree("a copy with sealed parts opened", opened, key)
        lines = [json.loads(line) for path in sorted(opened.glob("sealed/**/*.jsonl")) for line in path.read_text().split("\n") if line]
        names = [line.get("opened", {}).get("name") for line in lines]
        check("a copy with sealed parts opened names people", {f"Person {n}" for n in range(12)} <= set(names), str(names))
        texts = b"".join(path.read_bytes() for path in copy.rglob("*") if path.is_file())
        check("a copy with sealed parts closed names nobody", b"Person 3" not in texts and b"example.fr\"" not in texts)
        check("the database", run(BINARY, "--config", str(folder / "mandataire.toml"), "journal", "verify").returncode == 0)
        # The newer checkpoint, kept by somebody, against the older copy: the journal was rolled back.
        newer = int((copy / "checkpoint").read_text("utf-8").split("\n")[1])
        older = int((before / "checkpoint").read_text("utf-8").split("\n")[1])
        agree("an older copy for whoever kept a newer checkpoint", before, key, "--checkpoint", str(copy / "checkpoint"), damaged=("rolled_back", older, newer))
        for name, act, expected in damages(newer):
            damaged = folder / "damaged"
            shutil.copytree(copy, damaged)
            act(damaged)
            agree(name, damaged, key, damaged=expected)
            shutil.rmtree(damaged)
        for name, fork, kept, expected in forks(folder, copy, before, Signer(folder / "journal.key", key)):
            agree(name, fork, key, *kept, damaged=expected)
    finally:
        for process in [server, *others]:
            process.terminate()
        check("service and witnesses stop when asked", [process.wait(30) for process in [server, *others]] == [0, 0, 0])


def golden():
    key = (GOLDEN / "log.vkey").read_text("utf-8").strip()
    agree("the golden journal", GOLDEN, key)
    for index in (0, 7, 255, 256, 299):
        done = run(sys.executable, str(HERE / "journal_verifier.py"), "check", str(GOLDEN / f"{index}.tlog-proof"), "--key", key)
        text = (GOLDEN / f"{index}.tlog-proof").read_text("utf-8")
        alike = foreign.accepts(text, key) and foreign.as_written(text)
        check(f"the golden proof {index}", alike and done.returncode == 0 and json.loads(done.stdout)["index"] == index, done.stdout)
    done = run(sys.executable, str(HERE / "journal_verifier.py"), "check", str(GOLDEN / "list.jsonl"), "--key", key)
    said = json.loads(done.stdout or "{}")
    check("the golden list", done.returncode == 0 and (said["proved"], said["waiting"], said["size"]) == (5, 1, 300), done.stdout)
    vectors(GOLDEN, check)


def main():
    golden()
    with tempfile.TemporaryDirectory(prefix="mandataire-journal-") as folder:
        story(pathlib.Path(folder))
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
