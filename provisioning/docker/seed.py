"""The first files of an instance as an archive that the engine unpacks into its volume."""

from __future__ import annotations

import io
import tarfile
from typing import Final

from provisioning.driver import InstanceSpec
from provisioning.first_files import first_files

MARK: Final = ".wyoming-central-seeded"
"""The file that comes last: where it is, all others were unpacked, and belong to the owner."""


def archive_of(spec: InstanceSpec, *, user: str | None) -> bytes:
    """All first files, for their owner only.

    Args:
        spec: What they are made from.
        user: `UID:GID` of whom they are to belong to, or None for root.
    """
    uid, gid = _ids(user)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for folder in (".storage",):
            tar.addfile(_member(folder, uid, gid, kind=tarfile.DIRTYPE, mode=0o700))
        for path, content in {**first_files(spec), MARK: b""}.items():
            member = _member(path, uid, gid, kind=tarfile.REGTYPE, mode=0o600)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def _member(path: str, uid: int, gid: int, *, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.type, member.mode, member.uid, member.gid = kind, mode, uid, gid
    return member


def _ids(user: str | None) -> tuple[int, int]:
    uid, _, gid = (user or "0:0").partition(":")
    return int(uid), int(gid or uid)
