"""That a tree begins another, in the stories of journal.py: the golden roots and consistency proofs, and histories that whoever has the
log's key writes beside the true one, for whoever kept a checkpoint of that."""

import base64
import hashlib
import json

from journal_verifier import BASE, P, Q, Key, Tree, begins, entries, leaf, multiply, path

# Those of tests/it/evidence/golden.rs: a file that has lost a line is no longer what it was.
PAIRS = [(1, 2), (1, 300), (2, 3), (3, 7), (4, 7), (6, 7), (128, 256), (129, 300), (255, 256), (256, 300), (299, 300)]


def history(folder, size):
    widths = [(first // 256, min(256, size - first)) for first in range(0, size, 256)]
    return [entry for at, width in widths for entry in entries((folder / path("entries", at, width)).read_bytes())]


# --- The golden vectors ---


def changed(octets, bit):
    return (int.from_bytes(octets, "big") ^ 1 << bit).to_bytes(len(octets), "big")


def spoiled(hashes):
    """A proof with a bit changed, a hash dropped and one added, each of them and everywhere."""
    for at, one in enumerate(hashes):
        yield from ([*hashes[:at], changed(one, bit), *hashes[at + 1 :]] for bit in range(256))
        yield [*hashes[:at], *hashes[at + 1 :]]
    for at in range(len(hashes) + 1):
        yield from ([*hashes[:at], added, *hashes[at:]] for added in (bytes(32), hashes[at - 1]))


def vectors(golden, check):
    tree = Tree([leaf(entry) for entry in history(golden, 300)])
    lines = [line.split(" ") for line in (golden / "roots.txt").read_text("utf-8").splitlines()]
    roots = {int(size): bytes.fromhex(root) for size, root in lines}
    other = [size for size, root in roots.items() if tree.root(0, size) != root]
    check("the golden roots of every smaller tree", len(lines) == 301 and list(roots) == list(range(301)) and not other, str(other))
    # RFC 6962, 2.1.2 has no proof from no leaves, nor to the same tree: docs/journal.md says what holds there.
    trees = list(roots.items())
    check("the empty tree begins every other, and each begins itself", all(begins(trees[0], one, []) and begins(one, one, []) for one in trees))
    check("no tree begins another without a proof", not any(begins(one, two, []) for one, two in zip(trees[1:], trees[2:])))
    check("no other root is that of a tree of the same size", not any(begins(one, (one[0], changed(one[1], 0)), []) for one in trees))
    check("no other root is that of no leaves", not any(begins((0, root), trees[-1], []) for size, root in trees if size))
    twice = [((size, root), (2 * size, root)) for size, root in trees if size]
    check("no root is that of two sizes", not any(begins(one, two, []) or begins(two, one, []) for one, two in twice))
    read = [line.split(" ") for line in (golden / "consistency.txt").read_text("utf-8").splitlines()]
    check("the golden consistency proofs are all there", [(int(old), int(new)) for old, new, *_ in read] == PAIRS)
    for old, new, *hashes in read:
        one, two = ((int(size), roots[int(size)]) for size in (old, new))
        hashes = [bytes.fromhex(each) for each in hashes]
        check(f"the golden consistency proof from {old} to {new}", begins(one, two, hashes))
        refused = not any(begins(one, two, each) for each in spoiled(hashes))
        refused = refused and not begins((one[0], changed(one[1], 0)), two, hashes) and not begins(one, (two[0], changed(two[1], 0)), hashes)
        check(f"the golden consistency proof from {old} to {new}, changed", refused and not begins(two, one, hashes))


# --- Forks ---


def number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % Q


def compressed(point):
    x, y, z, _ = point
    inverse = pow(z, P - 2, P)
    return (y * inverse % P | (x * inverse % P & 1) << 255).to_bytes(32, "little")


class Signer:
    """The log's own key, in other hands (RFC 8032, 5.1.5 and 5.1.6)."""

    def __init__(self, file, key):
        self.key = Key(key)
        seed = base64.b64decode(file.read_text("utf-8").strip().split("+", 4)[4])[1:]
        digest = hashlib.sha512(seed).digest()
        self.scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
        self.prefix = digest[32:]

    def signature(self, message):
        nonce = number(self.prefix, message)
        commitment = compressed(multiply(nonce, BASE))
        scalar = (nonce + number(commitment, self.key.public, message) * self.scalar) % Q
        return commitment + scalar.to_bytes(32, "little")

    def note(self, tree, size):
        text = f"{self.key.name}\n{size}\n{base64.b64encode(tree.root(0, size)).decode()}\n"
        line = base64.b64encode(self.key.id(1) + self.signature(text.encode())).decode()
        return f"{text}\n\u2014 {self.key.name} {line}\n"


def put(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def published(folder, told, signer, earlier):
    """A copy as the log itself makes it of these entries; `earlier` are notes of before."""
    tree, size = Tree([leaf(entry) for entry in told]), len(told)
    for first in range(0, size, 256):
        part = told[first : first + 256]
        bundle = b"".join(len(entry).to_bytes(2, "big") + entry for entry in part)
        put(folder / path("entries", first // 256, len(part)), bundle)
        put(folder / path("0", first // 256, len(part)), b"".join(tree.leaves[first : first + 256]))
    full = [tree.root(first, first + 256) for first in range(0, size - 255, 256)]
    put(folder / path("1", 0, len(full)), b"".join(full))
    put(folder / "checkpoints.jsonl", "".join(json.dumps(note) + "\n" for note in earlier).encode())
    put(folder / "checkpoint", signer.note(tree, size).encode())
    return folder


def forks(folder, newest, oldest, signer):
    """Name, the copy, the checkpoints kept, and what must be among the findings: nothing, if nobody could know."""
    old, new = (int((kept / "checkpoint").read_text("utf-8").split("\n")[1]) for kept in (oldest, newest))
    before, after = (["--checkpoint", str(kept / "checkpoint")] for kept in (oldest, newest))
    true = history(newest, new)
    other = [*true[:7], changed(true[7], 8 * len(true[7]) - 50), *true[8:]]
    late = [*true[:-1], changed(true[-1], 8 * len(true[-1]) - 50)]
    was, became = (Tree([leaf(entry) for entry in told]) for told in (true, other))
    anew = [signer.note(became, size) for size in (100, 280)]
    fork = published(folder / "fork", other, signer, anew)
    yield "a fork, for whoever kept nothing", fork, [], None
    yield "a fork, for whoever kept an earlier checkpoint", fork, before, ("forked", 280, old)
    yield "a fork, for whoever kept the last one", fork, after, ("forked", new, new)
    yield "a fork, for whoever kept both", fork, [*before, *after], ("forked", 280, old)
    longer = published(folder / "longer", [*other, true[-1]], signer, anew)
    yield "a fork that went on, for whoever kept a checkpoint", longer, after, ("forked", 280, new)
    shorter = published(folder / "shorter", other[:290], signer, anew)
    yield "a fork that is shorter, for whoever kept a checkpoint", shorter, after, ("rolled_back", 290, new)
    recent = published(folder / "recent", late, signer, [])
    yield "a fork of the last entry, for whoever kept what was before", recent, before, None
    yield "a fork of the last entry, for whoever kept it", recent, after, ("forked", new, new)
    both = published(folder / "both", other, signer, [signer.note(was, 5), signer.note(was, 100), anew[1]])
    yield "a fork that left an earlier checkpoint", both, [], ("forked", 5, 100)
