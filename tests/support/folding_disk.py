"""A disk on which case doesn't count, as on Windows, macOS and memory cards: Photo is photo.

``unshare -m python folding_disk.py PLACE COMMAND ...`` mounts it at a folder, runs a command and
returns its status. It answers the kernel's requests (FUSE, linux/fuse.h) from a hidden folder.
"""

import ctypes
import errno
import os
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HEADER, OUT = struct.Struct("<IIQQIIII"), struct.Struct("<IiQ")
ATTR, ENTRY = struct.Struct("<6Q10I"), struct.Struct("<4Q2I")
LARGEST = 128 << 10
ROOT = 1
NO_REPLY = (2, 42)  # forget, batch forget


class FoldingDisk:
    """Answers requests from a folder: a name finds the entry that differs from it in case alone."""

    def __init__(self, folder):
        self.paths = {ROOT: os.fsencode(folder)}
        self.numbers = {}

    def find(self, parent, name):
        """The path of an entry, as it was first written."""
        folder = self.paths[parent]
        wanted = os.fsdecode(name).casefold()
        for other in os.listdir(folder):
            if os.fsdecode(other).casefold() == wanted:
                return os.path.join(folder, other)
        return os.path.join(folder, name)

    def answer(self, opcode, node, body):
        """The reply to a request, in bytes; OSError for one that fails."""
        if opcode not in ANSWERS:
            raise OSError(errno.ENOSYS, "no such call")
        return ANSWERS[opcode](self, node, body)

    def entry(self, path):
        status = os.lstat(path)
        number = self.numbers.setdefault(status.st_ino, len(self.numbers) + 2)
        self.paths[number] = path
        return ENTRY.pack(number, status.st_ino, 0, 0, 0, 0) + attributes(status)

    def lookup(self, node, body):
        return self.entry(self.find(node, body[:-1]))

    def getattr(self, node, body):
        return struct.pack("<QII", 0, 0, 0) + attributes(os.lstat(self.paths[node]))

    def setattr(self, node, body):
        valid, _, _, size, _, accessed, changed, _, *rest = struct.unpack_from("<IIQQQ3Q4I", body)
        accessed_ns, changed_ns, _, mode = rest
        path = self.paths[node]
        if valid & 1:
            os.chmod(path, mode & 0o7777)
        if valid & 8:
            os.truncate(path, size)
        if valid & 0x1B0:
            now = os.lstat(path)
            times = (accessed * 10**9 + accessed_ns, changed * 10**9 + changed_ns)
            if valid & 0x180:
                os.utime(path)
            else:
                kept = (now.st_atime_ns, now.st_mtime_ns)
                given = (valid & 16, valid & 32)
                pairs = zip(times, kept, given, strict=True)
                os.utime(path, ns=tuple(time if is_given else old for time, old, is_given in pairs))
        return self.getattr(node, body)

    def readlink(self, node, body):
        return os.readlink(self.paths[node])

    def symlink(self, node, body):
        name, target = body.split(b"\0")[:2]
        os.symlink(target, self.find(node, name))
        return self.lookup(node, name + b"\0")

    def mkdir(self, node, body):
        path = self.find(node, body[8:-1])
        os.mkdir(path, struct.unpack_from("<I", body)[0])
        return self.entry(path)

    def unlink(self, node, body):
        os.unlink(self.find(node, body[:-1]))
        return b""

    def rmdir(self, node, body):
        os.rmdir(self.find(node, body[:-1]))
        return b""

    def rename(self, node, body, start=8):
        old, new = body[start:].split(b"\0")[:2]
        source, target = self.find(node, old), self.find(struct.unpack_from("<Q", body)[0], new)
        if start == 16 and struct.unpack_from("<I", body, 8)[0]:
            raise OSError(errno.EINVAL, "no flags")
        os.rename(source, target)
        for number, path in self.paths.items():
            if path == source or path.startswith(source + b"/"):
                self.paths[number] = target + path[len(source) :]
        return b""

    def rename_with_flags(self, node, body):
        return self.rename(node, body, 16)

    def link(self, node, body):
        target = self.find(node, body[8:-1])
        os.link(self.paths[struct.unpack_from("<Q", body)[0]], target)
        return self.entry(target)

    def open(self, node, body):
        flags = struct.unpack_from("<I", body)[0] & ~(os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW)
        return struct.pack("<QII", os.open(self.paths[node], flags), 0, 0)

    def create(self, node, body):
        flags, mode = struct.unpack_from("<II", body)
        path = self.find(node, body[16:-1])
        fd = os.open(path, flags | os.O_CREAT, mode & 0o7777)
        return self.entry(path) + struct.pack("<QII", fd, 0, 0)

    def read(self, node, body):
        fd, offset, size = struct.unpack_from("<QQI", body)
        return os.pread(fd, size, offset)

    def write(self, node, body):
        fd, offset, size = struct.unpack_from("<QQI", body)
        return struct.pack("<II", os.pwrite(fd, body[40 : 40 + size], offset), 0)

    def statfs(self, node, body):
        return struct.pack(
            "<5Q10I", 1 << 20, 1 << 19, 1 << 19, 1 << 20, 1 << 19, 4096, 255, 4096, *[0] * 7
        )

    def release(self, node, body):
        os.close(struct.unpack_from("<Q", body)[0])
        return b""

    def fsync(self, node, body):
        os.fsync(struct.unpack_from("<Q", body)[0])
        return b""

    def nothing(self, node, body):
        return b""

    def init(self, node, body):
        ahead = struct.unpack_from("<IIII", body)[2]
        return struct.pack("<IIIIHHII", 7, 31, ahead, 0, 12, 9, LARGEST, 1) + bytes(36)

    def opendir(self, node, body):
        return struct.pack("<QII", 0, 0, 0)

    def readdir(self, node, body):
        _, offset, size = struct.unpack_from("<QQI", body)
        reply = b""
        names = [b".", b"..", *sorted(os.listdir(self.paths[node]))]
        for place, name in enumerate(names[offset:], offset + 1):
            entry = struct.pack("<QQII", place, place, len(name), 0) + name
            entry += bytes(-len(entry) % 8)
            if len(reply) + len(entry) > size:
                break
            reply += entry
        return reply


