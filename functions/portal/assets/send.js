// One file's bytes on their way to S3. Nothing is decided here.
//
//   await sendBytes(file, form.post, (part) => ...), which throws Lost or Refused

const STALLED = 60_000; // milliseconds without a byte moving before a connection counts as lost

/** The connection broke while bytes were on their way. */
export class Lost extends Error {}

/** S3 refused the form: `code` is its own word for why. */
export class Refused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

export async function readable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false; // moved, deleted or saved again since it was chosen
  }
}

export function sendBytes(file, form, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const data = new FormData();
    for (const [name, value] of Object.entries(form.fields)) data.append(name, value);
    data.append("file", file, "file.xlsx");
    let watch;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => request.abort(), STALLED);
    };
    const end = (settle) => () => {
      clearTimeout(watch);
      settle();
    };
    request.upload.onprogress = (event) => {
      alive();
      if (event.lengthComputable) onProgress(Math.min(event.loaded / event.total, 1));
    };
    request.onload = end(() => {
      if (request.status >= 200 && request.status < 300) resolve();
      else if (request.status >= 500) reject(new Lost());
      else reject(new Refused(/<Code>(\w+)<\/Code>/.exec(request.responseText)?.[1] ?? `status ${request.status}`));
    });
    request.onerror = request.onabort = request.ontimeout = end(() => reject(new Lost()));
    signal?.addEventListener("abort", () => request.abort());
    request.open("POST", form.url);
    alive();
    request.send(data);
  });
}
