// Signing in without sending the password: Cognito's SRP-6a (USER_SRP_AUTH), with BigInt and WebCrypto.
// The group is the 3072-bit one of RFC 5054 with generator 2; numbers are hashed as Cognito does, big-endian with a
// zero byte in front where the highest bit is set.
//
//   await proof(ephemeral(), parameters, pool, password)

const N = BigInt(
  "0x" +
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD" +
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED" +
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F" +
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B" +
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510" +
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7" +
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C" +
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
);
const G = 2n;
const encoder = new TextEncoder();

function power(base, exponent) {
  let result = 1n;
  for (let b = base % N, e = exponent; e > 0n; e >>= 1n, b = (b * b) % N) if (e & 1n) result = (result * b) % N;
  return result;
}

function padded(number) {
  let hex = number.toString(16);
  if (hex.length % 2) hex = "0" + hex;
  if (parseInt(hex.slice(0, 2), 16) > 127) hex = "00" + hex;
  return Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
}

function joined(...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const toNumber = (bytes) => BigInt("0x" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""));
const digest = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));

async function hmac(secret, message) {
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, message));
}

/** `Mon Nov 3 14:05:09 UTC 2026`: the only form that Cognito signs over. */
function timestamp(now) {
  const [weekday, date, month, year, clock] = now.toUTCString().replace(",", "").split(" ");
  return `${weekday} ${month} ${Number(date)} ${clock} UTC ${year}`;
}

/** The client's ephemeral pair: `a` secret, `A` to be sent as hexadecimal. */
export function ephemeral() {
  const a = toNumber(crypto.getRandomValues(new Uint8Array(128)));
  return { a, A: power(G, a) };
}

/** The answer to PASSWORD_VERIFIER. Throws if the server's number is one that only an impostor would send. */
export async function proof({ a, A }, parameters, userPool, password, now = new Date()) {
  const B = BigInt("0x" + parameters.SRP_B);
  const user = parameters.USER_ID_FOR_SRP;
  const pool = encoder.encode(userPool.split("_")[1] + user);
  const k = toNumber(await digest(padded(N), padded(G)));
  const u = toNumber(await digest(padded(A), padded(B)));
  if (B % N === 0n || u === 0n) throw new Error("the sign-in server answered wrongly");
  const inner = await digest(pool, encoder.encode(":" + password));
  const x = toNumber(await digest(padded(BigInt("0x" + parameters.SALT)), inner));
  const S = power((((B - k * power(G, x)) % N) + N) % N, a + u * x);
  const key = (await hmac(await hmac(padded(u), padded(S)), encoder.encode("Caldera Derived Key\u0001"))).slice(0, 16);
  const secret = Uint8Array.from(atob(parameters.SECRET_BLOCK), (letter) => letter.charCodeAt(0));
  const moment = timestamp(now);
  const signature = await hmac(key, joined(pool, secret, encoder.encode(moment)));
  return {
    USERNAME: user,
    PASSWORD_CLAIM_SECRET_BLOCK: parameters.SECRET_BLOCK,
    PASSWORD_CLAIM_SIGNATURE: btoa(String.fromCharCode(...signature)),
    TIMESTAMP: moment,
  };
}
