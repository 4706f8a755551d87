"""Telling a person what their file is, when it is not an Excel workbook."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NoReturn

from ..findings import Code
from .limits import Unreadable, damaged

SAVE_AS = (
    "Open it in Excel, choose File, Save As, and the type Excel Workbook (.xlsx); then upload the new file. "
    "Renaming a file does not change its type."
)
SEND_THE_FILE = "Upload the workbook itself."
TAKE_TEMPLATE = "Please upload the Excel workbook (.xlsx) with your results: the template that you filled in."

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# How a file begins, and what people call such a file.
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"{\\rtf", "a Rich Text (RTF) document"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"BM", "a picture (BMP)"),
    (b"II*\x00", "a picture (TIFF)"),
    (b"MM\x00*", "a picture (TIFF)"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\x00", "a database"),
    (b"\x00\x01\x00\x00Standard ", "an Access database"),
    (b"ID;P", "a SYLK file"),
)


def not_a_workbook(what: str, remedy: str = SAVE_AS) -> NoReturn:
    """Raises `not-a-workbook`. `what` finishes the sentence "The file is ..., not an Excel workbook"."""
    raise Unreadable(Code.NOT_A_WORKBOOK, f"The file is {what}, not an Excel workbook (.xlsx). {remedy}")


def old_excel(what: str) -> NoReturn:
    """Raises `old-excel`."""
    raise Unreadable(Code.OLD_EXCEL, f"The file is {what}, which we cannot read. {SAVE_AS}")


def encrypted() -> NoReturn:
    """Raises `encrypted`."""
    raise Unreadable(
        Code.ENCRYPTED,
        "The workbook is protected with a password, so we cannot read it. In Excel, choose File, Info, Protect "
        "Workbook, Encrypt with Password, clear the password, save, and upload again. The upload itself is encrypted.",
    )


def labelled() -> NoReturn:
    """Raises `encrypted` for a file that a sensitivity label or rights management encrypted, which has no password."""
    raise Unreadable(
        Code.ENCRYPTED,
        "The workbook is encrypted by a sensitivity label (or by rights management), so we cannot read it. There is no "
        "password to clear. In Excel, choose Home, Sensitivity, and a label that does not encrypt; or File, Info, "
        "Protect Workbook, Restrict Access, Unrestricted Access. Save, and upload again. The upload itself is "
        "encrypted.",
    )


def macros() -> NoReturn:
    """Raises `macros`."""
    raise Unreadable(
        Code.MACROS,
        "The workbook contains macros or is saved as a macro-enabled workbook (.xlsm), which we do not accept. In "
        "Excel, choose File, Save As, and the type Excel Workbook (.xlsx); then upload the new file.",
    )


def refuse_if_not_zip(data: bytes) -> None:
    """Returns if the file could be a zip, as every .xlsx is; otherwise raises Unreadable, saying what it is."""
    if data.startswith(b"PK"):
        return
    if not data:
        not_a_workbook("empty: it holds no data at all", "Save your workbook again in Excel, and upload that file.")
    if data.startswith(_OLE):
        _refuse_ole(data)
    if not data.strip(b"\x00"):
        damaged("the file holds nothing but zeros, as if it had not been fully saved or synchronised")
    if data[:1] == b"\x09" and data[1:2] in b"\x00\x02\x04\x08" and data[3:4] == b"\x00":
        old_excel("an Excel file of the 1990s (.xls)")
    _refuse_companion(data)
    for beginning, what in _BEGINNINGS:
        if data.startswith(beginning):
            remedy = TAKE_TEMPLATE if "archive" not in what else "Unpack it, and upload the workbook inside."
            not_a_workbook(what, remedy)
    _refuse_text(data)
    not_a_workbook("of a type we do not know")


def _refuse_ole(data: bytes) -> NoReturn:
    """Files of Office 97 to 2003, and the container that Office encrypts a workbook into."""

    def holds(*streams: str) -> bool:
        return any(stream.encode("utf-16-le") in data for stream in streams)

    if holds("DRMEncryptedTransform", "DRMEncryptedDataSpace", "DRMContent"):
        labelled()
    if holds("EncryptedPackage", "EncryptionInfo"):
        encrypted()
    if holds("WordDocument"):
        not_a_workbook("a Word document", TAKE_TEMPLATE)
    if holds("PowerPoint Document"):
        not_a_workbook("a PowerPoint presentation", TAKE_TEMPLATE)
    if holds("__nameid_version1.0"):
        not_a_workbook("an Outlook message", "Save the workbook that is attached to it, and upload that.")
    old_excel("an Excel 97-2003 workbook (.xls)")


def _refuse_companion(data: bytes) -> None:
    """Small files that programs put beside a workbook or in its place. People who drop a folder send them too."""
    if _is_owner_file(data):
        not_a_workbook(
            "one that Excel keeps beside a workbook while somebody has it open (its name begins with “~$”)",
            f"{SEND_THE_FILE} It has the same name without the “~$”; if it is open, save and close it first.",
        )
    if data.startswith((b"\x00\x05\x16\x07", b"\x00\x05\x16\x00")):
        not_a_workbook(
            "a companion that a Mac lays beside a file (its name begins with “._”)",
            f"{SEND_THE_FILE} It has the same name without the “._”.",
        )
    if data.startswith(b"\x00\x00\x00\x01Bud1"):
        not_a_workbook("one in which a Mac keeps how a folder looks (.DS_Store)", SEND_THE_FILE)
    if data.startswith(b"\x4c\x00\x00\x00\x01\x14\x02\x00"):
        not_a_workbook("a Windows shortcut to a file", "Upload the workbook that the shortcut leads to.")


def _is_owner_file(data: bytes) -> bool:
    """Whether it is Excel's lock file, which says twice who has the workbook open: in one and in two bytes a letter."""
    length = data[0]
    name = data[1 : 1 + length]
    return len(data) == 165 and 0 < length < 55 and data[55:57] == bytes((length, 0)) and b"\x00" not in name


