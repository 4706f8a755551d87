// What the address of the page says: which service's tab, which upload in full, which filters of the history. Pure.
//
//   read("#ks1-2023/01H...?status=UPLOAD_ERROR") gives { service, upload, filters };  written(...) is the other way

const SHAPE = /^#?([a-z0-9-]*)(?:\/([0-9A-Z]{26}))?(?:\?(.*))?$/;

export function read(hash) {
  const [, service = "", upload = null, query = ""] = SHAPE.exec(hash) ?? [];
  return { service, upload: upload ?? null, filters: Object.fromEntries(new URLSearchParams(query)) };
}

export function written({ service, upload = null, filters = {} }) {
  const kept = Object.entries(filters).filter(([, value]) => value);
  const query = kept.length ? `?${new URLSearchParams(kept)}` : "";
  return `#${service}${upload ? `/${upload}` : ""}${query}`;
}
