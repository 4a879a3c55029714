"""Our proofs in the eyes of other people's libraries: proofbundle reads C2SP's tlog-proof, tlog-checkpoint, signed-note and tlog-cosignature, and
rfc8785 writes the canonical form in which the clear part of an entry is."""

import json

import rfc8785
from proofbundle.errors import ProofBundleError
from proofbundle.tlogproof import format_tlog_proof, parse_tlog_proof, verify_tlog_proof

# What follows the clear part of an entry: the commitment to its sealed part.
COMMITMENT = 32


def accepts(text, key, witnesses=(), needed=0):
    """Whether a proof holds for somebody with these keys, by that library alone."""
    try:
        entry = parse_tlog_proof(text)["extra"] or b""
    except ProofBundleError:
        return False
    origin = key.split("+", 1)[0]
    return verify_tlog_proof(text, entry, key, witnesses, threshold=needed, expected_origin=origin)["ok"]


def as_written(text):
    """Whether the library writes the same file, and the same clear part, from what it has read."""
    read = parse_tlog_proof(text)
    clear = read["extra"][:-COMMITMENT]
    again = format_tlog_proof(read["index"], read["proof"], read["checkpoint"], read["extra"])
    return again == text and rfc8785.dumps(json.loads(clear)) == clear
