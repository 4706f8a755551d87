// Who is signed in. Tokens live in the tabs that are open (sessionStorage, so that a reload keeps them) and are renewed
// before they expire; the password itself never leaves the page. A second tab asks the others, and who signs out in one
// of them is signed out in all.
//
//   await signIn(address, password);  await token()

import { ephemeral, proof } from "./srp.js";

const KEY = "early-results.session";
const ANSWERED = 150; // milliseconds that another tab takes at most to answer
const EARLY = 90_000; // milliseconds before its expiry that an access token is renewed
let config = null;
let current = read();
let renewing = null;
let asking = null;
let ask = null;

/** What Cognito refused, with a sentence that says what to do. */
export class SignInRefused extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** The sign-in server could not be reached. */
export class Unreachable extends Error {}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null; // something else wrote there: start afresh
  }
}

function keep(session) {
  current = session;
  if (session) sessionStorage.setItem(KEY, JSON.stringify(session));
  else sessionStorage.removeItem(KEY);
}

/** Settles where to sign in, and what asks a person whose session has ended to sign in again. */
export function configure(settings, askAgain) {
  config = settings;
  ask = askAgain;
}

const tabs = new BroadcastChannel(KEY); // the tabs of this page in this browser, and nobody else

tabs.onmessage = ({ data }) => {
  if (data.asks && current) tabs.postMessage({ session: current });
  if (data.session && !current) {
    keep(data.session);
    found?.();
  }
  if (data.left && current?.email === data.left) {
    keep(null);
    sessionStorage.clear();
    location.reload();
  }
};

let found = null;

/** The session of another tab, if this one has none: a tab that is open answers at once. */
export async function joinTabs() {
  if (current) return;
  const answered = new Promise((resolve) => (found = resolve));
  tabs.postMessage({ asks: true });
  await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, ANSWERED))]);
}

export const isSignedIn = () => current !== null;
export const email = () => current?.email ?? "";

const WORDS = {
  NotAuthorizedException: "That email address and password do not match. Please check both and try again.",
  UserNotFoundException: "That email address and password do not match. Please check both and try again.",
  PasswordResetRequiredException: "Your password must be reset. Choose ‘Forgotten your password?’ below.",
  UserNotConfirmedException: "Your account is not ready yet. Please contact support.",
  TooManyRequestsException: "Too many attempts. Please wait a minute and try again.",
  LimitExceededException: "Too many attempts. Please wait a few minutes and try again.",
  InvalidPasswordException:
    "That password is not strong enough: use at least 12 characters, with a capital letter, a small letter and a " +
    "number.",
  CodeMismatchException: "That code is not right. Please check the latest email we sent you.",
  ExpiredCodeException: "That code has expired. Please ask for a new one.",
};

// A code of an authenticator app is told from one in an email.
const APP_WORDS = {
  CodeMismatchException: "That code is not right. Please wait for the next one in your app, and type that.",
  EnableSoftwareTokenMFAException: "That code is not right. Please wait for the next one in your app, and type that.",
  ExpiredCodeException: "That took too long. Please sign in again.",
  NotAuthorizedException: "That took too long. Please sign in again.",
};

async function cognito(action, body, words = WORDS) {
  let response;
  try {
    response = await fetch(config.cognito, {
      method: "POST",
      headers: {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": `AWSCognitoIdentityProviderService.${action}`,
      },
      body: JSON.stringify(body),
      cache: "no-store",
      referrerPolicy: "no-referrer",
    });
  } catch {
    throw new Unreachable("We cannot reach the sign-in service. Check your internet connection and try again.");
  }
  const text = await response.text();
  const answer = text ? JSON.parse(text) : {};
  if (response.ok) return answer;
  const kind = String(answer.__type ?? "")
    .split("#")
    .pop();
  throw new SignInRefused(
    kind,
    words[kind] ?? WORDS[kind] ?? "We could not sign you in. Please try again, or contact support.",
  );
}

const respond = (challenge, session, answers, words) =>
  cognito(
    "RespondToAuthChallenge",
    { ClientId: config.client_id, ChallengeName: challenge, Session: session, ChallengeResponses: answers },
    words,
  );

/**
 * Signs in. Gives null once signed in, or what is asked for next: `asks` is "password" where the first sign-in wants a
 * new one and "code" where the account has an authenticator app; `give` is to be called with it, and gives the same.
 */
