/** The public REST API, and nothing else: every call of the page goes through here. */

import { Signal } from "./signal.js";

export const base = new URL(`${document.documentElement.dataset.api}/`, document.baseURI);
export const root = new URL("..", base);

/** The server has not let us do it; the message is its own. */
export class ApiError extends Error {
  /** @param {number} status 0: no answer @param {string} message @param {Headers} [headers] */
  constructor(status, message, headers) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** The session is over: said once for each call that was answered with 401. @type {Signal<void>} */
export const ended = new Signal();

/**
 * @param {string} path below the API @param {Record<string, any>} [query] lists are repeated, null is left out
 * @returns {URL}
 */
export function address(path, query = {}) {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined)
        url.searchParams.append(name, one instanceof Date ? one.toISOString() : String(one));
    }
  }
  return url;
}

/**
 * One call.
 * @param {string} method @param {URL} url
 * @param {{ json?: any, form?: Record<string, any>, anonymous?: boolean, signal?: AbortSignal }} [options]
 * @returns {Promise<Response>}
 */
async function call(method, url, { json, form, anonymous = false, signal } = {}) {
  const headers = new Headers({ Accept: "application/json, text/plain;q=0.9, */*;q=0.5" });
  let body;
  if (json !== undefined) {
    headers.set("Content-Type", "application/json");
    body = JSON.stringify(json);
  } else if (form) {
    body = new URLSearchParams(
      Object.entries(form).filter(([, value]) => value !== null && value !== undefined && value !== ""),
    );
  }
  let response;
  try {
    response = await fetch(url, { method, headers, body, signal, credentials: "same-origin" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "");
  }
  if (!response.ok) {
    const [line] = (await response.text()).split("\n");
    if (response.status === 401 && !anonymous) ended.say();
    throw new ApiError(response.status, line.replace(/^[\w.$]*(Exception|Error): /, ""), response.headers);
  }
  return response;
}

/** @param {Response} response */
async function value(response) {
  const text = await response.text();
  return text === "" ? null : JSON.parse(text);
}

export const api = {
  /** @param {string} path @param {Record<string, any>} [query] @param {any} [options] */
  get: async (path, query, options) => value(await call("GET", address(path, query), options)),
  /** A bare text. @param {string} path @param {any} options @param {Record<string, any>} [query] */
  text: async (path, options, query) => (await call("POST", address(path, query), options)).text(),
  /** @param {string} path @param {any} json @param {Record<string, any>} [query] */
  post: async (path, json, query) => value(await call("POST", address(path, query), { json })),
  /** Like `post`, with the status. @param {string} path @param {any} json */
  send: async (path, json) => {
    const response = await call("POST", address(path), { json });
    return { status: response.status, value: await value(response) };
  },
  /** @param {string} path @param {Record<string, any>} form */
  login: async (path, form) => value(await call("POST", address(path), { form, anonymous: true })),
  /** @param {string} path @param {any} json */
  put: async (path, json) => value(await call("PUT", address(path), { json })),
  /** @param {string} path @param {{ json?: any, query?: Record<string, any> }} [options] */
  remove: async (path, { json, query } = {}) => value(await call("DELETE", address(path, query), { json })),
  /** What a phone would send to the server. @param {Record<string, any>} report */
  report: async (report) => {
    const url = new URL(root);
    for (const [name, one] of Object.entries(report)) url.searchParams.append(name, String(one));
    await call("POST", url, { anonymous: true });
  },
};
