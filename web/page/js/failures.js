/** Which sentence fits an end that was not a hang-up. Pure. */

const OF_CODE = {
  1001: "stopping",
  1009: "failed",
  1011: "failed",
  1013: "full",
  4000: "idle",
  4001: "replaced",
  4004: "expired",
  4008: "slow",
  4029: "limited",
};
const OF_STATUS = { 401: "key_needed", 429: "limited", 503: "stopping" };
const OF_RECORD = { 0: "failure.server_gone", 404: "record.gone", 501: "record.no_pdf" };

/**
 * @param {number} code close code of the WebSocket
 * @param {boolean} wasOpen whether the call had begun
 * @returns {?string} a key under "failure"; null for a hang-up
 */
export function failureOfClose(code, wasOpen) {
  if (code === 1000) return null;
  return OF_CODE[code] ?? (wasOpen ? "lost" : "server_gone");
}

/**
 * @param {number} status of an HTTP answer; 0 where none came
 * @returns {?string} a key under "failure"; null if all is well
 */
export function failureOfStatus(status) {
  if (status >= 200 && status < 300) return null;
  if (status === 0) return "server_gone";
  return OF_STATUS[status] ?? "failed";
}

/**
 * Why the record of a call could not be changed or saved.
 *
 * @param {number} status of an HTTP answer; 0 where none came
 * @param {?string} code of the error in it
 * @returns {string} a key of the page's texts
 */
export function failureOfRecord(status, code) {
  if (status === 409) return code === "call_not_ended" ? "record.not_ended" : "record.not_struck";
  return OF_RECORD[status] ?? "record.failed";
}
