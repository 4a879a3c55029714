"""A verifier of the journal, written from docs/journal.md alone, with nothing but Python's own library.

    journal_verifier.py verify FOLDER_OR_ADDRESS --key KEY [--key KEY…] [--checkpoint FILE…] [--witness KEY…]
    journal_verifier.py check FILE --key KEY [--witness KEY…] [--needed N]

FILE is a .tlog-proof, or a list with its proofs. Answers JSON. Exit code 0: it holds; 3: it does not.
"""

import argparse
import base64
import datetime
import difflib
import hashlib
import json
import pathlib
import sys
import urllib.error
import urllib.request


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# --- Ed25519 (RFC 8032, 5.1 and 6), verification only ---

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(one, other):
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar, point):
    product = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            product = add(product, point)
        point, scalar = add(point, point), scalar >> 1
    return product


def same(one, other):
    return (one[0] * other[2] - other[0] * one[2]) % P == 0 and (one[1] * other[2] - other[1] * one[2]) % P == 0


def recover(y, sign):
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * ROOT % P
    if (x * x - square) % P != 0:
        return None
    return P - x if x & 1 != sign else x


def point(octets):
    number = int.from_bytes(octets, "little")
    y, sign = number & ((1 << 255) - 1), number >> 255
    x = recover(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    key, commitment, scalar = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= Q:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % Q
    return same(multiply(scalar, BASE), add(commitment, multiply(challenge, key)))


# --- Keys, notes, checkpoints ---


class Wrong(Exception):
    """It is not what it should be."""


def decoded(text):
    try:
        octets = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Wrong("no base64") from error
    if base64.b64encode(octets).decode() != text:
        raise Wrong("base64 in another spelling")
    return octets


def decimal(text):
    if not text.isascii() or not text.isdigit() or str(int(text)) != text:
        raise Wrong("no number")
    return int(text)


class Key:
    def __init__(self, text):
        self.name, said, octets = text.strip().split("+", 2)
        octets = decoded(octets)
        self.public = octets[1:]
        if octets[0] not in (1, 4) or self.id(octets[0]).hex() != said:
            raise Wrong("no key")

    def id(self, kind):
        return sha256(self.name.encode(), b"\n", bytes([kind]), self.public)[:4]

    def lines(self, note, kind):
        return [octets[4:] for name, octets in note.lines if name == self.name and octets[:4] == self.id(kind)]


class Note:
    def __init__(self, text):
        if not text.endswith("\n") or any(letter < " " and letter != "\n" for letter in text):
            raise Wrong("no signed note")
        at = text.rfind("\n\n")
        if at < 0:
            raise Wrong("no signed note")
        self.text, below = text[: at + 1], text[at + 2 :]
        self.lines = []
        for line in below[:-1].split("\n"):
            if not line.startswith("\u2014 ") or line.count(" ") != 2:
                raise Wrong("no signature line")
            _, name, octets = line.split(" ")
            self.lines.append((name, decoded(octets)))


class Checkpoint:
    def __init__(self, text, keys):
        note = Note(text)
        lines = note.text[:-1].split("\n")
        if len(lines) < 3 or not all(lines):
            raise Wrong("no checkpoint")
        self.origin, self.size, self.root = lines[0], decimal(lines[1]), decoded(lines[2])
        if len(self.root) != 32:
            raise Wrong("no root")
        for key in keys:
            signatures = key.lines(note, 1)
            if signatures and key.name == self.origin:
                if all(is_signed(key.public, note.text.encode(), one) for one in signatures):
                    return
                raise Wrong("the signature is not this key's")
        raise Wrong("not signed by this key")


def witnesses(text, keys, known):
    """Which of the known witnesses cosigned a note, and when. A key counts once, and that of the log does not."""
    note, seen, found = Note(text), {key.public for key in keys}, []
    for key in known:
        if key.public in seen:
            continue
        seen.add(key.public)
        signatures = key.lines(note, 4)
        times = [int.from_bytes(one[:8], "big") for one in signatures]
        messages = [f"cosignature/v1\ntime {time}\n{note.text}".encode() for time in times]
        if signatures and all(is_signed(key.public, message, one[8:]) for message, one in zip(messages, signatures)):
            found.append((key.name, times[0]))
    return found


# --- The tree ---


def leaf(entry):
    return sha256(b"\0", entry)


def node(left, right):
    return sha256(b"\1", left, right)


class Tree:
    """Roots over the beginning of a list of leaves; those of complete subtrees are computed once."""

    def __init__(self, leaves):
        self.leaves, self.known = leaves, {}

    def root(self, start, end):
        if end - start == 0:
            return sha256()
        if end - start == 1:
            return self.leaves[start]
        found = self.known.get((start, end))
        if found is None:
            middle = start + (1 << (end - start - 1).bit_length() - 1)
            found = node(self.root(start, middle), self.root(middle, end))
            if (end - start) & (end - start - 1) == 0:
                self.known[start, end] = found
        return found


def included(index, size, hashed, path, root):
    if index >= size:
        return False
    place, last = index, size - 1
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            hashed = node(sibling, hashed)
            while place & 1 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            hashed = node(hashed, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and hashed == root


def begins(old, new, hashes):
    """Whether a tree, given by its size and its root, is the beginning of another."""
    (size, root), (longer, whole) = old, new
    if size in (0, longer):
        return not hashes and root == (whole if size == longer else sha256())
    if size & (size - 1) == 0:
        hashes = [root, *hashes]
    if size > longer or not hashes:
        return False
    place, last = size - 1, longer - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    older = newer = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            older, newer = node(sibling, older), node(sibling, newer)
            while place & 1 == 0:
                place, last = place >> 1, last >> 1
        else:
            newer = node(newer, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and (older, newer) == (root, whole)


# --- The public files ---


class Folder:
    def __init__(self, path):
        self.path = pathlib.Path(path)

    def read(self, name):
        try:
            return (self.path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None


class Address:
    def __init__(self, base):
        self.base = base.rstrip("/")

    def read(self, name):
        if name not in ("checkpoint", "witnessed") and not name.startswith("tile/"):
            return None
        try:
            with urllib.request.urlopen(f"{self.base}/{name}", timeout=30) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise


def path(row, index, width):
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.append(f"x{index % 1000:03}")
    return f"tile/{row}/" + "/".join(reversed(groups)) + ("" if width == 256 else f".p/{width}")


def entries(bundle):
    """Each entry; nothing where there is none, or where the bytes end."""
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        entry, rest = bundle[2 : 2 + length], bundle[2 + length :]
        if len(bundle) < 2 or len(entry) < length:
            yield None
            return
        yield entry if length >= 32 else None
        bundle = rest


class Journal:
    """One log, read whole."""

    def __init__(self, files, keys, known):
        self.files, self.keys, self.known, self.findings, self.witnessed = files, keys, known, [], {}
        self.seen = files.read("witnessed") if known else None
        note = files.read("checkpoint")
        if note is None:
            raise Wrong("there is no checkpoint")
        self.last = Checkpoint(note.decode(), keys)
        self.vouched(note.decode(), self.last.size)
        self.stands, self.signed, self.roots = [], [], []
        size = self.last.size
        self.entries = any(
            files.read(path("entries", index, min(256, size - 256 * index))) is not None
            for index in {0, max(size - 1, 0) // 256}
            if size > 256 * index
        )

    def found(self, damage, start=None, end=None, place=None):
        self.findings.append({"damage": damage, "from": start, "to": end, "place": place})

    def vouched(self, note, size):
        for name, _ in witnesses(note, self.keys, self.known):
            self.witnessed[name] = max(size, self.witnessed.get(name, 0))

    def read(self):
        for number in range((self.last.size + 255) // 256):
            first = 256 * number
            width = min(256, self.last.size - first)
            tile = self.files.read(path("0", number, width))
            bundle = self.files.read(path("entries", number, width)) if self.entries else None
            if tile is None and bundle is None:
                break
            hashes = None
            if tile is None or len(tile) != 32 * width:
                self.found("missing" if tile is None else "altered", place=path("0", number, width))
            else:
                hashes = [tile[at : at + 32] for at in range(0, len(tile), 32)]
            if self.entries:
                if bundle is None:
                    self.found("missing", place=path("entries", number, width))
                self.bundle(first, bundle or b"", hashes, path("entries", number, width))
            self.signed += hashes if hashes is not None else [leaf(one) for one in entries(bundle or b"") if one]
            if hashes is not None and width == 256:
                self.roots.append(Tree(hashes).root(0, 256))

    def bundle(self, first, bundle, hashes, name):
        own = list(entries(bundle))
        self.stands += [(first + at, leaf(entry)) for at, entry in enumerate(own) if entry is not None]
        if hashes is None:
            return
        sealed = self.files.read(name.replace("tile/entries", "sealed", 1) + ".jsonl") or b""
        for line in filter(None, sealed.split(b"\n")):
            try:
                part = json.loads(line)
                position = part["position"]
                commitment = sha256(decoded(part["salt"]), decoded(part["ciphertext"]))
                kept = own[position - first] if 0 <= position - first < len(own) else None
                fits = kept is not None and kept[-32:] == commitment
            except (ValueError, KeyError, TypeError, Wrong):
                position, fits = first, False
            if not fits:
                self.found("altered", position, position + 1)

    def above(self):
        row = self.roots
        for level in range(1, 8):
            following = []
            for index in range((len(row) + 255) // 256):
                hashes = row[256 * index : 256 * index + 256]
                name = path(str(level), index, min(256, (self.last.size >> 8 * level) - 256 * index))
                tile = self.files.read(name)
                if tile != b"".join(hashes):
                    self.found("missing" if tile is None else "altered", place=name)
                if len(hashes) == 256:
                    following.append(Tree(hashes).root(0, 256))
            row = following

    def compare(self):
        """What stands, against what is in the tiles."""
        if not self.entries:
            return
        there = [hashed for _, hashed in self.stands]
        steps = difflib.SequenceMatcher(None, self.signed, there, autojunk=False).get_opcodes()
        partings = [(range(a, b), self.stands[c:d]) for kind, a, b, c, d in steps if kind != "equal"]
        lost = {self.signed[at] for positions, _ in partings for at in positions}
        moved = {hashed for _, extra in partings for _, hashed in extra if hashed in lost}
        for positions, extra in partings:
            for position, hashed in extra:
                if hashed in moved:
                    self.found("moved", position, position + 1)
            rest = [position for position, hashed in extra if hashed not in moved]
            gone = [at for at in positions if self.signed[at] not in moved]
            for at in gone[: len(rest)]:
                self.found("altered", at, at + 1)
            for at in gone[len(rest) :]:
                self.found("missing", at, at + 1)
            for position in rest[len(gone) :]:
                self.found("added", position, position + 1)

    def hold(self, kept):
        """The tree, against the checkpoints."""
        marks = []
        lines = (self.files.read("checkpoints.jsonl") or b"").split(b"\n")
        notes = [(f"checkpoints.jsonl, line {number}", line) for number, line in enumerate(filter(None, lines), 1)]
        notes += [("witnessed", json.dumps(self.seen.decode("utf-8", "replace")))] if self.seen is not None else []
        for place, line in notes:
            try:
                said = Checkpoint(json.loads(line), self.keys)
                self.vouched(json.loads(line), said.size)
            except (ValueError, TypeError, AttributeError, Wrong):
                self.found("altered", place=place)
                continue
            if said.size < self.last.size:
                marks.append((said.size, 0, said.root))
        marks.append((self.last.size, 0, self.last.root))
        marks += [(one.size, 1, one.root) for one in kept]
        tree, covered, refuted, largest = Tree(self.signed), 0, [], 0
        for size, foreign, root in sorted(marks, key=lambda mark: mark[:2]):
            if size > len(self.signed):
                largest = max(largest, size)
            elif tree.root(0, size) == root:
                covered = size
                for one in refuted:
                    one["contradicted"] = True
            elif not refuted or refuted[-1]["from"] < covered or refuted[-1]["contradicted"]:
                contradicted = bool(foreign) and covered == size
                refuted.append({"from": min(covered, size), "to": size, "contradicted": contradicted})
        if largest:
            self.found("rolled_back", len(self.signed), largest)
        for one in refuted:
            self.found("forked" if one["contradicted"] else "altered", one["from"], one["to"])
        return covered

    def verdict(self, kept):
        self.read()
        self.above()
        self.compare()
        covered = self.hold(kept)
        root = Tree(self.signed).root(0, len(self.signed)).hex()
        witnessed = sorted(map(list, self.witnessed.items()))
        return {"size": len(self.signed), "root": root, "covered": covered, "findings": self.findings, "witnessed": witnessed}


# --- Proofs ---


def proved(text, keys, known):
    above, separator, note = text.partition("\n\n")
    lines = above.split("\n")
    if not separator or lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Wrong("no proof")
    if not lines or not lines[0].startswith("extra "):
        raise Wrong("a proof without its entry")
    entry = decoded(lines.pop(0).removeprefix("extra "))
    if len(entry) < 32 or not lines or not lines[0].startswith("index "):
        raise Wrong("no proof")
    index, hashes = decimal(lines[0].removeprefix("index ")), [decoded(line) for line in lines[1:]]
    if any(len(one) != 32 for one in hashes) or len(hashes) > 63:
        raise Wrong("no hashes")
    last = Checkpoint(note, keys)
    if not included(index, last.size, leaf(entry), hashes, last.root):
        raise Wrong("the proof does not lead to the root")
    said = {"entry": entry[:-32].decode(), "index": index, "origin": last.origin, "size": last.size}
    return said | {"witnesses": vouched(note, keys, known)}


def vouched(note, keys, known):
    moment = lambda at: datetime.datetime.fromtimestamp(at, datetime.timezone.utc).isoformat()
    return [[name, moment(at)] for name, at in witnesses(note, keys, known)]


def only_once(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise Wrong("a key twice")
    return dict(pairs)


class List:
    """A list with its proofs, checked line by line."""

    KEYS = {
        "checkpoint": ({"kind", "note", "entries"}, set()),
        "entry": ({"kind", "clear", "commitment", "leaf", "position", "path"}, set()),
        "waiting": ({"kind", "clear", "commitment", "leaf"}, {"position"}),
    }

    def __init__(self, keys):
        self.keys, self.last, self.entries, self.note = keys, None, 0, ""
        self.proved, self.waiting, self.positions = 0, 0, set()

    def take(self, text):
        try:
            line = json.loads(text, object_pairs_hook=only_once)
        except ValueError as error:
            raise Wrong("no JSON") from error
        kind = line.get("kind") if isinstance(line, dict) else None
        required, optional = self.KEYS.get(kind, (None, None)) if isinstance(kind, str) else (None, None)
        if required is None or (self.last is None) != (kind == "checkpoint"):
            raise Wrong("no line of a list, or not here")
        if not required <= line.keys() <= required | optional:
            raise Wrong("other keys")
        if kind == "checkpoint":
            if not isinstance(line["note"], str):
                raise Wrong("not signed")
            self.entries, self.last = self.number(line["entries"]), Checkpoint(line["note"], self.keys)
            self.note = line["note"]
            return
        if self.proved + self.waiting == self.entries:
            raise Wrong("more lines than the first one says")
        hashed = self.leaf(line)
        position = None if line.get("position") is None else self.number(line["position"])
        if kind == "waiting":
            if position is not None and position < self.last.size:
                raise Wrong("covered, and not proved")
            self.waiting += 1
            return
        if not isinstance(line["path"], list) or not all(isinstance(one, str) for one in line["path"]):
            raise Wrong("no path")
        path = [decoded(one) for one in line["path"]]
        if any(len(one) != 32 for one in path) or len(path) > 63:
            raise Wrong("no path")
        if position is None or not included(position, self.last.size, hashed, path, self.last.root):
            raise Wrong("the proof does not lead to the root")
        if position in self.positions:
            raise Wrong("a position for the second time")
        self.positions.add(position)
        self.proved += 1

    @staticmethod
    def number(value):
        if type(value) is not int or value < 0:
            raise Wrong("no number")
        return value

    @staticmethod
    def leaf(line):
        if not all(isinstance(line[key], str) for key in ("clear", "commitment", "leaf")):
            raise Wrong("no texts")
        try:
            commitment = bytes.fromhex(line["commitment"])
            clear = line["clear"].encode()
        except ValueError as error:
            raise Wrong("no entry") from error
        if commitment.hex() != line["commitment"] or len(commitment) != 32:
            raise Wrong("no commitment")
        entry = clear + commitment
        if len(entry) > 65535 or leaf(entry).hex() != line["leaf"]:
            raise Wrong("a leaf hash that is not the entry's")
        return leaf(entry)

    def check(self, lines, known):
        number = 0
        for number, text in enumerate(lines, 1):
            try:
                self.take(text)
            except Wrong as wrong:
                return {"line": number, "wrong": str(wrong)}
        if self.last is None or self.proved + self.waiting != self.entries:
            return {"line": number + 1, "wrong": "the list ends too early"}
        said = {"proved": self.proved, "waiting": self.waiting, "origin": self.last.origin, "size": self.last.size}
        return said | {"witnesses": vouched(self.note, self.keys, known)}


def listed(path, keys, known):
    """What a list says, if the file is one."""
    with pathlib.Path(path).open("rb") as file:
        if file.read(1) != b"{":
            return None
        file.seek(0)
        return List(keys).check((line.decode() for line in file), known)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["verify", "check"])
    parser.add_argument("place")
    parser.add_argument("--key", action="append", required=True)
    parser.add_argument("--checkpoint", action="append", default=[])
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--needed", type=int)
    asked = parser.parse_args()
    keys, known = [Key(text) for text in asked.key], [Key(text) for text in asked.witness]
    needed = min(len(known), 1) if asked.needed is None else asked.needed
    try:
        if asked.what == "check":
            found = listed(asked.place, keys, known)
            if found is None:
                found = proved(pathlib.Path(asked.place).read_bytes().decode(), keys, known)
            print(json.dumps(found))
            return 0 if "wrong" not in found and len(found["witnesses"]) >= needed else 3
        kept = [Checkpoint(pathlib.Path(name).read_text("utf-8"), keys) for name in asked.checkpoint]
        files = Address(asked.place) if asked.place.startswith(("http://", "https://")) else Folder(asked.place)
        verdict = Journal(files, keys, known).verdict(kept)
    except (Wrong, UnicodeDecodeError) as wrong:
        print(json.dumps({"wrong": str(wrong)}))
        return 3
    print(json.dumps(verdict))
    return 3 if verdict["findings"] else 0


if __name__ == "__main__":
    sys.exit(main())
