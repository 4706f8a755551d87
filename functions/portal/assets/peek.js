// Whose rows a workbook has, or whose a nil return is, read in the browser before anything is sent. Only a hint: the
// check has the last word.
//
//   const number = await schoolIn(file), "1231234" or null

import { settings } from "./settings.js";

const MOST = 3_000_000; // characters of a part that are read: the number stands in its first rows
const TAIL = 66_000; // bytes at a file's end in which its directory begins to be found
const CELL = /<(?:\w+:)?c\b([^>]*?)(?:\/>|>([\s\S]*?)<\/(?:\w+:)?c>)/g;
const TEXT = /<(?:\w+:)?t\b[^>]*>([\s\S]*?)<\/(?:\w+:)?t>/g;
const NIL = /^Early Results nil return\s+service: [^\n]+\nschool: (\d{7})\s*$/;
const HEADING = /^school\s*dfe/i;

/** The DfE number in the first filled row under the heading School DFE; null if that cannot be told. */
export async function schoolIn(file) {
  try {
    if (file.size <= settings.limits.nil_bytes) return NIL.exec(await file.text())?.[1] ?? null;
    const parts = await directory(file);
    const strings = await textsOf(file, parts.get("xl/sharedStrings.xml"));
    for (const [name, part] of parts) {
      if (!/^xl\/worksheets\/[^/]+\.xml$/.test(name)) continue;
      const number = numberUnder(await inflated(file, part), strings);
      if (number) return number;
    }
  } catch {
    // Not a workbook, or not one that this can read: the check says which.
  }
  return null;
}

/** The number under the heading, in a sheet's XML. */
export function numberUnder(xml, strings) {
  let column = null;
  for (const [, attributes, inner] of xml.matchAll(CELL)) {
    const [, letters] = /\br="([A-Z]+)\d+"/.exec(attributes) ?? [];
    const value = cellText(attributes, inner ?? "", strings);
    if (HEADING.test(value)) column = letters;
    else if (column && letters === column) {
      const found = /^'?(\d{3})[-–/ ]?(\d{4})(?:\.0)?$/.exec(value.trim());
      if (found) return found[1] + found[2];
    }
  }
  return null;
}

function cellText(attributes, inner, strings) {
  const [, value] = /<(?:\w+:)?v>([^<]*)</.exec(inner) ?? [];
  if (/\bt="s"/.test(attributes)) return strings[Number(value)] ?? "";
  return value ?? [...inner.matchAll(TEXT)].map(([, text]) => text).join("");
}

async function textsOf(file, part) {
  if (!part) return [];
  const xml = await inflated(file, part);
  const items = xml.matchAll(/<(?:\w+:)?si>([\s\S]*?)<\/(?:\w+:)?si>/g);
  return [...items].map(([, item]) => [...item.matchAll(TEXT)].map(([, text]) => text).join(""));
}

/** The parts of a zip file, by name. */
async function directory(file) {
  const tail = await view(file, Math.max(0, file.size - TAIL), file.size);
  let end = tail.byteLength - 22;
  while (tail.getUint32(end, true) !== 0x06054b50) end--; // a RangeError before the file's beginning: it is none
  const [size, start] = [tail.getUint32(end + 12, true), tail.getUint32(end + 16, true)];
  const list = await view(file, start, start + size);
  const parts = new Map();
  for (let at = 0; at + 46 <= list.byteLength; ) {
    const length = list.getUint16(at + 28, true);
    const name = new TextDecoder().decode(new Uint8Array(list.buffer, at + 46, length));
    parts.set(name, {
      method: list.getUint16(at + 10, true),
      size: list.getUint32(at + 20, true),
      offset: list.getUint32(at + 42, true),
    });
    at += 46 + length + list.getUint16(at + 30, true) + list.getUint16(at + 32, true);
  }
  return parts;
}

const view = async (file, start, end) => new DataView(await file.slice(start, end).arrayBuffer());

/** A part's text, as far as it is needed. */
async function inflated(file, { method, size, offset }) {
  const head = await view(file, offset, offset + 30);
  const start = offset + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const packed = file.slice(start, start + size).stream();
  const bytes = method === 8 ? packed.pipeThrough(new DecompressionStream("deflate-raw")) : packed;
  const reader = bytes.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (text.length < MOST) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
  }
  await reader.cancel();
  return text;
}
