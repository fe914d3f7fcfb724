#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# fingerprint-vectors.py > fingerprint-vectors.json: the test vectors of
# docs/fingerprint.md. fingerprint() below is written from that page alone, so
# that two implementations agree on each vector.

import hashlib
import json
import re
import struct
import sys


def fingerprint(data):
    """Digests of the type section, the string section, and of both."""
    order = {b"\x9f\xeb": "<", b"\xeb\x9f": ">"}.get(data[:2])
    if order is None:
        raise ValueError("magic")
    if len(data) < 8:
        raise ValueError("header too short")
    version, flags, hdr_len = struct.unpack(order + "BBI", data[2:8])
    if hdr_len < 8 or hdr_len > len(data):
        raise ValueError("hdr_len")
    if version != 1:
        raise ValueError("version")
    if flags != 0:
        raise ValueError("flags")
    header = data[:hdr_len].ljust(24, b"\0")[:24]
    type_off, type_len, str_off, str_len = struct.unpack(order + "IIII", header[8:])

    def section(off, length):
        start = hdr_len + off
        if start + length > len(data):
            raise ValueError("section ends behind the table")
        return data[start:start + length]

    types, strings = section(type_off, type_len), section(str_off, str_len)
    if strings and strings[-1] != 0:
        raise ValueError("strings do not end in NUL")
    types = hashlib.sha256(types).hexdigest()
    strings = hashlib.sha256(strings).hexdigest()
    both = "types sha256:%s\nstrings sha256:%s\n" % (types, strings)
    return tuple("sha256:" + d for d in (types, strings, hashlib.sha256(both.encode()).hexdigest()))


TOKEN = re.compile(r"kernel-btf\([A-Za-z0-9][A-Za-z0-9._+-]*:sha256:[0-9a-f]{64}\)")


def requirement(token, release):
    """What modules of a kernelrelease require of the base with that token."""
    kernel = "kernel-btf(uname-r:%s)" % release
    return "((%s with %s) if %s)" % (token, kernel, kernel)


REQUIREMENT = re.compile(
    r"\(\((kernel-btf\([^()]*\)) with kernel-btf\(uname-r:([^() ]+)\)\) if kernel-btf\(uname-r:([^() ]+)\)\)")


def is_requirement(name):
    m = REQUIREMENT.fullmatch(name)
    return TOKEN.fullmatch(m[1]) and m[2] == m[3] if m else TOKEN.fullmatch(name)


def table(order, types, strings, version=1, flags=0, extra=b"", type_off=0, str_off=None, gap=b"", tail=b""):
    if str_off is None:
        str_off = len(types) + len(gap)
    header = struct.pack(order + "HBBIIIII", 0xEB9F, version, flags, 24 + len(extra), type_off, len(types), str_off, len(strings))
    body = types + gap + strings if type_off == 0 else strings + types
    return header + extra + body + tail


def integer(order):  # INT "int" of 4 bytes, signed, 32 bits
    return struct.pack(order + "IIII", 1, 1 << 24, 4, 1 << 24 | 32)


names = b"\0int\0"
little, big = integer("<"), integer(">")
pointer = struct.pack("<III", 0, 2 << 24, 1)  # PTR to type 1

tables = [
    ("little-endian", "one INT, 4 bytes, signed", table("<", little, names)),
    ("big-endian", "the same, for a big-endian machine: the types differ, the strings do not", table(">", big, names)),
    ("longer header", "a header of 32 bytes (Linux 7.1): it plays no part, the digests are those of little-endian", table("<", little, names, extra=struct.pack("<II", 21, 0))),
    ("gap and tail", "bytes between and behind the sections: they play no part", table("<", little, names, gap=b"\xff\xff\xff", tail=b"\xff")),
    ("strings first", "the string section stands in front: the order plays no part", table("<", little, names, type_off=len(names), str_off=0)),
    ("split", "a module's table: its own sections only; its strings do not begin with NUL", table("<", pointer, b"m\0")),
    ("no types", "a base that holds nothing", table("<", b"", b"\0")),
    ("no strings", "a module's table without names of its own", table("<", pointer, b"")),
    ("unknown kind", "a type of kind 31: what the sections say plays no part", table("<", struct.pack("<III", 0, 31 << 24, 0), names)),
    ("short header", "a header of 8 bytes: the fields it has no room for are 0", struct.pack("<HBBI", 0xEB9F, 1, 0, 8)),
]
refused = [
    ("empty", b""),
    ("another magic", b"\x7fELF" + bytes(28)),
    ("a version that is not known", table("<", little, names, version=2)),
    ("a flag that is not known", table("<", little, names, flags=1)),
    ("a header that is cut off", table("<", little, names)[:7]),
    ("a header longer than the table", table("<", little, names)[:23]),
    ("a type section that is cut off", table("<", little, b"")[:-1]),
    ("a string section that is cut off", table("<", little, names)[:-1]),
    ("a string section far behind the end", table("<", little, names, str_off=0xFFFFFFFF)),
    ("strings that do not end in NUL", table("<", little, names[:-1])),
]

digest = fingerprint(tables[0][2])[2]
tokens = [(flavor, "kernel-btf(%s:%s)" % (flavor, digest)) for flavor in ("default", "64kb", "rt_debug", "cloud-amd64", "64k-debug")]
good = tokens[0][1]
no_tokens = [
    "", "kernel-btf", "kernel-btf()", " " + good, good + " ", good + "\n", good + " = 1", good.upper(),
    "kernel-btf(:%s)" % digest, "kernel-btf(-x:%s)" % digest, "kernel-btf(a b:%s)" % digest, "kernel-btf(a:b:%s)" % digest,
    good.replace("sha256:", ""), good.replace("sha256:", "sha512:"), good.replace(digest[-9:], digest[-9:].upper()),
    good[:-2] + ")", good[:-1] + "0)",
]

releases = ["5.15.12-1-default", "5.14.21-150400.22-64kb", "6.12.117+deb12-cloud-amd64"]
requirements = [(good, r, requirement(good, r)) for r in releases] + [(good, "", good)]  # the last is the plain form
rich = requirements[0][2]
no_requirements = [
    "kernel-btf(uname-r:%s)" % releases[0], rich[1:-1], rich + " ", "(" + rich + " or x)",
    rich.replace(releases[0], releases[1], 1), rich.replace("sha256", "md5"), rich.replace(" with ", " and "),
    rich.replace(releases[0], ""),
]

out = {"version": 1, "tables": [], "refused": [], "tokens": [], "no_tokens": no_tokens, "requirements": [], "no_requirements": no_requirements}
for name, about, data in tables:
    types, strings, both = fingerprint(data)
    out["tables"].append({"name": name, "about": about, "btf": data.hex(), "types": types, "strings": strings, "fingerprint": both})
for name, data in refused:
    try:
        fingerprint(data)
    except ValueError:
        out["refused"].append({"name": name, "btf": data.hex()})
    else:
        sys.exit("%s: has a fingerprint" % name)
for flavor, token in tokens:
    if not TOKEN.fullmatch(token):
        sys.exit("%s: is no token" % token)
    out["tokens"].append({"flavor": flavor, "fingerprint": digest, "token": token})
for name in no_tokens:
    if TOKEN.fullmatch(name):
        sys.exit("%r: is a token" % name)
for token, release, name in requirements:
    if not is_requirement(name):
        sys.exit("%s: is no requirement" % name)
    out["requirements"].append({"token": token, "kernelrelease": release, "requirement": name})
for name in no_requirements:
    if is_requirement(name):
        sys.exit("%r: is a requirement" % name)
json.dump(out, sys.stdout, indent=2)
print()