export async function signIn(address, password) {
  const name = address.trim();
  const pair = ephemeral();
  let answer = await cognito("InitiateAuth", {
    ClientId: config.client_id,
    AuthFlow: "USER_SRP_AUTH",
    AuthParameters: { USERNAME: name, SRP_A: pair.A.toString(16) },
  });
  if (answer.ChallengeName === "PASSWORD_VERIFIER")
    answer = await respond(
      "PASSWORD_VERIFIER",
      answer.Session,
      await proof(pair, answer.ChallengeParameters, config.user_pool, password),
    );
  return settle(answer, name);
}

function settle(answer, name) {
  if (answer.ChallengeName === "NEW_PASSWORD_REQUIRED") {
    const user = answer.ChallengeParameters?.USER_ID_FOR_SRP ?? name;
    const give = async (chosen) =>
      settle(await respond("NEW_PASSWORD_REQUIRED", answer.Session, { USERNAME: user, NEW_PASSWORD: chosen }), name);
    return { asks: "password", give };
  }
  if (answer.ChallengeName === "SOFTWARE_TOKEN_MFA") {
    const user = answer.ChallengeParameters?.USER_ID_FOR_SRP ?? name;
    const give = async (code) => {
      const answers = { USERNAME: user, SOFTWARE_TOKEN_MFA_CODE: digits(code) };
      return settle(await respond("SOFTWARE_TOKEN_MFA", answer.Session, answers, APP_WORDS), name);
    };
    return { asks: "code", give };
  }
  if (!answer.AuthenticationResult)
    throw new SignInRefused(
      "challenge",
      "This account needs a way of signing in that this page does not offer. Please contact support.",
    );
  accept(answer.AuthenticationResult, name);
  return null;
}

function accept(result, name) {
  keep({
    email: name,
    access: result.AccessToken,
    refresh: result.RefreshToken ?? current?.refresh,
    until: Date.now() + result.ExpiresIn * 1000,
  });
}

const digits = (code) => code.replace(/\s/g, "");

/** A new secret for an authenticator app. Nothing changes until a code of the app's has been given back. */
export async function beginCodes() {
  const { SecretCode: secret } = await cognito("AssociateSoftwareToken", { AccessToken: await token() });
  const label = encodeURIComponent(`Early Results:${email()}`);
  return { secret, link: `otpauth://totp/${label}?secret=${secret}&issuer=Early%20Results` };
}

/** From here on the account asks for a code at every sign-in. `code` is one that the app shows. */
export async function finishCodes(code) {
  const access = await token();
  await cognito("VerifySoftwareToken", { AccessToken: access, UserCode: digits(code) }, APP_WORDS);
  await cognito("SetUserMFAPreference", {
    AccessToken: access,
    SoftwareTokenMfaSettings: { Enabled: true, PreferredMfa: true },
  });
}

/** Asks Cognito to email a code to somebody who has forgotten their password. */
export const forgot = (address) => cognito("ForgotPassword", { ClientId: config.client_id, Username: address.trim() });

/** Sets a new password with the emailed code. */
export const reset = (address, code, password) =>
  cognito("ConfirmForgotPassword", {
    ClientId: config.client_id,
    Username: address.trim(),
    ConfirmationCode: code.trim(),
    Password: password,
  });

/** An access token that is good for a while. Renews it, or asks the person to sign in again, if need be. */
export async function token() {
  if (current && Date.now() < current.until - EARLY) return current.access;
  return renew();
}

/** A new access token, whatever the present one says: for when the API has refused it. One renewal at a time. */
export function renew() {
  renewing ??= renewOnce().finally(() => (renewing = null));
  return renewing;
}

async function renewOnce() {
  if (current?.refresh) {
    try {
      const answer = await cognito("InitiateAuth", {
        ClientId: config.client_id,
        AuthFlow: "REFRESH_TOKEN_AUTH",
        AuthParameters: { REFRESH_TOKEN: current.refresh },
      });
      accept(answer.AuthenticationResult, current.email);
      return current.access;
    } catch (error) {
      if (!(error instanceof SignInRefused)) throw error;
    }
  }
  return signInAgain();
}

/** The person signs in again over the page, so that nothing they chose is lost. One dialog at a time. */
export function signInAgain() {
  asking ??= ask(email()).finally(() => (asking = null));
  return asking.then(() => current.access);
}

/** Signs out: here at once, and the refresh token everywhere. */
export async function signOut() {
  const refresh = current?.refresh;
  if (current) tabs.postMessage({ left: current.email });
  keep(null);
  if (!refresh) return;
  try {
    await cognito("RevokeToken", { ClientId: config.client_id, Token: refresh });
  } catch (error) {
    // Signed out on this computer all the same.
    if (!(error instanceof SignInRefused || error instanceof Unreachable)) throw error;
  }
}