ANSWERS = {
    1: FoldingDisk.lookup,
    3: FoldingDisk.getattr,
    4: FoldingDisk.setattr,
    5: FoldingDisk.readlink,
    6: FoldingDisk.symlink,
    9: FoldingDisk.mkdir,
    10: FoldingDisk.unlink,
    11: FoldingDisk.rmdir,
    12: FoldingDisk.rename,
    13: FoldingDisk.link,
    14: FoldingDisk.open,
    15: FoldingDisk.read,
    16: FoldingDisk.write,
    17: FoldingDisk.statfs,
    18: FoldingDisk.release,
    20: FoldingDisk.fsync,
    25: FoldingDisk.nothing,  # flush
    26: FoldingDisk.init,
    27: FoldingDisk.opendir,
    28: FoldingDisk.readdir,
    29: FoldingDisk.nothing,  # releasedir
    30: FoldingDisk.nothing,  # fsyncdir
    34: FoldingDisk.nothing,  # access
    35: FoldingDisk.create,
    45: FoldingDisk.rename_with_flags,
}


def attributes(status):
    times = (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)
    seconds, rest = zip(*(divmod(time, 10**9) for time in times), strict=True)
    owner = (status.st_mode, status.st_nlink, status.st_uid, status.st_gid)
    blocks = status.st_blocks
    return ATTR.pack(status.st_ino, status.st_size, blocks, *seconds, *rest, *owner, 0, 4096, 0)


def serve(device, disk):
    """Answer until the disk is unmounted."""
    while True:
        try:
            request = os.read(device, LARGEST + 4096)
        except OSError:  # unmounted
            return
        _, opcode, unique, node, *_ = HEADER.unpack_from(request)
        if opcode in NO_REPLY:
            continue
        error, reply = 0, b""
        try:
            reply = disk.answer(opcode, node, request[HEADER.size :])
        except OSError as problem:
            error = -problem.errno
        os.write(device, OUT.pack(OUT.size + len(reply), error, unique) + reply)


def mount(device, place):
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
    if libc.mount(b"folding", os.fsencode(place), b"fuse.folding", 0, options.encode()):
        sys.exit(f"can't mount: {os.strerror(ctypes.get_errno())}")


def main():
    place, *words = sys.argv[1:]
    device = os.open("/dev/fuse", os.O_RDWR)
    mount(device, place)
    with tempfile.TemporaryDirectory() as hidden:
        disk = FoldingDisk(hidden)
        threading.Thread(target=serve, args=(device, disk), daemon=True).start()
        status = subprocess.run(words, check=False).returncode
        ctypes.CDLL(None).umount2(os.fsencode(Path(place)), 2)
    os._exit(status)


if __name__ == "__main__":
    main()
