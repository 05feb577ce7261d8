// Owns every request to the server, and the words of its refusals.

/** A refusal of the server: its words and HTTP status. */
export class ApiError extends Error {
  /** @param {string} words @param {number} status @param {any} [body] */
  constructor(words, status, body) {
    super(words);
    this.status = status;
    this.body = body;
  }
}

/**
 * @typedef {object} Api
 * @property {(path: string, options?: RequestInit) => Promise<any>} json  the parsed answer; null for an empty one
 * @property {(path: string, options?: RequestInit) => Promise<Float32Array>} floats  little-endian float32
 * @property {(path: string, options?: RequestInit) => Promise<Float64Array>} doubles  little-endian float64
 * @property {(path: string, options?: RequestInit) => Promise<ArrayBuffer>} bytes
 * @property {(path: string, method: string, body: any, headers?: Record<string, string>) => Promise<any>} send  JSON in, JSON out
 */

/**
 * Helpers that throw ApiError on a refusal and tell `say` about it (never about an aborted request).
 * @param {(words: string, kind: string) => void} say
 * @param {() => string} unreachable  the words for a server that does not answer
 * @returns {Api}
 */
export function makeApi(say, unreachable) {
  /** @param {string} path @param {RequestInit} [options] */
  async function request(path, options) {
    let response;
    try {
      response = await fetch(path, { credentials: "same-origin", ...options });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      say(unreachable(), "error");
      throw new ApiError(unreachable(), 0);
    }
    if (response.ok) return response;
    const refusal = await refusalOf(response);
    say(refusal.message, "error");
    throw refusal;
  }
  const bytes = async (/** @type {string} */ path, /** @type {RequestInit | undefined} */ options) =>
    (await request(path, options)).arrayBuffer();
  return {
    bytes,
    json: async (path, options) => jsonOf(await request(path, options)),
    floats: async (path, options) => new Float32Array(await bytes(path, options)),
    doubles: async (path, options) => new Float64Array(await bytes(path, options)),
    send: async (path, method, body, headers) =>
      jsonOf(
        await request(path, {
          method,
          headers: { "content-type": "application/json", ...headers },
          body: body === undefined ? undefined : JSON.stringify(body),
        }),
      ),
  };
}

/** @param {Response} response */
async function jsonOf(response) {
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

/** @param {Response} response @returns {Promise<ApiError>} */
async function refusalOf(response) {
  const text = await response.text();
  try {
    const body = JSON.parse(text);
    return new ApiError(String(body.error ?? response.statusText), response.status, body);
  } catch {
    return new ApiError(text.slice(0, 200) || `${response.status} ${response.statusText}`, response.status);
  }
}