def beside_a_workbook(name: str) -> bool:
    """Whether a file of that name is never a workbook itself, so that it can be left out when a folder is dropped.

    Such are the lock files of Excel and LibreOffice, a Mac's companion files, and files that systems keep in a folder.
    """
    return name.startswith(("~$", "._", ".~lock.")) or name.lower() in (".ds_store", "thumbs.db", "desktop.ini")


def _refuse_text(data: bytes) -> None:
    start = data[:4096]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = start.decode("utf-16", "replace")
    elif b"\x00" in start:
        return
    else:
        text = start.decode("utf-8-sig", "replace")
    head = text.lstrip().lower()
    if head.startswith("{") and ("doc_id" in head or "docs.google.com" in head):
        not_a_workbook(
            "a shortcut to a Google sheet: the sheet itself is not in it",
            "Open the sheet in Google Sheets, choose File, Download, Microsoft Excel (.xlsx), and upload that file.",
        )
    if head.startswith(("[internetshortcut]", "[desktop entry]")) or (".webloc" in head or "<key>url</key>" in head):
        not_a_workbook("a shortcut to a web page", "Open the page, download the workbook, and upload that.")
    if head.startswith(",") and "file:///" in head:
        not_a_workbook(
            "one that LibreOffice keeps beside a workbook while somebody has it open (its name begins with “.~lock”)",
            SEND_THE_FILE,
        )
    if head.startswith("<?xml") and ('progid="excel.sheet"' in head or "office:spreadsheet" in head):
        not_a_workbook("an XML spreadsheet of Excel 2003")
    if head.startswith(("<!doctype html", "<html", "<table", "<head", "<body")) or "<html" in head[:1024]:
        not_a_workbook("a web page (HTML), as some systems export under an Excel name")
    if head.startswith("<?xml"):
        not_a_workbook("an XML file")
    if head.startswith("mime-version:"):
        not_a_workbook("a web archive")
    unprintable = sum(1 for c in text if not c.isprintable() and c not in "\t\r\n\f\ufffd")
    if unprintable * 50 <= len(text):
        not_a_workbook("a text or CSV file")


def refuse_other_package(names: Collection[str], content_types: bytes, read: Callable[[str], bytes]) -> NoReturn:
    """Says what a zip without a workbook is. `names` are its parts in lower case, `read` gives a small part."""

    def any_starts(beginning: str) -> bool:
        return any(name.startswith(beginning) for name in names)

    if "mimetype" in names and b"opendocument.spreadsheet" in read("mimetype"):
        not_a_workbook("an OpenDocument spreadsheet (.ods)")
    if "mimetype" in names and b"opendocument" in read("mimetype"):
        not_a_workbook("an OpenDocument file", TAKE_TEMPLATE)
    if "xl/workbook.bin" in names:
        not_a_workbook("an Excel binary workbook (.xlsb)")
    if any_starts("word/") or b"wordprocessingml" in content_types:
        not_a_workbook("a Word document", TAKE_TEMPLATE)
    if any_starts("ppt/") or b"presentationml" in content_types:
        not_a_workbook("a PowerPoint presentation", TAKE_TEMPLATE)
    if (any_starts("index/") and any(name.endswith(".iwa") for name in names)) or "index.zip" in names:
        not_a_workbook(
            "an Apple Numbers, Pages or Keynote document",
            "In Numbers, choose File, Export To, Excel, and upload the exported file.",
        )
    if any(name.endswith((".xlsx", ".xls", ".xlsm", ".csv")) for name in names):
        not_a_workbook("a zip archive", "Unpack it, and upload the workbook inside.")
    if any_starts("xl/") or "[content_types].xml" in names:
        damaged("the part that lists its sheets is missing")
    not_a_workbook("a zip archive", TAKE_TEMPLATE)
