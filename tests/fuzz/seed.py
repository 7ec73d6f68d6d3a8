#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes a seed for the fuzzer of a capture file: its blocks, unpacked, in the form that capture.c takes."""
import struct
import subprocess
import sys


def blocks(data):
    at = 16
    while at < len(data):
        kind, _flags, packed, _size, _crc, _head_crc = struct.unpack_from("<6I", data, at)
        yield kind, data[at + 24:at + 24 + packed]
        at += 24 + packed


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    with open(sys.argv[2], "wb") as seed:
        seed.write(b"\1")
        for kind, payload in blocks(data):
            message = subprocess.run(["zstd", "-dcq"], input=payload, capture_output=True, check=True).stdout
            seed.write(bytes([kind]) + len(message).to_bytes(3, "little") + message)


if __name__ == "__main__":
    main()
